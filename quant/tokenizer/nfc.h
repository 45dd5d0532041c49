// SPDX-License-Identifier: Apache-2.0
// Unicode's normalization form C. The tables are our own, so that every build of the program makes
// the same ids of one text: what a verifier attributes depends on them.
#ifndef ASSAY_QUANT_TOKENIZER_NFC_H
#define ASSAY_QUANT_TOKENIZER_NFC_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

// Normalizes well-formed UTF-8 as Unicode 9.0 does; later characters stand for themselves, and
// marks among them are not moved. O(n log n). Errors: MEMORY, CAPACITY (2^28 code points without
// a place to cut). Lives: the caller frees *out [*out_size]. Spec: F-31.
assay_status assay_nfc(char **out, size_t *out_size, const char *text, size_t size,
                       assay_error *err);

#endif
