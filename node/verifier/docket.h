// SPDX-License-Identifier: Apache-2.0
// Verdicts found beside the loop that votes. What takes long is fetching from strangers, so each
// check has a thread of its own while it lasts; reruns that meet at the generator are computed
// together (node/workshop/batcher.h).
//   asked → waiting → (a thread is free) running → found, kept for the round
//                                             └→ failed on our side: told once, then asked anew
//                                             └→ not to be had for what may pass: waiting again
//   waiting or running, beyond its deadline → dropped
//   found unavailable, and of no use → dropped in a later block, asked anew
// Invariants, with their tests in tests/node/verifier/test_watch.c:
//  D1 one provider has at most half of the threads: those that hang cannot keep others waiting
//  D2 the earliest deadline goes first, what failed before after what was never tried
//  D3 a table that cannot be had is not fetched again for the batch's other samples, and a provider
//     that was late once is waited for ASSAY_DOCKET_LATE_MS only, until it is in time again
//  D4 one fetch that failed is no verdict while there is time for others: no thread is held in the
//     pause between them, and it ends with the docket; a hurry gives up no try that has had less
//     than ASSAY_DOCKET_LATE_MS
//  D5 a check whose deadline has passed holds neither thread nor generator: its fetch and its rerun
//     end, and it is forgotten
#ifndef ASSAY_NODE_VERIFIER_DOCKET_H
#define ASSAY_NODE_VERIFIER_DOCKET_H

#include "node/verifier/check.h"

enum {
    ASSAY_DOCKET_THREADS = 16,
    ASSAY_DOCKET_KEPT_MAX = 1024, // checks; the oldest that nobody waits for make room
    ASSAY_DOCKET_LATE_MS = 1000,
    ASSAY_DOCKET_PAUSE_MS = 250, // after the first failed fetch; doubled four times
};

typedef struct assay_docket assay_docket;

// What is asked for. The same question is asked again until it is answered.
typedef struct {
    assay_check_task task;
    uint8_t round;
    uint64_t deadline; // height: the last that is of use
    bool hurry;        // give up what is being fetched (D4), or waited for: it is unavailable
} assay_docket_question;

typedef struct {
    bool found;
    uint8_t verdict;
    assay_hash probe;
    char reason[ASSAY_ERROR_TEXT_MAX];
} assay_docket_answer;

// Starts its threads. Errors: MEMORY. Lives: until close, which gives up what is in progress.
// Spec: F-49.
assay_status assay_docket_open(assay_docket **out, const assay_checker *checker, unsigned threads,
                               assay_error *err);
void assay_docket_close(assay_docket *docket);

// The chain's last block, before the questions that its state asks: what waits or runs beyond its
// deadline is dropped. One thread. Spec: F-49.
void assay_docket_height(assay_docket *docket, uint64_t height);

// Answers if it can (answer->found), without asking the node. Errors: those of assay_check_run;
// after one the question is as if it was never asked. Spec: F-49.
assay_status assay_docket_look(assay_docket *docket, const assay_docket_question *question,
                               assay_docket_answer *answer, assay_error *err);

// As above, and sees to what nobody sees to yet. The node is asked once who a batch's provider is.
// One thread. Errors: CAPACITY (all places taken), NETWORK …, and those of assay_docket_look; after
// an error the next call begins anew. Spec: F-49.
assay_status assay_docket_ask(assay_docket *docket, const assay_docket_question *question,
                              assay_docket_answer *answer, assay_error *err);

// The answer "unavailable" is of no use: drops it, and with it what else says that the batch's
// table is, so that the next call asks its provider anew; once a block. Returns: whether it was
// dropped. Spec: F-49.
bool assay_docket_again(assay_docket *docket, const assay_docket_question *question);

#endif
