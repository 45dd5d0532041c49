// SPDX-License-Identifier: Apache-2.0
#include "node/bench/kernels.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/float.h"
#include "node/measure.h"

enum { RUNS_MIN = 3 };
#define SECONDS_MIN 0.1

static const assay_trial_kind kinds[] = {
    {"gemm_q4", {256, 8192, 2048}, false}, {"gemm_q4", {256, 2048, 8192}, false},
    {"gemm_q4", {8, 8192, 2048}, false},   {"gemm_q4", {1, 32768, 8192}, true},
    {"gemm_q8", {256, 2048, 2048}, false}, {"gemm_q8", {256, 16, 2048}, false},
    {"gemm_q8", {256, 2048, 16}, false},   {"gemm_q8", {1, 65536, 2048}, true},
    {"attention", {4, 64, 64}, false},     {"attention", {4, 512, 64}, false},
    {"attention", {4, 2048, 128}, false},  {"quantise_q4", {64, 2048}, false},
    {"quantise_q8", {512, 64}, false},     {"quantise_x16", {64, 2048}, false},
    {"quantise_x16", {64, 8192}, false},   {"rmsnorm", {64, 2048}, false},
    {"rope", {64, 2048}, false},           {"exp", {64, 2048}, false},
    {"silu_mul", {64, 8192}, false},       {"add", {64, 2048}, false},
    {"add_scaled", {64, 2048}, false},     {"unfold_q8", {64, 2048}, false},
    {"unfold_q4", {64, 2048}, false},
};

size_t assay_kernel_trials_list(const assay_trial_kind **out) {
    *out = kinds;
    return ASSAY_COUNT(kinds);
}

typedef struct {
    assay_trial *trial;
    assay_trial_slice_fn *work;
} step;

static void step_slice(void *context, size_t index) {
    const step *s = context;
    uint64_t former = assay_float_enter();
    s->work(s->trial, (uint32_t)index);
    assay_float_leave(former);
}

static double run(assay_trial *t, assay_pool *pool) {
    step first = {t, t->first}, second = {t, t->second};
    double start = assay_measure_seconds();
    if (first.work) assay_pool_run(pool, t->slices, step_slice, &first);
    assay_pool_run(pool, t->slices, step_slice, &second);
    return assay_measure_seconds() - start;
}

// From the same memory as every other run: an operation may add to what is there, or rotate it.
static void result_make(assay_trial *t, assay_pool *pool) {
    memset(t->out, 0, t->out_size);
    for (uint32_t row = 0; t->x && row < t->kind.shape[0]; row++)
        memcpy(t->out + row * t->row_size, t->x + (size_t)row * t->kind.shape[1],
               t->kind.shape[1] * sizeof *t->x);
    run(t, pool);
}

static assay_status set_choose(assay_trial *t, const assay_kernels *set, assay_error *err) {
    t->set = set;
    if (!t->first) return ASSAY_OK;
    const uint32_t *shape = t->kind.shape;
    assay_weights_kind kind = t->codes ? ASSAY_WEIGHTS_Q4 : ASSAY_WEIGHTS_Q8;
    size_t size = set->packed_size(kind, shape[0], shape[2]);
    free(t->packed);
    t->packed = aligned_alloc(64, (size + 64) / 64 * 64);
    if (!t->packed) return ASSAY_FAIL(err, MEMORY, "no memory for %zu packed bytes", size);
    return ASSAY_OK;
}

static void time_take(assay_kernel_speed *out, assay_trial *t, assay_pool *pool) {
    double total = 0;
    out->seconds = 0;
    for (int i = 0; i < RUNS_MIN || total < SECONDS_MIN; i++) {
        double seconds = run(t, pool);
        if (i == 0 || seconds < out->seconds) out->seconds = seconds;
        total += seconds;
    }
    out->macs = t->macs;
    out->bytes = t->bytes;
}

static assay_status sets_run(assay_kernel_speed *out, assay_trial *t, uint8_t *wanted,
                             const assay_kernels *const *sets, size_t set_count, assay_pool *pool,
                             assay_error *err) {
    ASSAY_TRY(set_choose(t, &assay_kernels_ref, err));
    result_make(t, pool);
    memcpy(wanted, t->out, t->out_size);
    for (size_t i = 0; i < set_count; i++) {
        ASSAY_TRY(set_choose(t, sets[i], err));
        result_make(t, pool);
        out[i].same_bits = memcmp(wanted, t->out, t->out_size) == 0;
        time_take(&out[i], t, pool);
    }
    return ASSAY_OK;
}

assay_status assay_kernel_trial_run(assay_kernel_speed *out, const assay_trial_kind *kind,
                                    const assay_kernels *const *sets, size_t set_count,
                                    assay_pool *pool, assay_error *err) {
    assay_trial trial;
    ASSAY_TRY(assay_trial_open(&trial, kind, pool ? assay_pool_thread_count(pool) : 1, err));
    uint8_t *wanted = malloc(trial.out_size);
    assay_status status = wanted
                              ? sets_run(out, &trial, wanted, sets, set_count, pool, err)
                              : ASSAY_FAIL(err, MEMORY, "no memory for %zu bytes", trial.out_size);
    free(wanted);
    free(trial.packed);
    assay_trial_close(&trial);
    return status;
}
