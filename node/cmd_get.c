// SPDX-License-Identifier: Apache-2.0
// Commands that show what the node's API answers.
#include <stdio.h>

#include "node/client.h"
#include "node/commands.h"
#include "node/wallet.h"

// Prints a JSON document for a person: indented, members in order.
static int document_print(const assay_invocation *invocation, json_t *document) {
    if (invocation->json) return assay_command_print(document);
    int bad = json_dumpf(document, stdout, JSON_INDENT(2)) != 0 || putchar('\n') < 0;
    json_decref(document);
    return bad ? ASSAY_EXIT_SYSTEM : ASSAY_EXIT_OK;
}

static int path_show(const assay_invocation *invocation, const char *url, const char *folder,
                     const char *id) {
    assay_client client;
    assay_error err = {0};
    json_t *document;
    assay_status status = assay_client_open(&client, url, NULL, &err);
    if (status == ASSAY_OK)
        status =
            assay_client_get(&document, &client, &err, "%s%s%.100s", folder, *id ? "/" : "", id);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, "assay node --help");
    return document_print(invocation, document);
}

static int one_show(assay_invocation *invocation, const char *folder, const char *what) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    const char *id = NULL;
    const assay_option table[] = {
        {"", ASSAY_OPTION_TEXT, &id, what, "which one", 0, 0, true},
        ASSAY_WALLET_NODE_OPTION(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, 2, NULL, &code)) return code;
    return path_show(invocation, wallet.node_url, folder, id);
}

static int all_show(assay_invocation *invocation, const char *folder) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    const assay_option table[] = {ASSAY_WALLET_NODE_OPTION(wallet)};
    int code;
    if (!assay_command_begin(invocation, table, 1, NULL, &code)) return code;
    return path_show(invocation, wallet.node_url, folder, "");
}

int assay_cmd_account(assay_invocation *invocation) {
    return one_show(invocation, "account", "ADDRESS");
}

int assay_cmd_session_show(assay_invocation *invocation) {
    return one_show(invocation, "session", "SESSION");
}

int assay_cmd_tx_status(assay_invocation *invocation) {
    return one_show(invocation, "tx", "ID");
}

int assay_cmd_dataset_list(assay_invocation *invocation) {
    return all_show(invocation, "datasets");
}

int assay_cmd_model_list(assay_invocation *invocation) {
    return all_show(invocation, "models");
}

int assay_cmd_adapter_list(assay_invocation *invocation) {
    return all_show(invocation, "adapters");
}

int assay_cmd_status(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    const assay_option table[] = {ASSAY_WALLET_NODE_OPTION(wallet)};
    int code;
    if (!assay_command_begin(invocation, table, 1, "Exits with 1 if the node says it is not well.",
                             &code))
        return code;
    assay_client client;
    assay_error err = {0};
    json_t *document;
    assay_status status = assay_client_open(&client, wallet.node_url, NULL, &err);
    if (status == ASSAY_OK) status = assay_client_get(&document, &client, &err, "status");
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, "assay node --help");
    bool healthy = json_is_true(json_object_get(document, "healthy"));
    code = document_print(invocation, document);
    return code == ASSAY_EXIT_OK && !healthy ? ASSAY_EXIT_NO : code;
}
