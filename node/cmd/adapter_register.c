// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/hex.h"
#include "node/cmd/commands.h"
#include "node/wallet/register.h"
#include "node/wallet/wallet.h"
#include "quant/model.h"

static int source_order(const void *a, const void *b) {
    return memcmp(((const assay_source_row *)a)->dataset.bytes,
                  ((const assay_source_row *)b)->dataset.bytes, ASSAY_HASH_SIZE);
}

// "0x…=PPM" each; the ledger wants them ascending by data set.
static assay_status sources_parse(assay_source_row *rows, const assay_option_texts *texts,
                                  assay_error *err) {
    for (uint32_t i = 0; i < texts->count; i++) {
        char root[ASSAY_HEX_HASH_MAX];
        uint64_t weight;
        const char *equals = strchr(texts->items[i], '=');
        if (!equals || (size_t)(equals - texts->items[i]) >= sizeof root)
            return ASSAY_FAIL(err, USAGE, "--source \"%.80s\" is not ROOT=PPM", texts->items[i]);
        memcpy(root, texts->items[i], (size_t)(equals - texts->items[i]));
        root[equals - texts->items[i]] = 0;
        ASSAY_TRY(assay_hex_parse(rows[i].dataset.bytes, ASSAY_HASH_SIZE, root, "--source", err));
        ASSAY_TRY(assay_number_parse(&weight, equals + 1, "weight", 1, 1000000, err));
        rows[i].weight_ppm = (uint32_t)weight;
    }
    qsort(rows, texts->count, sizeof *rows, source_order);
    return ASSAY_OK;
}

static assay_status adapter_measure(assay_tx_register_adapter *body, const char *file,
                                    const char *model_file, assay_error *err) {
    assay_model model;
    assay_adapter adapter;
    ASSAY_TRY(assay_model_open(&model, model_file, err));
    assay_status status = assay_adapter_open(&adapter, file, &model, err);
    if (status == ASSAY_OK) {
        body->base = model.root;
        body->root = adapter.root;
        body->byte_count = adapter.file.size;
        assay_adapter_close(&adapter);
    }
    assay_model_close(&model);
    return status;
}

// What is registered cannot be changed: a lineage is left out by word alone. P-35
static assay_status lineage_check(const assay_invocation *invocation, const assay_option *table,
                                  const assay_option_texts *sources, bool no_source,
                                  assay_error *err) {
    static const char *const others[] = {"source", NULL};
    if (sources->count || no_source)
        return assay_command_apart(invocation, table, "no-source", others, err);
    return ASSAY_FAIL(
        err, USAGE,
        "--source is missing: without one no data set is ever credited for the "
        "adapter's answers, and their data share burns; --no-source if that is meant");
}

int assay_cmd_adapter_register(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_tx tx = {.kind = ASSAY_TX_REGISTER_ADAPTER};
    assay_tx_register_adapter *body = &tx.body.register_adapter;
    const char *file = NULL, *model = NULL, *name = NULL, *uri = "";
    assay_option_texts sources = {{0}, 0};
    uint64_t royalty = 0;
    bool no_source = false;
    const assay_option table[] = {
        {"file", ASSAY_OPTION_TEXT, &file, "FILE", "canonical adapter, by assay adapter import", 0,
         0, true},
        {"model", ASSAY_OPTION_TEXT, &model, "FILE", "the base model it belongs to", 0, 0, true},
        {"name", ASSAY_OPTION_TEXT, &name, "TEXT", "what people call it", 0, 0, true},
        {"source", ASSAY_OPTION_TEXTS, &sources, "ROOT=PPM",
         "a data set it was tuned on, and its weight; repeat, weights sum 1000000", 0, 0, false},
        {"no-source", ASSAY_OPTION_FLAG, &no_source, NULL,
         "or none, for ever: the data share of its answers burns", 0, 0, false},
        {"royalty-ppm", ASSAY_OPTION_U64, &royalty, "PPM", "your share of every fee (0)", 0,
         1000000, false},
        {"uri", ASSAY_OPTION_TEXT, &uri, "URI", "where it can be had", 0, 0, false},
        ASSAY_WALLET_OPTIONS(wallet),
    };
    int code;
    if (!assay_command_begin(
            invocation, table, ASSAY_COUNT(table),
            "Commits to the adapter's root, waits until the commitment is old\n"
            "enough, and registers it. Show nobody the adapter before. Interrupted,\n"
            "it goes on from there when it is run again. Takes a bond from the\n"
            "balance, the chain's adapter_bond (1 OPEN unless its genesis has another),\n"
            "which stays for good: nothing registered here is ever taken back.",
            &code))
        return code;
    assay_error err = {0};
    assay_source_row rows[ASSAY_OPTION_TEXTS_MAX];
    assay_status status = lineage_check(invocation, table, &sources, no_source, &err);
    if (status == ASSAY_OK) status = sources_parse(rows, &sources, &err);
    if (status == ASSAY_OK) status = adapter_measure(body, file, model, &err);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, NULL);
    body->sources = (assay_source_list){rows, sources.count};
    body->royalty_ppm = (uint32_t)royalty;
    body->name = assay_text_bytes(name);
    body->uri = assay_text_bytes(uri);
    return assay_register_run(&wallet, invocation, &tx, &body->root);
}
