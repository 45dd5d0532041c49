// SPDX-License-Identifier: Apache-2.0
//   idle ──offer──▶ taking (next = 0) ──apply next──▶ taking (next + 1)
//                     │                    └─apply the last: rooted, compared, adopted──▶ done
//                     └──a lie, a failure, another offer──▶ idle, the folder removed
//
// Invariants, each with its test in tests/consensus/statesync/test_restore.c:
//  R1 the app has its old state or the whole restored one, at every moment
//     (killed_at_every_write)
//  R2 what becomes the state has the trusted app hash, and nothing else beside what follows from it
//     (lies_are_found)
//  R3 no chunk is looked into before its bytes have the manifest's hash (wrong_chunks)
//  R4 memory and disk are bounded by what the manifest says, its entries and its bytes, which is
//     compared with what there is before anything is taken (too_large); no more of either
//     is looked into, nor entries that no rule writes (lies_are_found)
//  R5 what has lied is not taken up again (lies_are_remembered)
#include "consensus/statesync/restore.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "ledger/restore.h"
#include "ledger/state/keys.h"

// LMDB's pages beside the entries themselves.
enum { DISK_FACTOR = 3, DISK_FIX = 64 << 20 };
enum { PEER_ID_MAX = 40 };

struct assay_statesync_restore {
    assay_statesync_restore_options options;
    char folder[PATH_MAX];
    uint8_t *data; // [size] of the manifest; NULL: idle
    size_t size;
    assay_statesync_manifest manifest;
    assay_store_load *load;
    uint32_t next;
    assay_hash wrong[ASSAY_STATESYNC_WRONG_MAX]; // [wrong_count] hashes of their senders
    uint32_t wrong_count;
    uint64_t entries, bytes;
    assay_hash lies[ASSAY_STATESYNC_LIES_MAX]; // hashes of manifests, [lie_count] in a ring
    uint32_t lie_count;
};

static void drop(assay_statesync_restore *restore) {
    assay_store_load_close(restore->load);
    restore->load = NULL;
    free(restore->data);
    restore->data = NULL;
    assay_folder_remove(restore->folder);
}

assay_status assay_statesync_restore_open(assay_statesync_restore **out,
                                          const assay_statesync_restore_options *options,
                                          assay_error *err) {
    *out = NULL;
    size_t length = strlen(options->folder);
    if (length >= PATH_MAX)
        return ASSAY_FAIL(err, CAPACITY, "path of %zu characters, limit %d", length, PATH_MAX - 1);
    assay_statesync_restore *restore = calloc(1, sizeof *restore);
    if (!restore) return ASSAY_FAIL(err, MEMORY, "no memory for a restore");
    restore->options = *options;
    memcpy(restore->folder, options->folder, length + 1);
    drop(restore);
    *out = restore;
    return ASSAY_OK;
}

void assay_statesync_restore_close(assay_statesync_restore *restore) {
    if (!restore) return;
    drop(restore);
    free(restore);
}

void assay_statesync_restore_progress(const assay_statesync_restore *restore, uint32_t *done,
                                      uint32_t *total) {
    *done = restore->data ? restore->next : 0;
    *total = restore->data ? restore->manifest.chunk_count : 0;
}

// --- the offer ---

// What CometBFT was told by a peer against what the manifest says.
static assay_status offer_check(const assay_statesync_restore *restore,
                                const assay_statesync_snapshot *snapshot, assay_bytes app_hash,
                                const assay_statesync_manifest *m, assay_error *err) {
    const assay_genesis *genesis = assay_app_genesis(restore->options.app);
    assay_hash hash;
    assay_sha256_of(&hash, snapshot->metadata.data, snapshot->metadata.size);
    if (snapshot->hash.size != ASSAY_HASH_SIZE ||
        memcmp(snapshot->hash.data, hash.bytes, ASSAY_HASH_SIZE) != 0)
        return ASSAY_FAIL(err, MISMATCH, "the snapshot's hash is not that of its manifest");
    if (snapshot->height != m->height || snapshot->chunks != m->chunk_count)
        return ASSAY_FAIL(err, MISMATCH, "the snapshot is of height %llu, its manifest of %llu",
                          (ull)snapshot->height, (ull)m->height);
    if (!assay_hash_equal(&m->genesis, &genesis->hash))
        return ASSAY_FAIL(err, MISMATCH, "the snapshot is another chain's");
    if (app_hash.size != ASSAY_HASH_SIZE ||
        memcmp(app_hash.data, m->app_hash.bytes, ASSAY_HASH_SIZE) != 0)
        return ASSAY_FAIL(err, MISMATCH, "the snapshot's app hash is not the trusted one");
    for (uint32_t i = 0; i < restore->lie_count && i < ASSAY_STATESYNC_LIES_MAX; i++)
        if (assay_hash_equal(&restore->lies[i], &hash))
            return ASSAY_FAIL(err, EXISTS, "the snapshot has been found false before");
    return ASSAY_OK;
}

// Counts of a manifest that is read are small enough for the products: at most 2^40 bytes, and no
// more entries.
static assay_status memory_check(const assay_statesync_restore *restore, uint64_t entry_count,
                                 assay_error *err) {
    uint64_t limit = restore->options.memory;
    uint64_t needed = entry_count * ASSAY_STATESYNC_ENTRY_MEMORY;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (!limit && pages > 0 && page > 0) limit = (uint64_t)pages * (uint64_t)page / 2;
    if (limit && needed > limit)
        return ASSAY_FAIL(
            err, CAPACITY,
            "a state of %llu entries may need %llu bytes of memory, %llu may be taken",
            (ull)entry_count, (ull)needed, (ull)limit);
    return ASSAY_OK;
}

static assay_status room_check(const assay_statesync_restore *restore, uint64_t byte_count,
                               uint64_t entry_count, assay_error *err) {
    assay_disk_space disk;
    uint64_t needed =
        byte_count * DISK_FACTOR + entry_count * ASSAY_STATESYNC_ENTRY_DISK + DISK_FIX;
    if (restore->options.map_size && needed > restore->options.map_size)
        return ASSAY_FAIL(err, CAPACITY, "a state of %llu bytes may need %llu, the map has %llu",
                          (ull)byte_count, (ull)needed, (ull)restore->options.map_size);
    ASSAY_TRY(assay_disk_space_get(&disk, restore->folder, err));
    if (disk.size && needed > disk.free) // a file system that tells no size has room
        return ASSAY_FAIL(err, DISK_FULL, "a state of %llu bytes may need %llu, %llu are free",
                          (ull)byte_count, (ull)needed, (ull)disk.free);
    return ASSAY_OK;
}

static assay_status load_begin(assay_statesync_restore *restore, assay_error *err) {
    const assay_statesync_restore_options *own = &restore->options;
    const assay_store_options options = {
        .map_size = own->map_size, .pool = own->pool, .skip_sync = own->skip_sync};
    return assay_store_load_open(&restore->load, restore->folder,
                                 &assay_app_genesis(own->app)->hash, &options, err);
}

static assay_statesync_offer offer_take(assay_statesync_restore *restore,
                                        const assay_statesync_snapshot *snapshot,
                                        assay_bytes app_hash, assay_error *err) {
    assay_statesync_manifest *m = &restore->manifest;
    const assay_bytes *metadata = &snapshot->metadata;
    if (snapshot->format != ASSAY_STATESYNC_FORMAT) {
        assay_fail(err, ASSAY_VERSION, 0, "snapshot of format %u, this program knows %d",
                   snapshot->format, ASSAY_STATESYNC_FORMAT);
        return ASSAY_STATESYNC_OFFER_REJECT_FORMAT;
    }
    // Looked at where it is: a copy is made of what is worth keeping.
    if (assay_statesync_manifest_read(m, metadata->data, metadata->size, err) != ASSAY_OK ||
        offer_check(restore, snapshot, app_hash, m, err) != ASSAY_OK)
        return ASSAY_STATESYNC_OFFER_REJECT;
    uint8_t *copy = malloc(metadata->size);
    if (!copy) {
        assay_fail(err, ASSAY_MEMORY, 0, "no memory for a manifest");
        return ASSAY_STATESYNC_OFFER_ABORT;
    }
    memcpy(copy, metadata->data, metadata->size);
    restore->data = copy;
    restore->size = metadata->size;
    assay_status status = assay_statesync_manifest_read(m, copy, metadata->size, err);
    ASSAY_ASSERT(status == ASSAY_OK);
    if (assay_folder_make(restore->folder, err) != ASSAY_OK) return ASSAY_STATESYNC_OFFER_ABORT;
    if (memory_check(restore, m->entry_count, err) != ASSAY_OK ||
        room_check(restore, m->byte_count, m->entry_count, err) != ASSAY_OK)
        return ASSAY_STATESYNC_OFFER_REJECT;
    if (load_begin(restore, err) != ASSAY_OK) return ASSAY_STATESYNC_OFFER_ABORT;
    return ASSAY_STATESYNC_OFFER_ACCEPT;
}

assay_statesync_offer assay_statesync_restore_offer(assay_statesync_restore *restore,
                                                    const assay_statesync_snapshot *snapshot,
                                                    assay_bytes app_hash, assay_error *err) {
    drop(restore);
    restore->next = restore->wrong_count = 0;
    restore->entries = restore->bytes = 0;
    if (assay_app_replaceable(restore->options.app, err) != ASSAY_OK)
        return ASSAY_STATESYNC_OFFER_ABORT;
    assay_statesync_offer result = offer_take(restore, snapshot, app_hash, err);
    if (result != ASSAY_STATESYNC_OFFER_ACCEPT) drop(restore);
    return result;
}

// --- the chunks ---

static bool is_chunk(const assay_statesync_restore *restore, uint32_t index, assay_bytes chunk) {
    assay_hash hash;
    if (chunk.size > ASSAY_STATESYNC_CHUNK_MAX) return false;
    assay_sha256_of(&hash, chunk.data, chunk.size);
    return assay_hash_equal(&hash, &restore->manifest.chunks[index]);
}

bool assay_statesync_is_lie(assay_status status) {
    return status == ASSAY_TRUNCATED || status == ASSAY_RANGE || status == ASSAY_FORMAT ||
           status == ASSAY_ORDER || status == ASSAY_MISMATCH;
}

// Whose fault: the world's, or the manifest's, which vouched for these bytes. A state that finds no
// room, on disk or in memory, is given up for another: a node that ended would take it up again.
static assay_statesync_apply fault_of(assay_status status) {
    bool room = status == ASSAY_CAPACITY || status == ASSAY_DISK_FULL || status == ASSAY_MEMORY;
    return room || assay_statesync_is_lie(status) ? ASSAY_STATESYNC_APPLY_REJECT_SNAPSHOT
                                                  : ASSAY_STATESYNC_APPLY_ABORT;
}

// Before drop, which frees the manifest. CometBFT remembers too, but by what a peer says of it.
static void lie_remember(assay_statesync_restore *restore) {
    assay_hash *at = &restore->lies[restore->lie_count++ % ASSAY_STATESYNC_LIES_MAX];
    assay_sha256_of(at, restore->data, restore->size);
}

// What no rule writes is refused where it stands, before gigabytes of it are loaded.
static assay_status entry_check(const assay_statesync_restore *restore, assay_bytes key,
                                assay_bytes value, assay_error *err) {
    uint64_t count = restore->manifest.entry_count;
    if (restore->entries == count)
        return ASSAY_FAIL(err, MISMATCH, "more entries than the manifest's %llu", (ull)count);
    if (key.size > ASSAY_RECORD_KEY_MAX)
        return ASSAY_FAIL(err, RANGE, "an entry of table 0x%02x has a key of %zu bytes, limit %d",
                          key.data[0], key.size, ASSAY_RECORD_KEY_MAX);
    if (key.size > ASSAY_RECORD_KEY_FEW && key.size + value.size < ASSAY_RECORD_LEAST)
        return ASSAY_FAIL(err, RANGE, "an entry of table 0x%02x has %zu bytes, the least have %d",
                          key.data[0], key.size + value.size, ASSAY_RECORD_LEAST);
    return ASSAY_OK;
}

static assay_status entries_put(assay_statesync_restore *restore, assay_bytes chunk,
                                assay_error *err) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, chunk.data, chunk.size);
    restore->bytes += chunk.size;
    if (restore->bytes > restore->manifest.byte_count)
        return ASSAY_FAIL(err, MISMATCH, "more bytes than the manifest's %llu",
                          (ull)restore->manifest.byte_count);
    while (assay_cursor_left(&cursor) > 0) {
        assay_bytes key, value;
        ASSAY_TRY(assay_statesync_entry_read(&key, &value, &cursor, err));
        ASSAY_TRY(entry_check(restore, key, value, err));
        ASSAY_TRY(
            assay_store_load_put(restore->load, key.data, key.size, value.data, value.size, err));
        restore->entries++;
    }
    return assay_store_load_pause(restore->load, err); // the next chunk may be another thread's
}

static assay_status state_finish(assay_statesync_restore *restore, assay_error *err) {
    const assay_statesync_manifest *m = &restore->manifest;
    assay_app *app = restore->options.app;
    assay_hash root;
    if (restore->entries != m->entry_count || restore->bytes != m->byte_count)
        return ASSAY_FAIL(
            err, MISMATCH, "%llu entries of %llu bytes, the manifest says %llu of %llu",
            (ull)restore->entries, (ull)restore->bytes, (ull)m->entry_count, (ull)m->byte_count);
    ASSAY_TRY(assay_store_load_root(restore->load, &root, err));
    if (!assay_hash_equal(&root, &m->state_root))
        return ASSAY_FAIL(err, MISMATCH, "the entries do not give the manifest's state root");
    ASSAY_TRY(assay_restore_finish(restore->load, &assay_app_genesis(app)->params, m->height,
                                   &m->history, &m->app_hash, err));
    assay_store_load_close(restore->load);
    restore->load = NULL;
    return ASSAY_OK;
}

// A peer's id is hexadecimal digits, which its operator has to bar: CometBFT hears it out.
static int peer_id_length(assay_bytes sender) {
    int length = 0;
    while ((size_t)length < sender.size && length < PEER_ID_MAX &&
           memchr("0123456789abcdef", sender.data[length], 16))
        length++;
    return length;
}

// Takes note of who sent what the manifest does not name. CometBFT takes chunks that it did not ask
// for, and of one peer as many as it sends: that one alone must not make us give up a snapshot.
// Returns: false where they are too many.
static bool wrong_add(assay_statesync_restore *restore, assay_bytes sender) {
    assay_hash hash;
    assay_sha256_of(&hash, sender.data, sender.size);
    for (uint32_t i = 0; sender.size && i < restore->wrong_count; i++)
        if (assay_hash_equal(&restore->wrong[i], &hash)) return true;
    if (restore->wrong_count == ASSAY_STATESYNC_WRONG_MAX) return false;
    restore->wrong[restore->wrong_count++] = hash;
    return true;
}

assay_statesync_apply assay_statesync_restore_apply(assay_statesync_restore *restore,
                                                    uint32_t index, assay_bytes chunk,
                                                    assay_bytes sender, assay_error *err) {
    uint32_t count = restore->data ? restore->manifest.chunk_count : 0;
    if (index >= count || index > restore->next || index + 1 < restore->next) {
        assay_fail(err, ASSAY_ORDER, 0, "chunk %u of %u, the next is %u", index, count,
                   restore->next);
        drop(restore);
        return ASSAY_STATESYNC_APPLY_RETRY_SNAPSHOT;
    }
    if (!is_chunk(restore, index, chunk)) {
        assay_fail(err, ASSAY_MISMATCH, 0,
                   "chunk %u of %zu bytes from peer \"%.*s\" is not the manifest's", index,
                   chunk.size, peer_id_length(sender), (const char *)sender.data);
        if (wrong_add(restore, sender)) return ASSAY_STATESYNC_APPLY_RETRY;
        drop(restore);
        return ASSAY_STATESYNC_APPLY_REJECT_SNAPSHOT;
    }
    if (index < restore->next) return ASSAY_STATESYNC_APPLY_ACCEPT; // once more the same
    assay_status status = entries_put(restore, chunk, err);
    restore->next++;
    if (status == ASSAY_OK && restore->next < count) return ASSAY_STATESYNC_APPLY_ACCEPT;
    if (status == ASSAY_OK) status = state_finish(restore, err);
    assay_statesync_apply result =
        status == ASSAY_OK ? ASSAY_STATESYNC_APPLY_ACCEPT : fault_of(status);
    if (assay_statesync_is_lie(status)) lie_remember(restore);
    // The state is the chain's: what fails now is this machine.
    if (status == ASSAY_OK && assay_app_adopt(restore->options.app, restore->folder, err))
        result = ASSAY_STATESYNC_APPLY_ABORT;
    drop(restore);
    return result;
}
