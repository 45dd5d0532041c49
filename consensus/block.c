// SPDX-License-Identifier: Apache-2.0
#include "consensus/block.h"

#include "base/merkle.h"
#include "base/sha256.h"
#include "consensus/types/protobuf.h"

// Room for a header or a commit as protobuf, and for both in the log's form.
enum { MESSAGE_MAX = 1024, RECORD_HEAD_MAX = 2048, RECORD_VERSION = 1 };
// What a transaction adds to a record beside its bytes: its length, its result.
enum { RECORD_TX_MIN = 4 + 4 + 1, RECORD_TX_MAX = RECORD_TX_MIN + ASSAY_RESULT_DATA_MAX };

void assay_block_tx_ids(assay_hash *ids, const assay_block *block) {
    for (uint32_t i = 0; i < block->tx_count; i++)
        assay_sha256_of(&ids[i], block->txs[i].data, block->txs[i].size);
}

assay_status assay_block_data_hash(assay_hash *out, const assay_hash *ids, uint32_t tx_count,
                                   assay_arena *arena, assay_error *err) {
    void *room;
    ASSAY_TRY(assay_arena_get(arena, tx_count, sizeof(assay_hash), "data hash", &room, err));
    assay_hash *leaves = room;
    for (uint32_t i = 0; i < tx_count; i++)
        assay_merkle_leaf(&leaves[i], ids[i].bytes, ASSAY_HASH_SIZE);
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

// The parts of a message that is made piece by piece and never held whole.
typedef struct {
    assay_sha256 sha;
    size_t filled; // bytes of the part in work
    assay_hash *leaves;
    uint32_t count;
} part_stream;

static void part_end(part_stream *stream) {
    assay_sha256_final(&stream->sha, &stream->leaves[stream->count++]);
    stream->filled = 0;
}

// As assay_merkle_leaf, over ASSAY_BLOCK_PART_SIZE bytes at a time.
static void part_update(part_stream *stream, const void *data, size_t size) {
    static const uint8_t leaf_prefix[1] = {0x00};
    const uint8_t *from = data;
    while (size) {
        size_t left = ASSAY_BLOCK_PART_SIZE - stream->filled;
        size_t part = size < left ? size : left;
        if (stream->filled == 0) {
            assay_sha256_init(&stream->sha);
            assay_sha256_update(&stream->sha, leaf_prefix, sizeof leaf_prefix);
        }
        assay_sha256_update(&stream->sha, from, part);
        stream->filled += part;
        from += part;
        size -= part;
        if (stream->filled == ASSAY_BLOCK_PART_SIZE) part_end(stream);
    }
}

// The start of a field of `size` bytes: its tag and its length.
static void part_field(part_stream *stream, uint32_t field, size_t size) {
    uint8_t bytes[16];
    assay_writer writer;
    assay_writer_init(&writer, bytes, sizeof bytes);
    assay_protobuf_varint(&writer, (uint64_t)field << 3 | 2);
    assay_protobuf_varint(&writer, size);
    part_update(stream, bytes, writer.size);
}

static void last_commit_protobuf(assay_writer *out, const assay_commit *last_commit) {
    static const assay_block_id none;
    uint8_t id_bytes[8];
    assay_writer id;
    if (last_commit) {
        assay_commit_protobuf(out, last_commit);
        return;
    }
    assay_writer_init(&id, id_bytes, sizeof id_bytes);
    assay_block_id_protobuf(&id, &none);
    assay_protobuf_message(out, 3, &id);
}

// The whole block as CometBFT's protobuf message: header 1, data 2, evidence 3, last commit 4.
static void block_stream(part_stream *stream, const assay_block *block, size_t data_size,
                         const assay_commit *last_commit) {
    uint8_t bytes[MESSAGE_MAX];
    assay_writer writer;
    assay_writer_init(&writer, bytes, sizeof bytes);
    assay_header_protobuf(&writer, &block->header);
    ASSAY_ASSERT(!writer.failed);
    part_field(stream, 1, writer.size);
    part_update(stream, bytes, writer.size);
    part_field(stream, 2, data_size);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        part_field(stream, 1, block->txs[i].size);
        part_update(stream, block->txs[i].data, block->txs[i].size);
    }
    part_field(stream, 3, 0);
    assay_writer_init(&writer, bytes, sizeof bytes);
    last_commit_protobuf(&writer, last_commit);
    ASSAY_ASSERT(!writer.failed);
    part_field(stream, 4, writer.size);
    part_update(stream, bytes, writer.size);
    if (stream->filled) part_end(stream);
}

assay_status assay_block_id_of(assay_block_id *out, const assay_block *block,
                               const assay_commit *last_commit, assay_arena *arena,
                               assay_error *err) {
    void *room;
    size_t data_size = 0;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        size_t size = block->txs[i].size;
        data_size += 1 + assay_protobuf_varint_size(size) + size;
    }
    size_t count_max = (data_size + 2 * MESSAGE_MAX) / ASSAY_BLOCK_PART_SIZE + 1;
    ASSAY_TRY(assay_arena_get(arena, count_max, sizeof(assay_hash), "block parts", &room, err));
    part_stream stream = {.leaves = room};
    block_stream(&stream, block, data_size, last_commit);
    assay_header_hash(&out->hash, &block->header);
    out->part_count = stream.count;
    assay_merkle_root(&out->part_root, stream.leaves, stream.count);
    return ASSAY_OK;
}

assay_status assay_block_write(assay_bytes *out, const assay_block *block, assay_arena *arena,
                               assay_error *err) {
    void *room;
    size_t capacity = RECORD_HEAD_MAX + (size_t)block->tx_count * RECORD_TX_MAX;
    for (uint32_t i = 0; i < block->tx_count; i++)
        capacity += block->txs[i].size;
    if (block->tx_count > ASSAY_BLOCK_TXS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "block of %u transactions, limit %d", block->tx_count,
                          ASSAY_BLOCK_TXS_MAX);
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

static assay_status block_txs_read(assay_block *block, assay_cursor *cursor, assay_arena *arena,
                                   assay_error *err) {
    void *txs_room, *results_room;
    uint32_t count = assay_cursor_u32(cursor);
    if (count > ASSAY_BLOCK_TXS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "block record has %u transactions, limit %d", count,
                          ASSAY_BLOCK_TXS_MAX);
    if (count > assay_cursor_left(cursor) / RECORD_TX_MIN)
        return ASSAY_FAIL(err, TRUNCATED, "block record has %u transactions in %zu bytes", count,
                          assay_cursor_left(cursor));
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(assay_bytes), "block", &txs_room, err));
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(assay_tx_result), "block", &results_room, err));
    assay_bytes *txs = txs_room;
    assay_tx_result *results = results_room;
    for (uint32_t i = 0; i < count; i++) {
        txs[i] = assay_cursor_blob(cursor, ASSAY_BLOCK_SIZE_MAX);
        results[i].code = assay_cursor_u32(cursor);
        results[i].data_size = assay_cursor_u8(cursor);
        if (results[i].data_size > ASSAY_RESULT_DATA_MAX)
            return ASSAY_FAIL(err, CAPACITY, "result %u has %u bytes of data, limit %d", i,
                              results[i].data_size, ASSAY_RESULT_DATA_MAX);
        assay_cursor_copy(cursor, results[i].data, results[i].data_size);
    }
    block->txs = txs;
    block->results = results;
    block->tx_count = count;
    return ASSAY_OK;
}

assay_status assay_block_read(assay_block *block, const uint8_t *data, size_t size,
                              assay_arena *arena, assay_error *err) {
    assay_cursor cursor;
    memset(block, 0, sizeof *block);
    assay_cursor_init(&cursor, data, size);
    uint8_t version = assay_cursor_u8(&cursor);
    if (!cursor.failed && version != RECORD_VERSION)
        return ASSAY_FAIL(err, VERSION, "block record of version %u, known is %d", version,
                          RECORD_VERSION);
    assay_header_read(&cursor, &block->header);
    assay_commit_read(&cursor, &block->commit);
    ASSAY_TRY(block_txs_read(block, &cursor, arena, err));
    assay_cursor_hash(&cursor, &block->app_hash_after);
    return assay_cursor_finish(&cursor, "block record", err);
}
