// SPDX-License-Identifier: Apache-2.0
#include "node/wallet/register.h"

#include <stdio.h>
#include <time.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/sha256.h"
#include "consensus/clock.h"
#include "ledger/commitment.h"
#include "ledger/tx/reject.h"

// What a registration is of: its path in the API, its name for people, its bond among the params,
// and its refusal.
typedef struct {
    assay_tx_kind kind;
    const char *path, *name, *bond;
    uint32_t exists;
} subject;

static const subject subjects[] = {
    {ASSAY_TX_REGISTER_DATASET, "dataset", "data set", "dataset_bond", ASSAY_REJECT_DATASET_EXISTS},
    {ASSAY_TX_REGISTER_MODEL, "model", "model", "model_bond", ASSAY_REJECT_MODEL_EXISTS},
    {ASSAY_TX_REGISTER_ADAPTER, "adapter", "adapter", "adapter_bond", ASSAY_REJECT_ADAPTER_EXISTS},
};

enum { BLOCK_WAIT_MS = 30000, LOOK_MS = 100 };

static const subject *subject_of(assay_tx_kind kind) {
    size_t i = 0;
    while (i < ASSAY_COUNT(subjects) && subjects[i].kind != kind)
        i++;
    ASSAY_ASSERT(i < ASSAY_COUNT(subjects));
    return &subjects[i];
}

// SHA-256("data set salt" || key || root || principal): secret until shown and the same after an
// interruption (F-78).
static void salt_make(assay_hash *out, const assay_wallet *wallet, const assay_hash *root) {
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, "data set salt", 13);
    assay_sha256_update(&sha, wallet->key.bytes, ASSAY_KEY_SIZE);
    assay_sha256_update(&sha, root->bytes, ASSAY_HASH_SIZE);
    assay_sha256_update(&sha, wallet->principal.bytes, ASSAY_ADDRESS_SIZE);
    assay_sha256_final(&sha, out);
}

// path/hash; *out NULL if there is no such thing.
static assay_status thing_ask(json_t **out, const assay_client *client, const char *path,
                              const assay_hash *hash, assay_error *err) {
    assay_status status = assay_client_get_id(out, client, path, hash->bytes, ASSAY_HASH_SIZE, err);
    return status == ASSAY_NOT_FOUND ? ASSAY_OK : status;
}

// What is registered needs no commitment, and the ledger's refusal would come blocks later.
static assay_status unused_check(const assay_client *client, const subject *of,
                                 const assay_hash *root, assay_error *err) {
    uint64_t registered;
    json_t *entry;
    ASSAY_TRY(thing_ask(&entry, client, of->path, root, err));
    if (!entry) return ASSAY_OK;
    assay_status status = assay_json_u64(&registered, entry, "registered", 1, INT64_MAX, err);
    json_decref(entry);
    ASSAY_TRY(status);
    return assay_fail(err, ASSAY_REJECTED, of->exists, "registered before, at height %llu",
                      (ull)registered);
}

static assay_status royalty_check(const assay_client *client, uint32_t royalty_ppm,
                                  assay_error *err) {
    uint64_t limit;
    ASSAY_TRY(assay_client_param(&limit, client, "max_royalty_ppm", err));
    if (royalty_ppm <= limit) return ASSAY_OK;
    return assay_fail(err, ASSAY_REJECTED, ASSAY_REJECT_ROYALTY, "royalty %u ppm, limit %llu",
                      royalty_ppm, (ull)limit);
}

// *left: bytes that the adapter's sources may still have.
static assay_status source_check(uint64_t *left, const assay_client *client, const assay_hash *root,
                                 assay_error *err) {
    uint64_t retired, bytes;
    json_t *entry;
    char text[ASSAY_HEX_HASH_MAX];
    ASSAY_TRY(thing_ask(&entry, client, "dataset", root, err));
    assay_hex_encode_0x(text, root->bytes, ASSAY_HASH_SIZE);
    if (!entry)
        return assay_fail(err, ASSAY_REJECTED, ASSAY_REJECT_DATASET_UNKNOWN,
                          "source %s is no registered data set", text);
    assay_status status = assay_json_u64(&retired, entry, "retired", 0, INT64_MAX, err);
    if (status == ASSAY_OK) status = assay_json_u64(&bytes, entry, "byte_count", 0, INT64_MAX, err);
    json_decref(entry);
    ASSAY_TRY(status);
    if (retired)
        return assay_fail(err, ASSAY_REJECTED, ASSAY_REJECT_DATASET_RETIRED,
                          "source %s was retired at height %llu", text, (ull)retired);
    if (bytes > *left)
        return assay_fail(err, ASSAY_REJECTED, ASSAY_REJECT_ADAPTER_SIZE,
                          "source %s has %llu bytes, of the limit of all %llu are left", text,
                          (ull)bytes, (ull)*left);
    *left -= bytes;
    return ASSAY_OK;
}

static assay_status sources_check(const assay_client *client, const assay_source_list *sources,
                                  assay_error *err) {
    uint64_t left;
    ASSAY_TRY(assay_client_param(&left, client, "adapter_bytes_max", err));
    for (uint32_t i = 0; i < sources->count; i++)
        ASSAY_TRY(source_check(&left, client, &sources->items[i].dataset, err));
    return ASSAY_OK;
}

static assay_status base_check(const assay_client *client, const assay_hash *root,
                               assay_error *err) {
    json_t *entry;
    ASSAY_TRY(thing_ask(&entry, client, "model", root, err));
    if (!entry)
        return assay_fail(err, ASSAY_REJECTED, ASSAY_REJECT_MODEL_UNKNOWN,
                          "the adapter's base is no registered model");
    json_decref(entry);
    return ASSAY_OK;
}

// What the ledger would refuse at the end, after the commitment is paid for. P-34, P-35
static assay_status terms_check(const assay_client *client, const assay_tx *tx, assay_error *err) {
    if (tx->kind == ASSAY_TX_REGISTER_MODEL)
        return royalty_check(client, tx->body.register_model.royalty_ppm, err);
    if (tx->kind != ASSAY_TX_REGISTER_ADAPTER) return ASSAY_OK;
    const assay_tx_register_adapter *body = &tx->body.register_adapter;
    ASSAY_TRY(royalty_check(client, body->royalty_ppm, err));
    ASSAY_TRY(base_check(client, &body->base, err));
    return sources_check(client, &body->sources, err);
}

static uint32_t block_wait(const assay_wallet *wallet) {
    return wallet->wait_ms ? (uint32_t)wallet->wait_ms : BLOCK_WAIT_MS;
}

// What the node tells of a commitment: its height, the first that takes its registration, and the
// next one.
typedef struct {
    bool found;
    uint64_t height, ready, next;
} standing;

static assay_status standing_ask(standing *out, const assay_client *client, const assay_hash *hash,
                                 assay_error *err) {
    json_t *answer;
    ASSAY_TRY(thing_ask(&answer, client, "commitment", hash, err));
    out->found = answer != NULL;
    if (!answer) return ASSAY_OK;
    assay_status status = assay_json_u64(&out->height, answer, "height", 1, INT64_MAX, err);
    if (status == ASSAY_OK)
        status = assay_json_u64(&out->ready, answer, "ready", out->height + 1, INT64_MAX, err);
    if (status == ASSAY_OK)
        status = assay_json_u64(&out->next, answer, "next", out->height + 1, INT64_MAX, err);
    json_decref(answer);
    return status;
}

// Sends the commitment. One that an interrupted command has sent may still have been on its way.
static assay_status commitment_send(const assay_wallet *wallet, const assay_hash *hash,
                                    assay_error *err) {
    assay_tx tx = {.kind = ASSAY_TX_COMMIT_DATASET,
                   .principal = wallet->principal,
                   .body.commit_dataset.commitment = *hash};
    assay_sent sent;
    assay_error why = {0};
    assay_status status =
        assay_client_send(&sent, &wallet->client, &tx, &wallet->key, block_wait(wallet), &why);
    if (status == ASSAY_OK ||
        (status == ASSAY_REJECTED && why.reject == ASSAY_REJECT_COMMITMENT_EXISTS))
        return ASSAY_OK;
    return assay_error_pass(err, &why);
}

// Until the next block takes the registration. However far that is: the wait ends early only if no
// block comes at all. Asking keeps an idle chain's blocks coming (C-15).
static assay_status age_wait(const assay_wallet *wallet, const assay_hash *hash, bool tell,
                             assay_error *err) {
    const struct timespec pause = {0, LOOK_MS * 1000000};
    uint64_t seen = 0, since = assay_clock_ms();
    for (;;) {
        standing is;
        ASSAY_TRY(standing_ask(&is, &wallet->client, hash, err));
        if (!is.found)
            return ASSAY_FAIL(err, NOT_FOUND, "the commitment is gone: a registration has used it");
        assay_progress_show("waiting for the commitment to age", is.next - is.height,
                            is.ready - is.height);
        if (is.next >= is.ready) return ASSAY_OK;
        if (tell && !seen)
            fprintf(stderr, "committed in block %llu, waiting for block %llu\n", (ull)is.height,
                    (ull)is.ready);
        if (is.next != seen) since = assay_clock_ms();
        seen = is.next;
        if (assay_clock_ms() - since > block_wait(wallet))
            return ASSAY_FAIL(err, TIMEOUT,
                              "no block %llu in %u ms; the commitment stays, and the same command "
                              "goes on from it",
                              (ull)is.next, block_wait(wallet));
        nanosleep(&pause, NULL);
    }
}

// Of the chain's params, in nopen. P-21
typedef struct {
    uint64_t bond, base, byte, key;
} prices;

static assay_status prices_ask(prices *out, const assay_client *client, const subject *of,
                               assay_error *err) {
    json_t *genesis;
    const json_t *params;
    const struct {
        uint64_t *price;
        const char *name;
    } rows[] = {{&out->bond, of->bond},
                {&out->base, "tx_fee_base"},
                {&out->byte, "tx_fee_byte"},
                {&out->key, "key_fee"}};
    ASSAY_TRY(assay_client_get(&genesis, client, err, "genesis"));
    assay_status status = assay_json_object(&params, genesis, "params", err);
    for (size_t i = 0; i < ASSAY_COUNT(rows) && status == ASSAY_OK; i++)
        status = assay_json_u64(rows[i].price, params, rows[i].name, 0, INT64_MAX, err);
    json_decref(genesis);
    return status;
}

// Whether the balance holds the bond and all fees, commitment and registration making a key each
// (P-27): the ledger would say so at the end. An agent may be refused for better reasons.
static assay_status funds_check(const assay_wallet *wallet, const assay_tx *tx, bool committed,
                                assay_error *err) {
    const assay_tx commitment = {.kind = ASSAY_TX_COMMIT_DATASET};
    const subject *of = subject_of(tx->kind);
    uint64_t balance;
    prices of_chain;
    if (!assay_address_equal(&wallet->principal, &wallet->address)) return ASSAY_OK;
    ASSAY_TRY(prices_ask(&of_chain, &wallet->client, of, err));
    ASSAY_TRY(assay_wallet_balance(&balance, wallet, err));
    uint64_t fees = of_chain.base + of_chain.key + assay_tx_size(tx) * of_chain.byte;
    if (!committed)
        fees += of_chain.base + of_chain.key + assay_tx_size(&commitment) * of_chain.byte;
    if (balance >= fees && balance - fees >= of_chain.bond) return ASSAY_OK;
    return assay_fail(
        err, ASSAY_REJECTED, ASSAY_REJECT_BALANCE_SHORT,
        "balance %llu nopen, needed are %llu for the %s's bond (%s) and %llu for fees",
        (ull)balance, (ull)of_chain.bond, of->name, of->bond, (ull)fees);
}

// Commits to a root (salt NULL: of zeros) unless the wallet's principal has, and waits until the
// next block takes its registration, tx. tell: standard error of the wait. F-78, P-33
static assay_status root_commit(assay_wallet *wallet, const assay_tx *tx, const assay_hash *root,
                                const assay_hash *salt, bool tell, assay_error *err) {
    assay_hash hash;
    standing is;
    ASSAY_TRY(unused_check(&wallet->client, subject_of(tx->kind), root, err));
    assay_commitment_hash(&hash, root, salt, &wallet->principal);
    ASSAY_TRY(standing_ask(&is, &wallet->client, &hash, err));
    ASSAY_TRY(funds_check(wallet, tx, is.found, err));
    if (!is.found) ASSAY_TRY(commitment_send(wallet, &hash, err));
    return age_wait(wallet, &hash, tell, err);
}

int assay_register_run(assay_wallet *wallet, const assay_invocation *invocation, assay_tx *tx,
                       const assay_hash *root) {
    assay_error err = {0};
    const assay_hash *salt = NULL;
    const assay_registered thing = {subject_of(tx->kind)->name, *root};
    // A registration that no block can hold is refused before anything is paid for.
    tx->lane = assay_tx_lane(tx->kind);
    assay_status status = assay_tx_check(tx, &err);
    if (status == ASSAY_OK) status = assay_wallet_open(wallet, &err);
    if (status == ASSAY_OK) status = terms_check(&wallet->client, tx, &err);
    if (status == ASSAY_OK && tx->kind == ASSAY_TX_REGISTER_DATASET) {
        salt_make(&tx->body.register_dataset.salt, wallet, root);
        salt = &tx->body.register_dataset.salt;
    }
    if (status == ASSAY_OK) status = root_commit(wallet, tx, root, salt, !invocation->json, &err);
    return assay_wallet_finish_thing(wallet, invocation, tx, &thing, status, &err);
}
