// SPDX-License-Identifier: Apache-2.0
// The forward pass: token ids of one or many sequences in, and at each position the vector that
// enters the head and the logits, or the choice they lead to, out. The results depend on a
// sequence's ids alone: not on how they are split into calls and chunks, on threads, on the kernel
// set or on what else runs (N-19).
#ifndef ASSAY_QUANT_FORWARD_H
#define ASSAY_QUANT_FORWARD_H

#include <stdatomic.h>

#include "base/pool.h"
#include "kernels/table.h"
#include "quant/kv_cache.h"
#include "quant/model.h"
#include "quant/sampler.h"

enum { ASSAY_CHUNK_DEFAULT = 256 };
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
    const float *logits; // [vocab]; NULL where the hooks say how to choose
    uint32_t id;         // that of the token at the next position, where they do
} assay_forward_row;

// Called on the caller's thread; either may be NULL.
typedef struct {
    // For each position >= rows_from in ascending order, up to the first fault.
    void (*row)(void *context, const assay_forward_row *row);
    uint32_t rows_from;
    const assay_sampling *sampling; // checked: a chosen id is all that is wanted; NULL: logits are
    // For each position after each layer: x[width], the residual. Within one chunk layer by layer,
    // positions ascending. Undefined content at and after a fault.
    void (*residual)(void *context, uint32_t layer, uint32_t position, const float *x);
    const atomic_bool *stop; // once it is set, chunks hold no more of this feed; NULL: never
    void *context;
} assay_forward_hooks;

// One sequence: what it has seen. A zeroed struct is safe to close.
typedef struct {
    assay_kv_cache cache;
    const assay_adapter *adapter;
    uint32_t position_count; // fed so far
    uint32_t fault_position; // the lowest that faulted (N-3), or ASSAY_NO_FAULT
} assay_sequence;

// Tokens to append to one sequence. hooks may be NULL.
typedef struct {
    assay_sequence *sequence;
    const uint32_t *ids; // [count]
    uint32_t count;
    const assay_forward_hooks *hooks;
} assay_feed;

// One row of a chunk: the token of one position of one feed.
typedef struct {
    const assay_feed *feed;
    uint32_t id;
    uint32_t position;
    uint32_t group, group_end; // the rows around it that share its adapter
} assay_chunk_row;

// The pages of all sequences and the working memory of a chunk. A zeroed struct is safe to close.
typedef struct {
    assay_engine engine;
    assay_kv_pool pages;
    uint32_t capacity;    // positions that the longest sequence may have
    uint32_t chunk_max;   // positions that share one pass over the weights
    uint32_t lane_count;  // threads
    uint32_t slice_count; // parts of each step
    uint32_t wide_stride; // columns of `wide`
    size_t lane_size;     // bytes of one thread's scratch
    struct {
        assay_chunk_row *rows; // [chunk]
        uint32_t *wanted;      // [chunk] the rows that enter the head
        float *x;              // [chunk][width] the residual
        float *norm;           // [chunk][max(width, head_count * head_size)]
        int16_t *q16;          // [chunk][the widest input of a linear]
        float *scales;         // [chunk]
        uint8_t *packed[2];    // q16 in the set's order, by assay_weights_kind
        float *wide;           // [chunk][wide_stride] the outputs of linears with one input
        float *rank;           // [3][chunk][rank] between the low-rank factors
        int16_t *rank_q16;     // [3][chunk][rank]
        float *rank_scales;    // [3][chunk]
        int16_t *query_q16;    // [chunk][head_count][head_size]
        float *query_scales;   // [chunk][head_count]
        uint8_t *lanes;        // [lane_count][lane_size] scratch of kernels
        float *logits;         // [ASSAY_LOGIT_ROWS][vocab]
        float *best;           // [slice_count][chunk] the highest logit of a slice's columns
        uint32_t *best_ids;    // [slice_count][chunk]; in the first what is chosen in the end
        uint8_t *faults;       // [chunk]
    } work;
} assay_forward;

// capacity: positions of one sequence, 1 .. the model's context; position_max: of all sequences at
// once (whole pages are counted); chunk_max: 0 for the default.
// Errors: MEMORY, RANGE (capacity), UNSUPPORTED (a shape the kernels cannot take).
// Lives: until assay_forward_close; engine's members must live longer. Spec: N-15.
assay_status assay_forward_open(assay_forward *forward, const assay_engine *engine,
                                uint32_t capacity, uint64_t position_max, uint32_t chunk_max,
                                assay_error *err);
void assay_forward_close(assay_forward *forward);

// A sequence of at most `capacity` positions (at most the forward's). Errors: MEMORY.
// Lives: until assay_sequence_close, and not longer than the forward.
assay_status assay_sequence_open(assay_sequence *sequence, assay_forward *forward,
                                 uint32_t capacity, assay_error *err);
void assay_sequence_close(assay_sequence *sequence);

// Starts it anew, with a low-rank adapter (opened over this model) or without (NULL).
void assay_sequence_reset(assay_sequence *sequence, const assay_adapter *adapter);

// Appends to each feed's sequence its ids; no sequence stands in two feeds. Feeds share the passes
// over the weights; those with one adapter should be neighbours. After a fault nothing more of that
// sequence is computed.
// Errors: RANGE (id >= vocabulary), CAPACITY (more positions than a sequence or the pages hold);
// nothing is fed then; as assay_model_unchanged: what was fed is worth nothing. Allocates nothing.
// Spec: N-9 to N-15.
assay_status assay_forward_feed(assay_forward *forward, const assay_feed *feeds,
                                uint32_t feed_count, assay_error *err);

#endif
