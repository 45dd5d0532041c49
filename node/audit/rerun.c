// SPDX-License-Identifier: Apache-2.0
#include "node/audit/rerun.h"

#include <stdlib.h>

#include "ledger/case.h"
#include "ledger/tally.h"
#include "node/command.h"
#include "node/workshop/batch_table.h"

// An audit in progress.
typedef struct {
    assay_rerun_result *result;
    const assay_view *view;
    const assay_checker *checker;
    const assay_rerun_options *options;
    assay_arena arena;   // of the batch in work
    uint64_t *positions; // the auditor's own samples [position_count], ascending
    uint64_t position_count;
    uint64_t next_position;
    uint64_t fees_passed; // of the settled batches before the one in work
    uint64_t receipts_passed;
    uint64_t receipts_total; // of all ended batches
} rerun;

// One ended batch and which of its leaves to rerun.
typedef struct {
    assay_hash id;
    assay_batch batch;
    assay_check_batch checked;
    assay_sumtree_node *leaves;
    bool *chosen; // [batch.count]
} docket;

const char *const assay_rerun_names[] = {"none", "sampled", "all"};

// The next ended batch in order of inclusion.
static assay_status batch_next(const assay_view *view, uint64_t *height, uint32_t *index, docket *d,
                               bool *found, assay_error *err) {
    do {
        ASSAY_TRY(assay_batch_next(height, index, &d->id, found, &view->reader, err));
        if (!*found) return ASSAY_OK;
        ASSAY_TRY(assay_batch_get(&d->batch, found, &view->reader, &d->id, err));
        if (!*found) return ASSAY_FAIL(err, CORRUPT, "a listed batch has no record");
    } while (d->batch.state != ASSAY_BATCH_SETTLED && d->batch.state != ASSAY_BATCH_VOID);
    return ASSAY_OK;
}

static assay_status batches_count(rerun *r, uint64_t *fees, assay_error *err) {
    uint64_t height = 0;
    uint32_t index = 0;
    docket d;
    bool found;
    *fees = 0;
    for (;;) {
        ASSAY_TRY(batch_next(r->view, &height, &index, &d, &found, err));
        if (!found) break;
        if (d.batch.state == ASSAY_BATCH_SETTLED) {
            r->result->batches++;
            r->result->receipts += d.batch.count;
            // Money goes round: only the supply is bounded, not what was ever settled.
            if (__builtin_add_overflow(*fees, d.batch.fee_total, fees) &&
                r->options->mode == ASSAY_RERUN_SAMPLED)
                return ASSAY_FAIL(err, RANGE,
                                  "settled fees are over 2^64 nopen: too many to "
                                  "sample from, rerun all");
        } else {
            r->result->voided_batches++;
            r->result->voided += d.batch.count;
        }
    }
    r->receipts_total = r->result->receipts + r->result->voided;
    return ASSAY_OK;
}

static int position_order(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

// By monetary unit over everything settled, bound to this chain's end: nobody can know them before.
static assay_status samples_draw(rerun *r, uint64_t fees, assay_error *err) {
    uint64_t count = r->options->samples;
    if (r->options->mode != ASSAY_RERUN_SAMPLED || !fees || !count) return ASSAY_OK;
    r->positions = malloc(count * sizeof *r->positions);
    if (!r->positions) return ASSAY_FAIL(err, MEMORY, "no memory for %llu samples", (ull)count);
    for (uint64_t i = 0; i < count; i++)
        r->positions[i] =
            assay_draw_position(&r->options->seed, &r->view->app_hash, (uint32_t)i, fees);
    qsort(r->positions, count, sizeof *r->positions, position_order);
    r->position_count = count;
    return ASSAY_OK;
}

static void position_choose(docket *d, uint64_t position) {
    d->chosen[assay_sumtree_find(d->leaves, d->batch.count, position)] = true;
}

static void settled_choose(rerun *r, docket *d) {
    const assay_batch *batch = &d->batch;
    if (r->options->mode == ASSAY_RERUN_ALL) {
        memset(d->chosen, true, batch->count * sizeof *d->chosen);
        return;
    }
    for (uint32_t i = 0; i < batch->sample_count; i++)
        position_choose(d, assay_draw_position(&batch->beacon, &d->id, i, batch->fee_total));
    for (uint64_t i = r->next_position; i < r->position_count; i++) {
        uint64_t position = r->positions[i] - r->fees_passed;
        if (position >= batch->fee_total) break;
        position_choose(d, position);
    }
}

// A fact about bytes that the batch's root commits to, and so one that any rerun comes to again.
static bool verdict_repeats(uint8_t verdict) {
    return (verdict != ASSAY_VERDICT_MATCH && verdict <= ASSAY_VERDICT_MISMATCH_MAX) ||
           verdict == ASSAY_VERDICT_TABLE;
}

static assay_status guilty_choose(rerun *r, docket *d, assay_error *err) {
    for (uint32_t i = 0; i < d->batch.sample_count; i++) {
        assay_case record;
        bool found;
        ASSAY_TRY(assay_case_get(&record, &found, &r->view->reader, &d->id, i, err));
        if (found && verdict_repeats(record.verdict) &&
            (record.state == ASSAY_CASE_RIGHT || record.state == ASSAY_CASE_GUILTY))
            position_choose(d, record.position);
    }
    return ASSAY_OK;
}

static void finding_add(assay_rerun_result *out, const docket *d, uint32_t index, uint8_t verdict,
                        const char *reason) {
    if (out->finding_count == ASSAY_RERUN_FINDINGS_MAX) return;
    assay_rerun_finding *finding = &out->findings[out->finding_count++];
    *finding = (assay_rerun_finding){.batch = d->id,
                                     .index = index,
                                     .is_void = d->batch.state == ASSAY_BATCH_VOID,
                                     .verdict = verdict};
    memcpy(finding->reason, reason, sizeof finding->reason);
}

// Could this rerun not be made, for want of something?
static bool verdict_wants(uint8_t verdict) {
    return assay_verdict_is_unavailable(verdict) || verdict == ASSAY_VERDICT_DATA_MISSING;
}

static void leaf_count(assay_rerun_result *out, const docket *d, const assay_check_result *check) {
    bool is_void = d->batch.state == ASSAY_BATCH_VOID;
    bool match = check->verdict == ASSAY_VERDICT_MATCH;
    if (verdict_wants(check->verdict)) {
        if (is_void) return;
        out->unavailable++;
    } else {
        *(is_void ? &out->voided_rerun : &out->rerun) += 1;
        if (match != is_void) return;
        out->mismatches++;
    }
    finding_add(out, d, check->index, check->verdict, check->reason);
}

static assay_status leaf_rerun(rerun *r, docket *d, uint32_t index, assay_error *err) {
    assay_check_result check;
    assay_error why = {0};
    assay_arena_mark mark = assay_arena_mark_take(&r->arena);
    assay_status status = assay_check_batch_leaf(&check, &d->checked, index, &r->arena, &why);
    assay_arena_rewind(&r->arena, mark);
    if (status == ASSAY_MISSING) { // a model or adapter that this auditor does not have
        check.index = index;
        check.verdict = ASSAY_VERDICT_UNAVAILABLE;
        memcpy(check.reason, why.text, sizeof check.reason);
    } else if (status != ASSAY_OK) {
        return assay_error_pass(err, &why);
    }
    leaf_count(r->result, d, &check);
    return ASSAY_OK;
}

// A batch that is more than this auditor can read keeps nobody from auditing the others: none of
// its receipts can be rerun.
static assay_status batch_open(rerun *r, docket *d, assay_error *err) {
    assay_error why = {0};
    assay_status status = assay_check_batch_open(&d->checked, r->checker, &d->id, &r->arena, &why);
    if (status == ASSAY_OK) return ASSAY_OK;
    if (status != ASSAY_CAPACITY) return assay_error_pass(err, &why);
    d->checked = (assay_check_batch){.checker = r->checker,
                                     .id = d->id,
                                     .batch = d->batch,
                                     .verdict = ASSAY_VERDICT_TABLE_UNAVAILABLE};
    memcpy(d->checked.reason, why.text, sizeof d->checked.reason);
    return ASSAY_OK;
}

static assay_status batch_choose(rerun *r, docket *d, assay_error *err) {
    // Without its table there is no telling which leaves the samples are: none of them can be had,
    // or none of them is right.
    if (d->checked.verdict != ASSAY_VERDICT_MATCH) {
        if (d->batch.state == ASSAY_BATCH_SETTLED)
            memset(d->chosen, true, d->batch.count * sizeof *d->chosen);
        return ASSAY_OK;
    }
    ASSAY_TRY(
        assay_receipt_leaves(&d->leaves, d->checked.receipts, d->batch.count, &r->arena, err));
    if (d->batch.state == ASSAY_BATCH_VOID) return guilty_choose(r, d, err);
    settled_choose(r, d);
    return ASSAY_OK;
}

static assay_status batch_rerun(rerun *r, docket *d, assay_error *err) {
    void *room;
    if (d->batch.state == ASSAY_BATCH_VOID && d->batch.reason != ASSAY_VOID_FRAUD) return ASSAY_OK;
    ASSAY_TRY(assay_arena_get(&r->arena, d->batch.count, sizeof *d->chosen, "choice", &room, err));
    d->chosen = room;
    ASSAY_TRY(batch_open(r, d, err));
    ASSAY_TRY(batch_choose(r, d, err));
    for (uint32_t i = 0; i < d->batch.count; i++) {
        if (d->chosen[i]) ASSAY_TRY(leaf_rerun(r, d, i, err));
        assay_progress_show("rerunning", r->receipts_passed + i + 1, r->receipts_total);
    }
    return ASSAY_OK;
}

static void batch_pass(rerun *r, const assay_batch *batch) {
    r->receipts_passed += batch->count;
    assay_progress_show("rerunning", r->receipts_passed, r->receipts_total);
    if (batch->state != ASSAY_BATCH_SETTLED) return;
    r->fees_passed += batch->fee_total;
    while (r->next_position < r->position_count && r->positions[r->next_position] < r->fees_passed)
        r->next_position++;
}

static assay_status batches_rerun(rerun *r, assay_error *err) {
    uint64_t height = 0;
    uint32_t index = 0;
    for (;;) {
        docket d = {.leaves = NULL};
        bool found;
        ASSAY_TRY(batch_next(r->view, &height, &index, &d, &found, err));
        if (!found) return ASSAY_OK;
        assay_status status = batch_rerun(r, &d, err);
        assay_arena_reset(&r->arena);
        ASSAY_TRY(status);
        batch_pass(r, &d.batch);
    }
}

assay_status assay_rerun_run(assay_rerun_result *out, const assay_view *view,
                             const assay_checker *checker, const assay_rerun_options *options,
                             assay_error *err) {
    rerun r = {.result = out, .view = view, .checker = checker, .options = options};
    uint64_t fees;
    memset(out, 0, sizeof *out);
    assay_arena_init(&r.arena, ASSAY_TABLE_ARENA_MAX);
    assay_status status = batches_count(&r, &fees, err);
    if (status == ASSAY_OK) status = samples_draw(&r, fees, err);
    if (status == ASSAY_OK && options->mode != ASSAY_RERUN_NONE) status = batches_rerun(&r, err);
    assay_arena_close(&r.arena);
    free(r.positions);
    return status;
}
