// SPDX-License-Identifier: Apache-2.0
// The forward pass of one sequence: token ids in, and at each position the vector that enters the
// head and the logits out. The results depend on the ids alone: not on how they are split into
// calls and chunks, on threads, on the kernel set or on what else runs (N-19).
#ifndef ASSAY_QUANT_FORWARD_H
#define ASSAY_QUANT_FORWARD_H

#include "base/pool.h"
#include "kernels/table.h"
#include "quant/kv_cache.h"
#include "quant/model.h"

enum { ASSAY_CHUNK_DEFAULT = 128 };
#define ASSAY_NO_FAULT UINT32_MAX

// What a pass runs on; borrowed, shareable between sequences and threads.
typedef struct {
    const assay_model *model;
    const assay_kernels *kernels;
    assay_pool *pool; // NULL: the caller's thread alone
} assay_engine;

// One position's outcome. Lives: during the hook's call.
typedef struct {
    uint32_t position;
    const int16_t *head_q; // [width], the x16 row that enters the head
    float head_scale;
    const float *logits; // [vocab]
} assay_forward_row;

// Called on the caller's thread; either may be NULL.
typedef struct {
    // For each position >= rows_from in ascending order, up to the first fault.
    void (*row)(void *context, const assay_forward_row *row);
    uint32_t rows_from;
    // For each position after each layer: x[width], the residual. Within one chunk layer by layer,
    // positions ascending. Undefined content at and after a fault.
    void (*residual)(void *context, uint32_t layer, uint32_t position, const float *x);
    void *context;
} assay_forward_hooks;

// One sequence: its cache and the working memory of a chunk. A zeroed struct is safe to close.
typedef struct {
    assay_engine engine;
    const assay_adapter *adapter;
    assay_kv_cache cache;
    uint32_t position_count; // fed so far
    uint32_t fault_position; // the lowest that faulted (N-3), or ASSAY_NO_FAULT
    uint32_t chunk_max;      // positions that share one pass over the weights
    uint32_t slice_count;    // static parts of each step, one a thread
    uint32_t wide_stride;    // columns of `wide` and `delta`
    struct {
        float *x;            // [chunk][width] the residual
        float *norm;         // [chunk][max(width, head_count * head_size)]
        int16_t *q16;        // [chunk][the widest input of a linear]
        float *scales;       // [chunk]
        float *wide;         // [chunk][wide_stride] the outputs of linears with one input
        float *delta;        // [chunk][wide_stride] their low-rank parts
        float *rank;         // [3][chunk][rank] between the low-rank factors
        int16_t *rank_q16;   // [3][chunk][rank]
        float *rank_scales;  // [3][chunk]
        int16_t *query_q16;  // [chunk][head_count][head_size]
        float *query_scales; // [chunk][head_count]
        uint8_t *attention;  // [slice_count] scratch
        float *logits;       // [logit_rows][vocab]
        uint8_t *faults;     // [chunk]
    } work;
} assay_forward;

// capacity: positions, 1 .. the model's context; chunk_max: 0 for the default.
// Errors: MEMORY, RANGE (capacity), UNSUPPORTED (a shape the kernels cannot take).
// Lives: until assay_forward_close; engine's members must live longer. Spec: N-15.
assay_status assay_forward_open(assay_forward *forward, const assay_engine *engine,
                                uint32_t capacity, uint32_t chunk_max, assay_error *err);
void assay_forward_close(assay_forward *forward);

// Starts a new sequence, with a low-rank adapter (opened over this model) or without (NULL).
void assay_forward_reset(assay_forward *forward, const assay_adapter *adapter);

// Appends ids[count] to the sequence. After a fault nothing more is computed. hooks may be NULL.
// Errors: RANGE (id >= vocabulary), CAPACITY (more positions than the cache holds); nothing is fed
// then. Allocates nothing. Spec: N-9 to N-13, N-15.
assay_status assay_forward_feed(assay_forward *forward, const uint32_t *ids, uint32_t count,
                                const assay_forward_hooks *hooks, assay_error *err);

#endif
