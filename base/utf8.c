// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <string.h>

// Bytes that a sequence with this first byte has, 0 if none starts so.
static size_t wanted_size(uint8_t first) {
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

// How many of the bytes at `at` can stand together at the start of a sequence; at least 1. The
// second byte's range depends on the first (it excludes overlong forms, surrogates and values past
// U+10FFFF); the rest is 80..BF.
static size_t subpart_size(const uint8_t *at, size_t left) {
    size_t size = wanted_size(at[0]);
    uint8_t low = 0x80, high = 0xBF;
    if (at[0] == 0xE0) low = 0xA0;
    if (at[0] == 0xED) high = 0x9F;
    if (at[0] == 0xF0) low = 0x90;
    if (at[0] == 0xF4) high = 0x8F;
    if (size < 2 || left < 2 || at[1] < low || at[1] > high) return 1;
    for (size_t i = 2; i < size; i++)
        if (i == left || at[i] < 0x80 || at[i] > 0xBF) return i;
    return size;
}

// Length of the sequence at `at`, 0 if it is ill-formed.
static size_t sequence_size(const uint8_t *at, size_t left) {
    size_t size = wanted_size(at[0]);
    return size && subpart_size(at, left) == size ? size : 0;
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

size_t assay_utf8_repair(char *out, const uint8_t *data, size_t size, bool last, size_t *used) {
    size_t at = 0, written = 0;
    while (at < size) {
        size_t step = subpart_size(data + at, size - at), wanted = wanted_size(data[at]);
        if (!last && step < wanted && step == size - at) break;
        bool whole = step == wanted;
        memcpy(out + written, whole ? (const void *)(data + at) : "\xEF\xBF\xBD", whole ? step : 3);
        written += whole ? step : 3;
        at += step;
    }
    *used = at;
    return written;
}
