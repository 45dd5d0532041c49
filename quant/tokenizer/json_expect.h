// SPDX-License-Identifier: Apache-2.0
// Members of a stranger's configuration that must say one thing.
#ifndef ASSAY_QUANT_TOKENIZER_JSON_EXPECT_H
#define ASSAY_QUANT_TOKENIZER_JSON_EXPECT_H

#include "base/json.h"

// true or false, `fallback` where it is absent. Errors: FORMAT. Spec: F-8.
assay_status assay_expect_flag_read(bool *out, const json_t *object, const char *name,
                                    bool fallback, assay_error *err);

// Errors: FORMAT; UNSUPPORTED (it says something else). Spec: F-8.
assay_status assay_expect_flag(const json_t *object, const char *name, bool wanted, bool fallback,
                               assay_error *err);

// Errors: MISSING, FORMAT; UNSUPPORTED (another text). Spec: F-8.
assay_status assay_expect_text(const json_t *object, const char *name, const char *wanted,
                               assay_error *err);

// Null, absent, or an empty text. Errors: UNSUPPORTED. Spec: F-8.
assay_status assay_expect_nothing(const json_t *object, const char *name, assay_error *err);

#endif
