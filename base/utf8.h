// SPDX-License-Identifier: Apache-2.0
// Well-formed UTF-8, told apart from everything else.
#ifndef ASSAY_BASE_UTF8_H
#define ASSAY_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The length of the longest well-formed prefix of data (Unicode table 3-7: no surrogates, no
// overlong forms, nothing above U+10FFFF, no cut sequence). Returns: size if all of it is.
// Errors: none. Spec: F-2.
size_t assay_utf8_prefix(const uint8_t *data, size_t size);

// Copies data to out (capacity 3 * size) with U+FFFD in place of each ill-formed part: the longest
// start of a sequence, or one byte (Unicode, 3.9 "U+FFFD Substitution of Maximal Subparts"). last:
// nothing follows; otherwise a sequence that the end cuts is left for the next call.
// Returns: bytes written; *used gets the bytes of data that are done with. Errors: none. Spec: F-8.
size_t assay_utf8_repair(char *out, const uint8_t *data, size_t size, bool last, size_t *used);

#endif
