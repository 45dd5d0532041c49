// SPDX-License-Identifier: Apache-2.0
// Lower-case hexadecimal text; a "0x" prefix is accepted and written where Ethereum tools expect
// it.
#ifndef ASSAY_BASE_HEX_H
#define ASSAY_BASE_HEX_H

#include "base/bytes.h"
#include "base/status.h"

// Enough for "0x", 32 bytes and the terminator.
enum { ASSAY_HEX_HASH_MAX = 2 + 64 + 1 };

// Writes 2 * size digits and a terminator into out (capacity 2 * size + 1 at least).
void assay_hex_encode(char *out, const uint8_t *data, size_t size);

// Writes "0x" and the digits (capacity 2 * size + 3 at least).
void assay_hex_encode_0x(char *out, const uint8_t *data, size_t size);

// The text behind its "0x", if it has one. Spec: F-2.
const char *assay_hex_digits(const char *text);

// Reads exactly `size` bytes from text of either case, with or without "0x".
// Errors: FORMAT (length or a digit). On failure out is unspecified. Spec: F-2.
assay_status assay_hex_decode(uint8_t *out, size_t size, const char *text, assay_error *err);

#endif
