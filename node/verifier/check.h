// SPDX-License-Identifier: Apache-2.0
// What a verifier finds out about one sample of one batch: it fetches the evidence, makes the
// table again, reruns the request, and takes the probe.
#ifndef ASSAY_NODE_VERIFIER_CHECK_H
#define ASSAY_NODE_VERIFIER_CHECK_H

#include "node/workshop/batch_json.h"
#include "node/workshop/evidence_file.h"
#include "node/workshop/workshop.h"

// Borrowed; outlives its checks.
typedef struct {
    assay_workshop *shop;
    const assay_client *client;
    const assay_params *params; // the chain's
    assay_fetch_limits limits;  // for a provider's URL; size_max is set by each fetch
    // Folders with evidence/<root>/… as providers keep it, looked into before the URL; NULL: none.
    const assay_option_texts *folders;
} assay_checker;

// One sample. posted: the ledger holds the provider's answer, which is then what is judged.
typedef struct {
    assay_hash batch;
    uint32_t sample;
    uint64_t position;
    bool leaf_posted;
    bool table_posted;
    uint32_t fetch_ms;       // longest fetch where it is shorter than the limits', 0: theirs
    const atomic_bool *stop; // gives up what is being fetched: it counts as unavailable; or NULL
    const atomic_bool *over; // ends the rerun: nobody needs this check any more; or NULL
} assay_check_task;

// The vote, and what it is about. receipt and ids stand where the evidence could be had.
typedef struct {
    uint8_t verdict; // P-10
    assay_hash probe;
    bool late;    // unavailable because it did not come in time, not because it is not there
    bool passing; // unavailable for what may pass: the same check may have it later
    // The option of a command without which the evidence was not looked for; NULL: it was.
    const char *lacks;
    uint32_t index; // of the leaf
    bool has_receipt;
    assay_receipt receipt;
    assay_leaf_ids ids;                // in the arena
    char reason[ASSAY_ERROR_TEXT_MAX]; // why, for people; "" for a match
} assay_check_result;

// Fetches once; whether what is `passing` is waited for is the caller's to say. Errors: only what
// keeps this verifier from judging: NETWORK (the node, not the provider), MEMORY (never a verdict),
// MISSING (a model or adapter it declared is not loaded), STOPPED (task->over). Lives: result's ids
// in the arena. Any thread. Spec: P-10, P-51, F-47, F-48.
assay_status assay_check_run(assay_check_result *result, const assay_checker *checker,
                             const assay_check_task *task, assay_arena *arena, assay_error *err);

// Reruns leaf `index` of a batch whatever the draw was; the probe is then left zero.
// Errors: as above, RANGE (index).
assay_status assay_check_leaf(assay_check_result *result, const assay_checker *checker,
                              const assay_hash *batch, uint32_t index, assay_arena *arena,
                              assay_error *err);

// What the evidence of leaf `index` holds, without a rerun: of the checker's workshop its meter
// alone is used. verdict MATCH: receipt and ids are the batch's; else what is wrong, as far as that
// is seen without one. Errors: as above, RANGE (index).
assay_status assay_check_evidence(assay_check_result *result, const assay_checker *checker,
                                  const assay_hash *batch, uint32_t index, assay_arena *arena,
                                  assay_error *err);

// A batch whose table was made again, for checking many of its leaves.
typedef struct {
    const assay_checker *checker;
    assay_hash id;
    assay_batch batch;
    assay_receipt *receipts; // [receipt_count], in the arena
    uint32_t receipt_count;
    uint8_t verdict;   // MATCH; else TABLE or TABLE_UNAVAILABLE, which is then every leaf's
    const char *lacks; // as a result's
    char reason[ASSAY_ERROR_TEXT_MAX];
} assay_check_batch;

// Fetches batch and receipts. Errors: as above. Lives: as long as checker and arena. Spec: P-10.
assay_status assay_check_batch_open(assay_check_batch *out, const assay_checker *checker,
                                    const assay_hash *batch, assay_arena *arena, assay_error *err);

// As assay_check_leaf; what it needs beside result's ids it takes from the arena too.
// Errors: as assay_check_leaf.
assay_status assay_check_batch_leaf(assay_check_result *result, const assay_check_batch *batch,
                                    uint32_t index, assay_arena *arena, assay_error *err);

// Of a claim no more than max_tokens count: what comes after them is wrong whatever it is (F-48).
uint32_t assay_check_claim_cut(const assay_check_result *result);

// Whether two receipts have the same shares. Spec: A-15.
bool assay_check_rows_equal(const assay_receipt *a, const assay_receipt *b);

// A verdict's name, e.g. "output tokens". Lives: for ever. Spec: P-10.
const char *assay_verdict_name(uint8_t verdict);

#endif
