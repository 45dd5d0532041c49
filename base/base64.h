// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648, padded) by libcrypto, for the JSON of others. Spec: F-60.
#ifndef ASSAY_BASE_BASE64_H
#define ASSAY_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

// Characters of `size` bytes, without the terminating zero.
#define ASSAY_BASE64_SIZE(size) (((size) + 2) / 3 * 4)

// Writes ASSAY_BASE64_SIZE(size) characters and a zero to out. size: at most 512 MiB (asserted).
void assay_base64_encode(char *out, const void *data, size_t size);

// Decodes `length` characters into out [capacity]. One encoding of each value: no spaces, no
// missing padding, unused bits zero. Errors: FORMAT, CAPACITY. Spec: F-60.
assay_status assay_base64_decode(uint8_t *out, size_t *size, size_t capacity, const char *text,
                                 size_t length, assay_error *err);

#endif
