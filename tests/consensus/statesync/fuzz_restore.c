// SPDX-License-Identifier: Apache-2.0
// Whatever entries a stranger puts into chunks that its manifest vouches for: they are refused as
// its lie, never as this machine's trouble, and never become the state (E-65, E-66). A byte of
// flags, a chunk's size, then the chunks, the last one with what is left.
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "consensus/statesync/restore.h"

enum { CHUNKS_MAX = 8, FLAG_ENTRIES = 1, FLAG_BYTES = 2, FLAG_AGAIN = 4, FLAG_WRONG = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// One node without a state serves all inputs: none of them may change it.
static struct {
    char folder[32], state[48], restoring[48];
    assay_genesis genesis;
    assay_app *app;
    assay_statesync_restore *restore;
} node;

static void node_close(void) {
    assay_statesync_restore_close(node.restore);
    assay_app_close(node.app);
    assay_folder_remove(node.folder);
}

static void node_open(void) {
    const assay_app_options app = {.skip_sync = true, .map_size = 1 << 28};
    snprintf(node.folder, sizeof node.folder, "/tmp/assay_fuzz_XXXXXX");
    ASSAY_ASSERT(mkdtemp(node.folder) != NULL);
    snprintf(node.state, sizeof node.state, "%s/state", node.folder);
    snprintf(node.restoring, sizeof node.restoring, "%s/restoring", node.folder);
    assay_params_init(&node.genesis.params);
    ASSAY_ASSERT(assay_app_open(&node.app, node.state, &node.genesis, &app, NULL) == ASSAY_OK);
    const assay_statesync_restore_options options = {
        .app = node.app, .folder = node.restoring, .map_size = 1 << 28, .skip_sync = true};
    ASSAY_ASSERT(assay_statesync_restore_open(&node.restore, &options, NULL) == ASSAY_OK);
    atexit(node_close);
}

static uint64_t entries_count(assay_bytes chunk) {
    assay_cursor cursor;
    assay_bytes key, value;
    uint64_t count = 0;
    assay_cursor_init(&cursor, chunk.data, chunk.size);
    while (assay_cursor_left(&cursor) > 0 &&
           assay_statesync_entry_read(&key, &value, &cursor, NULL) == ASSAY_OK)
        count++;
    return count;
}

// Offers the manifest that fits the chunks, up to the flags. Returns: whether it was accepted.
static bool offer(const assay_bytes *chunks, uint32_t count, uint8_t flags) {
    static uint8_t bytes[ASSAY_STATESYNC_HEAD_MAX + CHUNKS_MAX * ASSAY_HASH_SIZE];
    assay_hash hashes[CHUNKS_MAX], hash;
    assay_statesync_manifest m = {
        .height = 7, .state_root = {{1}}, .chunk_count = count, .chunks = hashes};
    assay_writer writer;
    assay_error err = {0};
    for (uint32_t i = 0; i < count; i++) {
        m.entry_count += entries_count(chunks[i]) + !!(flags & FLAG_ENTRIES);
        m.byte_count += chunks[i].size + !!(flags & FLAG_BYTES);
        assay_sha256_of(&hashes[i], chunks[i].data, chunks[i].size);
    }
    assay_statesync_app_hash(&m.app_hash, &m);
    assay_writer_init(&writer, bytes, sizeof bytes);
    assay_statesync_manifest_write(&writer, &m);
    ASSAY_ASSERT(!writer.failed);
    assay_sha256_of(&hash, bytes, writer.size);
    const assay_abci_snapshot snapshot = {.height = m.height,
                                          .format = ASSAY_STATESYNC_FORMAT,
                                          .chunks = count,
                                          .hash = {hash.bytes, sizeof hash},
                                          .metadata = {bytes, writer.size}};
    assay_statesync_offer result = assay_statesync_restore_offer(
        node.restore, &snapshot, (assay_bytes){m.app_hash.bytes, sizeof m.app_hash}, &err);
    ASSAY_ASSERT(result == ASSAY_STATESYNC_OFFER_ACCEPT ||
                 (result == ASSAY_STATESYNC_OFFER_REJECT && err.text[0]));
    return result == ASSAY_STATESYNC_OFFER_ACCEPT;
}

// Applies them in order, up to the flags, until one is refused, as the last is at the latest.
static void apply(const assay_bytes *chunks, uint32_t count, uint8_t flags) {
    static const assay_bytes wrong = {(const uint8_t *)"wrong", 5};
    assay_statesync_apply result = ASSAY_STATESYNC_APPLY_ACCEPT;
    for (uint32_t i = 0; i < count && result == ASSAY_STATESYNC_APPLY_ACCEPT; i++) {
        if (flags & FLAG_WRONG)
            ASSAY_ASSERT(assay_statesync_restore_apply(node.restore, i, wrong, NULL) ==
                         ASSAY_STATESYNC_APPLY_RETRY);
        if (flags & FLAG_AGAIN && i > 0)
            ASSAY_ASSERT(assay_statesync_restore_apply(node.restore, i - 1, chunks[i - 1], NULL) ==
                         ASSAY_STATESYNC_APPLY_ACCEPT);
        result = assay_statesync_restore_apply(node.restore, i, chunks[i], NULL);
    }
    ASSAY_ASSERT(result == ASSAY_STATESYNC_APPLY_REJECT_SNAPSHOT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_bytes chunks[CHUNKS_MAX];
    assay_app_info info;
    uint32_t count = 0;
    if (!node.app) node_open();
    if (size < 3) return 0;
    size_t at = 2, step = (size_t)data[1] + 1;
    while (at < size) {
        size_t left = size - at, take = count + 1 < CHUNKS_MAX && left > step ? step : left;
        chunks[count++] = (assay_bytes){data + at, take};
        at += take;
    }
    if (offer(chunks, count, data[0])) apply(chunks, count, data[0]);
    assay_app_info_get(node.app, &info);
    ASSAY_ASSERT(!info.initialised);
    return 0;
}
