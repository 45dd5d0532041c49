// SPDX-License-Identifier: Apache-2.0
// Trials of the operations on single elements: rows of a forward pass.
#include <string.h>

#include "node/bench/trial.h"

// An f32 behind a row's quantised elements, at an aligned place.
static float *scale_at(uint8_t *o, size_t bytes) {
    return (float *)(o + (bytes + 63) / 64 * 64);
}

#define ROW(operation, call)                                                                       \
    static void operation##_row(const assay_kernels *set, uint8_t *o, const float *x,              \
                                const float *y, const int8_t *q, uint32_t n) {                     \
        call;                                                                                      \
    }

ROW(quantise_q4, set->quantise_q4(o, o + n / 2, scale_at(o, n / 2 + n / 64), x, n))
ROW(quantise_q8, set->quantise_q8((int8_t *)o, scale_at(o, n), x, n))
ROW(quantise_x16, set->quantise_x16((int16_t *)o, scale_at(o, 2 * n), x, n))
ROW(rmsnorm, set->rmsnorm((float *)o, x, y, n, 1e-5f))
ROW(rope, set->rope((float *)o, y, y + 32, n / 64, 32))
ROW(exp, set->exp((float *)o, x, n))
ROW(silu_mul, set->silu_mul((float *)o, x, y, n))
ROW(add, set->add((float *)o, y, n))
ROW(add_scaled, set->add_scaled((float *)o, y, 0.7f, n))
ROW(unfold_q8, set->unfold_q8((float *)o, q, 0.3f, n))
ROW(unfold_q4, set->unfold_q4((float *)o, (const uint8_t *)q, (const uint8_t *)q + n / 2, 0.3f, n))

// Bytes that a row of 64 elements reads and writes.
static const struct {
    const char *op;
    assay_trial_row_fn *row;
    uint32_t read, written;
} ops[] = {
    {"quantise_q4", quantise_q4_row, 256, 33},
    {"quantise_q8", quantise_q8_row, 256, 64},
    {"quantise_x16", quantise_x16_row, 256, 128},
    {"rmsnorm", rmsnorm_row, 512, 256},
    {"rope", rope_row, 256, 256},
    {"exp", exp_row, 256, 256},
    {"silu_mul", silu_mul_row, 512, 256},
    {"add", add_row, 512, 256},
    {"add_scaled", add_scaled_row, 512, 256},
    {"unfold_q8", unfold_q8_row, 64, 256},
    {"unfold_q4", unfold_q4_row, 33, 256},
};

static void rows_slice(assay_trial *t, uint32_t slice) {
    uint32_t rows = t->kind.shape[0], n = t->kind.shape[1];
    uint32_t end = assay_trial_begin(t, slice + 1, rows);
    for (uint32_t row = assay_trial_begin(t, slice, rows); row < end; row++) {
        size_t at = (size_t)row * n;
        t->row(t->set, t->out + row * t->row_size, t->x + at, t->y + at, t->q8 + at, n);
    }
}

bool assay_trial_elements(assay_trial *t) {
    size_t rows = t->kind.shape[0], n = t->kind.shape[1], i = 0;
    while (i < ASSAY_COUNT(ops) && strcmp(ops[i].op, t->kind.op) != 0)
        i++;
    if (i == ASSAY_COUNT(ops)) return false;
    t->x = assay_trial_floats(t, rows * n, 3.0f, false);
    t->y = assay_trial_floats(t, rows * n, 1.0f, false);
    t->q8 = assay_trial_q8(t, rows * n);
    t->row = ops[i].row;
    t->second = rows_slice;
    t->row_size = n * sizeof(float) + 128; // the widest result, and a scale
    t->out_size = rows * t->row_size;
    t->bytes = (double)(rows * n / 64 * (ops[i].read + ops[i].written));
    return true;
}
