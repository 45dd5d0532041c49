// SPDX-License-Identifier: Apache-2.0
// Who was paid what in an epoch.
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "node/client.h"
#include "node/commands.h"
#include "node/wallet.h"

static assay_status epoch_wait(json_t **out, const assay_client *client, uint64_t epoch,
                               uint64_t wait_ms, assay_error *err) {
    const struct timespec pause = {0, 100000000};
    for (uint64_t waited = 0;; waited += 100) {
        ASSAY_TRY(assay_client_get(out, client, err, "epoch/%llu", (unsigned long long)epoch));
        if (json_is_true(json_object_get(*out, "closed")) || waited >= wait_ms) return ASSAY_OK;
        json_decref(*out);
        nanosleep(&pause, NULL);
    }
}

static void table_print(const json_t *document) {
    static const char *const roles[] = {"?",     "contributor", "publisher",
                                        "tuner", "provider",    "validator"};
    size_t i;
    json_t *row;
    uint64_t sum = 0;
    printf("%-42s  %-11s  %20s\n", "account", "role", "nopen");
    json_array_foreach(json_object_get(document, "payouts"), i, row) {
        uint64_t nopen = 0, role = 0;
        const char *account = json_string_value(json_object_get(row, "account"));
        assay_json_u64(&nopen, row, "nopen", 0, UINT64_MAX, NULL);
        assay_json_u64(&role, row, "role", 0, 5, NULL);
        printf("%-42s  %-11s  %20llu\n", account ? account : "?", roles[role],
               (unsigned long long)nopen);
        sum += nopen;
    }
    printf("%-42s  %-11s  %20llu\n", "", "sum", (unsigned long long)sum);
    const char *root = json_string_value(json_object_get(document, "payout_root"));
    printf(root ? "payout root %s\n" : "the epoch is open%s\n", root ? root : "");
}

int assay_cmd_settle(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    uint64_t epoch = 0, wait_ms = 0;
    const assay_option table[] = {
        {"epoch", ASSAY_OPTION_U64, &epoch, "N", "which epoch, from 0", 0, INT64_MAX, true},
        {"wait-ms", ASSAY_OPTION_U64, &wait_ms, "MS", "wait this long for its last block (0)", 0,
         3600000, false},
        ASSAY_WALLET_NODE_OPTION(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, 3,
                             "Exits with 1 while the epoch is open: its payouts may still grow.",
                             &code))
        return code;
    assay_client client;
    assay_error err = {0};
    json_t *document;
    assay_status status = assay_client_open(&client, wallet.node_url, NULL, &err);
    if (status == ASSAY_OK) status = epoch_wait(&document, &client, epoch, wait_ms, &err);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, NULL);
    bool closed = json_is_true(json_object_get(document, "closed"));
    if (invocation->json) {
        code = assay_command_print(document);
    } else {
        table_print(document);
        json_decref(document);
        code = ASSAY_EXIT_OK;
    }
    return code == ASSAY_EXIT_OK && !closed ? ASSAY_EXIT_NO : code;
}
