// SPDX-License-Identifier: Apache-2.0
// Requests from strangers to a node with one account (F-40). An input is a line "METHOD PATH?QUERY"
// and a body. Whatever comes: a reply with a status that fits, JSON where it says so, never a
// failure of the node itself.
#include <stdio.h>
#include <stdlib.h>

#include "base/ed25519.h"
#include "base/json.h"
#include "consensus/ledger_application.h"
#include "consensus/solo.h"
#include "node/api/api.h"
#include "tests/folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE_MAX_BYTES = 2048 };

static char folder[] = "/tmp/assay-fuzz-api-XXXXXX";
static assay_genesis genesis;
static assay_genesis_account rich;
static assay_app *app;
static assay_ledger_application application;
static assay_solo *solo;
static assay_chain_engine engine;
static assay_api api;

static void node_stop(void) {
    assay_solo_close(solo);
    assay_app_close(app);
}

// The genesis of tests/node/api/corpus/fuzz_api's signed transactions; no block is ever made.
static void node_start(void) {
    char path[64];
    assay_error err = {0};
    const assay_app_options fast = {.skip_sync = true, .map_size = 64 << 20};
    assay_solo_options options = {.folder = folder, .chain_id = "assay-5", .power = 100};
    genesis = (assay_genesis){.chain_id = 5, .name = "fuzz", .accounts = &rich, .account_count = 1};
    assay_params_init(&genesis.params);
    memset(rich.address.bytes, 0x11, ASSAY_ADDRESS_SIZE);
    assay_key key;
    memset(key.bytes, 0x33, sizeof key.bytes);
    ASSAY_ASSERT(assay_key_address(&rich.address, &key, &err) == ASSAY_OK);
    rich.balance = UINT64_C(1000000000000);
    genesis.validators = calloc(1, sizeof *genesis.validators);
    genesis.validator_count = 1;
    memset(genesis.validators[0].address.bytes, 7, ASSAY_ADDRESS_SIZE);
    genesis.validators[0].consensus_bond = UINT64_C(100000000000);
    genesis.validators[0].chain_length = 5;
    ASSAY_ASSERT(assay_ed25519_public(genesis.validators[0].ed25519, options.seed, &err) ==
                 ASSAY_OK);
    ASSAY_ASSERT(assay_genesis_seal(&genesis, &err) == ASSAY_OK);
    test_folder_make(folder);
    snprintf(path, sizeof path, "%s/state", folder);
    ASSAY_ASSERT(assay_app_open(&app, path, &genesis, &fast, &err) == ASSAY_OK);
    application = (assay_ledger_application){.app = app};
    options.application = assay_ledger_application_calls(&application);
    ASSAY_ASSERT(assay_solo_open(&solo, &options, &err) == ASSAY_OK);
    engine = assay_solo_engine(solo);
    api = (assay_api){.app = app, .engine = &engine, .genesis = &genesis};
    pthread_mutex_init(&api.slow, NULL);
    atexit(node_stop);
}

// Cuts the line in place, as libmicrohttpd would hand it over.
static void line_cut(assay_http_request *request, char *line) {
    char *path = strchr(line, ' ');
    request->method = line;
    request->path = "";
    if (!path) return;
    *path++ = 0;
    request->path = path;
    char *query = strchr(path, '?');
    if (query) *query++ = 0;
    while (query && request->argument_count < ASSAY_HTTP_ARGUMENTS_MAX) {
        char *name = query, *value;
        query = strchr(query, '&');
        if (query) *query++ = 0;
        value = strchr(name, '=');
        if (value) *value++ = 0;
        request->arguments[request->argument_count++] = (assay_http_pair){name, value ? value : ""};
    }
}

static void reply_check(const assay_http_reply *reply) {
    static const unsigned codes[] = {200, 400, 403, 404, 405, 409, 413, 422, 503, 504};
    bool known = false;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        known |= reply->code == codes[i];
    ASSAY_ASSERT(known && reply->content_type && reply->body);
    if (strcmp(reply->content_type, "application/json") != 0) return;
    json_t *document = json_loadb((const char *)reply->body, reply->body_size, 0, NULL);
    ASSAY_ASSERT(json_is_object(document));
    ASSAY_ASSERT((reply->code == 200) == !json_object_get(document, "error"));
    json_decref(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char line[LINE_MAX_BYTES];
    if (!solo) node_start();
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t length = end ? (size_t)(end - data) : size;
    if (length >= sizeof line) return 0;
    if (length) memcpy(line, data, length);
    line[length] = 0;
    assay_http_request request = {.body = {end ? end + 1 : data, end ? size - length - 1 : 0}};
    assay_http_reply reply = {0};
    line_cut(&request, line);
    assay_api_handle(&api, &request, &reply);
    reply_check(&reply);
    free(reply.body);
    return 0;
}
