// SPDX-License-Identifier: Apache-2.0
// Commands that move an account's own money, and those about its agents.
#include <stdio.h>

#include "base/json.h"
#include "ledger/bond.h"
#include "node/cmd/commands.h"
#include "node/wallet/wallet.h"

static assay_status role_parse(uint8_t *out, const char *text, assay_error *err) {
    uint32_t index;
    ASSAY_TRY(assay_name_parse(&index, text, assay_role_names + 1, ASSAY_ROLE_MAX, "role", err));
    *out = (uint8_t)(index + 1);
    return ASSAY_OK;
}

// Claims are for ever: where no contract pays them, the money would be gone. P-38
static assay_status distributor_check(const assay_wallet *wallet, assay_error *err) {
    json_t *genesis;
    assay_address distributor;
    ASSAY_TRY(assay_client_get(&genesis, &wallet->client, err, "genesis"));
    assay_status status = assay_json_address(&distributor, genesis, "distributor", err);
    json_decref(genesis);
    if (status != ASSAY_OK || !assay_address_is_zero(&distributor)) return status;
    return ASSAY_FAIL(err, FORBIDDEN,
                      "the chain's genesis names no distributor: no contract would pay the claim, "
                      "and nothing brings it back");
}

int assay_cmd_transfer(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_tx tx = {.kind = ASSAY_TX_TRANSFER};
    const assay_option table[] = {
        {"to", ASSAY_OPTION_HEX, tx.body.transfer.to.bytes, "ADDRESS", "who gets it", 0,
         ASSAY_ADDRESS_SIZE, true},
        {"amount", ASSAY_OPTION_NOPEN, &tx.body.transfer.amount, "NOPEN", "how much", 1, INT64_MAX,
         true},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table), NULL, &code)) return code;
    assay_error err = {0};
    assay_status status = assay_wallet_open(&wallet, &err);
    if (status == ASSAY_OK)
        status = assay_wallet_balance_check(&wallet, &tx, tx.body.transfer.amount, &err);
    return assay_wallet_finish(&wallet, invocation, &tx, status, &err);
}

static int bond_run(assay_invocation *invocation, assay_tx_kind kind, const char *details) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_tx tx = {.kind = kind};
    const char *role = NULL;
    const assay_option table[] = {
        {"role", ASSAY_OPTION_TEXT, &role, "ROLE", "provider, verification or consensus", 0, 0,
         true},
        {"amount", ASSAY_OPTION_NOPEN, &tx.body.bond.amount, "NOPEN", "how much", 1, INT64_MAX,
         true},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table), details, &code)) return code;
    assay_error err = {0};
    assay_status status = role_parse(&tx.body.bond.role, role, &err);
    if (status == ASSAY_OK) status = assay_wallet_open(&wallet, &err);
    if (status == ASSAY_OK && kind == ASSAY_TX_BOND)
        status = assay_wallet_balance_check(&wallet, &tx, tx.body.bond.amount, &err);
    return assay_wallet_finish(&wallet, invocation, &tx, status, &err);
}

int assay_cmd_bond(assay_invocation *invocation) {
    return bond_run(invocation, ASSAY_TX_BOND, "Moves money from the balance into a bond.");
}

int assay_cmd_unbond(assay_invocation *invocation) {
    return bond_run(invocation, ASSAY_TX_UNBOND,
                    "Starts the way back from a bond to the balance; until it arrives the bond\n"
                    "can still be slashed, and counts for nothing.");
}

int assay_cmd_withdraw(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_tx tx = {.kind = ASSAY_TX_WITHDRAW};
    const assay_option table[] = {
        {"recipient", ASSAY_OPTION_HEX, tx.body.withdraw.recipient.bytes, "ADDRESS",
         "account on the EVM chain", 0, ASSAY_ADDRESS_SIZE, true},
        {"amount", ASSAY_OPTION_NOPEN, &tx.body.withdraw.amount, "NOPEN", "how much", 1, INT64_MAX,
         true},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "Moves a balance into the claims tree, from which an EVM contract\n"
                             "can pay it once the epoch is closed: GET /v1/claim/ADDRESS.",
                             &code))
        return code;
    assay_error err = {0};
    assay_status status = assay_wallet_open(&wallet, &err);
    if (status == ASSAY_OK) status = distributor_check(&wallet, &err);
    if (status == ASSAY_OK)
        status = assay_wallet_balance_check(&wallet, &tx, tx.body.withdraw.amount, &err);
    return assay_wallet_finish(&wallet, invocation, &tx, status, &err);
}

int assay_cmd_agent_authorize(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_tx tx = {.kind = ASSAY_TX_AUTHORIZE_AGENT};
    assay_tx_authorize_agent *body = &tx.body.authorize_agent;
    const char *scopes = NULL, *expiry = NULL;
    const assay_option table[] = {
        {"agent", ASSAY_OPTION_HEX, body->agent.bytes, "ADDRESS", "the agent's key", 0,
         ASSAY_ADDRESS_SIZE, true},
        {"scopes", ASSAY_OPTION_TEXT, &scopes, "LIST",
         "of transfer,session,register,verify,batch,bond,withdraw", 0, 0, true},
        {"expiry", ASSAY_OPTION_TEXT, &expiry, "HEIGHT",
         "the last block it may act in; +N: N blocks from now", 0, 0, true},
        {"limit", ASSAY_OPTION_NOPEN, &body->limit, "NOPEN",
         "what all your agents together may spend an epoch", 0, INT64_MAX, true},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table), NULL, &code)) return code;
    assay_error err = {0};
    assay_status status = assay_names_parse(&body->scopes, scopes, assay_scope_names,
                                            ASSAY_SCOPE_COUNT, "scope", &err);
    if (status == ASSAY_OK) status = assay_wallet_open(&wallet, &err);
    if (status == ASSAY_OK) status = assay_wallet_height(&body->expiry, &wallet, expiry, &err);
    return assay_wallet_finish(&wallet, invocation, &tx, status, &err);
}

int assay_cmd_agent_revoke(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_tx tx = {.kind = ASSAY_TX_REVOKE_AGENT};
    const assay_option table[] = {
        {"agent", ASSAY_OPTION_HEX, tx.body.revoke_agent.agent.bytes, "ADDRESS", "the agent's key",
         0, ASSAY_ADDRESS_SIZE, true},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "It can send nothing for you from then on. A session that it opened\n"
                             "stays open, and requests that it signs there still count: end it by\n"
                             "assay session close.",
                             &code))
        return code;
    code = assay_wallet_run(&wallet, invocation, &tx);
    if (code == ASSAY_EXIT_OK && !invocation->json)
        printf("sessions that it opened stay open to it: assay session close SESSION ends one\n");
    return code;
}
