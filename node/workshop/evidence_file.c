// SPDX-License-Identifier: Apache-2.0
#include "node/workshop/evidence_file.h"

#include <limits.h>
#include <stdio.h>

#include "base/hex.h"
#include "ledger/evidence_format.h"

assay_status assay_evidence_path(char *out, const char *home, const assay_hash *root,
                                 const char *name, assay_error *err) {
    char text[ASSAY_HEX_HASH_MAX];
    assay_hex_encode(text, root->bytes, ASSAY_HASH_SIZE);
    int length = snprintf(out, PATH_MAX, "%s/evidence/%s/%s", home, text, name);
    return length < PATH_MAX ? ASSAY_OK : ASSAY_FAIL(err, CAPACITY, "path is over %d", PATH_MAX);
}

size_t assay_leaf_file_size(uint32_t prompt_count, uint32_t output_count) {
    return ASSAY_EVIDENCE_HEAD_SIZE + 8 + 4 * ((size_t)prompt_count + output_count);
}

size_t assay_receipts_file_size(uint32_t receipt_bytes, uint32_t count) {
    return ASSAY_EVIDENCE_HEAD_SIZE + 4 + (size_t)receipt_bytes + 4 * (size_t)count;
}

static assay_status ids_read(const uint32_t **out, uint32_t *count, assay_cursor *cursor,
                             assay_arena *arena, assay_error *err) {
    void *room;
    *count = assay_cursor_u32(cursor);
    if ((size_t)*count * 4 > assay_cursor_left(cursor))
        return ASSAY_FAIL(err, TRUNCATED, "evidence file ends in its token ids");
    ASSAY_TRY(assay_arena_get(arena, *count, sizeof(uint32_t), "token ids", &room, err));
    uint32_t *ids = room;
    assay_evidence_ids_read(ids, *count, cursor);
    *out = ids;
    return ASSAY_OK;
}

assay_status assay_leaf_write(assay_bytes *out, const assay_leaf_ids *ids, assay_arena *arena,
                              assay_error *err) {
    void *room;
    size_t size = assay_leaf_file_size(ids->prompt_count, ids->output_count);
    assay_writer writer;
    ASSAY_TRY(assay_arena_get(arena, 1, size, "leaf file", &room, err));
    assay_writer_init(&writer, room, size);
    assay_evidence_head_write(&writer, ASSAY_LEAF_MAGIC);
    assay_evidence_ids_write(&writer, ids->prompt, ids->prompt_count);
    assay_evidence_ids_write(&writer, ids->output, ids->output_count);
    ASSAY_ASSERT(!writer.failed && writer.size == size);
    *out = (assay_bytes){writer.data, writer.size};
    return ASSAY_OK;
}

static assay_status leaf_take(assay_leaf_ids *out, assay_cursor *cursor, assay_arena *arena,
                              assay_error *err) {
    ASSAY_TRY(assay_evidence_head_read(cursor, ASSAY_LEAF_MAGIC, err));
    ASSAY_TRY(ids_read(&out->prompt, &out->prompt_count, cursor, arena, err));
    ASSAY_TRY(ids_read(&out->output, &out->output_count, cursor, arena, err));
    return assay_cursor_finish(cursor, "leaf file", err);
}

assay_status assay_leaf_read(assay_leaf_ids *out, const uint8_t *data, size_t size,
                             assay_arena *arena, assay_error *err) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, data, size);
    return leaf_take(out, &cursor, arena, err);
}

assay_status assay_leaf_match(const assay_receipt *receipt, const assay_leaf_ids *ids,
                              assay_error *err) {
    assay_hash prompt, output;
    assay_ids_digest(&prompt, ids->prompt, ids->prompt_count);
    assay_ids_digest(&output, ids->output, ids->output_count);
    if (ids->prompt_count != receipt->request.prompt_count ||
        ids->output_count != receipt->output_count ||
        !assay_hash_equal(&prompt, &receipt->request.prompt_digest) ||
        !assay_hash_equal(&output, &receipt->output_digest))
        return ASSAY_FAIL(err, MISMATCH, "ids are not those the receipt commits to");
    return ASSAY_OK;
}

assay_status assay_receipts_write(assay_bytes *out, const assay_receipt *receipts, uint32_t count,
                                  assay_arena *arena, assay_error *err) {
    void *room;
    size_t capacity = ASSAY_EVIDENCE_HEAD_SIZE + 4 + (size_t)count * (4 + ASSAY_RECEIPT_SIZE_MAX);
    assay_writer writer;
    ASSAY_TRY(assay_arena_get(arena, 1, capacity, "receipts file", &room, err));
    assay_writer_init(&writer, room, capacity);
    assay_evidence_head_write(&writer, ASSAY_RECEIPTS_MAGIC);
    assay_writer_u32(&writer, count);
    for (uint32_t i = 0; i < count; i++)
        assay_evidence_receipt_write(&writer, &receipts[i]);
    ASSAY_ASSERT(!writer.failed);
    *out = (assay_bytes){writer.data, writer.size};
    return ASSAY_OK;
}

assay_status assay_receipts_read(assay_receipt **out, uint32_t *count, const uint8_t *data,
                                 size_t size, uint32_t count_max, assay_arena *arena,
                                 assay_error *err) {
    assay_cursor cursor;
    void *room;
    assay_cursor_init(&cursor, data, size);
    ASSAY_TRY(assay_evidence_head_read(&cursor, ASSAY_RECEIPTS_MAGIC, err));
    *count = assay_cursor_u32(&cursor);
    if (*count > count_max || (size_t)*count * ASSAY_RECEIPT_SIZE_MIN > size)
        return ASSAY_FAIL(err, CAPACITY, "receipts file of %u receipts in %zu bytes, limit %u",
                          *count, size, count_max);
    ASSAY_TRY(assay_arena_get(arena, *count, sizeof(assay_receipt), "receipts", &room, err));
    *out = room;
    for (uint32_t i = 0; i < *count; i++)
        ASSAY_TRY(assay_evidence_receipt_read(&(*out)[i], &cursor, err));
    return assay_cursor_finish(&cursor, "receipts file", err);
}

assay_status assay_receipt_leaves(assay_sumtree_node **out, const assay_receipt *receipts,
                                  uint32_t count, assay_arena *arena, assay_error *err) {
    void *room;
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(assay_sumtree_node), "leaves", &room, err));
    *out = room;
    for (uint32_t i = 0; i < count; i++)
        assay_evidence_leaf(&(*out)[i], &receipts[i]);
    return ASSAY_OK;
}

assay_status assay_posting_write(assay_bytes *out, const assay_receipt *receipts, uint32_t count,
                                 uint32_t index, const uint8_t *leaf, size_t leaf_size,
                                 assay_arena *arena, assay_error *err) {
    assay_sumtree_node *leaves;
    assay_sumtree_step path[ASSAY_SUMTREE_PATH_MAX];
    uint8_t receipt[ASSAY_RECEIPT_SIZE_MAX];
    void *room;
    assay_writer writer;
    ASSAY_TRY(assay_receipt_leaves(&leaves, receipts, count, arena, err));
    uint32_t steps = assay_sumtree_path(path, leaves, count, index);
    size_t receipt_size = assay_receipt_encode(&receipts[index], receipt);
    size_t size = ASSAY_EVIDENCE_HEAD_SIZE + 8 + receipt_size + 1 +
                  (size_t)steps * ASSAY_EVIDENCE_STEP_SIZE + leaf_size;
    ASSAY_TRY(assay_arena_get(arena, 1, size, "posting", &room, err));
    assay_writer_init(&writer, room, size);
    assay_evidence_leaf_write(&writer, index, (assay_bytes){receipt, receipt_size}, path, steps,
                              (assay_bytes){leaf, leaf_size});
    ASSAY_ASSERT(!writer.failed && writer.size == size);
    *out = (assay_bytes){writer.data, writer.size};
    return ASSAY_OK;
}

assay_status assay_posting_read(assay_receipt *receipt, uint32_t *index, assay_leaf_ids *ids,
                                const uint8_t *data, size_t size, assay_arena *arena,
                                assay_error *err) {
    assay_cursor cursor;
    assay_evidence_posting posting;
    assay_cursor_init(&cursor, data, size);
    ASSAY_TRY(assay_evidence_head_read(&cursor, ASSAY_POSTING_MAGIC, err));
    assay_evidence_posting_read(&posting, &cursor);
    if (cursor.failed) return ASSAY_FAIL(err, TRUNCATED, "posting ends in its receipt");
    *index = posting.index;
    ASSAY_TRY(assay_receipt_decode(receipt, posting.receipt.data, posting.receipt.size, err));
    assay_cursor_take(&cursor, (size_t)posting.path_count * ASSAY_EVIDENCE_STEP_SIZE);
    return leaf_take(ids, &cursor, arena, err);
}
