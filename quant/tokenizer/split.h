// SPDX-License-Identifier: Apache-2.0
// The known ways in which byte-level tokenizers cut text into pieces before merging, by PCRE2.
#ifndef ASSAY_QUANT_TOKENIZER_SPLIT_H
#define ASSAY_QUANT_TOKENIZER_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

// The patterns are a closed list: each is linear in the text, and none comes from a file.
typedef enum {
    ASSAY_SPLIT_GPT2,   // ByteLevel's own
    ASSAY_SPLIT_LLAMA3, // the Split of Llama 3 and of cl100k's descendants
    ASSAY_SPLIT_QWEN2,  // the same with digits by themselves
    ASSAY_SPLIT_COUNT
} assay_split_kind;

// The pattern as tokenizer.json spells it. Lives: for ever. Spec: F-8.
const char *assay_split_pattern(assay_split_kind kind);

typedef struct assay_split assay_split; // read-only after open; shareable between threads
typedef struct assay_split_run assay_split_run;

// Errors: MEMORY. Lives: until close. Spec: F-8.
assay_status assay_split_open(assay_split **out, assay_split_kind kind, assay_error *err);
void assay_split_close(assay_split *split);

// What one thread needs to run a split. Errors: MEMORY.
assay_status assay_split_run_open(assay_split_run **out, const assay_split *split,
                                  assay_error *err);
void assay_split_run_close(assay_split_run *run);

// Finds the piece of well-formed UTF-8 that starts at `at` < size. Errors: CAPACITY (PCRE2's
// limits). Returns its end, at least at + 1, in *end. Spec: F-8.
assay_status assay_split_next(assay_split_run *run, size_t *end, const char *text, size_t size,
                              size_t at, assay_error *err);

#endif
