// SPDX-License-Identifier: Apache-2.0
// Transactions as files: what a wallet shows, what it signs, and what is sent.
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "ledger/tx/tx_json.h"
#include "node/cmd/commands.h"
#include "node/wallet/wallet.h"

enum { TX_JSON_MAX = 8 << 20, TX_JSON_VALUES_MAX = 1 << 18 };

// A transaction from its JSON file, with the domain its members name.
typedef struct {
    assay_arena arena;
    assay_tx tx;
    assay_domain domain;
} tx_file;

static assay_status file_open(tx_file *file, const char *path, bool needs_genesis,
                              assay_error *err) {
    json_t *object;
    assay_hash genesis;
    memset(file, 0, sizeof *file);
    assay_arena_init(&file->arena, ASSAY_TX_ARENA_MAX);
    ASSAY_TRY(assay_json_read_many(&object, path, TX_JSON_MAX, TX_JSON_VALUES_MAX, err));
    assay_status status =
        needs_genesis && !json_object_get(object, "genesis")
            ? ASSAY_FAIL(err, MISSING, "genesis is missing: the genesis hash salts the digest")
            : assay_tx_from_json(&file->tx, &genesis, object, &file->arena, err);
    json_decref(object);
    if (status == ASSAY_OK) assay_domain_init(&file->domain, file->tx.chain_id, &genesis);
    return status;
}

static bool file_begin(assay_invocation *invocation, const char **path, const char *details,
                       int *code) {
    const assay_option table[] = {
        {"", ASSAY_OPTION_TEXT, path, "FILE.json", "the transaction (docs/api.md, spec P-16)", 0, 0,
         true},
    };
    return assay_command_begin(invocation, table, 1, details, code);
}

int assay_cmd_tx_digest(assay_invocation *invocation) {
    const char *path = NULL;
    int code;
    if (!file_begin(invocation, &path, "Prints the EIP-712 digest that the signer signs.", &code))
        return code;
    tx_file file;
    assay_error err = {0};
    assay_status status = file_open(&file, path, true, &err);
    if (status == ASSAY_OK) {
        assay_hash digest;
        char text[ASSAY_HEX_HASH_MAX];
        assay_tx_digest(&digest, &file.tx, &file.domain);
        assay_hex_encode_0x(text, digest.bytes, ASSAY_HASH_SIZE);
        code = invocation->json ? assay_command_print(json_pack("{s:s}", "digest", text))
                                : (printf("%s\n", text), ASSAY_EXIT_OK);
    } else {
        code = assay_command_fail(invocation, &err, NULL);
    }
    assay_arena_close(&file.arena);
    return code;
}

int assay_cmd_tx_typed(assay_invocation *invocation) {
    const char *path = NULL;
    int code;
    if (!file_begin(invocation, &path, "Prints the document for eth_signTypedData_v4.", &code))
        return code;
    tx_file file;
    assay_error err = {0};
    assay_status status = file_open(&file, path, true, &err);
    code = status == ASSAY_OK ? assay_command_print(assay_tx_typed_json(&file.tx, &file.domain))
                              : assay_command_fail(invocation, &err, NULL);
    assay_arena_close(&file.arena);
    return code;
}

int assay_cmd_tx_sign(assay_invocation *invocation) {
    const char *path = NULL, *key_file = NULL, *password_file = NULL;
    const assay_option table[] = {
        {"", ASSAY_OPTION_TEXT, &path, "FILE.json", "the transaction", 0, 0, true},
        {"key", ASSAY_OPTION_TEXT, &key_file, "FILE", "keystore of the signer", 0, 0, true},
        ASSAY_PASSWORD_OPTION(password_file),
    };
    int code;
    if (!assay_command_begin(invocation, table, 3,
                             "Prints the same transaction with its signature; works offline.",
                             &code))
        return code;
    tx_file file;
    assay_key key = {{0}};
    assay_error err = {0};
    assay_status status = file_open(&file, path, true, &err);
    if (status == ASSAY_OK) status = assay_keystore_read(&key, key_file, password_file, &err);
    if (status == ASSAY_OK) status = assay_tx_sign(&file.tx, &file.domain, &key, &err);
    assay_key_clear(&key);
    if (status == ASSAY_OK) {
        json_t *object = assay_tx_to_json(&file.tx);
        json_object_set_new(object, "genesis", assay_json_from_hash(&file.domain.genesis));
        code = assay_command_print(object);
    } else {
        code = assay_command_fail(invocation, &err, NULL);
    }
    assay_arena_close(&file.arena);
    return code;
}

static assay_status signed_check(const assay_tx *tx, assay_error *err) {
    static const assay_signature none;
    if (memcmp(&tx->signature, &none, sizeof none) != 0) return ASSAY_OK;
    return ASSAY_FAIL(err, SIGNATURE, "the transaction is not signed, see assay tx sign");
}

// The salt of the digest is not sent: the node would take the signature for somebody else's.
static assay_status genesis_check(const tx_file *file, const assay_client *client,
                                  assay_error *err) {
    char own[ASSAY_HEX_HASH_MAX], told[ASSAY_HEX_HASH_MAX];
    const assay_hash *genesis = &file->domain.genesis;
    if (assay_hash_is_zero(genesis) || assay_hash_equal(genesis, &client->domain.genesis))
        return ASSAY_OK;
    assay_hex_encode_0x(own, genesis->bytes, ASSAY_HASH_SIZE);
    assay_hex_encode_0x(told, client->domain.genesis.bytes, ASSAY_HASH_SIZE);
    return ASSAY_FAIL(err, MISMATCH, "signed for genesis %s, the node's is %s", own, told);
}

static assay_status file_send(assay_sent *sent, const tx_file *file, assay_wallet *wallet,
                              assay_error *err) {
    size_t size;
    ASSAY_TRY(signed_check(&file->tx, err));
    ASSAY_TRY(assay_client_open(&wallet->client, wallet->node_url, NULL, err));
    ASSAY_TRY(genesis_check(file, &wallet->client, err));
    uint8_t *bytes = malloc(ASSAY_TX_SIZE_MAX);
    if (!bytes) return ASSAY_FAIL(err, MEMORY, "no memory to send");
    assay_status status = assay_tx_encode(&file->tx, bytes, ASSAY_TX_SIZE_MAX, &size, err);
    assay_tx_digest(&sent->digest, &file->tx, &wallet->client.domain);
    if (status == ASSAY_OK)
        status = assay_client_send_bytes(sent, &wallet->client, bytes, size,
                                         (uint32_t)wallet->wait_ms, err);
    free(bytes);
    return status;
}

int assay_cmd_tx_send(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    const char *path = NULL;
    const assay_option table[] = {
        {"", ASSAY_OPTION_TEXT, &path, "FILE.json", "a signed transaction", 0, 0, true},
        ASSAY_WALLET_NODE_OPTION(wallet),
        {"wait-ms", ASSAY_OPTION_U64, &wallet.wait_ms, "MS",
         "how long to wait for a block; 0 only sends (30000)", 0, 60000, false},
    };
    int code;
    if (!assay_command_begin(invocation, table, 3, NULL, &code)) return code;
    tx_file file;
    assay_sent sent = {0};
    assay_error err = {0};
    assay_status status = file_open(&file, path, false, &err);
    if (status == ASSAY_OK) status = file_send(&sent, &file, &wallet, &err);
    if (status == ASSAY_MISMATCH)
        code = assay_command_fail(invocation, &err, "--node with the URL of a node of that chain");
    else
        code = assay_sent_print(&wallet, invocation, &file.tx, &sent, NULL, status, &err);
    assay_arena_close(&file.arena);
    return code;
}
