// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

// Length of the sequence at `at`, 0 if it is ill-formed. The second byte's range depends on the
// first (it excludes overlong forms, surrogates and values past U+10FFFF); the rest is 80..BF.
static size_t sequence_size(const uint8_t *at, size_t left) {
    uint8_t first = at[0], low = 0x80, high = 0xBF;
    size_t size;
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
    if (left < size || at[1] < low || at[1] > high) return 0;
    for (size_t i = 2; i < size; i++)
        if (at[i] < 0x80 || at[i] > 0xBF) return 0;
    return size;
}

size_t assay_utf8_prefix(const uint8_t *data, size_t size) {
    size_t at = 0;
    while (at < size) {
        size_t step = sequence_size(data + at, size - at);
        if (step == 0) break;
        at += step;
    }
    return at;
}
