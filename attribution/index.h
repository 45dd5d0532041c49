// SPDX-License-Identifier: Apache-2.0
// A sequence of token ids, searchable: its suffix array and how often each token occurs in it.
#ifndef ASSAY_ATTRIBUTION_INDEX_H
#define ASSAY_ATTRIBUTION_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

// Lives: from open to close; read-only and shareable between threads. Zeroed: an index of no
// tokens, safe to search and to close.
typedef struct {
    uint32_t *tokens; // [token_count]
    uint32_t *order;  // [token_count] positions of the suffixes, least suffix first
    uint32_t *counts; // [vocab_size] occurrences of each token
    uint32_t token_count;
    uint32_t vocab_size;
} assay_index;

// What a search found: `length` tokens of the query stand at `position`.
typedef struct {
    uint32_t position;
    uint32_t length;
} assay_match;

// Copies and sorts tokens[count]; no tokens are allowed. Keeps 8 bytes a token and 4 a vocabulary
// entry; meanwhile needs 5 bytes for each byte of the encoded tokens (1 to 4 bytes a token).
// Errors: RANGE (a token >= vocab_size, with its place), CAPACITY (encoded size), MEMORY.
// Spec: A-4.
assay_status assay_index_open(assay_index *index, const uint32_t *tokens, size_t count,
                              uint32_t vocab_size, assay_error *err);
void assay_index_close(assay_index *index);

// The longest prefix of query[count] that occurs. Where it occurs more than once, position is that
// of the least suffix. length 0: not even the first token occurs; position is then 0.
// Cost: O(length + log n) as a rule, O(length * log n) at worst. Spec.
assay_match assay_index_match(const assay_index *index, const uint32_t *query, uint32_t count);

// How often a token, of any value, occurs. Spec: A-9.
uint32_t assay_index_occurrences(const assay_index *index, uint32_t token);

#endif
