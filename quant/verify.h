// SPDX-License-Identifier: Apache-2.0
// A claimed output checked in one teacher-forced pass over prompt and output, many positions at a
// time, instead of being generated again token by token.
#ifndef ASSAY_QUANT_VERIFY_H
#define ASSAY_QUANT_VERIFY_H

#include "quant/generate.h"

// What a receipt claims. ids may hold anything.
typedef struct {
    const uint32_t *ids; // [count]
    uint32_t count;
    assay_stop stop;
    assay_hash trace;
} assay_output_claim;

// The first thing that differs from the determined output, by the numbers of verdicts. Spec: N-18.
typedef enum {
    ASSAY_FINDING_MATCH = 0,
    ASSAY_FINDING_COUNT = 2,  // tokens before it agree, but it ends too early or runs on
    ASSAY_FINDING_TOKENS = 3, // a token that another takes the place of
    ASSAY_FINDING_STOP = 4,   // the stop reason
    ASSAY_FINDING_TRACE = 5,  // the trace digest
} assay_finding;

// place: how many claimed tokens are right, from the first on; all of them where only the stop
// reason or the trace differs. id: the right token at that place, where another is claimed.
typedef struct {
    assay_finding finding;
    uint32_t place;
    uint32_t id;
} assay_difference;

// Proof that the pass was run: the residual after a layer at a position below
// assay_verify_position_count. Not defined, and so only named, where the pass faults at or before
// that position.
typedef struct {
    uint32_t layer;
    uint32_t position;
    float *residual; // [width], the caller's
    bool faulted;    // result
} assay_probe;

// Positions that every pass feeds: the prompt and all but the last claimed token, of which at most
// max_tokens count. Spec: N-18.
uint32_t assay_verify_position_count(const assay_generate_request *request,
                                     const assay_output_claim *claim);

// One claim to be compared; borrowed. probe: NULL for none. stop: once it is set, elsewhere, the
// rest of the pass is left out, and difference and probe mean nothing; NULL: never.
typedef struct {
    const assay_generate_request *request;
    const assay_output_claim *claim;
    assay_probe *probe;
    const atomic_bool *stop;
} assay_checkup;

// Whether a checkup is valid: its request (N-16), and layer and position of its probe. Errors:
// RANGE. Spec: N-16, N-18.
assay_status assay_verify_check(const assay_model *model, const assay_checkup *checkup,
                                assay_error *err);

// Compares the claim with what the request determines; the probe (NULL for none) is taken whatever
// differs. Allocates nothing.
// Errors: RANGE (invalid request; layer or position of the probe), CAPACITY. Spec: N-18.
assay_status assay_generator_verify(assay_generator *generator,
                                    const assay_generate_request *request,
                                    const assay_output_claim *claim, assay_probe *probe,
                                    assay_difference *difference, assay_error *err);

// The same for up to member_count claims, which share the passes over the weights.
// Errors: as verify, of any of them; CAPACITY (count, pages). Spec: N-18, N-19.
assay_status assay_generator_verify_many(assay_generator *generator, const assay_checkup *checkups,
                                         uint32_t count, assay_difference *differences,
                                         assay_error *err);

#endif
