// SPDX-License-Identifier: Apache-2.0
// Byte-pair merging of one piece of text.
#ifndef ASSAY_QUANT_TOKENIZER_BPE_H
#define ASSAY_QUANT_TOKENIZER_BPE_H

#include "quant/tokenizer/vocab.h"

// A longer piece would need gigabytes of working memory for one word.
enum { ASSAY_PIECE_TOKENS_MAX = 4 << 20 };

// Working memory that grows with the longest piece. A zeroed struct is empty and safe to close.
typedef struct {
    void *memory;
    size_t room; // tokens of a piece it is enough for
} assay_bpe;

// Merges the tokens of a piece's bytes or characters, ids [*count], in place: always the neighbours
// with the lowest rank, the leftmost among equals, until none is left. shunned [id_count]: ids that
// no merge may make, or NULL. O(n log n). Returns the number of tokens left in *count.
// Errors: CAPACITY (of them at first), MEMORY. Spec: F-8.
assay_status assay_bpe_merge(assay_bpe *bpe, uint32_t *ids, size_t *count, const assay_vocab *vocab,
                             const bool *shunned, assay_error *err);
void assay_bpe_close(assay_bpe *bpe);

#endif
