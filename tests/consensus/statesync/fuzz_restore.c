// SPDX-License-Identifier: Apache-2.0
// Whatever entries a stranger puts into chunks that its manifest vouches for: they are refused as
// its lie, never as this machine's trouble, and never become the state (E-65, E-66). Where the
// state root is theirs too, as of a chain whose validators all lie, they are a state that restarts,
// or records that no rule wrote (E-61). A byte of flags, a chunk's size, then the chunks, the last
// one with what is left.
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "consensus/statesync/restore.h"
#include "ledger/state/smt_node.h"

enum { CHUNKS_MAX = 8, HEIGHT = 7 };
enum { // flags
    FLAG_ENTRIES = 1,
    FLAG_BYTES = 2,
    FLAG_AGAIN = 4,
    FLAG_WRONG = 8,
    FLAG_ROOT = 16,    // the state root is that of the entries, and chunks end where entries do
    FLAG_HISTORY = 32, // the history has leaves
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// One node without a state serves all inputs that leave it so.
static struct {
    char folder[40], state[56], restoring[56];
    assay_genesis genesis;
    assay_app *app;
    assay_statesync_restore *restore;
} node;

static const assay_app_options app_options = {.skip_sync = true, .map_size = 1 << 28};

static void node_close(void) {
    if (!node.restore) return;
    assay_statesync_restore_close(node.restore);
    assay_app_close(node.app);
    assay_folder_remove(node.folder);
    node.app = NULL;
    node.restore = NULL;
}

static void node_open(void) {
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(node.folder, sizeof node.folder, "%s/assay_fuzz_XXXXXX", memory);
    ASSAY_ASSERT(mkdtemp(node.folder) != NULL);
    snprintf(node.state, sizeof node.state, "%s/state", node.folder);
    snprintf(node.restoring, sizeof node.restoring, "%s/restoring", node.folder);
    assay_params_init(&node.genesis.params);
    ASSAY_ASSERT(assay_app_open(&node.app, node.state, &node.genesis, &app_options, NULL) ==
                 ASSAY_OK);
    const assay_statesync_restore_options options = {
        .app = node.app, .folder = node.restoring, .map_size = 1 << 28, .skip_sync = true};
    ASSAY_ASSERT(assay_statesync_restore_open(&node.restore, &options, NULL) == ASSAY_OK);
}

// Reads an entry of an input that may end within one.
static bool entry_next(assay_cursor *cursor, assay_bytes *key, assay_bytes *value) {
    return assay_cursor_left(cursor) > 0 &&
           assay_statesync_entry_read(key, value, cursor, NULL) == ASSAY_OK;
}

static uint64_t entries_count(assay_bytes chunk) {
    assay_cursor cursor;
    assay_bytes key, value;
    uint64_t count = 0;
    assay_cursor_init(&cursor, chunk.data, chunk.size);
    while (entry_next(&cursor, &key, &value))
        count++;
    return count;
}

// The root of all entries, by the tree's plain rules; of no meaning if they are not in order, as
// the restore will find. Returns: whether they are.
static bool root_make(assay_hash *root, assay_bytes all) {
    assay_cursor cursor;
    assay_bytes key, value, last = {0};
    assay_tree_leaf *leaves = calloc(all.size / ASSAY_STATESYNC_ENTRY_MIN + 1, sizeof *leaves);
    size_t count = 0;
    bool rising = true;
    ASSAY_ASSERT(leaves);
    assay_cursor_init(&cursor, all.data, all.size);
    while (rising && entry_next(&cursor, &key, &value)) {
        size_t common = key.size < last.size ? key.size : last.size;
        int order = common ? memcmp(last.data, key.data, common) : 0;
        rising = order < 0 || (order == 0 && last.size < key.size);
        last = key;
        assay_tree_leaf *leaf = &leaves[count++];
        assay_hash value_hash;
        assay_sha256_of(&leaf->path, key.data, key.size);
        assay_sha256_of(&value_hash, value.data, value.size);
        assay_smt_leaf(&leaf->leaf, &leaf->path, &value_hash);
    }
    if (rising) {
        assay_tree_leaves_sort(leaves, count);
        assay_tree_leaves_hash(root, leaves, count, 0);
    }
    free(leaves);
    return rising;
}

// Where the chunk at `data` ends: behind `step` bytes, or the entry that has the last of them.
static size_t chunk_end(const uint8_t *data, size_t left, size_t step, bool whole) {
    assay_cursor cursor;
    assay_bytes key, value;
    if (left <= step) return left;
    if (!whole) return step;
    assay_cursor_init(&cursor, data, left);
    while (left - assay_cursor_left(&cursor) < step && entry_next(&cursor, &key, &value)) {
    }
    return cursor.failed ? left : left - assay_cursor_left(&cursor);
}

// Offers the manifest that fits the chunks, up to the flags. Returns: whether it was accepted.
static bool offer(assay_statesync_manifest *m, const assay_bytes *chunks, uint8_t flags) {
    static uint8_t bytes[ASSAY_STATESYNC_HEAD_MAX + CHUNKS_MAX * ASSAY_HASH_SIZE];
    assay_hash hashes[CHUNKS_MAX], hash;
    assay_writer writer;
    assay_error err = {0};
    m->chunks = hashes;
    for (uint32_t i = 0; i < m->chunk_count; i++) {
        m->entry_count += entries_count(chunks[i]) + !!(flags & FLAG_ENTRIES);
        m->byte_count += chunks[i].size + !!(flags & FLAG_BYTES);
        assay_sha256_of(&hashes[i], chunks[i].data, chunks[i].size);
    }
    if (flags & FLAG_HISTORY)
        m->history = (assay_merkle_peaks){.count = 5, .peak_count = 2, .peaks = {{{2}}, {{3}}}};
    assay_statesync_app_hash(&m->app_hash, m);
    assay_writer_init(&writer, bytes, sizeof bytes);
    assay_statesync_manifest_write(&writer, m);
    ASSAY_ASSERT(!writer.failed);
    assay_sha256_of(&hash, bytes, writer.size);
    const assay_statesync_snapshot snapshot = {.height = m->height,
                                               .format = ASSAY_STATESYNC_FORMAT,
                                               .chunks = m->chunk_count,
                                               .hash = {hash.bytes, sizeof hash},
                                               .metadata = {bytes, writer.size}};
    assay_statesync_offer result = assay_statesync_restore_offer(
        node.restore, &snapshot, (assay_bytes){m->app_hash.bytes, sizeof m->app_hash}, &err);
    ASSAY_ASSERT(result == ASSAY_STATESYNC_OFFER_ACCEPT ||
                 (result == ASSAY_STATESYNC_OFFER_REJECT && err.text[0]));
    return result == ASSAY_STATESYNC_OFFER_ACCEPT;
}

// Applies them in order, up to the flags, until one is refused. Returns: the last one's result.
static assay_statesync_apply apply(const assay_bytes *chunks, uint32_t count, uint8_t flags,
                                   assay_error *err) {
    static const assay_bytes wrong = {(const uint8_t *)"wrong", 5};
    assay_statesync_apply result = ASSAY_STATESYNC_APPLY_ACCEPT;
    for (uint32_t i = 0; i < count && result == ASSAY_STATESYNC_APPLY_ACCEPT; i++) {
        if (flags & FLAG_WRONG)
            ASSAY_ASSERT(assay_statesync_restore_apply(node.restore, i, wrong,
                                                       (assay_bytes){NULL, 0},
                                                       NULL) == ASSAY_STATESYNC_APPLY_RETRY);
        if (flags & FLAG_AGAIN && i > 0)
            ASSAY_ASSERT(assay_statesync_restore_apply(node.restore, i - 1, chunks[i - 1],
                                                       (assay_bytes){NULL, 0},
                                                       NULL) == ASSAY_STATESYNC_APPLY_ACCEPT);
        result =
            assay_statesync_restore_apply(node.restore, i, chunks[i], (assay_bytes){NULL, 0}, err);
    }
    return result;
}

// The node has the manifest's state, whole, and has it again when it is started again.
static void state_check(const assay_statesync_manifest *m) {
    assay_app_info info;
    assay_snapshot *snapshot;
    assay_app_info_get(node.app, &info);
    ASSAY_ASSERT(info.initialised && info.height == m->height &&
                 assay_hash_equal(&info.app_hash, &m->app_hash));
    ASSAY_ASSERT(assay_app_snapshot(node.app, &snapshot, NULL) == ASSAY_OK);
    ASSAY_ASSERT(assay_hash_equal(&assay_snapshot_tip(snapshot)->state_root, &m->state_root) &&
                 assay_snapshot_check(snapshot, NULL) == ASSAY_OK);
    assay_snapshot_close(snapshot);
    assay_app_close(node.app);
    ASSAY_ASSERT(assay_app_open(&node.app, node.state, &node.genesis, &app_options, NULL) ==
                 ASSAY_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool begun;
    assay_bytes chunks[CHUNKS_MAX];
    assay_statesync_manifest m = {.height = HEIGHT, .state_root = {{1}}};
    assay_app_info info;
    assay_error err = {0};
    if (!begun) atexit(node_close);
    begun = true;
    if (!node.restore) node_open();
    if (size < 3) return 0;
    size_t at = 2, step = (size_t)data[1] + 1;
    bool own = data[0] & FLAG_ROOT;
    while (at < size) {
        bool last = m.chunk_count + 1 == CHUNKS_MAX;
        size_t take = last ? size - at : chunk_end(data + at, size - at, step, own);
        chunks[m.chunk_count++] = (assay_bytes){data + at, take};
        at += take;
    }
    if (own) own = root_make(&m.state_root, (assay_bytes){data + 2, size - 2});
    if (!offer(&m, chunks, data[0])) return 0;
    assay_statesync_apply result = apply(chunks, m.chunk_count, data[0], &err);
    if (result == ASSAY_STATESYNC_APPLY_ACCEPT) {
        ASSAY_ASSERT(own);
        state_check(&m);
        node_close();
        return 0;
    }
    assay_app_info_get(node.app, &info);
    ASSAY_ASSERT(!info.initialised && err.text[0]);
    bool damaged = err.status == ASSAY_CORRUPT || err.status == ASSAY_NOT_FOUND;
    ASSAY_ASSERT(result == ASSAY_STATESYNC_APPLY_REJECT_SNAPSHOT ||
                 (result == ASSAY_STATESYNC_APPLY_ABORT && own && damaged));
    return 0;
}
