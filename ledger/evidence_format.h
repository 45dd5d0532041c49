// SPDX-License-Identifier: Apache-2.0
// The bytes of evidence: for who keeps them beside a batch (P-15), who posts them, and the ledger,
// which judges what is posted (P-64).
//   receipts  "ASRB" u32 1 || u32 count || { u32 size || receipt }*
//   leaf file "ASLE" u32 1 || prompt ids || output ids, each u32 count || u32*
//   posting   "ASPE" u32 1 || u32 leaf index || u32 size || receipt || u8 steps ||
//             { u64 sibling sum || sibling hash || u8 side (1: left) }* || leaf file
// Writers and readers take one part after another; unless they return a status, what is wrong
// fails the writer or the cursor.
#ifndef ASSAY_LEDGER_EVIDENCE_FORMAT_H
#define ASSAY_LEDGER_EVIDENCE_FORMAT_H

#include "base/cursor.h"
#include "ledger/sumtree.h"
#include "ledger/tx/request.h"

#define ASSAY_RECEIPTS_MAGIC "ASRB"
#define ASSAY_LEAF_MAGIC     "ASLE"
#define ASSAY_POSTING_MAGIC  "ASPE"

enum {
    ASSAY_EVIDENCE_VERSION = 1,
    ASSAY_EVIDENCE_HEAD_SIZE = 4 + 4,
    ASSAY_EVIDENCE_STEP_SIZE = 8 + ASSAY_HASH_SIZE + 1,
};

// Magic and version. Errors: TRUNCATED, FORMAT (magic), VERSION. Spec: P-15, P-64.
void assay_evidence_head_write(assay_writer *writer, const char *magic);
assay_status assay_evidence_head_read(assay_cursor *cursor, const char *magic, assay_error *err);

// A count and that many ids; to be read, behind their count. Spec: P-15.
void assay_evidence_ids_write(assay_writer *writer, const uint32_t *ids, uint32_t count);
void assay_evidence_ids_read(uint32_t *ids, uint32_t count, assay_cursor *cursor);

// One of the receipts. Errors of read: TRUNCATED, and those of assay_receipt_decode. Spec: P-15.
void assay_evidence_receipt_write(assay_writer *writer, const assay_receipt *receipt);
assay_status assay_evidence_receipt_read(assay_receipt *out, assay_cursor *cursor,
                                         assay_error *err);

// The leaf of a batch's sum tree that a receipt is. Spec: P-17.
void assay_evidence_leaf(assay_sumtree_node *out, const assay_receipt *receipt);

// What of a posting is behind its head and before its path. Borrows the cursor's bytes.
typedef struct {
    uint32_t index;
    assay_bytes receipt; // its encoding
    uint32_t path_count; // steps
} assay_evidence_posting;

// Spec: P-64.
void assay_evidence_posting_read(assay_evidence_posting *out, assay_cursor *cursor);

// path [count]. Spec: P-64.
void assay_evidence_path_read(assay_sumtree_step *path, uint32_t count, assay_cursor *cursor);

// Writes a leaf posting. receipt: its encoding; path [path_count] as assay_sumtree_path gives it;
// leaf_file: as served at <uri>/leaf/<index>. Spec: P-64.
void assay_evidence_leaf_write(assay_writer *writer, uint32_t index, assay_bytes receipt,
                               const assay_sumtree_step *path, uint32_t path_count,
                               assay_bytes leaf_file);

#endif
