// SPDX-License-Identifier: Apache-2.0
// What a tokenizer does to a text before it is merged: a closed list of normalizers, splits and
// decoders.
#ifndef ASSAY_QUANT_TOKENIZER_STEPS_H
#define ASSAY_QUANT_TOKENIZER_STEPS_H

#include "quant/tokenizer/json.h"

// Reads "normalizer", "pre_tokenizer" and "decoder". Errors: MISSING, FORMAT, UNKNOWN,
// UNSUPPORTED, MEMORY. Spec: F-8, F-30.
assay_status assay_tokenizer_steps_read(assay_tokenizer *tokenizer, const json_t *json,
                                        assay_error *err);

// What the normalizer makes of a run of well-formed text between added tokens. Errors: MEMORY.
// Lives: the caller frees *out. Spec: F-8.
assay_status assay_tokenizer_normalize(const assay_tokenizer *tokenizer, char **out,
                                       size_t *out_size, const char *text, size_t size,
                                       assay_error *err);

// A run of text with its spaces as marks, and one in front where the rule says so. at_start: of the
// whole text. Errors: MEMORY. Lives: the caller frees *out. Spec: F-30.
assay_status assay_tokenizer_spaces_mark(char **out, size_t *out_size, const char *text,
                                         size_t size, assay_space_rule rule, bool at_start,
                                         assay_error *err);

// Returns: the first place after `at` where a row of space marks begins, or size. Spec: F-30.
size_t assay_tokenizer_space_cut(const char *text, size_t size, size_t at);

#endif
