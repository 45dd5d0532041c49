// SPDX-License-Identifier: Apache-2.0
// What an audit came to, for programs and for people.
#ifndef ASSAY_NODE_AUDIT_REPORT_H
#define ASSAY_NODE_AUDIT_REPORT_H

#include "node/audit/audit.h"
#include "node/audit/rerun.h"

// Borrowed for the calls.
typedef struct {
    const assay_audit *audit;
    const assay_rerun_options *options;
    const assay_rerun_result *rerun; // what was counted, if the replay came to its end
    const char *problem;             // why the replay did not come to its end, "" if it did
    uint64_t replay_ms;
    uint64_t seed;
} assay_audit_report;

// Whether everything that was looked at agrees: no problem, no mismatch, nothing unavailable.
bool assay_audit_agrees(const assay_audit_report *report);

// One document: {"agrees","problem","blocks","height","state_root","app_hash","home",
// "payout_roots","supply","rerun","receipts",…}; after a problem only what came before it.
// Errors: those of reading the replayed state. Lives: the caller releases *out. Spec: F-50, F-51.
assay_status assay_audit_json(json_t **out, const assay_audit_report *report, assay_error *err);

// The same in sentences on standard output. Errors: as above.
assay_status assay_audit_print(const assay_audit_report *report, assay_error *err);

#endif
