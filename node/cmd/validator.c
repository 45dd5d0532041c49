// SPDX-License-Identifier: Apache-2.0
// Becoming a validator: secrets that stay in a home, and what others may know of them.
#include <stdio.h>

#include "base/json.h"
#include "ledger/validator.h"
#include "node/cmd/commands.h"
#include "node/home/home.h"
#include "node/wallet/wallet.h"

int assay_cmd_validator_new(assay_invocation *invocation) {
    const char *home = NULL, *from = NULL;
    uint64_t length = 1 << 20;
    assay_genesis_validator entry = {.consensus_bond = 0};
    const assay_option table[] = {
        {"home", ASSAY_OPTION_TEXT, &home, "DIR", "folder for operator.json", 0, 0, true},
        {"address", ASSAY_OPTION_HEX, entry.address.bytes, "ADDRESS",
         "the validator's ledger address", 0, ASSAY_ADDRESS_SIZE, true},
        {"beacon-length", ASSAY_OPTION_U64, &length, "N",
         "blocks the beacon's hash chain lasts (1048576)", 1, ASSAY_HASHCHAIN_LENGTH_MAX, false},
        {"secrets", ASSAY_OPTION_TEXT, &from, "FILE",
         "take operator.json's content from a file instead of making it", 0, 0, false},
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "Prints the public entry as JSON, for assay init --validator.", &code))
        return code;
    assay_error err = {0};
    assay_operator secrets = {0};
    static const char *const made[] = {"beacon-length", NULL};
    assay_status status = assay_command_apart(invocation, table, "secrets", made, &err);
    if (status == ASSAY_OK)
        status = from ? assay_operator_load(&secrets, from, &err)
                      : assay_operator_make(&secrets, length, &err);
    if (status == ASSAY_OK) status = assay_operator_entry(&entry, &secrets, &err);
    if (status == ASSAY_OK) status = assay_operator_write(home, &secrets, &err);
    assay_operator_clear(&secrets);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, NULL);
    return assay_command_print(assay_genesis_validator_json(&entry));
}

// Whether the account has a hash chain in force or waiting. One that is used up is refused: whether
// the home's is another cannot be told, and preimages that all have seen make no beacon. P-46
static assay_status chain_known(bool *known, const assay_wallet *wallet, assay_error *err) {
    json_t *answer;
    const json_t *chain;
    uint64_t left, pending, revealed;
    ASSAY_TRY(assay_client_get_id(&answer, &wallet->client, "validator", wallet->principal.bytes,
                                  ASSAY_ADDRESS_SIZE, err));
    assay_status status = assay_json_object(&chain, answer, "beacon", err);
    if (status == ASSAY_OK) status = assay_json_u64(&left, chain, "left", 0, UINT64_MAX, err);
    if (status == ASSAY_OK) status = assay_json_u64(&pending, chain, "pending", 0, UINT64_MAX, err);
    if (status == ASSAY_OK)
        status = assay_json_u64(&revealed, chain, "revealed", 0, UINT64_MAX, err);
    json_decref(answer);
    ASSAY_TRY(status);
    *known = left > 0 || pending > 0;
    if (!*known && revealed > 0)
        return ASSAY_FAIL(err, EXISTS,
                          "the account's beacon chain is used up, its last preimage of height "
                          "%llu, and this command would send what all have seen",
                          (ull)revealed);
    return ASSAY_OK;
}

static assay_status proof_make(uint8_t *proof, const assay_wallet *wallet,
                               const assay_operator *secrets, assay_error *err) {
    uint8_t message[ASSAY_VALIDATOR_MESSAGE_SIZE];
    assay_validator_message(message, &wallet->client.domain.genesis, &wallet->principal);
    return assay_ed25519_sign(proof, secrets->ed25519_seed, message, sizeof message, err);
}

// P-9: an agent's signature would be refused, after its chain was registered and paid for.
static assay_status owner_check(const assay_wallet *wallet, assay_error *err) {
    if (assay_address_equal(&wallet->address, &wallet->principal)) return ASSAY_OK;
    return ASSAY_FAIL(err, USAGE,
                      "no agent gives an account its consensus key, which it then has for ever: "
                      "take the account's own keystore as --key, and leave out --principal");
}

// The hash chain first: a validator whose power begins without one only misses.
static assay_status chain_register(assay_wallet *wallet, const assay_genesis_validator *entry,
                                   assay_error *err) {
    bool known;
    assay_sent sent;
    assay_tx tx = {.kind = ASSAY_TX_REGISTER_CHAIN};
    tx.body.register_chain = (assay_tx_register_chain){entry->chain_tip, entry->chain_length};
    ASSAY_TRY(chain_known(&known, wallet, err));
    return known ? ASSAY_OK : assay_wallet_send(wallet, &tx, &sent, err);
}

int assay_cmd_validator_register(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    const char *home = NULL;
    const assay_option table[] = {
        {"home", ASSAY_OPTION_TEXT, &home, "DIR", "folder with operator.json", 0, 0, true},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "Registers the home's beacon chain, unless one is there, and its "
                             "consensus key,\nfor an account with a consensus bond.",
                             &code))
        return code;
    assay_error err = {0};
    assay_operator secrets = {0};
    assay_genesis_validator entry = {.consensus_bond = 0};
    uint8_t proof[ASSAY_ED25519_SIGNATURE_SIZE];
    assay_tx tx = {.kind = ASSAY_TX_REGISTER_VALIDATOR};
    assay_tx_register_validator *body = &tx.body.register_validator;
    assay_status status = assay_operator_read(&secrets, home, &err);
    if (status == ASSAY_OK) status = assay_operator_entry(&entry, &secrets, &err);
    if (status == ASSAY_OK) status = assay_wallet_open(&wallet, &err);
    if (status == ASSAY_OK) status = owner_check(&wallet, &err);
    if (status == ASSAY_OK) status = proof_make(proof, &wallet, &secrets, &err);
    if (status == ASSAY_OK) status = chain_register(&wallet, &entry, &err);
    assay_operator_clear(&secrets);
    memcpy(body->ed25519.bytes, entry.ed25519, ASSAY_ED25519_KEY_SIZE);
    body->proof = (assay_bytes){proof, sizeof proof};
    if (status == ASSAY_EXISTS) {
        assay_wallet_close(&wallet);
        return assay_command_fail(invocation, &err, "assay validator renew --home DIR --key FILE");
    }
    return assay_wallet_finish(&wallet, invocation, &tx, status, &err);
}
