// SPDX-License-Identifier: Apache-2.0
#include "node/watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/sha256.h"
#include "node/batch_table.h"
#include "node/command.h"

enum { DUTIES_MAX = 256 };

typedef struct {
    assay_check_task task;
    uint8_t round;
    bool reveal;
} duty;

static assay_status declared_read(const assay_watch *watch, assay_hash *roots, uint32_t *count,
                                  assay_error *err) {
    char address[ASSAY_HEX_HASH_MAX];
    json_t *account;
    const json_t *list;
    assay_hex_encode_0x(address, watch->wallet->principal.bytes, ASSAY_ADDRESS_SIZE);
    ASSAY_TRY(assay_client_get(&account, &watch->wallet->client, err, "account/%s", address));
    assay_status status = assay_json_array(&list, account, "declared", ASSAY_ROOTS_MAX, err);
    *count = status == ASSAY_OK ? (uint32_t)json_array_size(list) : 0;
    for (uint32_t i = 0; status == ASSAY_OK && i < *count; i++)
        status = assay_json_item_hash(&roots[i], list, i, "declared", err);
    json_decref(account);
    return status;
}

assay_status assay_watch_declare(assay_watch *watch, assay_error *err) {
    assay_hash own[ASSAY_OPTION_TEXTS_MAX + 1], declared[ASSAY_ROOTS_MAX];
    uint32_t declared_count;
    uint32_t count = assay_workshop_roots(watch->checker.shop, own);
    ASSAY_TRY(declared_read(watch, declared, &declared_count, err));
    if (declared_count == count && memcmp(declared, own, count * sizeof *own) == 0) return ASSAY_OK;
    assay_tx tx = {.kind = ASSAY_TX_DECLARE_ROOTS};
    assay_sent sent;
    tx.body.declare_roots.roots = (assay_hash_list){own, count};
    return assay_wallet_send(watch->wallet, &tx, &sent, err);
}

// Secret until shown, the same after a restart: SHA-256("salt" || key || batch || sample || round).
static void salt_make(assay_hash *out, const assay_watch *watch, const duty *d) {
    uint8_t number[5];
    assay_sha256 sha;
    assay_store_be32(number, d->task.sample);
    number[4] = d->round;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, "salt", 4);
    assay_sha256_update(&sha, watch->wallet->key.bytes, ASSAY_KEY_SIZE);
    assay_sha256_update(&sha, d->task.batch.bytes, ASSAY_HASH_SIZE);
    assay_sha256_update(&sha, number, sizeof number);
    assay_sha256_final(&sha, out);
}

static assay_watch_vote *vote_find(assay_watch *watch, const duty *d) {
    uint64_t kept =
        watch->vote_count < ASSAY_WATCH_KEPT_MAX ? watch->vote_count : ASSAY_WATCH_KEPT_MAX;
    for (uint64_t i = 1; i <= kept; i++) {
        assay_watch_vote *vote = &watch->votes[(watch->vote_count - i) % ASSAY_WATCH_KEPT_MAX];
        if (vote->sample == d->task.sample && vote->round == d->round &&
            assay_hash_equal(&vote->batch, &d->task.batch))
            return vote;
    }
    return NULL;
}

static void vote_tell(const assay_watch *watch, const duty *d, const assay_watch_vote *vote,
                      const char *reason) {
    char batch[ASSAY_HEX_HASH_MAX];
    const char *what = d->reveal ? "reveal" : "commit";
    assay_hex_encode_0x(batch, d->task.batch.bytes, ASSAY_HASH_SIZE);
    if (watch->json) {
        assay_command_print(json_pack("{s:s,s:s,s:i,s:i,s:i,s:s,s:s}", "vote", what, "batch", batch,
                                      "sample", (int)d->task.sample, "round", (int)d->round,
                                      "verdict", (int)vote->verdict, "verdict_name",
                                      assay_verdict_name(vote->verdict), "reason", reason));
        return;
    }
    printf("%s batch %.14s… sample %u round %u: %s%s%s\n", what, batch, d->task.sample, d->round,
           assay_verdict_name(vote->verdict), *reason ? ", " : "", reason);
    fflush(stdout);
}

// Finds the verdict of a duty, by rerunning or by whatever this validator does instead.
static assay_status verdict_find(assay_watch *watch, const duty *d, assay_watch_vote *vote,
                                 char *reason, assay_error *err) {
    *vote = (assay_watch_vote){.batch = d->task.batch,
                               .sample = d->task.sample,
                               .round = d->round,
                               .verdict = ASSAY_VERDICT_MATCH};
    *reason = 0;
    if (watch->manner == ASSAY_VALIDATOR_COPY) {
        // It has nothing to copy a probe from before the reveals: this is what copying comes to.
        salt_make(&vote->probe, watch, d);
        return ASSAY_OK;
    }
    assay_arena arena;
    assay_check_result result;
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    assay_status status = assay_check_run(&result, &watch->checker, &d->task, &arena, err);
    assay_arena_close(&arena);
    ASSAY_TRY(status);
    vote->verdict = result.verdict;
    vote->probe = result.probe;
    memcpy(reason, result.reason, sizeof result.reason);
    return ASSAY_OK;
}

static assay_status commit_send(assay_watch *watch, const duty *d, assay_error *err) {
    assay_tx tx = {.kind = ASSAY_TX_VERDICT_COMMIT};
    assay_hash salt;
    assay_sent sent;
    assay_watch_vote vote;
    char reason[ASSAY_ERROR_TEXT_MAX];
    ASSAY_TRY(verdict_find(watch, d, &vote, reason, err));
    salt_make(&salt, watch, d);
    tx.body.verdict_commit = (assay_tx_verdict_commit){
        .batch = d->task.batch, .sample = d->task.sample, .round = d->round};
    assay_verdict_commitment(&tx.body.verdict_commit.commitment, &watch->wallet->principal, &salt,
                             vote.verdict, &vote.probe);
    ASSAY_TRY(assay_wallet_send(watch->wallet, &tx, &sent, err));
    watch->votes[watch->vote_count++ % ASSAY_WATCH_KEPT_MAX] = vote;
    vote_tell(watch, d, &vote, reason);
    return ASSAY_OK;
}

static assay_status reveal_send(assay_watch *watch, const duty *d, assay_error *err) {
    assay_tx tx = {.kind = ASSAY_TX_VERDICT_REVEAL};
    assay_sent sent;
    assay_hash salt;
    assay_watch_vote *vote = vote_find(watch, d);
    char reason[ASSAY_ERROR_TEXT_MAX] = "";
    if (watch->manner == ASSAY_VALIDATOR_SILENT || (vote && vote->revealed)) return ASSAY_OK;
    if (!vote) {
        vote = &watch->votes[watch->vote_count % ASSAY_WATCH_KEPT_MAX];
        ASSAY_TRY(verdict_find(watch, d, vote, reason, err));
        watch->vote_count++;
    }
    salt_make(&salt, watch, d);
    tx.body.verdict_reveal = (assay_tx_verdict_reveal){.batch = d->task.batch,
                                                       .sample = d->task.sample,
                                                       .round = d->round,
                                                       .salt = salt,
                                                       .verdict = vote->verdict,
                                                       .probe = vote->probe};
    ASSAY_TRY(assay_wallet_send(watch->wallet, &tx, &sent, err));
    vote->revealed = true;
    vote_tell(watch, d, vote, reason);
    return ASSAY_OK;
}

// Errors: FORMAT … ; *mine false for duties of other roles.
static assay_status duty_read(duty *out, bool *mine, const json_t *object, assay_error *err) {
    const char *kind;
    uint64_t sample, round;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_json_text(&kind, object, "kind", 32, err));
    out->reveal = strcmp(kind, "reveal") == 0;
    *mine = out->reveal || strcmp(kind, "commit") == 0;
    ASSAY_TRY(assay_json_hash(&out->task.batch, object, "batch", err));
    ASSAY_TRY(assay_json_u64(&sample, object, "sample", 0, UINT32_MAX, err));
    ASSAY_TRY(assay_json_u64(&round, object, "round", 0, UINT8_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->task.position, object, "position", 0, UINT64_MAX, err));
    out->task.sample = (uint32_t)sample;
    out->round = (uint8_t)round;
    out->task.leaf_posted = json_is_true(json_object_get(object, "leaf_posted"));
    out->task.table_posted = json_is_true(json_object_get(object, "table_posted"));
    return ASSAY_OK;
}

assay_status assay_watch_step(assay_watch *watch, assay_error *err) {
    char address[ASSAY_HEX_HASH_MAX];
    json_t *document;
    const json_t *list;
    assay_hex_encode_0x(address, watch->wallet->principal.bytes, ASSAY_ADDRESS_SIZE);
    ASSAY_TRY(assay_client_get(&document, &watch->wallet->client, err, "duties/%s", address));
    assay_status status = assay_json_array(&list, document, "duties", DUTIES_MAX, err);
    // Reveals first: their windows are the short ones.
    for (int pass = 0; status == ASSAY_OK && pass < 2; pass++) {
        for (size_t i = 0; i < json_array_size(list); i++) {
            assay_error why = {0};
            duty d;
            bool mine;
            assay_status done = duty_read(&d, &mine, json_array_get(list, i), &why);
            if (done == ASSAY_OK && mine && d.reveal == (pass == 0))
                done = d.reveal ? reveal_send(watch, &d, &why) : commit_send(watch, &d, &why);
            if (done != ASSAY_OK)
                fprintf(stderr, "assay: duty not done, error %u: %s\n",
                        why.reject ? why.reject : (unsigned)why.status, why.text);
        }
    }
    json_decref(document);
    return status;
}
