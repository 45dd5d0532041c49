// SPDX-License-Identifier: Apache-2.0
// From a header one trusts to any later one, by as few headers as it takes.
#ifndef ASSAY_CONSENSUS_LIGHT_CLIENT_H
#define ASSAY_CONSENSUS_LIGHT_CLIENT_H

#include "consensus/light/verify.h"

enum { ASSAY_LIGHT_STEPS_MAX = 64, ASSAY_LIGHT_FETCHES_MAX = 1024, ASSAY_LIGHT_WITNESSES_MAX = 8 };

// Where light blocks come from; nothing it says is believed.
typedef struct {
    void *self;
    const char *name; // for sentences

    // The block of a height, into the arena; 0: the latest. Errors: NOT_FOUND, NETWORK, FORMAT …
    assay_status (*fetch)(void *self, uint64_t height, assay_light_block *out, assay_arena *arena,
                          assay_error *err);
} assay_light_source;

// policy.chain_id NULL: the trusted header's own, which its hash vouches for.
typedef struct {
    assay_light_policy policy;
    uint64_t trusted_height;
    assay_hash trusted_hash; // of its header, known from elsewhere
    assay_light_source primary;
    const assay_light_source *witnesses; // [witness_count], asked for the target's header
    uint32_t witness_count;              // at most ASSAY_LIGHT_WITNESSES_MAX
    assay_time now;
    assay_time (*clock)(void); // asked before each header is verified; NULL: it stands at `now`
} assay_light_options;

// What came of a witness. Silent: it cannot be had, or has no such height. Faulty: it has another
// header, or an answer that is none, and cannot prove it. Proves: it has another header that
// follows from the trusted one.
typedef enum {
    ASSAY_WITNESS_UNASKED,
    ASSAY_WITNESS_AGREES,
    ASSAY_WITNESS_SILENT,
    ASSAY_WITNESS_FAULTY,
    ASSAY_WITNESS_PROVES
} assay_witness_verdict;
const char *assay_witness_verdict_name(assay_witness_verdict verdict);

typedef struct {
    uint32_t fetches; // headers asked for, of everybody
    struct {
        assay_witness_verdict verdict;
        assay_error why; // empty where it agrees
    } witnesses[ASSAY_LIGHT_WITNESSES_MAX];
    uint64_t common_height; // of a fork: the last height at which both sides have one header
} assay_light_report;

// Fetches the target, 0: the latest, and verifies it: at once if enough of the trusted set signed
// it, else by way of headers between. *out lives in the arena. A target below the trusted height is
// reached backwards, header by header (each names the one before it). Then the witnesses: one at
// least must have the same header, if there are any; one that has another must prove it, height by
// height along the primary's way. Errors: those of fetch and assay_light_verify; MISMATCH also
// where the trusted hash is not the source's, or no witness agrees and one is faulty; CAPACITY: it
// takes more than ASSAY_LIGHT_FETCHES_MAX headers, told of a way back before any is asked for;
// FORK: a witness proves another header, so that one of the two histories is an attack. Spec: E-45,
// E-95.
assay_status assay_light_follow(assay_light_block *out, assay_light_report *report,
                                const assay_light_options *options, uint64_t height,
                                assay_arena *arena, assay_error *err);

#endif
