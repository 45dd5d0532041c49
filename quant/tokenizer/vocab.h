// SPDX-License-Identifier: Apache-2.0
// A BPE vocabulary: the bytes that every token is merged as, and the ranked merges.
#ifndef ASSAY_QUANT_TOKENIZER_VOCAB_H
#define ASSAY_QUANT_TOKENIZER_VOCAB_H

#include "base/bytes.h"
#include "base/status.h"

#define ASSAY_TOKEN_NONE UINT32_MAX

enum { ASSAY_TOKEN_BYTES_MAX = 4096, ASSAY_MERGES_MAX = 1 << 21 };

// right merged onto the left token it is listed under.
typedef struct {
    uint32_t left, right;
    uint32_t rank; // lower merges first
    uint32_t id;   // of left's bytes followed by right's
} assay_merge;

// Built once, then read-only. A zeroed struct is safe to close.
typedef struct {
    uint32_t id_count;   // ids are below this; not every one need be in use
    assay_bytes *tokens; // [id_count], data NULL where unused
    uint8_t *bytes;      // what the tokens point into
    uint32_t *order;     // [token_count] ids that are found by bytes, ascending by them
    uint32_t token_count;
    assay_merge *merges; // [merge_count], ascending by (left, right)
    uint32_t merge_count;
    uint32_t *first; // [id_count + 1], a left token's first merge
    uint32_t byte_ids[256];
} assay_vocab;

// Makes room for ids below id_count with byte_count bytes in all. Errors: MEMORY. Spec: F-8.
assay_status assay_vocab_open(assay_vocab *vocab, uint32_t id_count, size_t byte_count,
                              assay_error *err);
void assay_vocab_close(assay_vocab *vocab);

// Gives a token its bytes (1 .. ASSAY_TOKEN_BYTES_MAX), copied. The sum stays within byte_count.
// Errors: RANGE (id, or size), DUPLICATE (id). Spec: F-8.
assay_status assay_vocab_add(assay_vocab *vocab, uint32_t id, const void *data, size_t size,
                             assay_error *err);

// Ends the adding of tokens. Errors: DUPLICATE (two ids with the same bytes). Spec: F-8.
assay_status assay_vocab_sort(assay_vocab *vocab, assay_error *err);

// Takes a token out of what is found by bytes: merging knows no such token, decoding does. After
// sort. Spec: F-8.
void assay_vocab_hide(assay_vocab *vocab, uint32_t id);

// Finds the bytes' tokens. spelled: they are "<0xHH>", else the bytes. After sort. Errors: MISSING.
// Spec: F-8, F-30.
assay_status assay_vocab_bytes_find(assay_vocab *vocab, bool spelled, assay_error *err);

// Returns: the id with these bytes, or ASSAY_TOKEN_NONE. After sort.
uint32_t assay_vocab_find(const assay_vocab *vocab, const void *data, size_t size);

// Sets the merges, ranked by their order: left and right are given, rank and id are filled in.
// Takes merges (malloc'ed) over, whatever it returns. Errors: MISSING (the merged token),
// DUPLICATE (a pair), MEMORY. Spec: F-8.
assay_status assay_vocab_merges_set(assay_vocab *vocab, assay_merge *merges, uint32_t count,
                                    assay_error *err);

// Returns: the merge of two neighbours, or NULL.
const assay_merge *assay_vocab_merge(const assay_vocab *vocab, uint32_t left, uint32_t right);

#endif
