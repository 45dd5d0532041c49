// SPDX-License-Identifier: Apache-2.0
// Every operation x shape x fill x alignment, run on two kernel sets and compared by memcmp.
#ifndef ASSAY_TESTS_CHECKKERNELS_CASES_H
#define ASSAY_TESTS_CHECKKERNELS_CASES_H

#include "kernels/table.h"
#include "tests/checkkernels/guard.h"

// What the inputs hold; each operation reads it in its own types.
typedef enum {
    FILL_ZEROS,
    FILL_MAXIMA,
    FILL_ALTERNATING,
    FILL_OUTLIER,
    FILL_RANDOM,
    FILL_TINY,     // around 2^-96 and below, down to subnormals and -0
    FILL_INFINITE, // random with one infinity, the last element
    FILL_NAN,      // random with one NaN, the first element
    FILL_COUNT
} fill;

// shape: gemm_*: m, n, k; attention: head_size, count, queries; rope: heads, half; others: k.
typedef struct {
    const char *op;
    uint32_t shape[3];
    fill fill;
    uint32_t gap; // elements between the ends of the buffers and the unreadable page
} check_case;

// "op:shape,shape,shape:fill:gap", as --case takes it.
void case_print(char *out, size_t size, const check_case *c);
bool case_parse(check_case *c, const char *text);

// All cases in a fixed order, to `each`; stops when it returns false.
void cases_enumerate(bool (*each)(void *context, const check_case *c), void *context);

// The names of the operations, in ASSAY_KERNEL_LIST's order; NULL ends.
extern const char *const case_ops[];

// All sets of this build, and those that are emulated. Returns: their number. Lives: for ever.
size_t case_sets(const assay_kernels *const **sets);

// Runs a case on a set and on the one that is right. Returns: NULL, or what went wrong.
const char *case_compare(guard *g, const assay_kernels *set, const assay_kernels *right,
                         const check_case *c);

// Prepares a case and runs it `times` times on a set, for benchmarks.
void case_repeat(guard *g, const assay_kernels *set, const check_case *c, unsigned times);

#endif
