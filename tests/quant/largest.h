// SPDX-License-Identifier: Apache-2.0
// The largest piece of memory that a parser asks for at once. The linker puts these functions in
// the place of the allocator's (tests/CMakeLists.txt); libraries' own requests are not seen.
#ifndef ASSAY_TESTS_QUANT_LARGEST_H
#define ASSAY_TESTS_QUANT_LARGEST_H

#include <stdlib.h>

#include "tests/test.h"

static bool largest_watched;
static size_t largest_size;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static inline void largest_see(size_t count, size_t size) {
    size_t whole;
    if (__builtin_mul_overflow(count, size, &whole)) whole = SIZE_MAX;
    if (largest_watched && whole > largest_size) largest_size = whole;
}

void *__wrap_malloc(size_t size) {
    largest_see(1, size);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    largest_see(count, size);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
    largest_see(1, size);
    return __real_realloc(old, size);
}

static inline void largest_begin(void) {
    largest_size = 0;
    largest_watched = true;
}

// What a file of `size` bytes may cost: nothing is allocated by a count that was not checked. An
// entry in memory has less than 16 times the bytes that the shortest one has in a file, so a count
// that what is left of the file can hold stays below that. What is of a fixed size has less than
// the rest, which lists of the greatest legal counts pass.
static inline void largest_end(size_t size) {
    enum { TIMES = 16, FIXED = 32 << 10 };
    largest_watched = false;
    if (largest_size > TIMES * size + FIXED)
        fail_msg("a file of %zu bytes made the reader ask for %zu at once", size, largest_size);
}

#endif
