// SPDX-License-Identifier: Apache-2.0
// A request determines its output: the tokens, where they end, and the trace digest.
#ifndef ASSAY_QUANT_GENERATE_H
#define ASSAY_QUANT_GENERATE_H

#include <stdbool.h>

#include "quant/forward.h"

// Where an output ends; the numbers are those of receipts. Spec: N-16.
typedef enum {
    ASSAY_STOP_ID = 0,     // after one of the model's stop ids, which is part of the output
    ASSAY_STOP_LENGTH = 1, // at max_tokens
    ASSAY_STOP_FAULT = 2,  // before the token of a position that faulted (N-3)
} assay_stop;

// Borrowed: nothing here is owned.
typedef struct {
    const assay_adapter *adapter; // NULL: the base alone
    const uint32_t *prompt;       // [prompt_count]
    uint32_t prompt_count;
    uint32_t max_tokens;
    bool stop_ids_ignored; // only outside receipts: run on to max_tokens
    assay_sampling sampling;
    assay_hash digest; // the request's, where the trace starts
} assay_generate_request;

typedef struct {
    const uint32_t *ids; // [count], the generator's own; until it begins another request
    uint32_t count;
    assay_stop stop;
    assay_hash trace;
} assay_output;

enum { ASSAY_MEMBERS_MAX = 64 };

typedef struct assay_generator assay_generator;

// A place for a request in progress.
typedef struct {
    assay_sequence sequence;
    uint32_t *ids; // [capacity] prompt, then output
    assay_generator *generator;
    const assay_generate_request *request; // NULL: the place is free
    assay_output *out;
    assay_forward_hooks hooks;
    uint64_t began; // before those of higher numbers
    uint32_t share; // of the next pass's tokens
    bool chosen;    // a token, in the pass that just ended
} assay_member;

// What requests need that run together, up to member_count at a time. A zeroed struct is safe to
// close.
struct assay_generator {
    assay_forward forward;
    uint32_t member_count;
    assay_member *members; // [member_count]
    uint64_t begun_count;
};

// member_count: 1 .. ASSAY_MEMBERS_MAX; capacity: positions a request may take (prompt +
// max_tokens); chunk_max: 0 for the default.
// Errors: MEMORY, RANGE, UNSUPPORTED. Lives: until assay_generator_close. Spec: N-15.
assay_status assay_generator_open(assay_generator *generator, const assay_engine *engine,
                                  uint32_t member_count, uint32_t capacity, uint32_t chunk_max,
                                  assay_error *err);

// The same with pages for position_max positions (at least capacity) that requests share, where
// the above has capacity for each. Those that run together and need more pages are refused with
// CAPACITY. Errors: as above.
assay_status assay_generator_open_shared(assay_generator *generator, const assay_engine *engine,
                                         uint32_t member_count, uint32_t capacity,
                                         uint64_t position_max, uint32_t chunk_max,
                                         assay_error *err);
void assay_generator_close(assay_generator *generator);

// Gives up what is in progress, and gives back all pages. Every run and check begins with it.
void assay_generator_clear(assay_generator *generator);

// Whether a request is valid: 1 <= prompt_count, 1 <= max_tokens, their sum within the model's
// context, every id below the vocabulary, the sampling within its limits. Errors: RANGE. Spec:
// N-16.
assay_status assay_generate_check(const assay_model *model, const assay_generate_request *request,
                                  assay_error *err);

// Begins a request beside those in progress, in members[*place]. request and out are borrowed until
// it ends: then the place is free, its pages are given back, and `out` is whole.
// Errors: RANGE (invalid request), CAPACITY (longer than this generator, no place is free), CORRUPT
// (the adapter's file was written to). Spec: N-14 to N-17, N-19.
assay_status assay_generator_begin(assay_generator *generator,
                                   const assay_generate_request *request, assay_output *out,
                                   uint32_t *place, assay_error *err);

// One pass over the weights for all in progress: a token of each, and of prompts what fits, the
// oldest first. Allocates nothing. Errors: CAPACITY (pages), as assay_forward_feed; all is given up
// then by assay_generator_clear. Spec: N-14 to N-17, N-19.
assay_status assay_generator_step(assay_generator *generator, assay_error *err);

// Called with each token as it is chosen; false stops the run.
typedef bool assay_token_fn(void *context, uint32_t index, uint32_t id);

// The request's output. token may be NULL. Allocates nothing.
// Errors: RANGE (invalid request), CAPACITY (longer than this generator), STOPPED (by token).
// Spec: N-14 to N-17.
assay_status assay_generator_run(assay_generator *generator, const assay_generate_request *request,
                                 assay_output *out, assay_token_fn *token, void *context,
                                 assay_error *err);

// Whether `id` is among the model's stop ids. Spec: N-16.
bool assay_model_stops_at(const assay_model_shape *shape, uint32_t id);

#endif
