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

typedef struct {
    const char *folder; // of the path
    const char *what;   // how the help calls the argument
    const char *details;
    size_t size; // of the id, bytes
    void (*show)(const json_t *document);
} one_kind;

// Asks for the thing whose id the command line names. Returns: whether there is an answer, which
// the caller releases; else *code is the exit code.
static bool one_get(json_t **out, assay_client *client, assay_invocation *invocation,
                    const one_kind *kind, int *code) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    uint8_t id[ASSAY_HASH_SIZE];
    const assay_option table[] = {
        {"", ASSAY_OPTION_HEX, id, kind->what, "which one", 0, kind->size, true},
        ASSAY_WALLET_NODE_OPTION(wallet),
    };
    assay_error err = {0};
    if (!assay_command_begin(invocation, table, 2, kind->details, code)) return false;
    assay_status status = assay_client_open(client, wallet.node_url, NULL, &err);
    if (status == ASSAY_OK)
        status = assay_client_get_id(out, client, kind->folder, id, kind->size, &err);
    if (status == ASSAY_OK) return true;
    *code = assay_command_fail(invocation, &err, status == ASSAY_NETWORK ? unreachable : NULL);
    return false;
}

// Shows one thing. Returns through document, if wanted, a new reference to it.
static int one_show(assay_invocation *invocation, const one_kind *kind, json_t **document) {
    int code;
    json_t *answer;
    assay_client client;
    if (!one_get(&answer, &client, invocation, kind, &code)) return code;
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
    static const one_kind kind = {"session", "SESSION", NULL, ASSAY_HASH_SIZE, NULL};
    int code;
    uint64_t close_delay;
    json_t *answer;
    assay_client client;
    assay_error err = {0};
    if (!one_get(&answer, &client, invocation, &kind, &code)) return code;
    if (invocation->json) return assay_command_print(answer);
    if (assay_client_param(&close_delay, &client, "close_delay", &err) == ASSAY_OK)
        assay_show_session(answer, close_delay);
    else
        code = assay_command_fail(invocation, &err, NULL);
    json_decref(answer);
    return code;
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

// An entry comes after *last, and becomes it: a node that repeats itself cannot keep us here. F-40
static assay_status entry_follow(assay_hash *last, const json_t *entry, assay_error *err) {
    assay_hash root;
    ASSAY_TRY(assay_json_hash(&root, entry, "root", err));
    if (memcmp(last->bytes, root.bytes, ASSAY_HASH_SIZE) >= 0)
        return ASSAY_FAIL(err, ORDER, "the node's list is not in the order of its roots");
    *last = root;
    return ASSAY_OK;
}

// Adds the entries after *last, the last one of `all`. Returns through more whether there were any.
static assay_status page_add(json_t *all, assay_hash *last, bool *more, const assay_client *client,
                             const char *plural, assay_error *err) {
    json_t *page;
    char after[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(after, last->bytes, ASSAY_HASH_SIZE);
    ASSAY_TRY(assay_client_get(&page, client, err, "%s?after=%s", plural, after));
    json_t *list = json_object_get(page, plural);
    assay_status status = ASSAY_OK;
    size_t size = json_array_size(list);
    for (size_t i = 0; i < size && status == ASSAY_OK; i++)
        status = entry_follow(last, json_array_get(list, i), err);
    *more = size > 0;
    if (*more && status == ASSAY_OK) json_array_extend(all, list);
    json_decref(page);
    return status;
}

// All pages of a list, as one document.
static assay_status list_get(json_t **out, const char *url, const char *plural, assay_error *err) {
    assay_client client;
    json_t *all = json_array();
    assay_hash last = {{0}};
    bool more = true;
    assay_status status = assay_client_open(&client, url, NULL, err);
    while (status == ASSAY_OK && more)
        status = page_add(all, &last, &more, &client, plural, err);
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
