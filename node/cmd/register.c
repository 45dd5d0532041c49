// SPDX-License-Identifier: Apache-2.0
// Registering what has a root of its own: data sets, models, adapters.
#include "node/wallet/register.h"
#include "attribution/corpus.h"
#include "node/cmd/commands.h"
#include "quant/model.h"

static assay_status dataset_measure(assay_tx_register_dataset *body, const char *path,
                                    assay_error *err) {
    assay_mapping file = {0};
    assay_corpus corpus = {0};
    assay_status status = assay_mapping_open(&file, path, ASSAY_CORPUS_SIZE_MAX, err);
    if (status == ASSAY_OK)
        status = assay_fail_in(
            err, assay_corpus_open(&corpus, (assay_bytes){file.data, file.size}, err), path);
    if (status == ASSAY_OK) {
        body->root = corpus.root;
        body->chunk_count = corpus.chunk_count;
        body->byte_count = corpus.text.size;
    }
    assay_corpus_close(&corpus);
    assay_mapping_close(&file);
    return status;
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
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "Commits to the data set's root, waits until the commitment is old\n"
                             "enough, and registers it: the commitment's block is its date.\n"
                             "Interrupted, it goes on from there when it is run again. Takes a\n"
                             "bond from the balance, the chain's dataset_bond (1 OPEN unless its\n"
                             "genesis has another), for which the owner answers while adapters\n"
                             "name the data set; it returns after assay dataset retire.",
                             &code))
        return code;
    assay_error err = {0};
    body->name = assay_text_bytes(name);
    body->license = assay_text_bytes(license);
    body->uri = assay_text_bytes(uri);
    if (dataset_measure(body, file, &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, NULL);
    return assay_register_run(&wallet, invocation, &tx, &body->root);
}

int assay_cmd_dataset_retire(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_tx tx = {.kind = ASSAY_TX_RETIRE_DATASET};
    const assay_option table[] = {
        {"", ASSAY_OPTION_HEX, tx.body.retire_dataset.dataset.bytes, "ROOT", "the data set", 0,
         ASSAY_HASH_SIZE, true},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "It earns nothing from then on, and no new adapter can name it. Its\n"
                             "bond returns after the unbonding time: assay dataset list says at\n"
                             "which block.",
                             &code))
        return code;
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
    if (!assay_command_begin(
            invocation, table, ASSAY_COUNT(table),
            "Commits to the model's root, waits until the commitment is old\n"
            "enough, and registers it. Show nobody the weights before. Interrupted,\n"
            "it goes on from there when it is run again. Takes a bond from the\n"
            "balance, the chain's model_bond (1 OPEN unless its genesis has another),\n"
            "which stays for good: nothing registered here is ever taken back.",
            &code))
        return code;
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
    return assay_register_run(&wallet, invocation, &tx, &body->root);
}
