// SPDX-License-Identifier: Apache-2.0
#include "node/verifier/watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/sha256.h"
#include "ledger/tally.h"
#include "node/command.h"
#include "node/duty_json.h"
#include "node/error_json.h"
#include "node/log.h"
#include "node/workshop/batch_table.h"

enum { HURRY_PART = 4 };

typedef struct {
    assay_docket_question question;
    assay_hash commitment; // of a reveal
    bool reveal;
} duty;

// The votes of one step, sent in one row.
typedef struct {
    duty duties[ASSAY_DUTIES_MAX];
    assay_watch_vote *votes[ASSAY_DUTIES_MAX];
    assay_tx txs[ASSAY_DUTIES_MAX];
    assay_sent sents[ASSAY_DUTIES_MAX];
    char reasons[ASSAY_DUTIES_MAX][ASSAY_ERROR_TEXT_MAX];
    assay_vote_record records[ASSAY_DUTIES_MAX]; // what of it is in no file yet
    uint32_t count;
    uint64_t height; // of the look at the duties
} row;

// What an earlier process voted.
static assay_status votes_read(assay_watch *watch, const char *path, assay_error *err) {
    assay_vote_record *records;
    uint32_t count;
    if (!path) return ASSAY_OK;
    ASSAY_TRY(
        assay_vote_file_open(&watch->file, &records, &count, path, &watch->wallet->principal, err));
    for (uint32_t i = 0; i < count; i++)
        watch->votes[watch->vote_count++] =
            (assay_watch_vote){.record = records[i], .stored = true};
    free(records);
    return ASSAY_OK;
}

assay_status assay_watch_open(assay_watch *watch, const assay_watch_options *options,
                              assay_error *err) {
    *watch = (assay_watch){.wallet = options->wallet,
                           .client = options->checker->client,
                           .hurry = options->commit_blocks / HURRY_PART,
                           .meter = &options->checker->shop->meter,
                           .manner = options->manner,
                           .json = options->json};
    watch->votes = calloc(ASSAY_WATCH_KEPT_MAX, sizeof *watch->votes);
    if (!watch->votes) return ASSAY_FAIL(err, MEMORY, "no memory for votes");
    assay_status status = votes_read(watch, options->votes_path, err);
    if (status == ASSAY_OK)
        status = assay_docket_open(&watch->docket, options->checker, ASSAY_DOCKET_THREADS, err);
    if (status != ASSAY_OK) assay_watch_close(watch);
    return status;
}

void assay_watch_close(assay_watch *watch) {
    assay_docket_close(watch->docket);
    assay_vote_file_close(&watch->file);
    free(watch->votes);
    memset(watch, 0, sizeof *watch);
}

// Secret until shown, the same after a restart: SHA-256("salt" || key || batch || sample || round).
static void salt_make(assay_hash *out, const assay_watch *watch, const duty *d) {
    uint8_t number[5];
    assay_sha256 sha;
    assay_store_be32(number, d->question.task.sample);
    number[4] = d->question.round;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, "salt", 4);
    assay_sha256_update(&sha, watch->wallet->key.bytes, ASSAY_KEY_SIZE);
    assay_sha256_update(&sha, d->question.task.batch.bytes, ASSAY_HASH_SIZE);
    assay_sha256_update(&sha, number, sizeof number);
    assay_sha256_final(&sha, out);
}

static bool vote_is_of(const assay_vote_record *vote, const duty *d) {
    return vote->sample == d->question.task.sample && vote->round == d->question.round &&
           assay_hash_equal(&vote->batch, &d->question.task.batch);
}

static bool commitment_opens(const assay_watch *watch, const duty *d, uint8_t verdict,
                             const assay_hash *probe) {
    assay_hash salt, commitment;
    salt_make(&salt, watch, d);
    assay_verdict_commitment(&commitment, &watch->wallet->principal, &salt, verdict, probe);
    return assay_hash_equal(&commitment, &d->commitment);
}

// A kept vote; to be revealed, one that the ledger's commitment is of: where two processes have one
// key, another's vote may be on the ledger.
static assay_watch_vote *vote_find(assay_watch *watch, const duty *d) {
    uint64_t kept =
        watch->vote_count < ASSAY_WATCH_KEPT_MAX ? watch->vote_count : ASSAY_WATCH_KEPT_MAX;
    for (uint64_t i = 1; i <= kept; i++) {
        assay_watch_vote *vote = &watch->votes[(watch->vote_count - i) % ASSAY_WATCH_KEPT_MAX];
        const assay_vote_record *record = &vote->record;
        if (vote_is_of(record, d) && (!d->reveal || vote->lost ||
                                      commitment_opens(watch, d, record->verdict, &record->probe)))
            return vote;
    }
    return NULL;
}

static void vote_tell(const assay_watch *watch, const duty *d, const assay_vote_record *vote,
                      const char *reason) {
    char batch[ASSAY_HEX_HASH_MAX];
    const char *what = d->reveal ? "reveal" : "commit";
    assay_hex_encode_0x(batch, d->question.task.batch.bytes, ASSAY_HASH_SIZE);
    json_t *fields = json_pack("{s:s,s:s,s:i,s:i,s:i,s:s,s:s}", "vote", what, "batch", batch,
                               "sample", (int)d->question.task.sample, "round",
                               (int)d->question.round, "verdict", (int)vote->verdict,
                               "verdict_name", assay_verdict_name(vote->verdict), "reason", reason);
    if (watch->json) assay_command_print(json_incref(fields));
    if (watch->json && !assay_log_is_json())
        json_decref(fields);
    else
        assay_log(ASSAY_LOG_INFO, "vote", fields, "%s batch %s sample %u round %u: %s%s%s", what,
                  batch, d->question.task.sample, d->question.round,
                  assay_verdict_name(vote->verdict), *reason ? ", " : "", reason);
}

// A new vote in the ring. The oldest is forgotten.
static assay_watch_vote *vote_keep(assay_watch *watch, const duty *d, uint8_t verdict,
                                   const assay_hash *probe) {
    assay_watch_vote *vote = &watch->votes[watch->vote_count++ % ASSAY_WATCH_KEPT_MAX];
    *vote = (assay_watch_vote){.record = {.batch = d->question.task.batch,
                                          .sample = d->question.task.sample,
                                          .round = d->question.round,
                                          .verdict = verdict,
                                          .probe = *probe}};
    return vote;
}

// Verdicts whose probe is zero open their commitment without a rerun: what was unavailable then may
// be available now, or the other way round.
static assay_watch_vote *vote_recall(assay_watch *watch, const duty *d) {
    static const assay_hash zero;
    for (uint8_t verdict = 0; verdict <= ASSAY_VERDICT_DATA_MISSING; verdict++)
        if (!assay_verdict_has_probe(verdict) && commitment_opens(watch, d, verdict, &zero))
            return vote_keep(watch, d, verdict, &zero);
    return NULL;
}

// The check comes to another vote than was committed. Evidence that cannot be had now may be had in
// a later block of the window; any other difference is final, and told once.
static assay_status answer_doubt(assay_watch *watch, const duty *d,
                                 const assay_docket_answer *answer, assay_error *err) {
    if (assay_verdict_is_unavailable(answer->verdict)) {
        if (!assay_docket_again(watch->docket, &d->question)) return ASSAY_OK;
        return ASSAY_FAIL(err, NETWORK,
                          "sample %u was committed, and cannot be had to reveal it: %s",
                          d->question.task.sample, answer->reason);
    }
    vote_keep(watch, d, answer->verdict, &answer->probe)->lost = true;
    return ASSAY_FAIL(err, MISMATCH,
                      "sample %u was committed before a restart and comes to another verdict now, "
                      "%u",
                      d->question.task.sample, answer->verdict);
}

// ASSAY_VALIDATOR_LIE: the opposite verdict, with the rerun's own probe, which is all that a vote
// can show. What could not be read is left as it is: there is no finding to turn round.
static void answer_lie(assay_docket_answer *answer) {
    if (assay_verdict_is_unavailable(answer->verdict) ||
        answer->verdict == ASSAY_VERDICT_DATA_MISSING)
        return;
    bool match = answer->verdict == ASSAY_VERDICT_MATCH;
    answer->verdict = match ? ASSAY_VERDICT_OUTPUT : ASSAY_VERDICT_MATCH;
    snprintf(answer->reason, sizeof answer->reason, "a lie");
}

// The vote of a duty. *vote NULL: not found yet. Errors: those of the docket and of answer_doubt.
static assay_status vote_of_duty(assay_watch *watch, const duty *d, assay_watch_vote **vote,
                                 char *reason, assay_error *err) {
    assay_docket_answer answer;
    *reason = 0;
    *vote = vote_find(watch, d);
    if (!*vote && d->reveal) *vote = vote_recall(watch, d);
    if (*vote) return ASSAY_OK;
    if (watch->manner == ASSAY_VALIDATOR_COPY) {
        // It has nothing to copy a probe from before the reveals: this is what copying comes to.
        assay_hash probe;
        salt_make(&probe, watch, d);
        *vote = vote_keep(watch, d, ASSAY_VERDICT_MATCH, &probe);
        return ASSAY_OK;
    }
    ASSAY_TRY(assay_docket_look(watch->docket, &d->question, &answer, err));
    if (!answer.found) return ASSAY_OK;
    if (watch->manner == ASSAY_VALIDATOR_LIE) answer_lie(&answer);
    if (d->reveal && !commitment_opens(watch, d, answer.verdict, &answer.probe))
        return answer_doubt(watch, d, &answer, err);
    memcpy(reason, answer.reason, sizeof answer.reason);
    *vote = vote_keep(watch, d, answer.verdict, &answer.probe);
    return ASSAY_OK;
}

static void tx_fill(assay_tx *tx, const assay_watch *watch, const duty *d,
                    const assay_vote_record *vote) {
    assay_hash salt;
    salt_make(&salt, watch, d);
    memset(tx, 0, sizeof *tx);
    if (d->reveal) {
        tx->kind = ASSAY_TX_VERDICT_REVEAL;
        tx->body.verdict_reveal = (assay_tx_verdict_reveal){.batch = vote->batch,
                                                            .sample = vote->sample,
                                                            .round = vote->round,
                                                            .salt = salt,
                                                            .verdict = vote->verdict,
                                                            .probe = vote->probe};
        return;
    }
    tx->kind = ASSAY_TX_VERDICT_COMMIT;
    tx->body.verdict_commit = (assay_tx_verdict_commit){
        .batch = vote->batch, .sample = vote->sample, .round = vote->round};
    assay_verdict_commitment(&tx->body.verdict_commit.commitment, &watch->wallet->principal, &salt,
                             vote->verdict, &vote->probe);
}

static uint64_t *vote_sent(assay_watch_vote *vote, bool reveal) {
    return reveal ? &vote->revealed : &vote->committed;
}

static void failure_tell(const assay_watch *watch, const assay_error *err) {
    atomic_fetch_add(&watch->meter->duty_failures, 1);
    assay_log(ASSAY_LOG_WARN, "duty_failed", assay_error_to_json(err, NULL),
              "duty not done, error %u: %s", (unsigned)assay_error_code(err), err->text);
}

// Puts into the row what can be sent of this duty now. Returns: whether its vote is still to be
// found.
static bool row_add(row *r, assay_watch *watch, const duty *d) {
    assay_error err = {0};
    assay_watch_vote *vote;
    if (d->reveal && watch->manner == ASSAY_VALIDATOR_SILENT) return false;
    if (vote_of_duty(watch, d, &vote, r->reasons[r->count], &err) != ASSAY_OK) {
        failure_tell(watch, &err);
        return false;
    }
    if (!vote) return true;
    if (vote->lost) return false;
    // Blocks and no clock: while the chain stands still, what was sent waits with it.
    uint64_t sent = *vote_sent(vote, d->reveal);
    if (sent && r->height < sent + ASSAY_WATCH_AGAIN_BLOCKS) return false;
    tx_fill(&r->txs[r->count], watch, d, &vote->record);
    r->duties[r->count] = *d;
    r->votes[r->count++] = vote;
    return false;
}

// Before their commitments are sent. Without a disk they are sent all the same: a vote that was not
// given costs for sure, a restart may not come.
static void row_store(row *r, assay_watch *watch) {
    assay_error err = {0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        const assay_watch_vote *vote = r->votes[i];
        if (!r->duties[i].reveal && !vote->stored) r->records[count++] = vote->record;
    }
    if (assay_vote_file_append(&watch->file, r->records, count, &err) != ASSAY_OK) {
        failure_tell(watch, &err);
        return;
    }
    for (uint32_t i = 0; i < r->count; i++)
        r->votes[i]->stored |= !r->duties[i].reveal;
}

static void row_send(row *r, assay_watch *watch) {
    assay_error err = {0};
    uint32_t taken;
    row_store(r, watch);
    if (assay_wallet_send_row(watch->wallet, r->txs, r->count, (uint32_t)watch->wallet->wait_ms,
                              r->sents, &taken, &err) != ASSAY_OK)
        failure_tell(watch, &err);
    for (uint32_t i = 0; i < taken; i++) {
        assay_watch_vote *vote = r->votes[i];
        uint64_t *sent = vote_sent(vote, r->duties[i].reveal);
        atomic_fetch_add(r->duties[i].reveal ? &watch->meter->reveals : &watch->meter->commits, 1);
        if (!*sent) vote_tell(watch, &r->duties[i], &vote->record, r->reasons[i]);
        *sent = r->height;
    }
}

// The node tells whose each batch is. When it does not answer, nor would it for the next one, and
// what is found meanwhile is to be sent: the rest has time until the next step.
static void questions_file(assay_watch *watch, const duty *duties, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        assay_docket_answer answer;
        assay_error err = {0};
        assay_status status = assay_docket_ask(watch->docket, &duties[i].question, &answer, &err);
        if (status == ASSAY_STOPPED) return;
        if (status != ASSAY_OK) failure_tell(watch, &err);
        if (status == ASSAY_NETWORK || status == ASSAY_TIMEOUT) return;
    }
}

static duty duty_of(const assay_duty *told) {
    return (duty){.question = {.task = {.batch = told->batch,
                                        .sample = told->sample,
                                        .position = told->position,
                                        .leaf_posted = told->leaf_posted,
                                        .table_posted = told->table_posted},
                               .round = told->round,
                               .deadline = told->deadline},
                  .commitment = told->commitment,
                  .reveal = told->kind == ASSAY_DUTY_REVEAL};
}

// Reveals first, their windows are the short ones and cost most to miss; then by deadline.
static int duty_order(const void *a, const void *b) {
    const duty *x = a, *y = b;
    if (x->reveal != y->reveal) return x->reveal ? -1 : 1;
    if (x->question.deadline != y->question.deadline)
        return x->question.deadline < y->question.deadline ? -1 : 1;
    return 0;
}

// A node that has more than a page gives the nearest deadlines: those behind them come when these
// have been voted on, a commit's at the latest when it is in a hurry.
static assay_status step_run(row *r, duty *duties, assay_watch *watch, const json_t *document,
                             assay_error *err) {
    const json_t *list;
    uint64_t height;
    uint32_t count = 0, open = 0;
    ASSAY_TRY(assay_json_u64(&height, document, "height", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_array(&list, document, "duties", ASSAY_DUTIES_MAX, err));
    for (size_t i = 0; i < json_array_size(list); i++) {
        assay_duty told;
        ASSAY_TRY(assay_duty_read(&told, json_array_get(list, i), err));
        if (told.kind != ASSAY_DUTY_COMMIT && told.kind != ASSAY_DUTY_REVEAL) continue;
        duty *d = &duties[count++];
        *d = duty_of(&told);
        // To reveal another verdict than was committed is of no use: only commits give up.
        d->question.hurry = !d->reveal && d->question.deadline < height + watch->hurry;
    }
    atomic_store(&watch->meter->duties, count);
    atomic_store(&watch->meter->height, height);
    assay_docket_height(watch->docket, height);
    r->height = height;
    qsort(duties, count, sizeof *duties, duty_order);
    for (uint32_t i = 0; i < count; i++)
        if (row_add(r, watch, &duties[i])) duties[open++] = duties[i];
    row_send(r, watch);
    questions_file(watch, duties, open);
    return ASSAY_OK;
}

assay_status assay_watch_step(assay_watch *watch, assay_error *err) {
    json_t *document;
    ASSAY_TRY(assay_client_get_id(&document, watch->client, "duties",
                                  watch->wallet->principal.bytes, ASSAY_ADDRESS_SIZE, err));
    row *r = calloc(1, sizeof *r);
    duty *duties = calloc(ASSAY_DUTIES_MAX, sizeof *duties);
    assay_status status = r && duties ? step_run(r, duties, watch, document, err)
                                      : ASSAY_FAIL(err, MEMORY, "no memory for duties");
    free(duties);
    free(r);
    json_decref(document);
    return status;
}
