// SPDX-License-Identifier: Apache-2.0
// Commands that show what the node's API answers: with --json as it is, else a screen of it.
#include <stdio.h>

#include "base/hex.h"
#include "base/json.h"
#include "node/cmd/commands.h"
#include "node/show.h"
#include "node/wallet/client.h"
#include "node/wallet/wallet.h"

static const char unreachable[] = "assay node --help, or --node URL";

static assay_status document_get(json_t **out, const char *url, const char *folder,
                                 const assay_bytes *id, assay_error *err) {
    assay_client client;
    ASSAY_TRY(assay_client_open(&client, url, NULL, err));
    return assay_client_get_id(out, &client, folder, id->data, id->size, err);
}

typedef struct {
    const char *folder; // of the path
    const char *what;   // how the help calls the argument
    const char *details;
    size_t size; // of the id, bytes
    void (*show)(const json_t *document);
} one_kind;

// Shows one thing. Returns through document, if wanted, a new reference to it.
static int one_show(assay_invocation *invocation, const one_kind *kind, json_t **document) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    const char *text = NULL;
    const assay_option table[] = {
        {"", ASSAY_OPTION_TEXT, &text, kind->what, "which one", 0, 0, true},
        ASSAY_WALLET_NODE_OPTION(wallet),
    };
    int code;
    uint8_t id[ASSAY_HASH_SIZE];
    assay_error err = {0};
    json_t *answer;
    if (!assay_command_begin(invocation, table, 2, kind->details, &code)) return code;
    assay_status status = assay_hex_parse(id, kind->size, text, kind->what, &err);
    if (status == ASSAY_OK)
        status = document_get(&answer, wallet.node_url, kind->folder,
                              &(assay_bytes){id, kind->size}, &err);
    if (status != ASSAY_OK)
        return assay_command_fail(invocation, &err, status == ASSAY_NETWORK ? unreachable : NULL);
    if (document) *document = json_incref(answer);
    if (invocation->json) return assay_command_print(answer);
    kind->show(answer);
    json_decref(answer);
    return ASSAY_EXIT_OK;
}

int assay_cmd_account(assay_invocation *invocation) {
    static const one_kind kind = {"account", "ADDRESS", NULL, ASSAY_ADDRESS_SIZE,
                                  assay_show_account};
    return one_show(invocation, &kind, NULL);
}

int assay_cmd_session_show(assay_invocation *invocation) {
    static const one_kind kind = {"session", "SESSION", NULL, ASSAY_HASH_SIZE, assay_show_session};
    return one_show(invocation, &kind, NULL);
}

int assay_cmd_tx_status(assay_invocation *invocation) {
    static const one_kind kind = {"tx", "ID",
                                  "Exits with 0 if it is in a block and was done, with 1 while it "
                                  "waits and if it\nwas refused there.",
                                  ASSAY_HASH_SIZE, assay_show_tx};
    json_t *fate = NULL;
    int code = one_show(invocation, &kind, &fate);
    const json_t *result = json_object_get(fate, "code");
    if (fate && code == ASSAY_EXIT_OK && (!result || json_integer_value(result) != 0))
        code = ASSAY_EXIT_NO;
    json_decref(fate);
    return code;
}

// Adds the entries after the last one of `all`. Returns through more whether there were any: a node
// that repeats itself adds none, and cannot keep us here.
static assay_status page_add(json_t *all, bool *more, const assay_client *client,
                             const char *plural, assay_error *err) {
    json_t *page;
    assay_hash last = {{0}}, first;
    size_t count = json_array_size(all);
    char after[ASSAY_HEX_HASH_MAX];
    if (count) ASSAY_TRY(assay_json_hash(&last, json_array_get(all, count - 1), "root", err));
    assay_hex_encode_0x(after, last.bytes, ASSAY_HASH_SIZE);
    ASSAY_TRY(assay_client_get(&page, client, err, "%s?after=%s", plural, after));
    const json_t *list = json_object_get(page, plural), *head = json_array_get(list, 0);
    *more = assay_json_hash(&first, head, "root", NULL) == ASSAY_OK &&
            memcmp(first.bytes, last.bytes, ASSAY_HASH_SIZE) > 0;
    if (*more) json_array_extend(all, (json_t *)list);
    json_decref(page);
    return ASSAY_OK;
}

// All pages of a list, as one document.
static assay_status list_get(json_t **out, const char *url, const char *plural, assay_error *err) {
    assay_client client;
    json_t *all = json_array();
    bool more = true;
    assay_status status = assay_client_open(&client, url, NULL, err);
    while (status == ASSAY_OK && more)
        status = page_add(all, &more, &client, plural, err);
    *out = status == ASSAY_OK ? json_pack("{s:O}", plural, all) : NULL;
    json_decref(all);
    return status;
}

static int all_show(assay_invocation *invocation, const char *plural, const char *what) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    const assay_option table[] = {ASSAY_WALLET_NODE_OPTION(wallet)};
    int code;
    assay_error err = {0};
    json_t *document;
    if (!assay_command_begin(invocation, table, 1, NULL, &code)) return code;
    assay_status status = list_get(&document, wallet.node_url, plural, &err);
    if (status != ASSAY_OK)
        return assay_command_fail(invocation, &err, status == ASSAY_NETWORK ? unreachable : NULL);
    if (invocation->json) return assay_command_print(document);
    assay_show_entries(json_object_get(document, plural), what);
    json_decref(document);
    return ASSAY_EXIT_OK;
}

int assay_cmd_dataset_list(assay_invocation *invocation) {
    return all_show(invocation, "datasets", "data sets");
}

int assay_cmd_model_list(assay_invocation *invocation) {
    return all_show(invocation, "models", "models");
}

int assay_cmd_adapter_list(assay_invocation *invocation) {
    return all_show(invocation, "adapters", "adapters");
}
