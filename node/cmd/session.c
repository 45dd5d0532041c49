// SPDX-License-Identifier: Apache-2.0
#include "base/hex.h"
#include "node/cmd/commands.h"
#include "node/provider/facts.h"
#include "node/wallet/wallet.h"

// The ledger takes a session with anybody, and keeps the deposit until it ends: batches of one
// whose bond covers nothing are refused (P-30).
static assay_status provider_check(const assay_wallet *wallet, const assay_address *provider,
                                   assay_error *err) {
    assay_provider_facts facts;
    char text[ASSAY_HEX_HASH_MAX];
    ASSAY_TRY(assay_provider_facts_fetch(&facts, &wallet->client, provider, 1, err));
    if (facts.cover) return ASSAY_OK;
    assay_hex_encode_0x(text, provider->bytes, ASSAY_ADDRESS_SIZE);
    return ASSAY_FAIL(err, FORBIDDEN,
                      "%s has no provider bond that counts: nothing it answers could be paid for, "
                      "and the deposit would be locked",
                      text);
}

int assay_cmd_session_open(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_tx tx = {.kind = ASSAY_TX_OPEN_SESSION};
    assay_tx_open_session *body = &tx.body.open_session;
    const char *expiry = NULL;
    const assay_option table[] = {
        {"provider", ASSAY_OPTION_HEX, body->provider.bytes, "ADDRESS", "the one it is for", 0,
         ASSAY_ADDRESS_SIZE, true},
        {"deposit", ASSAY_OPTION_NOPEN, &body->deposit, "NOPEN", "what backs the requests", 1,
         INT64_MAX, true},
        // The ledger takes 0, and every provider refuses such a session.
        {"price-in", ASSAY_OPTION_NOPEN, &body->price_in, "NOPEN", "for a prompt token", 1,
         INT64_MAX, true},
        {"price-out", ASSAY_OPTION_NOPEN, &body->price_out, "NOPEN", "for an output token", 0,
         INT64_MAX, true},
        {"expiry", ASSAY_OPTION_TEXT, &expiry, "HEIGHT",
         "block at which it starts to close; +N: N blocks from now", 0, 0, true},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(
            invocation, table, ASSAY_COUNT(table),
            "The session's id is what is printed as `message`, in JSON as `digest`.", &code))
        return code;
    assay_error err = {0};
    assay_status status = assay_wallet_open(&wallet, &err);
    if (status == ASSAY_OK) status = assay_wallet_height(&body->expiry, &wallet, expiry, &err);
    if (status == ASSAY_OK) status = assay_wallet_balance_check(&wallet, &tx, body->deposit, &err);
    if (status == ASSAY_OK) status = provider_check(&wallet, &body->provider, &err);
    return assay_wallet_finish(&wallet, invocation, &tx, status, &err);
}

int assay_cmd_session_close(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_tx tx = {.kind = ASSAY_TX_CLOSE_SESSION};
    const assay_option table[] = {
        {"", ASSAY_OPTION_HEX, tx.body.close_session.session.bytes, "SESSION", "its id", 0,
         ASSAY_HASH_SIZE, true},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "Requests already answered still count until it ends; then what is "
                             "left returns.",
                             &code))
        return code;
    return assay_wallet_run(&wallet, invocation, &tx);
}
