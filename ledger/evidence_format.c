// SPDX-License-Identifier: Apache-2.0
#include "ledger/evidence_format.h"

void assay_evidence_head_write(assay_writer *writer, const char *magic) {
    assay_writer_copy(writer, magic, 4);
    assay_writer_u32(writer, ASSAY_EVIDENCE_VERSION);
}

assay_status assay_evidence_head_read(assay_cursor *cursor, const char *magic, assay_error *err) {
    uint8_t found[4];
    assay_cursor_copy(cursor, found, sizeof found);
    uint32_t version = assay_cursor_u32(cursor);
    if (cursor->failed) return ASSAY_FAIL(err, TRUNCATED, "evidence file ends in its head");
    if (memcmp(found, magic, sizeof found) != 0)
        return ASSAY_FAIL(err, FORMAT, "evidence file does not start with \"%.4s\"", magic);
    if (version != ASSAY_EVIDENCE_VERSION)
        return ASSAY_FAIL(err, VERSION, "evidence file of version %u, known is %d", version,
                          ASSAY_EVIDENCE_VERSION);
    return ASSAY_OK;
}

void assay_evidence_ids_write(assay_writer *writer, const uint32_t *ids, uint32_t count) {
    assay_writer_u32(writer, count);
    for (uint32_t i = 0; i < count; i++)
        assay_writer_u32(writer, ids[i]);
}

void assay_evidence_ids_read(uint32_t *ids, uint32_t count, assay_cursor *cursor) {
    for (uint32_t i = 0; i < count; i++)
        ids[i] = assay_cursor_u32(cursor);
}

void assay_evidence_receipt_write(assay_writer *writer, const assay_receipt *receipt) {
    uint8_t bytes[ASSAY_RECEIPT_SIZE_MAX];
    size_t size = assay_receipt_encode(receipt, bytes);
    assay_writer_blob(writer, bytes, (uint32_t)size);
}

assay_status assay_evidence_receipt_read(assay_receipt *out, assay_cursor *cursor,
                                         assay_error *err) {
    assay_bytes bytes = assay_cursor_blob(cursor, ASSAY_RECEIPT_SIZE_MAX);
    if (cursor->failed) return assay_cursor_finish(cursor, "receipts file", err);
    return assay_receipt_decode(out, bytes.data, bytes.size, err);
}

void assay_evidence_leaf(assay_sumtree_node *out, const assay_receipt *receipt) {
    assay_hash hash;
    assay_receipt_hash(&hash, receipt);
    assay_sumtree_leaf(out, receipt->fee, &hash);
}

void assay_evidence_posting_read(assay_evidence_posting *out, assay_cursor *cursor) {
    out->index = assay_cursor_u32(cursor);
    out->receipt = assay_cursor_blob(cursor, ASSAY_RECEIPT_SIZE_MAX);
    out->path_count = assay_cursor_u8(cursor);
}

void assay_evidence_path_read(assay_sumtree_step *path, uint32_t count, assay_cursor *cursor) {
    for (uint32_t i = 0; i < count; i++) {
        path[i].node.sum = assay_cursor_u64(cursor);
        assay_cursor_hash(cursor, &path[i].node.hash);
        uint8_t side = assay_cursor_u8(cursor);
        path[i].left = side == 1;
        cursor->failed |= side > 1;
    }
}

void assay_evidence_leaf_write(assay_writer *writer, uint32_t index, assay_bytes receipt,
                               const assay_sumtree_step *path, uint32_t path_count,
                               assay_bytes leaf_file) {
    assay_evidence_head_write(writer, ASSAY_POSTING_MAGIC);
    assay_writer_u32(writer, index);
    assay_writer_blob(writer, receipt.data, (uint32_t)receipt.size);
    assay_writer_u8(writer, (uint8_t)path_count);
    for (uint32_t i = 0; i < path_count; i++) {
        assay_writer_u64(writer, path[i].node.sum);
        assay_writer_hash(writer, &path[i].node.hash);
        assay_writer_u8(writer, path[i].left);
    }
    assay_writer_copy(writer, leaf_file.data, leaf_file.size);
}
