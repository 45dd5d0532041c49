// SPDX-License-Identifier: Apache-2.0
#include "consensus/statesync/write.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"

// A snapshot being written.
typedef struct {
    char folder[PATH_MAX]; // HEIGHT.part
    assay_writer chunk;    // the one being filled, with room for any
    size_t chunk_max;      // an entry that is larger stands alone
    assay_hash *hashes;    // [manifest.chunk_count], room for hash_room
    uint32_t hash_room;
    assay_statesync_manifest manifest;
} writing;

static assay_status name_join(char out[PATH_MAX], const char *folder, uint64_t height,
                              const char *suffix, assay_error *err) {
    char name[64];
    snprintf(name, sizeof name, "%llu%s", (ull)height, suffix);
    return assay_path_join(out, PATH_MAX, folder, name, err);
}

static assay_status chunk_join(char out[PATH_MAX], const char *folder, uint32_t index,
                               assay_error *err) {
    char name[16];
    snprintf(name, sizeof name, "%06u", index);
    return assay_path_join(out, PATH_MAX, folder, name, err);
}

assay_status assay_statesync_room(const char *folder, uint64_t bytes, assay_error *err) {
    assay_disk_space disk;
    ASSAY_TRY(assay_disk_space_get(&disk, folder, err));
    if (disk.size &&
        (disk.free < ASSAY_STATESYNC_RESERVE || disk.free - ASSAY_STATESYNC_RESERVE < bytes))
        return ASSAY_FAIL(
            err, DISK_FULL, "%llu MiB are free, a snapshot's next %llu and %d beside it are needed",
            (ull)(disk.free >> 20), (ull)(bytes >> 20), ASSAY_STATESYNC_RESERVE >> 20);
    return ASSAY_OK;
}

static assay_status chunk_end(writing *w, assay_error *err) {
    char path[PATH_MAX];
    assay_statesync_manifest *m = &w->manifest;
    if (m->chunk_count == ASSAY_STATESYNC_CHUNKS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "the state needs more than %d chunks",
                          ASSAY_STATESYNC_CHUNKS_MAX);
    if (m->chunk_count == w->hash_room) {
        uint32_t room = w->hash_room ? 2 * w->hash_room : 64;
        assay_hash *more = realloc(w->hashes, room * sizeof *more);
        if (!more) return ASSAY_FAIL(err, MEMORY, "no memory for %u hashes", room);
        w->hashes = more;
        w->hash_room = room;
    }
    ASSAY_ASSERT(!w->chunk.failed);
    ASSAY_TRY(assay_statesync_room(w->folder, w->chunk.size, err));
    ASSAY_TRY(chunk_join(path, w->folder, m->chunk_count, err));
    ASSAY_TRY(assay_file_replace(path, w->chunk.data, w->chunk.size, 0600, err));
    assay_sha256_of(&w->hashes[m->chunk_count++], w->chunk.data, w->chunk.size);
    m->byte_count += w->chunk.size;
    w->chunk.size = 0;
    return ASSAY_OK;
}

static assay_status chunks_write(writing *w, assay_snapshot *snapshot, const atomic_bool *stop,
                                 assay_error *err) {
    assay_store_position at;
    ASSAY_TRY(assay_snapshot_seek(snapshot, &at, "", 0, 0, err));
    while (at.key_size > 0 && at.key[0] < ASSAY_STORE_AUX) {
        size_t size = assay_statesync_entry_size(at.key_size, at.value.size);
        if (size > ASSAY_STATESYNC_ENTRY_MAX)
            return ASSAY_FAIL(err, CORRUPT, "an entry of table 0x%02x is too large", at.key[0]);
        if (w->chunk.size && w->chunk.size + size > w->chunk_max) ASSAY_TRY(chunk_end(w, err));
        if (stop && *stop) return ASSAY_FAIL(err, STOPPED, "the node is stopping");
        assay_statesync_entry_write(&w->chunk, (assay_bytes){at.key, at.key_size}, at.value);
        w->manifest.entry_count++;
        ASSAY_TRY(assay_snapshot_next(snapshot, &at, err));
    }
    return chunk_end(w, err);
}

static assay_status manifest_save(const writing *w, assay_error *err) {
    char path[PATH_MAX];
    assay_writer writer;
    ASSAY_TRY(assay_statesync_room(w->folder, ASSAY_STATESYNC_MANIFEST_MAX, err));
    size_t room = ASSAY_STATESYNC_HEAD_MAX + (size_t)w->manifest.chunk_count * ASSAY_HASH_SIZE;
    uint8_t *data = malloc(room);
    if (!data) return ASSAY_FAIL(err, MEMORY, "no memory for a manifest");
    assay_writer_init(&writer, data, room);
    assay_statesync_manifest_write(&writer, &w->manifest);
    ASSAY_ASSERT(!writer.failed);
    assay_status status = assay_path_join(path, sizeof path, w->folder, "manifest", err);
    if (status == ASSAY_OK) status = assay_file_replace(path, data, writer.size, 0600, err);
    free(data);
    return status;
}

// The files are on disk; now they get their name.
static assay_status folder_publish(const char *part, const char *whole, assay_error *err) {
    char parent[PATH_MAX];
    if (rename(part, whole) != 0)
        return assay_fail_errno(err, errno, "cannot rename %s to %s", part, whole);
    snprintf(parent, sizeof parent, "%s", whole);
    *strrchr(parent, '/') = 0; // whole was joined from a folder and a name
    return assay_folder_sync(parent, err);
}

static assay_status all_write(writing *w, const char *whole, assay_snapshot *snapshot,
                              const atomic_bool *stop, assay_error *err) {
    const assay_reader reader = assay_reader_of_snapshot(snapshot);
    ASSAY_TRY(assay_folder_make(w->folder, err));
    ASSAY_TRY(assay_history_peaks_get(&w->manifest.history, &reader, err));
    ASSAY_TRY(chunks_write(w, snapshot, stop, err));
    w->manifest.chunks = w->hashes;
    assay_hash app_hash;
    assay_statesync_app_hash(&app_hash, &w->manifest);
    if (!assay_hash_equal(&app_hash, &w->manifest.app_hash))
        return ASSAY_FAIL(err, CORRUPT, "the state's roots do not give its app hash");
    ASSAY_TRY(manifest_save(w, err));
    return folder_publish(w->folder, whole, err);
}

assay_status assay_statesync_write(const char *folder, assay_snapshot *snapshot,
                                   const assay_hash *genesis, uint32_t chunk_max,
                                   const atomic_bool *stop, assay_error *err) {
    char whole[PATH_MAX];
    const assay_store_tip *tip = assay_snapshot_tip(snapshot);
    writing w = {.manifest = {.genesis = *genesis,
                              .height = tip->height,
                              .state_root = tip->state_root,
                              .app_hash = tip->app_hash}};
    ASSAY_ASSERT(tip->committed && chunk_max <= ASSAY_STATESYNC_CHUNK_MAX);
    ASSAY_TRY(name_join(whole, folder, tip->height, "", err));
    ASSAY_TRY(name_join(w.folder, folder, tip->height, ".part", err));
    if (access(whole, F_OK) == 0) return ASSAY_FAIL(err, EXISTS, "%s is there already", whole);
    assay_folder_remove(w.folder);
    uint8_t *data = malloc(ASSAY_STATESYNC_CHUNK_MAX);
    if (!data) return ASSAY_FAIL(err, MEMORY, "no memory for a chunk");
    assay_writer_init(&w.chunk, data, ASSAY_STATESYNC_CHUNK_MAX);
    w.chunk_max = chunk_max ? chunk_max : ASSAY_STATESYNC_CHUNK_MAX;
    assay_status status = all_write(&w, whole, snapshot, stop, err);
    if (status != ASSAY_OK) assay_folder_remove(w.folder);
    free(w.hashes);
    free(data);
    return status;
}

static assay_status chunks_look(const assay_statesync_manifest *m, const char *whole,
                                assay_error *err) {
    char path[PATH_MAX];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < m->chunk_count; i++) {
        struct stat file;
        ASSAY_TRY(chunk_join(path, whole, i, err));
        if (stat(path, &file) != 0) return assay_fail_errno(err, errno, "cannot look at %s", path);
        bytes += (uint64_t)file.st_size;
    }
    if (bytes != m->byte_count)
        return ASSAY_FAIL(err, CORRUPT, "the chunks of %s have %llu bytes, its manifest says %llu",
                          whole, (ull)bytes, (ull)m->byte_count);
    return ASSAY_OK;
}

assay_status assay_statesync_open(assay_statesync_manifest *out, uint8_t **data, size_t *size,
                                  const char *folder, uint64_t height, assay_error *err) {
    char path[PATH_MAX], whole[PATH_MAX];
    ASSAY_TRY(name_join(whole, folder, height, "", err));
    ASSAY_TRY(name_join(path, folder, height, "/manifest", err));
    ASSAY_TRY(assay_file_read(path, ASSAY_STATESYNC_MANIFEST_MAX, data, size, err));
    assay_status status = assay_statesync_manifest_read(out, *data, *size, err);
    if (status == ASSAY_OK && out->height != height)
        status = ASSAY_FAIL(err, MISMATCH, "%s is of height %llu", path, (ull)out->height);
    if (status == ASSAY_OK) status = chunks_look(out, whole, err);
    if (status == ASSAY_OK) return ASSAY_OK;
    free(*data);
    *data = NULL;
    return status;
}

assay_status assay_statesync_read(uint8_t **data, size_t *size, const char *folder, uint64_t height,
                                  uint32_t index, const assay_hash *hash, assay_error *err) {
    char whole[PATH_MAX], path[PATH_MAX];
    assay_hash found;
    ASSAY_TRY(name_join(whole, folder, height, "", err));
    ASSAY_TRY(chunk_join(path, whole, index, err));
    ASSAY_TRY(assay_file_read(path, ASSAY_STATESYNC_CHUNK_MAX, data, size, err));
    assay_sha256_of(&found, *data, *size);
    if (assay_hash_equal(&found, hash)) return ASSAY_OK;
    free(*data);
    *data = NULL;
    return ASSAY_FAIL(err, CORRUPT, "%s is not what its manifest says", path);
}

assay_status assay_statesync_remove(const char *folder, uint64_t height, assay_error *err) {
    char whole[PATH_MAX], part[PATH_MAX];
    ASSAY_TRY(name_join(whole, folder, height, "", err));
    ASSAY_TRY(name_join(part, folder, height, ".part", err));
    assay_folder_remove(part);
    if (rename(whole, part) != 0 && errno != ENOENT)
        return assay_fail_errno(err, errno, "cannot remove %s", whole);
    assay_folder_remove(part);
    return ASSAY_OK;
}
