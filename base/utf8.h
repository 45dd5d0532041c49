// SPDX-License-Identifier: Apache-2.0
// Well-formed UTF-8, told apart from everything else.
#ifndef ASSAY_BASE_UTF8_H
#define ASSAY_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

// The length of the longest well-formed prefix of data (Unicode table 3-7: no surrogates, no
// overlong forms, nothing above U+10FFFF, no cut sequence). Returns: size if all of it is.
// Errors: none. Spec: F-2.
size_t assay_utf8_prefix(const uint8_t *data, size_t size);

#endif
