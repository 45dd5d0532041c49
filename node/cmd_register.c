// SPDX-License-Identifier: Apache-2.0
// Registering what has a root of its own: data sets, models, adapters.
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "attribution/corpus.h"
#include "base/hex.h"
#include "base/sha256.h"
#include "node/commands.h"
#include "node/register.h"
#include "node/wallet.h"
#include "quant/model.h"

enum { COMMIT_WAIT_MS = 30000 };

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

assay_bytes assay_text_bytes(const char *text) {
    return (assay_bytes){(const uint8_t *)text, strlen(text)};
}

void assay_root_print(const assay_invocation *invocation, const char *what,
                      const assay_hash *root) {
    char text[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(text, root->bytes, ASSAY_HASH_SIZE);
    if (!invocation->json) printf("%s %s\n", what, text);
}

static assay_status dataset_measure(assay_tx_register_dataset *body, const char *path,
                                    assay_error *err) {
    assay_mapping file = {0};
    assay_corpus corpus = {0};
    assay_status status = assay_mapping_open(&file, path, ASSAY_CORPUS_SIZE_MAX, err);
    if (status == ASSAY_OK)
        status = assay_corpus_open(&corpus, (assay_bytes){file.data, file.size}, err);
    if (status == ASSAY_OK) {
        body->root = corpus.root;
        body->chunk_count = corpus.chunk_count;
        body->byte_count = corpus.text.size;
    }
    assay_corpus_close(&corpus);
    assay_mapping_close(&file);
    return status;
}

// commitment = SHA-256(root || salt || owner), so that nobody can register it first.
static void commitment_make(assay_hash *out, const assay_tx_register_dataset *body,
                            const assay_address *owner) {
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, body->root.bytes, ASSAY_HASH_SIZE);
    assay_sha256_update(&sha, body->salt.bytes, ASSAY_HASH_SIZE);
    assay_sha256_update(&sha, owner->bytes, ASSAY_ADDRESS_SIZE);
    assay_sha256_final(&sha, out);
}

// The commitment must be in a block before the registration can be: this wait is not optional.
static assay_status dataset_commit(assay_wallet *wallet, const assay_tx_register_dataset *body,
                                   assay_error *err) {
    assay_tx commit = {.kind = ASSAY_TX_COMMIT_DATASET, .principal = wallet->principal};
    assay_sent sent;
    uint32_t wait_ms = wallet->wait_ms ? (uint32_t)wallet->wait_ms : COMMIT_WAIT_MS;
    commitment_make(&commit.body.commit_dataset.commitment, body, &wallet->principal);
    return assay_client_send(&sent, &wallet->client, &commit, &wallet->key, wait_ms, err);
}

int assay_cmd_dataset_register(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_tx tx = {.kind = ASSAY_TX_REGISTER_DATASET};
    assay_tx_register_dataset *body = &tx.body.register_dataset;
    const char *file = NULL, *name = NULL, *license = NULL, *uri = "";
    const assay_option table[] = {
        {"file", ASSAY_OPTION_TEXT, &file, "FILE", "the data set, UTF-8 text", 0, 0, true},
        {"name", ASSAY_OPTION_TEXT, &name, "TEXT", "what people call it", 0, 0, true},
        {"license", ASSAY_OPTION_TEXT, &license, "SPDX", "such as CC0-1.0", 0, 0, true},
        {"uri", ASSAY_OPTION_TEXT, &uri, "URI", "where it can be had", 0, 0, false},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, COUNT(table),
                             "Commits to the data set's root, waits for the block, and registers\n"
                             "it: the commitment's block is its date.",
                             &code))
        return code;
    assay_error err = {0};
    body->name = assay_text_bytes(name);
    body->license = assay_text_bytes(license);
    body->uri = assay_text_bytes(uri);
    assay_status status = dataset_measure(body, file, &err);
    if (status == ASSAY_OK && getrandom(body->salt.bytes, ASSAY_HASH_SIZE, 0) != ASSAY_HASH_SIZE)
        status = ASSAY_FAIL(&err, IO, "the system gives no random bytes");
    if (status == ASSAY_OK) status = assay_wallet_open(&wallet, &err);
    if (status == ASSAY_OK) status = dataset_commit(&wallet, body, &err);
    if (status == ASSAY_OK) assay_root_print(invocation, "data set", &body->root);
    return assay_wallet_finish(&wallet, invocation, &tx, status, &err);
}

int assay_cmd_dataset_retire(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_tx tx = {.kind = ASSAY_TX_RETIRE_DATASET};
    const char *root = NULL;
    const assay_option table[] = {
        {"", ASSAY_OPTION_TEXT, &root, "ROOT", "the data set", 0, 0, true},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, COUNT(table), NULL, &code)) return code;
    assay_error err = {0};
    if (assay_hex_parse(tx.body.retire_dataset.dataset.bytes, ASSAY_HASH_SIZE, root, "ROOT",
                        &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, NULL);
    return assay_wallet_run(&wallet, invocation, &tx);
}

int assay_cmd_model_register(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_tx tx = {.kind = ASSAY_TX_REGISTER_MODEL};
    assay_tx_register_model *body = &tx.body.register_model;
    const char *file = NULL, *name = NULL, *uri = "";
    uint64_t royalty = 0;
    const assay_option table[] = {
        {"file", ASSAY_OPTION_TEXT, &file, "FILE", "canonical model, by assay model import", 0, 0,
         true},
        {"name", ASSAY_OPTION_TEXT, &name, "TEXT", "what people call it", 0, 0, true},
        {"royalty-ppm", ASSAY_OPTION_U64, &royalty, "PPM", "your share of every fee (0)", 0,
         1000000, false},
        {"uri", ASSAY_OPTION_TEXT, &uri, "URI", "where it can be had", 0, 0, false},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, COUNT(table), NULL, &code)) return code;
    assay_error err = {0};
    assay_model model;
    if (assay_model_open(&model, file, &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, "assay model import --help");
    body->root = model.root;
    body->byte_count = model.file.size;
    assay_model_close(&model);
    body->royalty_ppm = (uint32_t)royalty;
    body->name = assay_text_bytes(name);
    body->uri = assay_text_bytes(uri);
    assay_root_print(invocation, "model", &body->root);
    return assay_wallet_run(&wallet, invocation, &tx);
}
