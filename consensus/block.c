// SPDX-License-Identifier: Apache-2.0
#include "consensus/block.h"

#include "base/merkle.h"
#include "base/sha256.h"
#include "consensus/protobuf.h"

// Room for a header or a commit as protobuf, and for both in the log's form.
enum { MESSAGE_MAX = 1024, RECORD_HEAD_MAX = 2048, RECORD_VERSION = 1 };

assay_status assay_block_data_hash(assay_hash *out, const assay_bytes *txs, uint32_t tx_count,
                                   assay_arena *arena, assay_error *err) {
    void *room;
    ASSAY_TRY(assay_arena_get(arena, tx_count, sizeof(assay_hash), "data hash", &room, err));
    assay_hash *leaves = room;
    for (uint32_t i = 0; i < tx_count; i++) {
        assay_hash id;
        assay_sha256_of(&id, txs[i].data, txs[i].size);
        assay_merkle_leaf(&leaves[i], id.bytes, ASSAY_HASH_SIZE);
    }
    assay_merkle_root(out, leaves, tx_count);
    return ASSAY_OK;
}

assay_status assay_results_hash(assay_hash *out, const assay_tx_result *results, uint32_t count,
                                assay_arena *arena, assay_error *err) {
    void *room;
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(assay_hash), "results hash", &room, err));
    assay_hash *leaves = room;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t bytes[ASSAY_RESULT_DATA_MAX + 16];
        assay_writer writer;
        assay_writer_init(&writer, bytes, sizeof bytes);
        assay_protobuf_u64(&writer, 1, results[i].code);
        assay_protobuf_bytes(&writer, 2, results[i].data, results[i].data_size);
        assay_merkle_leaf(&leaves[i], bytes, writer.size);
    }
    assay_merkle_root(out, leaves, count);
    return ASSAY_OK;
}

static size_t txs_size(const assay_block *block) {
    size_t size = 0;
    for (uint32_t i = 0; i < block->tx_count; i++)
        size += block->txs[i].size + 8;
    return size;
}

// The whole block as CometBFT's protobuf message.
static assay_status block_protobuf(assay_writer *out, const assay_block *block,
                                   const assay_commit *last_commit, assay_arena *arena,
                                   assay_error *err) {
    uint8_t header_bytes[MESSAGE_MAX], commit_bytes[MESSAGE_MAX];
    assay_writer header, data, evidence, commit;
    static const assay_commit none;
    void *room;
    size_t data_size = txs_size(block);
    assay_writer_init(&header, header_bytes, sizeof header_bytes);
    assay_header_protobuf(&header, &block->header);
    assay_writer_init(&commit, commit_bytes, sizeof commit_bytes);
    if (last_commit) {
        assay_commit_protobuf(&commit, last_commit);
    } else {
        uint8_t id_bytes[8];
        assay_writer id;
        assay_writer_init(&id, id_bytes, sizeof id_bytes);
        assay_block_id_protobuf(&id, &none.block);
        assay_protobuf_message(&commit, 3, &id);
    }
    ASSAY_TRY(assay_arena_get(arena, 1, data_size, "block data", &room, err));
    assay_writer_init(&data, room, data_size);
    for (uint32_t i = 0; i < block->tx_count; i++)
        assay_protobuf_bytes(&data, 1, block->txs[i].data, block->txs[i].size);
    assay_writer_init(&evidence, NULL, 0);
    ASSAY_TRY(assay_arena_get(arena, 1, data_size + 2 * MESSAGE_MAX, "block", &room, err));
    assay_writer_init(out, room, data_size + 2 * MESSAGE_MAX);
    assay_protobuf_message(out, 1, &header);
    assay_protobuf_message(out, 2, &data);
    assay_protobuf_message(out, 3, &evidence);
    assay_protobuf_message(out, 4, &commit);
    ASSAY_ASSERT(!out->failed);
    return ASSAY_OK;
}

assay_status assay_block_id_of(assay_block_id *out, const assay_block *block,
                               const assay_commit *last_commit, assay_arena *arena,
                               assay_error *err) {
    assay_writer whole;
    void *room;
    ASSAY_TRY(block_protobuf(&whole, block, last_commit, arena, err));
    uint32_t count = (uint32_t)((whole.size + ASSAY_BLOCK_PART_SIZE - 1) / ASSAY_BLOCK_PART_SIZE);
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(assay_hash), "block parts", &room, err));
    assay_hash *leaves = room;
    for (uint32_t i = 0; i < count; i++) {
        size_t at = (size_t)i * ASSAY_BLOCK_PART_SIZE;
        size_t left = whole.size - at;
        assay_merkle_leaf(&leaves[i], whole.data + at,
                          left < ASSAY_BLOCK_PART_SIZE ? left : ASSAY_BLOCK_PART_SIZE);
    }
    assay_header_hash(&out->hash, &block->header);
    out->part_count = count;
    assay_merkle_root(&out->part_root, leaves, count);
    return ASSAY_OK;
}

assay_status assay_block_write(assay_bytes *out, const assay_block *block, assay_arena *arena,
                               assay_error *err) {
    void *room;
    size_t capacity =
        RECORD_HEAD_MAX + txs_size(block) + (size_t)block->tx_count * (ASSAY_RESULT_DATA_MAX + 8);
    if (capacity > ASSAY_BLOCK_SIZE_MAX)
        return ASSAY_FAIL(err, CAPACITY, "block needs up to %zu bytes, limit %d", capacity,
                          ASSAY_BLOCK_SIZE_MAX);
    ASSAY_TRY(assay_arena_get(arena, 1, capacity, "block record", &room, err));
    assay_writer writer;
    assay_writer_init(&writer, room, capacity);
    assay_writer_u8(&writer, RECORD_VERSION);
    assay_header_write(&writer, &block->header);
    assay_commit_write(&writer, &block->commit);
    assay_writer_u32(&writer, block->tx_count);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        const assay_tx_result *result = &block->results[i];
        assay_writer_blob(&writer, block->txs[i].data, (uint32_t)block->txs[i].size);
        assay_writer_u32(&writer, result->code);
        assay_writer_u8(&writer, result->data_size);
        assay_writer_copy(&writer, result->data, result->data_size);
    }
    assay_writer_hash(&writer, &block->app_hash_after);
    ASSAY_ASSERT(!writer.failed);
    *out = (assay_bytes){writer.data, writer.size};
    return ASSAY_OK;
}

assay_status assay_block_read(assay_block *block, const uint8_t *data, size_t size,
                              assay_arena *arena, assay_error *err) {
    assay_cursor cursor;
    void *txs, *results;
    memset(block, 0, sizeof *block);
    assay_cursor_init(&cursor, data, size);
    uint8_t version = assay_cursor_u8(&cursor);
    if (!cursor.failed && version != RECORD_VERSION)
        return ASSAY_FAIL(err, VERSION, "block record of version %u, limit %d", version,
                          RECORD_VERSION);
    assay_header_read(&cursor, &block->header);
    assay_commit_read(&cursor, &block->commit);
    block->tx_count = assay_cursor_u32(&cursor);
    if (block->tx_count > ASSAY_BLOCK_TXS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "block record has %u transactions, limit %d",
                          block->tx_count, ASSAY_BLOCK_TXS_MAX);
    ASSAY_TRY(assay_arena_get(arena, block->tx_count, sizeof(assay_bytes), "block", &txs, err));
    ASSAY_TRY(
        assay_arena_get(arena, block->tx_count, sizeof(assay_tx_result), "block", &results, err));
    for (uint32_t i = 0; i < block->tx_count && !cursor.failed; i++) {
        assay_tx_result *result = (assay_tx_result *)results + i;
        ((assay_bytes *)txs)[i] = assay_cursor_blob(&cursor, ASSAY_BLOCK_SIZE_MAX);
        result->code = assay_cursor_u32(&cursor);
        result->data_size = assay_cursor_u8(&cursor);
        if (result->data_size > ASSAY_RESULT_DATA_MAX) cursor.failed = true;
        if (!cursor.failed) assay_cursor_copy(&cursor, result->data, result->data_size);
    }
    block->txs = txs;
    block->results = results;
    assay_cursor_hash(&cursor, &block->app_hash_after);
    return assay_cursor_finish(&cursor, "block record", err);
}
