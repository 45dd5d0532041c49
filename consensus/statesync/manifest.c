// SPDX-License-Identifier: Apache-2.0
#include "consensus/statesync/manifest.h"

#include <assert.h>

// CometBFT carries a manifest in one message of at most 4,000,000 bytes; 64 KiB are its own.
static_assert(ASSAY_STATESYNC_MANIFEST_MAX <= 4000000 - (64 << 10), "a manifest fits its message");
static_assert(ASSAY_STATESYNC_ENTRY_MAX <= ASSAY_STATESYNC_CHUNK_MAX, "an entry fits a chunk");
static_assert(sizeof(assay_hash) == ASSAY_HASH_SIZE, "hashes are read where they lie");

void assay_statesync_app_hash(assay_hash *out, const assay_statesync_manifest *manifest) {
    assay_hash history_root;
    assay_history_peaks_root(&history_root, &manifest->history);
    assay_store_app_hash(out, &manifest->state_root, &history_root);
}

void assay_statesync_manifest_write(assay_writer *writer,
                                    const assay_statesync_manifest *manifest) {
    const assay_merkle_peaks *history = &manifest->history;
    ASSAY_ASSERT(history->peak_count == assay_merkle_peak_count(history->count));
    ASSAY_ASSERT(manifest->chunk_count <= ASSAY_STATESYNC_CHUNKS_MAX);
    assay_writer_u32(writer, ASSAY_STATESYNC_FORMAT);
    assay_writer_hash(writer, &manifest->genesis);
    assay_writer_u64(writer, manifest->height);
    assay_writer_hash(writer, &manifest->state_root);
    assay_writer_u64(writer, history->count);
    for (uint32_t i = 0; i < history->peak_count; i++)
        assay_writer_hash(writer, &history->peaks[i]);
    assay_writer_hash(writer, &manifest->app_hash);
    assay_writer_u64(writer, manifest->entry_count);
    assay_writer_u64(writer, manifest->byte_count);
    assay_writer_u32(writer, manifest->chunk_count);
    for (uint32_t i = 0; i < manifest->chunk_count; i++)
        assay_writer_hash(writer, &manifest->chunks[i]);
}

// What the counts may be together: every chunk has an entry, and room for what it has.
static assay_status counts_check(const assay_statesync_manifest *m, assay_error *err) {
    if (m->height == 0 || m->height > INT64_MAX)
        return ASSAY_FAIL(err, RANGE, "snapshot of height %llu", (ull)m->height);
    if (m->chunk_count == 0 || m->chunk_count > ASSAY_STATESYNC_CHUNKS_MAX)
        return ASSAY_FAIL(err, RANGE, "%u chunks, 1 to %d are legal", m->chunk_count,
                          ASSAY_STATESYNC_CHUNKS_MAX);
    uint64_t bytes_max = (uint64_t)m->chunk_count * ASSAY_STATESYNC_CHUNK_MAX;
    if (m->byte_count > bytes_max)
        return ASSAY_FAIL(err, RANGE, "%llu bytes in %u chunks, limit %llu", (ull)m->byte_count,
                          m->chunk_count, (ull)bytes_max);
    if (m->entry_count < m->chunk_count ||
        m->entry_count > m->byte_count / ASSAY_STATESYNC_ENTRY_MIN)
        return ASSAY_FAIL(err, RANGE, "%llu entries in %u chunks of %llu bytes",
                          (ull)m->entry_count, m->chunk_count, (ull)m->byte_count);
    return ASSAY_OK;
}

assay_status assay_statesync_manifest_read(assay_statesync_manifest *out, const uint8_t *data,
                                           size_t size, assay_error *err) {
    assay_cursor cursor;
    *out = (assay_statesync_manifest){0};
    if (size > ASSAY_STATESYNC_MANIFEST_MAX)
        return ASSAY_FAIL(err, CAPACITY, "manifest of %zu bytes, limit %d", size,
                          ASSAY_STATESYNC_MANIFEST_MAX);
    assay_cursor_init(&cursor, data, size);
    uint32_t format = assay_cursor_u32(&cursor);
    if (!cursor.failed && format != ASSAY_STATESYNC_FORMAT)
        return ASSAY_FAIL(err, VERSION, "snapshot of format %u, this program knows %d", format,
                          ASSAY_STATESYNC_FORMAT);
    assay_cursor_hash(&cursor, &out->genesis);
    out->height = assay_cursor_u64(&cursor);
    assay_cursor_hash(&cursor, &out->state_root);
    out->history.count = assay_cursor_u64(&cursor);
    out->history.peak_count = assay_merkle_peak_count(out->history.count);
    for (uint32_t i = 0; i < out->history.peak_count; i++)
        assay_cursor_hash(&cursor, &out->history.peaks[i]);
    assay_cursor_hash(&cursor, &out->app_hash);
    out->entry_count = assay_cursor_u64(&cursor);
    out->byte_count = assay_cursor_u64(&cursor);
    out->chunk_count = assay_cursor_u32(&cursor);
    if (!cursor.failed) ASSAY_TRY(counts_check(out, err));
    size_t hashes = (size_t)out->chunk_count * ASSAY_HASH_SIZE;
    out->chunks = (const assay_hash *)assay_cursor_take(&cursor, hashes);
    ASSAY_TRY(assay_cursor_finish(&cursor, "manifest", err));
    assay_hash app_hash;
    assay_statesync_app_hash(&app_hash, out);
    if (!assay_hash_equal(&app_hash, &out->app_hash))
        return ASSAY_FAIL(err, MISMATCH, "the manifest's roots do not give its app hash");
    return ASSAY_OK;
}

size_t assay_statesync_entry_size(size_t key_size, size_t value_size) {
    return 1 + key_size + 4 + value_size;
}

void assay_statesync_entry_write(assay_writer *writer, assay_bytes key, assay_bytes value) {
    assay_writer_u8(writer, (uint8_t)key.size);
    assay_writer_copy(writer, key.data, key.size);
    assay_writer_u32(writer, (uint32_t)value.size);
    assay_writer_copy(writer, value.data, value.size);
}

assay_status assay_statesync_entry_read(assay_bytes *key, assay_bytes *value, assay_cursor *cursor,
                                        assay_error *err) {
    key->size = assay_cursor_u8(cursor);
    key->data = assay_cursor_take(cursor, key->size);
    value->size = assay_cursor_u32(cursor);
    if (!cursor->failed && (key->size == 0 || key->size > ASSAY_STORE_KEY_MAX))
        return ASSAY_FAIL(err, RANGE, "key of %zu bytes, 1 to %d are legal", key->size,
                          ASSAY_STORE_KEY_MAX);
    if (!cursor->failed && value->size > ASSAY_STORE_VALUE_MAX)
        return ASSAY_FAIL(err, RANGE, "value of %zu bytes, limit %d", value->size,
                          ASSAY_STORE_VALUE_MAX);
    value->data = assay_cursor_take(cursor, value->size);
    if (cursor->failed) return ASSAY_FAIL(err, TRUNCATED, "the chunk ends within an entry");
    return ASSAY_OK;
}
