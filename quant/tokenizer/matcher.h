// SPDX-License-Identifier: Apache-2.0
// Finds which of some texts stand at a place, the longest first: added tokens in a text.
#ifndef ASSAY_QUANT_TOKENIZER_MATCHER_H
#define ASSAY_QUANT_TOKENIZER_MATCHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    char *text; // [size], malloc'ed
    size_t size;
    uint32_t id;
} assay_matcher_entry;

// A zeroed struct finds nothing and is safe to close.
typedef struct {
    assay_matcher_entry *entries; // [count], ascending by text once sorted
    uint32_t count;
    uint32_t first[257]; // by first byte
} assay_matcher;

// Makes room for `room` texts. Errors: MEMORY. Lives: until close.
assay_status assay_matcher_open(assay_matcher *matcher, uint32_t room, assay_error *err);
void assay_matcher_close(assay_matcher *matcher);

// Adds a text of at least a byte, copied, within the room. Errors: MEMORY. Spec: F-8.
assay_status assay_matcher_add(assay_matcher *matcher, const char *text, size_t size, uint32_t id,
                               assay_error *err);

// Ends the adding. Errors: DUPLICATE. Spec: F-8.
assay_status assay_matcher_sort(assay_matcher *matcher, assay_error *err);

// Returns: the longest entry that `text`, of at least a byte, begins with, or NULL. Spec: F-8.
const assay_matcher_entry *assay_matcher_find(const assay_matcher *matcher, const char *text,
                                              size_t size);

#endif
