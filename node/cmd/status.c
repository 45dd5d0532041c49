// SPDX-License-Identifier: Apache-2.0
// One screen that says whether a node, and a validator's account, is well; again and again if
// asked.
#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/hex.h"
#include "base/json.h"
#include "node/cmd/commands.h"
#include "node/ending.h"
#include "node/home/health.h"
#include "node/home/home.h"
#include "node/wallet/wallet.h"

enum { EVERY_MS = 2000 };

typedef struct {
    const char *node_url, *home, *key_file, *address_text;
    bool watch;
    uint64_t every_ms;
    assay_hash genesis; // the home's
    char url[ASSAY_LISTEN_MAX + 8];
    char address[ASSAY_HEX_HASH_MAX]; // "": none
} status_options;

// The home's chain, and the URL where its node listens, unless another one is given.
static assay_status home_read(status_options *options, assay_error *err) {
    assay_home home = {0};
    if (!options->home) {
        if (!options->node_url) options->node_url = ASSAY_NODE_URL_DEFAULT;
        return ASSAY_OK;
    }
    ASSAY_TRY(assay_home_open(&home, options->home, err));
    options->genesis = home.genesis.hash;
    snprintf(options->url, sizeof options->url, "http://%s", home.config.listen);
    if (!options->node_url) options->node_url = options->url;
    assay_home_close(&home);
    return ASSAY_OK;
}

// All homes are made with the same address to listen at: the node there may be another home's.
static assay_status genesis_check(const status_options *options, const assay_client *client,
                                  assay_error *err) {
    char told[ASSAY_HEX_HASH_MAX], own[ASSAY_HEX_HASH_MAX];
    const assay_hash *genesis = &client->domain.genesis;
    if (!options->home || assay_hash_equal(genesis, &options->genesis)) return ASSAY_OK;
    assay_hex_encode_0x(told, genesis->bytes, ASSAY_HASH_SIZE);
    assay_hex_encode_0x(own, options->genesis.bytes, ASSAY_HASH_SIZE);
    return ASSAY_FAIL(err, MISMATCH, "genesis %s at %.80s, but %s in %.80s", told, client->url, own,
                      options->home);
}

// Whose account, by its address or by what a keystore states: no password is needed to look.
static assay_status address_find(status_options *options, assay_error *err) {
    json_t *document;
    assay_keystore keystore = {0};
    assay_status status = ASSAY_OK;
    if (options->address_text && options->key_file)
        return ASSAY_FAIL(err, USAGE, "give --address or --key, not both");
    if (options->address_text) {
        status = assay_hex_parse(keystore.address.bytes, ASSAY_ADDRESS_SIZE, options->address_text,
                                 "ADDRESS", err);
    } else if (options->key_file) {
        ASSAY_TRY(assay_json_read(&document, options->key_file, ASSAY_KEYSTORE_SIZE_MAX, err));
        status = assay_keystore_parse(&keystore, document, err);
        json_decref(document);
        if (status == ASSAY_OK && !keystore.has_address)
            status = ASSAY_FAIL(err, MISSING, "the keystore states no address: give --address");
    } else {
        return ASSAY_OK;
    }
    if (status == ASSAY_OK)
        assay_hex_encode_0x(options->address, keystore.address.bytes, ASSAY_ADDRESS_SIZE);
    return status;
}

static assay_status part_get(json_t *status, const char *name, const char *folder,
                             const assay_client *client, const char *address, assay_error *err) {
    json_t *part;
    if (address)
        ASSAY_TRY(assay_client_get(&part, client, err, "%s/%s", folder, address));
    else
        ASSAY_TRY(assay_client_get(&part, client, err, "%s", folder));
    json_object_set_new(status, name, part);
    return ASSAY_OK;
}

static assay_status disk_get(json_t *status, const char *home, assay_error *err) {
    struct statvfs disk;
    if (statvfs(home, &disk) != 0)
        return assay_fail_errno(err, errno, "cannot measure the disk of %.200s", home);
    json_object_set_new(
        status, "disk",
        json_pack("{s:o,s:o}", "free", assay_json_from_u64((uint64_t)disk.f_bavail * disk.f_frsize),
                  "size", assay_json_from_u64((uint64_t)disk.f_blocks * disk.f_frsize)));
    return ASSAY_OK;
}

// The account that is looked at where none was given: the one that the node proposes for.
static assay_status operator_find(char address[ASSAY_HEX_HASH_MAX], const json_t *status,
                                  assay_error *err) {
    assay_address own;
    const json_t *node = json_object_get(status, "node");
    if (!json_is_string(json_object_get(node, "operator"))) return ASSAY_OK;
    ASSAY_TRY(assay_json_address(&own, node, "operator", err));
    assay_hex_encode_0x(address, own.bytes, ASSAY_ADDRESS_SIZE);
    return ASSAY_OK;
}

// What is shown of an account.
static assay_status account_get(json_t *status, const assay_client *client, const char *address,
                                assay_error *err) {
    ASSAY_TRY(part_get(status, "account", "account", client, address, err));
    ASSAY_TRY(part_get(status, "validator", "validator", client, address, err));
    return part_get(status, "duties", "duties", client, address, err);
}

// Everything that is shown, as one document.
static assay_status gather(json_t **out, json_t **genesis, const status_options *options,
                           assay_error *err) {
    assay_client client;
    char address[ASSAY_HEX_HASH_MAX];
    memcpy(address, options->address, sizeof address);
    *out = *genesis = NULL;
    ASSAY_TRY(assay_client_open(&client, options->node_url, NULL, err));
    ASSAY_TRY(genesis_check(options, &client, err));
    ASSAY_TRY(assay_client_get(genesis, &client, err, "genesis"));
    assay_status status = assay_client_get(out, &client, err, "status");
    if (status == ASSAY_OK) status = part_get(*out, "node", "node", &client, NULL, err);
    if (status == ASSAY_OK && !*address) status = operator_find(address, *out, err);
    if (status == ASSAY_OK && *address) status = account_get(*out, &client, address, err);
    if (status == ASSAY_OK && options->home) status = disk_get(*out, options->home, err);
    return status;
}

static const char *next_of(const assay_error *err) {
    if (err->status == ASSAY_NETWORK) return "assay node --help, or --node URL";
    if (err->status == ASSAY_MISMATCH)
        return "--node with the URL of the home's own node, whose listen of config.json no other "
               "node may have";
    return NULL;
}

// One look. Returns: the exit code.
static int look(const assay_invocation *invocation, const status_options *options,
                assay_error *err) {
    json_t *status = NULL, *genesis = NULL;
    if (gather(&status, &genesis, options, err) != ASSAY_OK) {
        json_decref(status);
        json_decref(genesis);
        if (assay_ending_stopped(err->status)) return ASSAY_EXIT_OK; // amid this look
        return assay_command_fail(invocation, err, next_of(err));
    }
    const json_t *params = json_object_get(genesis, "params");
    json_t *problems = assay_health_judge(status, params);
    bool healthy = problems && json_array_size(problems) == 0;
    int code = ASSAY_EXIT_OK;
    if (invocation->json) {
        json_object_set_new(status, "healthy", json_boolean(healthy));
        json_object_set(status, "problems", problems);
        code = assay_command_print(json_incref(status));
    } else {
        assay_health_show(status, params, problems, assay_terminal_colours());
        fflush(stdout);
    }
    json_decref(problems);
    json_decref(status);
    json_decref(genesis);
    return code == ASSAY_EXIT_OK && !healthy ? ASSAY_EXIT_NO : code;
}

// Until a signal. Returns: the last look's exit code.
static int looks(const assay_invocation *invocation, const status_options *options) {
    int code;
    assay_error err = {0};
    if (assay_ending_listen(&err) != ASSAY_OK) return assay_command_fail(invocation, &err, NULL);
    do {
        err = (assay_error){0};
        // A terminal shows one screen, a file all of them.
        if (!invocation->json && assay_terminal_colours()) printf("\033[H\033[2J");
        code = look(invocation, options, &err);
        if (!invocation->json && !assay_terminal_colours()) printf("\n");
        fflush(stdout);
    } while (!assay_ending_sleep(options->every_ms) && !ferror(stdout));
    return code;
}

int assay_cmd_status(assay_invocation *invocation) {
    status_options options = {.every_ms = EVERY_MS};
    const assay_option table[] = {
        {"node", ASSAY_OPTION_TEXT, &options.node_url, "URL",
         "the node (the home's, else " ASSAY_NODE_URL_DEFAULT ")", 0, 0, false},
        {"home", ASSAY_OPTION_TEXT, &options.home, "DIR", "its folder, where it is on this machine",
         0, 0, false},
        {"address", ASSAY_OPTION_TEXT, &options.address_text, "ADDRESS",
         "how this validator or provider stands (the node's own)", 0, 0, false},
        {"key", ASSAY_OPTION_TEXT, &options.key_file, "FILE",
         "the same of the address that a keystore states", 0, 0, false},
        {"watch", ASSAY_OPTION_FLAG, &options.watch, NULL, "look again and again until SIGTERM", 0,
         0, false},
        {"every-ms", ASSAY_OPTION_U64, &options.every_ms, "MS", "pause between looks (2000)", 10,
         3600000, false},
    };
    int code;
    assay_error err = {0};
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "Exits with 0 if all is well, with 1 if something is wrong: it is\n"
                             "named, with what to do about it.",
                             &code))
        return code;
    assay_status status = home_read(&options, &err);
    if (status == ASSAY_OK) status = address_find(&options, &err);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, NULL);
    return options.watch ? looks(invocation, &options) : look(invocation, &options, &err);
}
