// SPDX-License-Identifier: Apache-2.0
// The next beacon chain of a home (F-57): registered in time, nothing is missed between two.
#include <stdio.h>

#include "base/json.h"
#include "consensus/beacon_chains.h"
#include "node/cmd/commands.h"
#include "node/home/home.h"
#include "node/wallet/wallet.h"

// How an account's chain stands, as the node tells. P-46
typedef struct {
    assay_hash head;        // revealed or left > 0: of the chain in force
    assay_hash pending_tip; // pending > 0: of the one that waits
    uint64_t left, pending, revealed;
} standing;

typedef struct {
    uint64_t number; // of the chain in force, or of the one that waits
    bool waits;
    bool lasts;       // more than half of its links are left
    const char *next; // what to do about a failure
} judgement;

static assay_status standing_parse(standing *out, const json_t *answer, assay_error *err) {
    const json_t *chain;
    ASSAY_TRY(assay_json_object(&chain, answer, "beacon", err));
    ASSAY_TRY(assay_json_u64(&out->left, chain, "left", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->pending, chain, "pending", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->revealed, chain, "revealed", 0, UINT64_MAX, err));
    if (out->left || out->revealed) ASSAY_TRY(assay_json_hash(&out->head, chain, "head", err));
    if (!out->pending) return ASSAY_OK;
    return assay_json_hash(&out->pending_tip, chain, "pending_tip", err);
}

static assay_status standing_get(standing *out, const assay_wallet *wallet, assay_error *err) {
    json_t *answer;
    *out = (standing){.left = 0};
    ASSAY_TRY(assay_client_get_id(&answer, &wallet->client, "validator", wallet->principal.bytes,
                                  ASSAY_ADDRESS_SIZE, err));
    assay_status status = standing_parse(out, answer, err);
    json_decref(answer);
    return status;
}

// One that waits goes before all else: it would come into force in place of what is sent too late.
static assay_status judge(judgement *out, const assay_beacon_chains *chains, const standing *now,
                          assay_error *err) {
    *out = (judgement){.waits = now->pending > 0};
    if (!now->pending && !now->left && !now->revealed) {
        out->next = "assay validator register --home DIR --key FILE";
        return ASSAY_FAIL(err, NOT_FOUND, "the account has no beacon chain that could be renewed");
    }
    if (!assay_beacon_chains_find(&out->number, chains, out->waits ? &now->pending_tip : &now->head,
                                  out->waits ? now->pending : now->left)) {
        out->next = "take the home, with its operator.json, that the chain was registered from";
        return ASSAY_FAIL(err, MISMATCH,
                          "the account's beacon chain that %s is none of the %d of this home",
                          out->waits ? "waits" : "is in force", ASSAY_BEACON_CHAINS_MAX);
    }
    out->lasts = now->left > chains->length / 2;
    return ASSAY_OK;
}

// The chain after the one that is in force.
static assay_status next_fill(assay_tx_register_chain *out, const assay_beacon_chains *chains,
                              uint64_t number, assay_error *err) {
    if (number + 1 == ASSAY_BEACON_CHAINS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "beacon chain %llu is the last of this home's %d",
                          (ull)number, ASSAY_BEACON_CHAINS_MAX);
    out->length = chains->length;
    assay_beacon_chains_at(&out->tip, chains, number + 1, chains->length);
    return ASSAY_OK;
}

// Nothing is sent: why.
static int unneeded_print(const assay_invocation *invocation, const standing *now,
                          const judgement *so, uint64_t length) {
    ull number = so->number, left = now->left;
    if (invocation->json)
        return assay_command_print(json_pack(
            "{s:s,s:o,s:o,s:o,s:o}", "state", so->waits ? "waiting" : "lasting", "chain",
            assay_json_from_u64(so->number), "left", assay_json_from_u64(now->left), "length",
            assay_json_from_u64(length), "pending", assay_json_from_u64(now->pending)));
    if (so->waits)
        printf(
            "chain %llu of the home's %d waits to come into force, %llu links are left before it: "
            "nothing is sent\n",
            number, ASSAY_BEACON_CHAINS_MAX, left);
    else
        printf(
            "chain %llu of the home's %d has %llu of %llu links left, more than half: nothing is "
            "sent\nnext: --now sends in spite of that\n",
            number, ASSAY_BEACON_CHAINS_MAX, left, (ull)length);
    return ASSAY_EXIT_OK;
}

int assay_cmd_validator_renew(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    const char *home = NULL;
    bool at_once = false;
    const assay_option table[] = {
        {"home", ASSAY_OPTION_TEXT, &home, "DIR", "folder with operator.json", 0, 0, true},
        {"now", ASSAY_OPTION_FLAG, &at_once, NULL, "also while more than half of it is left", 0, 0,
         false},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "Registers the home's next beacon chain when half of the one in force "
                             "is used;\nsends nothing before, or while one waits: let it run every "
                             "day. The node goes\nover to the new chain by itself, two epochs "
                             "later at the earliest.",
                             &code))
        return code;
    assay_error err = {0};
    assay_operator secrets = {0};
    assay_beacon_chains chains = {.length = 0};
    standing now = {.left = 0};
    judgement so = {.number = 0};
    assay_tx tx = {.kind = ASSAY_TX_REGISTER_CHAIN};
    assay_status status = assay_operator_read(&secrets, home, &err);
    if (status == ASSAY_OK)
        status = assay_beacon_chains_open(&chains, secrets.ed25519_seed, &secrets.beacon_seed,
                                          secrets.beacon_length, &err);
    if (status == ASSAY_OK) status = assay_wallet_open(&wallet, &err);
    if (status == ASSAY_OK) status = standing_get(&now, &wallet, &err);
    if (status == ASSAY_OK) status = judge(&so, &chains, &now, &err);
    bool needed = !so.waits && (at_once || !so.lasts);
    if (status == ASSAY_OK && needed)
        status = next_fill(&tx.body.register_chain, &chains, so.number, &err);
    uint64_t length = secrets.beacon_length;
    assay_operator_clear(&secrets);
    assay_beacon_chains_close(&chains);
    if (status == ASSAY_OK && needed)
        return assay_wallet_finish(&wallet, invocation, &tx, status, &err);
    assay_wallet_close(&wallet);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, so.next);
    return unneeded_print(invocation, &now, &so, length);
}
