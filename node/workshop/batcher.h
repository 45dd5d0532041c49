// SPDX-License-Identifier: Apache-2.0
// Many threads, one generator: requests and checks that wait for it are computed together, in
// passes over the weights that they share. Bits do not depend on the company (N-19). A round of
// checks ends with its longest; in one of requests, who waits takes the place of one that ended.
//   called → waiting, oldest first → in a round, led by one of the callers → answered
// Invariants, with their tests in tests/node/workshop/test_batcher.c:
//  B1 a round is of one kind and begins with the oldest that waits; requests join it in the order
//     in which they came, and none that came before another thing: nobody waits for more rounds
//     than there were callers before it; once it stops, for none
//  B2 a round needs no more members and pages than the generator has, unless it is of one alone
//  B3 nobody's error is another's: what a round of checks fails with, each alone is asked for
//     again; what a pass of requests fails with is of the model's file, or of an adapter's that
//     changed since its request began
//  B4 a check that is stopped costs those beside it no more than the chunk in which it was
//  B5 a request is answered after the pass in which it ended, whoever else is in the round
//  B6 while somebody is not answered, somebody leads: a leader whose own is over wakes the others
#ifndef ASSAY_NODE_WORKSHOP_BATCHER_H
#define ASSAY_NODE_WORKSHOP_BATCHER_H

#include <pthread.h>

#include "quant/verify.h"

typedef struct assay_batcher_job assay_batcher_job;

// A zeroed struct is safe to close.
typedef struct {
    assay_generator *generator; // borrowed; of whoever runs the round
    pthread_mutex_t lock;       // guards all below
    pthread_cond_t ended;       // a round did
    bool running;               // a round of checks is led, or a pass of one of requests
    bool stopping;              // no round follows it,
    bool cutting;               // and no pass of one of requests
    assay_batcher_job *first;   // waiting, the oldest; on their callers' stacks
    uint32_t waiting_count;
    uint64_t round_count; // ended
    // Requests in progress, by their places in the generator. Whoever leads changes them.
    assay_batcher_job *members[ASSAY_MEMBERS_MAX];
    uint32_t member_count;
    uint64_t page_count;
} assay_batcher;

// The generator is used by nothing else while calls are in progress. Lives: until close.
void assay_batcher_open(assay_batcher *batcher, assay_generator *generator);

// What is in no round yet, and what is called from now on, ends with STOPPED; what is in one ends
// as ever. Any thread.
void assay_batcher_stop(assay_batcher *batcher);

// A stop that does not wait for long answers: requests in progress end with STOPPED after the pass
// in which they are. Any thread.
void assay_batcher_cut(assay_batcher *batcher);

// Nobody may wait or run any more.
void assay_batcher_close(assay_batcher *batcher);

// The request's output, kept in ids[max_tokens], the caller's, which out->ids then names. Any
// thread. Allocates nothing. Errors: as assay_generator_run, STOPPED. Spec: N-14 to N-17, N-19.
assay_status assay_batcher_generate(assay_batcher *batcher, const assay_generate_request *request,
                                    uint32_t *ids, assay_output *out, assay_error *err);

// Compares a claim, and takes its probe. Any thread. Allocates nothing.
// Errors: as assay_generator_verify; STOPPED (the checkup's stop, or assay_batcher_stop). Spec:
// N-18, N-19.
assay_status assay_batcher_verify(assay_batcher *batcher, const assay_checkup *checkup,
                                  assay_difference *difference, assay_error *err);

#endif
