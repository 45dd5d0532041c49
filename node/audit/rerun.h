// SPDX-License-Identifier: Apache-2.0
// The other half of an audit: receipts of ended batches run again, against a replayed state.
//
// A settled receipt whose rerun is not a match differs. Of a batch that is void for fraud only the
// leaves that a decided case found guilty of what the root commits to (verdicts 1 to 6, or a wrong
// table) have something to say: a rerun that matches contradicts the case. Other receipts of void
// batches are counted and no more: the untouched ones match as they should, and evidence that was
// wanting then may be there now.
#ifndef ASSAY_NODE_AUDIT_RERUN_H
#define ASSAY_NODE_AUDIT_RERUN_H

#include "ledger/view.h"
#include "node/verifier/check.h"

typedef enum {
    ASSAY_RERUN_NONE,    // count receipts
    ASSAY_RERUN_SAMPLED, // the samples drawn on the chain, and the auditor's own
    ASSAY_RERUN_ALL,
} assay_rerun_mode;
extern const char *const assay_rerun_names[ASSAY_RERUN_ALL + 1]; // "none", "sampled", "all"

enum { ASSAY_RERUN_SAMPLES_MAX = 65536, ASSAY_RERUN_FINDINGS_MAX = 100 };

typedef struct {
    assay_rerun_mode mode;
    uint64_t samples; // the auditor's own over all settled money; SAMPLED only
    assay_hash seed;  // of their draw
} assay_rerun_options;

// A receipt that does not agree, or could not be rerun.
typedef struct {
    assay_hash batch;
    uint32_t index;
    bool is_void;
    uint8_t verdict;                   // of the rerun
    char reason[ASSAY_ERROR_TEXT_MAX]; // "" for a match
} assay_rerun_finding;

// Plain data.
typedef struct {
    uint64_t batches;     // settled
    uint64_t receipts;    // of settled batches
    uint64_t rerun;       // of them, to a verdict
    uint64_t unavailable; // of them, chosen but without evidence, data, model or room to rerun with
    uint64_t voided_batches;
    uint64_t voided;       // receipts of void batches
    uint64_t voided_rerun; // of them, found guilty by a case and rerun
    uint64_t mismatches;   // settled ones that differ, guilty ones that do not
    uint32_t finding_count;
    assay_rerun_finding findings[ASSAY_RERUN_FINDINGS_MAX]; // the first ones
} assay_rerun_result;

// Runs through all ended batches of the view. checker: over the same state; may be NULL for NONE.
// Errors: those of the reads, MEMORY, NETWORK (the checker's own node).
// Spec: F-51.
assay_status assay_rerun_run(assay_rerun_result *out, const assay_view *view,
                             const assay_checker *checker, const assay_rerun_options *options,
                             assay_error *err);

#endif
