// SPDX-License-Identifier: Apache-2.0
//   (nothing) ──part 0──→ posting ──parts in order──→ last part, all good ──→ answered
//                            ▲ │ part 0: starts over
//                            └─┘
//   I1  EVIDENCE holds the parts of the posting in progress, or all of an answered one
//       test_evidence: parts_in_order
//   I2  a case is answered only by bytes that pass the checks below
//       test_evidence: hostile, bad_postings_are_dropped
//   I3  nothing is left when the case has ended
//       test_evidence: drops
#include "ledger/evidence.h"

#include <stdlib.h>

#include "ledger/case_private.h"
#include "ledger/record.h"

enum { POSTING_SIZE = 1 + 2 + 2 + 8 + 8 };

typedef struct {
    assay_evidence_kind kind;
    uint16_t part_count;
    uint16_t next; // the part that comes next
    uint64_t size; // bytes so far
    uint64_t cost; // nopen so far
} posting;

static assay_record_key parts_key(const assay_hash *batch, uint32_t sample,
                                  assay_evidence_kind kind) {
    assay_record_key key = assay_record_key_of_sample(ASSAY_TABLE_EVIDENCE, batch, sample);
    assay_record_key_add_u8(&key, (uint8_t)kind);
    return key;
}

static assay_status posting_get(posting *out, const assay_ledger *ledger,
                                const assay_record_key *key, assay_error *err) {
    assay_bytes value;
    assay_cursor cursor;
    *out = (posting){0};
    ASSAY_TRY(assay_reader_get(&ledger->reader, key, &value, err));
    if (value.data == NULL) return ASSAY_OK;
    assay_cursor_init(&cursor, value.data, value.size);
    out->kind = assay_cursor_u8(&cursor);
    out->part_count = assay_cursor_u16(&cursor);
    out->next = assay_cursor_u16(&cursor);
    out->size = assay_cursor_u64(&cursor);
    out->cost = assay_cursor_u64(&cursor);
    return assay_record_finish(&cursor, "a posting", err);
}

static assay_status posting_put(assay_ledger *ledger, const assay_record_key *key,
                                const posting *post, assay_error *err) {
    uint8_t value[POSTING_SIZE];
    assay_writer writer;
    assay_writer_init(&writer, value, sizeof value);
    assay_writer_u8(&writer, (uint8_t)post->kind);
    assay_writer_u16(&writer, post->part_count);
    assay_writer_u16(&writer, post->next);
    assay_writer_u64(&writer, post->size);
    assay_writer_u64(&writer, post->cost);
    ASSAY_ASSERT(!writer.failed && writer.size == POSTING_SIZE);
    return assay_ledger_put(ledger, key, value, sizeof value, err);
}

assay_status assay_evidence_drop(assay_ledger *ledger, const assay_hash *batch, uint32_t sample,
                                 assay_error *err) {
    assay_record_key key = assay_record_key_of_sample(ASSAY_TABLE_EVIDENCE, batch, sample);
    ASSAY_TRY(assay_ledger_drop(ledger, &key, err));
    key = assay_record_key_of_sample(ASSAY_TABLE_POSTING, batch, sample);
    return assay_ledger_delete(ledger, &key, err);
}

// All parts of one kind as one run of bytes; the caller frees it. NULL if there are none.
static assay_status parts_join(uint8_t **out, size_t *size, const assay_reader *reader,
                               const assay_record_key *prefix, assay_error *err) {
    assay_store_position at;
    uint8_t *data = NULL;
    size_t used = 0;
    assay_status status = assay_reader_seek(reader, &at, prefix, prefix->size, err);
    while (status == ASSAY_OK && at.key_size > 0) {
        uint8_t *grown = realloc(data, used + at.value.size + 1);
        if (grown == NULL) {
            status = ASSAY_FAIL(err, MEMORY, "no memory for %zu bytes of evidence", used);
            break;
        }
        data = grown;
        memcpy(data + used, at.value.data, at.value.size);
        used += at.value.size;
        status = assay_reader_next(reader, &at, err);
    }
    if (status != ASSAY_OK) {
        free(data);
        return status;
    }
    *out = data;
    *size = used;
    return ASSAY_OK;
}

assay_status assay_evidence_get(uint8_t **data, size_t *size, const assay_reader *reader,
                                const assay_hash *batch, uint32_t sample, assay_evidence_kind kind,
                                assay_error *err) {
    assay_case record;
    bool found;
    *data = NULL;
    *size = 0;
    ASSAY_TRY(assay_case_get(&record, &found, reader, batch, sample, err));
    if (!found) return ASSAY_OK;
    if ((kind == ASSAY_EVIDENCE_LEAF ? record.leaf_answered : record.table_answered) == 0)
        return ASSAY_OK;
    assay_record_key prefix = parts_key(batch, sample, kind);
    return parts_join(data, size, reader, &prefix, err);
}

// ---- what is good evidence ----

// A count and that many ids, which must be as many as the receipt says and hash to its digest.
static assay_status ids_check(assay_cursor *cursor, uint32_t expected, const assay_hash *digest,
                              const char *what, assay_error *err) {
    uint32_t count = assay_cursor_u32(cursor);
    if (count != expected || count > assay_cursor_left(cursor) / 4)
        return ASSAY_REJECT(err, EVIDENCE_BAD, "%u %s ids in %zu bytes, the receipt has %u", count,
                            what, assay_cursor_left(cursor), expected);
    uint32_t *ids = malloc(((size_t)count + 1) * sizeof *ids);
    if (ids == NULL) return ASSAY_FAIL(err, MEMORY, "no memory for %u ids", count);
    assay_evidence_ids_read(ids, count, cursor);
    assay_hash found;
    assay_ids_digest(&found, ids, count);
    free(ids);
    if (!assay_hash_equal(&found, digest))
        return ASSAY_REJECT(err, EVIDENCE_BAD, "the %s ids are not the receipt's", what);
    return ASSAY_OK;
}

// P-64
assay_status assay_evidence_leaf_check(const assay_batch *batch, uint64_t position,
                                       const uint8_t *data, size_t size, assay_error *err) {
    assay_cursor cursor;
    assay_receipt receipt;
    assay_evidence_posting found;
    assay_sumtree_step path[ASSAY_SUMTREE_PATH_MAX];
    assay_sumtree_node leaf, root = {batch->fee_total, batch->root};
    assay_cursor_init(&cursor, data, size);
    if (assay_evidence_head_read(&cursor, ASSAY_POSTING_MAGIC, NULL) != ASSAY_OK)
        return ASSAY_REJECT(err, EVIDENCE_BAD, "no leaf evidence of version %d",
                            ASSAY_EVIDENCE_VERSION);
    assay_evidence_posting_read(&found, &cursor);
    if (cursor.failed || found.path_count > ASSAY_SUMTREE_PATH_MAX)
        return ASSAY_REJECT(err, EVIDENCE_BAD, "the receipt or its path is cut off or too long");
    assay_evidence_path_read(path, found.path_count, &cursor);
    if (assay_evidence_head_read(&cursor, ASSAY_LEAF_MAGIC, NULL) != ASSAY_OK)
        return ASSAY_REJECT(err, EVIDENCE_BAD, "no leaf file of version %d",
                            ASSAY_EVIDENCE_VERSION);
    if (assay_receipt_decode(&receipt, found.receipt.data, found.receipt.size, NULL) != ASSAY_OK)
        return ASSAY_REJECT(err, EVIDENCE_BAD, "the receipt is none");
    assay_evidence_leaf(&leaf, &receipt);
    if (assay_sumtree_position_check(&root, batch->count, found.index, position, &leaf, path,
                                     found.path_count, NULL) != ASSAY_OK)
        return ASSAY_REJECT(err, EVIDENCE_BAD, "the receipt is not the sampled leaf of the batch");
    ASSAY_TRY(ids_check(&cursor, receipt.request.prompt_count, &receipt.request.prompt_digest,
                        "prompt", err));
    ASSAY_TRY(ids_check(&cursor, receipt.output_count, &receipt.output_digest, "output", err));
    if (assay_cursor_finish(&cursor, "evidence", NULL) != ASSAY_OK)
        return ASSAY_REJECT(err, EVIDENCE_BAD, "bytes after the leaf file");
    return ASSAY_OK;
}

// Reads `count` receipts into leaves.
static assay_status leaves_read(assay_sumtree_node *leaves, uint32_t count, assay_cursor *cursor,
                                assay_error *err) {
    for (uint32_t i = 0; i < count; i++) {
        assay_receipt receipt;
        if (assay_evidence_receipt_read(&receipt, cursor, NULL) != ASSAY_OK)
            return ASSAY_REJECT(err, EVIDENCE_BAD, "receipt %u is none", i);
        assay_evidence_leaf(&leaves[i], &receipt);
    }
    return ASSAY_OK;
}

// P-64
assay_status assay_evidence_table_check(const assay_batch *batch, const uint8_t *data, size_t size,
                                        assay_error *err) {
    assay_cursor cursor;
    assay_sumtree_node root;
    assay_cursor_init(&cursor, data, size);
    if (assay_evidence_head_read(&cursor, ASSAY_RECEIPTS_MAGIC, NULL) != ASSAY_OK)
        return ASSAY_REJECT(err, EVIDENCE_BAD, "no table of version %d", ASSAY_EVIDENCE_VERSION);
    uint32_t count = assay_cursor_u32(&cursor);
    if (count != batch->count)
        return ASSAY_REJECT(err, EVIDENCE_BAD, "%u receipts, the batch has %u", count,
                            batch->count);
    assay_sumtree_node *leaves = malloc(count * sizeof *leaves);
    if (leaves == NULL) return ASSAY_FAIL(err, MEMORY, "no memory for %u leaves", count);
    assay_status status = leaves_read(leaves, count, &cursor, err);
    if (status == ASSAY_OK &&
        (assay_cursor_finish(&cursor, "table", NULL) != ASSAY_OK ||
         assay_sumtree_root(&root, leaves, count, NULL) != ASSAY_OK ||
         root.sum != batch->fee_total || !assay_hash_equal(&root.hash, &batch->root)))
        status = ASSAY_REJECT(err, EVIDENCE_BAD, "the receipts do not have the batch's root");
    free(leaves);
    return status;
}

// ---- post_evidence ----

static assay_status kind_read(assay_evidence_kind *kind, assay_bytes data, assay_error *err) {
    *kind = 0;
    if (data.size >= 4 && memcmp(data.data, ASSAY_POSTING_MAGIC, 4) == 0)
        *kind = ASSAY_EVIDENCE_LEAF;
    if (data.size >= 4 && memcmp(data.data, ASSAY_RECEIPTS_MAGIC, 4) == 0)
        *kind = ASSAY_EVIDENCE_TABLE;
    if (*kind == 0) return ASSAY_REJECT(err, EVIDENCE_KIND, "part 0 begins with no known magic");
    return ASSAY_OK;
}

// Part 0 begins a posting, whatever was there before.
static assay_status posting_begin(assay_ledger *ledger, posting *post, const assay_case *record,
                                  const assay_tx_post_evidence *body, assay_error *err) {
    *post = (posting){.part_count = body->part_count};
    ASSAY_TRY(kind_read(&post->kind, body->data, err));
    if ((post->kind == ASSAY_EVIDENCE_LEAF ? record->leaf_answered : record->table_answered) > 0)
        return ASSAY_REJECT(err, EVIDENCE_TWICE, "answered before");
    assay_record_key parts = parts_key(&body->batch, body->sample, post->kind);
    return assay_ledger_drop(ledger, &parts, err);
}

static assay_status whole_check(assay_ledger *ledger, const posting *post, const assay_batch *batch,
                                uint64_t position, const assay_record_key *prefix,
                                assay_error *err) {
    uint8_t *data = NULL;
    size_t size = 0;
    ASSAY_TRY(parts_join(&data, &size, &ledger->reader, prefix, err));
    assay_status status = post->kind == ASSAY_EVIDENCE_LEAF
                              ? assay_evidence_leaf_check(batch, position, data, size, err)
                              : assay_evidence_table_check(batch, data, size, err);
    free(data);
    return status;
}

// The last part is in: judges the whole. Good bytes are noted as the case's answer; bad ones are
// dropped, and the transaction is accepted: refusing it alone would let the same last part be
// tried, and the whole be hashed, again and again for one small fee. P-63
static assay_status posting_finish(assay_ledger *ledger, const posting *post,
                                   const assay_batch *batch, assay_case *record,
                                   const assay_tx_post_evidence *body, assay_error *err) {
    assay_record_key prefix = parts_key(&body->batch, body->sample, post->kind);
    assay_record_key key =
        assay_record_key_of_sample(ASSAY_TABLE_POSTING, &body->batch, body->sample);
    assay_error why = {0};
    assay_status status = whole_check(ledger, post, batch, record->position, &prefix, &why);
    ASSAY_TRY(assay_ledger_delete(ledger, &key, err));
    if (status == ASSAY_REJECTED) return assay_ledger_drop(ledger, &prefix, err);
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
    if (post->kind == ASSAY_EVIDENCE_LEAF) {
        record->leaf_answered = ledger->height;
        record->leaf_cost = post->cost;
    } else {
        record->table_answered = ledger->height;
        record->table_cost = post->cost;
    }
    return assay_case_put(ledger, &body->batch, body->sample, record, err);
}

// Finds the open case; that its provider asks, admission has seen to (P-26).
static assay_status case_find(assay_ledger *ledger, const assay_tx_post_evidence *body,
                              assay_batch *batch, assay_case *record, assay_error *err) {
    bool found;
    ASSAY_TRY(assay_batch_get(batch, &found, &ledger->reader, &body->batch, err));
    if (!found || batch->state != ASSAY_BATCH_CHECKING)
        return ASSAY_REJECT(err, BATCH_UNKNOWN, "no batch of that id is being checked");
    ASSAY_TRY(assay_case_get(record, &found, &ledger->reader, &body->batch, body->sample, err));
    if (!found) return ASSAY_REJECT(err, CASE_UNKNOWN, "sample %u is no open case", body->sample);
    ASSAY_ASSERT(assay_address_equal(&batch->provider, &ledger->principal));
    return ASSAY_OK;
}

// P-63
assay_status assay_evidence_post(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_post_evidence *body = &tx->body.post_evidence;
    const assay_params *params = ledger->params;
    uint64_t size_max = params->receipt_bytes_max + ASSAY_EVIDENCE_SLACK;
    assay_batch batch;
    assay_case record;
    posting post;
    ASSAY_TRY(case_find(ledger, body, &batch, &record, err));
    assay_record_key key =
        assay_record_key_of_sample(ASSAY_TABLE_POSTING, &body->batch, body->sample);
    if (body->part == 0)
        ASSAY_TRY(posting_begin(ledger, &post, &record, body, err));
    else
        ASSAY_TRY(posting_get(&post, ledger, &key, err));
    if (body->part != post.next || body->part_count != post.part_count)
        return ASSAY_REJECT(err, EVIDENCE_PART, "part %u of %u, next is %u of %u", body->part,
                            body->part_count, post.next, post.part_count);
    post.next++;
    post.size += body->data.size;
    post.cost += params->tx_fee_base + params->tx_fee_byte * body->data.size;
    if (post.size > size_max || body->part_count > size_max / ASSAY_EVIDENCE_PART_MAX + 1)
        return ASSAY_REJECT(err, EVIDENCE_SIZE, "%llu bytes in %u parts, limit %llu bytes",
                            (ull)post.size, body->part_count, (ull)size_max);
    assay_record_key part = parts_key(&body->batch, body->sample, post.kind);
    assay_record_key_add_u8(&part, (uint8_t)(body->part >> 8));
    assay_record_key_add_u8(&part, (uint8_t)body->part);
    ASSAY_TRY(assay_ledger_put(ledger, &part, body->data.data, body->data.size, err));
    if (post.next < post.part_count) return posting_put(ledger, &key, &post, err);
    return posting_finish(ledger, &post, &batch, &record, body, err);
}
