// SPDX-License-Identifier: Apache-2.0
#include "ledger/state/store_db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"

enum {
    READERS_DEFAULT = 512,
    SLACK = 16 << 20, // bytes of sparse file kept after the last page
    RECORD_SIZE = 4 + 32 + 1 + 8 + 32 + 32,
};
static const uint64_t map_size_default = 64ull << 30;
static const char record_key[] = "store";

assay_status assay_db_fail(assay_error *err, int code, const char *what) {
    switch (code) {
    case MDB_MAP_FULL:
        return ASSAY_FAIL(err, CAPACITY, "%s: the state is full, raise map_gib in config.json",
                          what);
    case MDB_READERS_FULL:
        return ASSAY_FAIL(err, BUSY,
                          "%s: too many snapshots are open, lower connections_max in config.json",
                          what);
    case MDB_TXN_FULL:
        return ASSAY_FAIL(err, CAPACITY, "%s: the block changes too much at once", what);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
        return ASSAY_FAIL(err, CORRUPT, "%s: %s", what, mdb_strerror(code));
    case EFBIG:
        return ASSAY_FAIL(err, DISK_FULL, "%s: the file may not grow further", what);
    default:
        if (code > 0) return assay_fail_errno(err, code, "%s", what);
        return ASSAY_FAIL(err, IO, "%s: %s", what, mdb_strerror(code));
    }
}

// LMDB allows many processes; the rules allow one writer.
assay_status assay_store_lock(int *out, const char *folder, bool make, assay_error *err) {
    return assay_folder_lock(out, folder, "writer.lock", make, err);
}

static assay_status file_sizes(const assay_db *db, uint64_t *needed, uint64_t *present, int *fd,
                               assay_error *err) {
    MDB_envinfo info;
    MDB_stat table;
    struct stat file;
    int code = mdb_env_get_fd(db->env, fd);
    if (code == 0) code = mdb_env_info(db->env, &info);
    if (code == 0) code = mdb_env_stat(db->env, &table);
    if (code == 0 && fstat(*fd, &file) != 0) code = errno;
    if (code) return assay_db_fail(err, code, "cannot measure the store");
    *needed = ((uint64_t)info.me_last_pgno + 1) * table.ms_psize;
    *present = (uint64_t)file.st_size;
    return ASSAY_OK;
}

assay_status assay_db_extend(const assay_db *db, assay_error *err) {
    uint64_t needed, present;
    int fd;
    ASSAY_TRY(file_sizes(db, &needed, &present, &fd, err));
    if (present >= needed + SLACK / 2) return ASSAY_OK;
    if (ftruncate(fd, (off_t)(needed + SLACK)) != 0 && errno != EFBIG)
        return assay_fail_errno(err, errno, "cannot extend the store's file");
    return ASSAY_OK;
}

assay_status assay_db_write_fail(const assay_db *db, assay_error *err, int code, const char *what) {
    uint64_t needed, present;
    int fd;
    struct rlimit limit;
    struct statvfs disk;
    if (code == EIO && file_sizes(db, &needed, &present, &fd, NULL) == ASSAY_OK) {
        if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < present + SLACK) code = EFBIG;
        if (fstatvfs(fd, &disk) == 0 && disk.f_bavail * (uint64_t)disk.f_frsize < SLACK)
            code = ENOSPC;
    }
    return assay_db_fail(err, code, what);
}

static assay_status env_open(assay_db *db, const char *folder, const assay_store_options *options,
                             assay_error *err) {
    unsigned flags = MDB_NOTLS;
    if (options->read_only) flags |= MDB_RDONLY;
    if (options->skip_sync) flags |= MDB_NOSYNC;
    uint64_t map_size = options->map_size ? options->map_size : map_size_default;
    unsigned readers = options->reader_max ? options->reader_max : READERS_DEFAULT;
    int code = mdb_env_create(&db->env);
    if (code == 0) code = mdb_env_set_maxdbs(db->env, 3);
    if (code == 0) code = mdb_env_set_maxreaders(db->env, readers);
    if (code == 0) code = mdb_env_set_mapsize(db->env, map_size);
    if (code == 0) code = mdb_env_open(db->env, folder, flags, 0600);
    if (code) return assay_db_fail(err, code, "cannot open the store");
    // Pages past the end of the file would end the process when touched.
    uint64_t needed, present;
    int fd, dead;
    ASSAY_TRY(file_sizes(db, &needed, &present, &fd, err));
    if (present < needed)
        return ASSAY_FAIL(err, CORRUPT, "%s/data.mdb has %llu bytes, its pages need %llu", folder,
                          (ull)present, (ull)needed);
    if (options->read_only) return ASSAY_OK;
    code = mdb_reader_check(db->env, &dead);
    if (code) return assay_db_fail(err, code, "cannot clear the store's reader slots");
    return assay_db_extend(db, err);
}

assay_status assay_db_record_read(const assay_db *db, MDB_txn *txn, assay_store_tip *tip,
                                  assay_error *err) {
    MDB_val key = {sizeof record_key - 1, (void *)record_key}, value;
    int code = mdb_get(txn, db->store, &key, &value);
    if (code == MDB_NOTFOUND) return ASSAY_FAIL(err, NOT_FOUND, "the store has no record yet");
    if (code) return assay_db_fail(err, code, "cannot read the store's record");
    assay_cursor cursor;
    assay_hash genesis;
    assay_cursor_init(&cursor, value.mv_data, value.mv_size);
    uint32_t version = assay_cursor_u32(&cursor);
    if (!cursor.failed && version > ASSAY_STORE_VERSION)
        return ASSAY_FAIL(err, VERSION, "store of schema %u, this program knows up to %d", version,
                          ASSAY_STORE_VERSION);
    assay_cursor_hash(&cursor, &genesis);
    uint8_t committed = assay_cursor_u8(&cursor);
    tip->height = assay_cursor_u64(&cursor);
    assay_cursor_hash(&cursor, &tip->state_root);
    assay_cursor_hash(&cursor, &tip->app_hash);
    tip->committed = committed == 1;
    if (version == 0 || committed > 1 || assay_cursor_finish(&cursor, "record", NULL) != ASSAY_OK)
        return ASSAY_FAIL(err, CORRUPT, "the store's record of %zu bytes is damaged",
                          value.mv_size);
    if (!assay_hash_equal(&genesis, &db->genesis))
        return ASSAY_FAIL(err, MISMATCH, "the store belongs to the chain of genesis %02x%02x%02x…",
                          genesis.bytes[0], genesis.bytes[1], genesis.bytes[2]);
    return ASSAY_OK;
}

assay_status assay_db_record_write(const assay_db *db, MDB_txn *txn, const assay_store_tip *tip,
                                   assay_error *err) {
    uint8_t data[RECORD_SIZE];
    assay_writer writer;
    assay_writer_init(&writer, data, sizeof data);
    assay_writer_u32(&writer, ASSAY_STORE_VERSION);
    assay_writer_hash(&writer, &db->genesis);
    assay_writer_u8(&writer, tip->committed);
    assay_writer_u64(&writer, tip->height);
    assay_writer_hash(&writer, &tip->state_root);
    assay_writer_hash(&writer, &tip->app_hash);
    ASSAY_ASSERT(!writer.failed && writer.size == RECORD_SIZE);
    MDB_val key = {sizeof record_key - 1, (void *)record_key}, value = {sizeof data, data};
    int code = mdb_put(txn, db->store, &key, &value, 0);
    return code ? assay_db_fail(err, code, "cannot write the store's record") : ASSAY_OK;
}

static assay_status record_check(const assay_db *db, MDB_txn *txn, bool read_only,
                                 assay_error *err) {
    MDB_stat entries;
    assay_store_tip tip = {0};
    assay_error why = {0};
    int code = mdb_stat(txn, db->entries, &entries);
    if (code) return assay_db_fail(err, code, "cannot open the store's tables");
    assay_status status = assay_db_record_read(db, txn, &tip, &why);
    if (status == ASSAY_NOT_FOUND && entries.ms_entries)
        return ASSAY_FAIL(err, CORRUPT, "the store has entries but no record");
    if (status == ASSAY_NOT_FOUND && !read_only) return assay_db_record_write(db, txn, &tip, err);
    return status == ASSAY_OK ? ASSAY_OK : assay_error_pass(err, &why);
}

// A new environment gets its tables and its record in one commit.
static assay_status tables_open(assay_db *db, bool read_only, assay_error *err) {
    MDB_txn *txn = NULL;
    unsigned create = read_only ? 0 : MDB_CREATE;
    int code = mdb_txn_begin(db->env, NULL, read_only ? MDB_RDONLY : 0, &txn);
    if (code == 0) code = mdb_dbi_open(txn, "store", create, &db->store);
    if (code == 0) code = mdb_dbi_open(txn, "entries", create, &db->entries);
    if (code == 0) code = mdb_dbi_open(txn, "tree", create, &db->tree);
    assay_status status;
    if (code == MDB_NOTFOUND)
        status = ASSAY_FAIL(err, NOT_FOUND, "the folder holds no store yet");
    else if (code)
        status = assay_db_fail(err, code, "cannot open the store's tables");
    else
        status = record_check(db, txn, read_only, err);
    if (status != ASSAY_OK) {
        if (txn) mdb_txn_abort(txn);
        return status;
    }
    code = mdb_txn_commit(txn); // of a read-only txn too: it keeps the table handles
    return code ? assay_db_fail(err, code, "cannot make the store's tables") : ASSAY_OK;
}

assay_status assay_db_open(assay_db *db, const char *folder, const assay_hash *genesis,
                           const assay_store_options *options, assay_error *err) {
    *db = (assay_db){.genesis = *genesis};
    if (!options->read_only) {
        ASSAY_TRY(assay_folder_make(folder, err));
        ASSAY_TRY(assay_store_lock(&db->lock_fd, folder, true, err));
        db->locked = true;
    }
    ASSAY_TRY(env_open(db, folder, options, err));
    ASSAY_TRY(tables_open(db, options->read_only, err));
    if (options->read_only) return ASSAY_OK;
    // The first commit's files must outlive a power cut as much as its contents.
    ASSAY_TRY(assay_folder_sync(folder, err));
    return assay_db_extend(db, err);
}

void assay_db_close(assay_db *db) {
    if (db->env) mdb_env_close(db->env);
    if (db->locked) close(db->lock_fd);
    *db = (assay_db){0};
}

assay_status assay_db_view_open(assay_db_view *view, const assay_db *db, assay_error *err) {
    *view = (assay_db_view){.db = db};
    int code = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &view->txn);
    if (code == 0) code = mdb_cursor_open(view->txn, db->entries, &view->cursor);
    if (code == 0) code = mdb_cursor_open(view->txn, db->tree, &view->tree);
    if (code == 0) return ASSAY_OK;
    assay_db_view_close(view);
    return assay_db_fail(err, code, "cannot open a view of the store");
}

void assay_db_view_close(assay_db_view *view) {
    if (view->tree) mdb_cursor_close(view->tree);
    if (view->cursor) mdb_cursor_close(view->cursor);
    if (view->txn) mdb_txn_abort(view->txn);
    *view = (assay_db_view){0};
}

static assay_status found_set(int code, const MDB_val *found, assay_bytes *value,
                              assay_error *err) {
    *value = code ? (assay_bytes){NULL, 0} : (assay_bytes){found->mv_data, found->mv_size};
    if (code && code != MDB_NOTFOUND) return assay_db_fail(err, code, "cannot read the store");
    return ASSAY_OK;
}

assay_status assay_db_view_get(const assay_db_view *view, const void *key, size_t key_size,
                               assay_bytes *value, assay_error *err) {
    MDB_val name = {key_size, (void *)key}, found;
    return found_set(mdb_get(view->txn, view->db->entries, &name, &found), &found, value, err);
}

assay_status assay_db_view_step(const assay_db_view *view, const void *from, size_t from_size,
                                bool after, assay_bytes *key, assay_bytes *value,
                                assay_error *err) {
    MDB_val at = {0}, found = {0};
    int code = MDB_NOTFOUND;
    if (from_size == 0) {
        code = mdb_cursor_get(view->cursor, &at, &found, MDB_FIRST);
    } else {
        bool there = after && mdb_cursor_get(view->cursor, &at, &found, MDB_GET_CURRENT) == 0 &&
                     at.mv_size == from_size && memcmp(at.mv_data, from, from_size) == 0;
        if (!there) {
            at = (MDB_val){from_size, (void *)from};
            code = mdb_cursor_get(view->cursor, &at, &found, MDB_SET_RANGE);
            there = after && code == 0 && at.mv_size == from_size &&
                    memcmp(at.mv_data, from, from_size) == 0;
        }
        if (there) code = mdb_cursor_get(view->cursor, &at, &found, MDB_NEXT);
    }
    *key = *value = (assay_bytes){NULL, 0};
    if (code == MDB_NOTFOUND) return ASSAY_OK;
    if (code) return assay_db_fail(err, code, "cannot step through the store");
    *key = (assay_bytes){at.mv_data, at.mv_size};
    *value = (assay_bytes){found.mv_data, found.mv_size};
    return ASSAY_OK;
}

assay_status assay_db_tree_read(void *view, const uint8_t *key, size_t key_size, assay_bytes *value,
                                assay_error *err) {
    const assay_db_view *from = view;
    MDB_val name = {key_size, (void *)key}, found;
    return found_set(mdb_cursor_get(from->tree, &name, &found, MDB_SET_KEY), &found, value, err);
}
