// SPDX-License-Identifier: Apache-2.0
// The operands of one kernel operation at one shape, and the slices of its work that threads take.
#ifndef ASSAY_NODE_BENCH_TRIAL_H
#define ASSAY_NODE_BENCH_TRIAL_H

#include "kernels/table.h"

// shape: products: activation rows, weight rows, k; attention: query heads of a kv head, positions,
// head size; others: rows, elements.
typedef struct {
    const char *op;
    uint32_t shape[3];
    bool memory; // its operands fit no cache: reading them is what bounds it
} assay_trial_kind;

typedef struct assay_trial assay_trial;

// Does slice `slice` of the trial's work on its set.
typedef void assay_trial_slice_fn(assay_trial *trial, uint32_t slice);

// One row of an operation on elements: o: its result, x, y, q: operands [n]. An operation that
// writes where it reads finds x in o.
typedef void assay_trial_row_fn(const assay_kernels *set, uint8_t *o, const float *x,
                                const float *y, const int8_t *q, uint32_t n);

enum { ASSAY_TRIAL_TAKEN_MAX = 12 };

// A zeroed struct is safe to close.
struct assay_trial {
    assay_trial_kind kind;
    uint32_t slices;
    const assay_kernels *set;             // of the run in progress
    assay_trial_slice_fn *first, *second; // first: NULL, or what all slices do before second
    assay_trial_row_fn *row;              // of an operation on elements
    double macs, bytes;                   // of a run; see assay_kernel_speed
    int16_t *q16;                         // activations, queries
    float *scales;                        // of rows of all kinds
    uint8_t *codes, *ratios;              // 4-bit weights
    int8_t *q8;                           // 8-bit weights, rows to unfold
    float *x, *y;                         // [rows][elements]
    uint8_t *pages;                       // of keys and values
    const uint8_t **page_list;
    void *packed;     // activations in the set's order
    uint8_t *scratch; // [slices][scratch_size]
    size_t scratch_size;
    uint8_t *out; // [out_size]
    size_t out_size, row_size;
    void *taken[ASSAY_TRIAL_TAKEN_MAX];
    uint32_t taken_count;
    bool failed; // memory was out
};

// Draws the operands. slices: static parts, one a thread. Errors: MEMORY, UNKNOWN (operation).
// Lives: until close. Spec: N-20.
assay_status assay_trial_open(assay_trial *trial, const assay_trial_kind *kind, uint32_t slices,
                              assay_error *err);
void assay_trial_close(assay_trial *trial);

// Random numbers of -top to top, or positive ones up to top, aligned to 64. Returns: NULL if memory
// is out, and trial->failed. Lives: until close.
float *assay_trial_floats(assay_trial *trial, size_t count, float top, bool positive);
int8_t *assay_trial_q8(assay_trial *trial, size_t count);

// Of a slice of `count` things the first.
static inline uint32_t assay_trial_begin(const assay_trial *trial, uint32_t slice, uint32_t count) {
    return (uint32_t)((uint64_t)count * slice / trial->slices);
}

// Prepares a trial of an operation on elements. Returns: whether kind.op is one.
bool assay_trial_elements(assay_trial *trial);

#endif
