// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/ed25519.h"
#include "base/hex.h"
#include "base/json.h"
#include "node/commands.h"
#include "node/home.h"

enum { PARAMS_JSON_MAX = 64 << 10 };

typedef struct {
    const char *home, *name, *operator, * distributor, *params, *secrets, *listen;
    assay_option_texts accounts;
    uint64_t chain_id, bond, time, chain_length, block_ms;
    bool testnet;
} init_options;

// "0x…=NOPEN".
static assay_status account_parse(assay_genesis_account *out, const char *text, assay_error *err) {
    char address[48];
    const char *equals = strchr(text, '=');
    if (!equals || (size_t)(equals - text) >= sizeof address)
        return ASSAY_FAIL(err, USAGE, "account \"%.60s\" is not ADDRESS=NOPEN", text);
    memcpy(address, text, (size_t)(equals - text));
    address[equals - text] = 0;
    ASSAY_TRY(assay_hex_parse(out->address.bytes, ASSAY_ADDRESS_SIZE, address, "--account", err));
    return assay_number_parse(&out->balance, equals + 1, "balance", 0, INT64_MAX, err);
}

static assay_status secrets_make(assay_operator *out, const init_options *options,
                                 assay_error *err) {
    if (options->secrets) return assay_operator_load(out, options->secrets, err);
    out->beacon_length = options->chain_length;
    if (getrandom(out->ed25519_seed, sizeof out->ed25519_seed, 0) !=
            (ssize_t)sizeof out->ed25519_seed ||
        getrandom(out->beacon_seed.bytes, ASSAY_HASH_SIZE, 0) != ASSAY_HASH_SIZE)
        return ASSAY_FAIL(err, IO, "the system gives no random bytes");
    return ASSAY_OK;
}

static assay_status operator_fill(assay_genesis *genesis, const init_options *options,
                                  const assay_operator *secrets, assay_error *err) {
    assay_hashchain chain;
    assay_genesis_validator *own = genesis->validators = calloc(1, sizeof *own);
    if (!own) return ASSAY_FAIL(err, MEMORY, "no memory for a genesis");
    genesis->validator_count = 1;
    ASSAY_TRY(assay_hex_parse(own->address.bytes, ASSAY_ADDRESS_SIZE, options->operator,
                              "--operator", err));
    ASSAY_TRY(assay_ed25519_public(own->ed25519, secrets->ed25519_seed, err));
    ASSAY_TRY(assay_hashchain_open(&chain, &secrets->beacon_seed, secrets->beacon_length, err));
    assay_hashchain_at(&own->chain_tip, &chain, secrets->beacon_length);
    assay_hashchain_close(&chain);
    own->chain_length = secrets->beacon_length;
    own->consensus_bond = options->bond;
    return ASSAY_OK;
}

static assay_status params_fill(assay_params *params, const char *path, assay_error *err) {
    json_t *object;
    assay_params_init(params);
    if (!path) return ASSAY_OK;
    ASSAY_TRY(assay_json_read(&object, path, PARAMS_JSON_MAX, err));
    assay_status status = assay_params_override(params, object, err);
    json_decref(object);
    return status;
}

static assay_status genesis_fill(assay_genesis *genesis, const init_options *options,
                                 const assay_operator *secrets, assay_error *err) {
    genesis->chain_id = options->chain_id;
    genesis->testnet = options->testnet;
    genesis->time = options->time;
    if (strlen(options->name) > ASSAY_GENESIS_NAME_MAX)
        return ASSAY_FAIL(err, CAPACITY, "name of %zu bytes, limit %d", strlen(options->name),
                          ASSAY_GENESIS_NAME_MAX);
    snprintf(genesis->name, sizeof genesis->name, "%s", options->name);
    ASSAY_TRY(params_fill(&genesis->params, options->params, err));
    ASSAY_TRY(operator_fill(genesis, options, secrets, err));
    if (options->distributor)
        ASSAY_TRY(assay_hex_parse(genesis->distributor.bytes, ASSAY_ADDRESS_SIZE,
                                  options->distributor, "--distributor", err));
    genesis->accounts = calloc(options->accounts.count + 1, sizeof *genesis->accounts);
    if (!genesis->accounts) return ASSAY_FAIL(err, MEMORY, "no memory for the accounts");
    for (uint32_t i = 0; i < options->accounts.count; i++)
        ASSAY_TRY(account_parse(&genesis->accounts[i], options->accounts.items[i], err));
    genesis->account_count = options->accounts.count;
    return assay_genesis_seal(genesis, err);
}

static int init_print(const assay_invocation *invocation, const char *home,
                      const assay_genesis *genesis) {
    char hash[ASSAY_HEX_HASH_MAX];
    if (invocation->json)
        return assay_command_print(json_pack("{s:s,s:o,s:o,s:o}", "home", home, "genesis",
                                             assay_json_from_hash(&genesis->hash), "chain_id",
                                             assay_json_from_u64(genesis->chain_id), "supply",
                                             assay_json_from_u64(genesis->supply)));
    assay_hex_encode_0x(hash, genesis->hash.bytes, ASSAY_HASH_SIZE);
    printf("made %s\ngenesis %s\nsupply %llu nopen\nnext: assay node --home %s\n", home, hash,
           (unsigned long long)genesis->supply, home);
    return ASSAY_EXIT_OK;
}

static int init_run(const assay_invocation *invocation, const init_options *options,
                    assay_config *config) {
    assay_error err = {0};
    assay_genesis genesis = {0};
    assay_operator secrets = {0};
    config->block_ms = options->block_ms;
    assay_status status = assay_config_listen(config, options->listen, &err);
    if (status == ASSAY_OK) status = secrets_make(&secrets, options, &err);
    if (status == ASSAY_OK) status = genesis_fill(&genesis, options, &secrets, &err);
    if (status == ASSAY_OK)
        status = assay_home_create(options->home, config, &genesis, &secrets, &err);
    assay_operator_clear(&secrets);
    int code = status == ASSAY_OK ? init_print(invocation, options->home, &genesis)
                                  : assay_command_fail(invocation, &err, NULL);
    assay_genesis_close(&genesis);
    return code;
}

int assay_cmd_init(assay_invocation *invocation) {
    assay_config config;
    assay_config_init(&config);
    init_options options = {.name = "assay",
                            .chain_id = 1,
                            .bond = UINT64_C(100000000000),
                            .time = (uint64_t)time(NULL),
                            .chain_length = 1 << 20,
                            .block_ms = config.block_ms,
                            .listen = config.listen};
    const assay_option table[] = {
        {"home", ASSAY_OPTION_TEXT, &options.home, "DIR", "folder to make", 0, 0, true},
        {"operator", ASSAY_OPTION_TEXT, &options.operator, "ADDRESS",
         "the block maker's ledger address", 0, 0, true},
        {"account", ASSAY_OPTION_TEXTS, &options.accounts, "ADDRESS=NOPEN",
         "a balance at genesis; may be repeated", 0, 0, false},
        {"chain-id", ASSAY_OPTION_U64, &options.chain_id, "N", "EIP-712 chain id (1)", 1,
         UINT64_C(1) << 53, false},
        {"name", ASSAY_OPTION_TEXT, &options.name, "TEXT", "the chain's name (assay)", 0, 0, false},
        {"testnet", ASSAY_OPTION_FLAG, &options.testnet, NULL,
         "allow what only tests need, such as dishonest roles", 0, 0, false},
        {"operator-bond", ASSAY_OPTION_U64, &options.bond, "NOPEN",
         "the operator's consensus bond (100 OPEN)", 1, INT64_MAX, false},
        {"params", ASSAY_OPTION_TEXT, &options.params, "FILE", "JSON object of params to change", 0,
         0, false},
        {"distributor", ASSAY_OPTION_TEXT, &options.distributor, "ADDRESS",
         "EVM contract that pays claims", 0, 0, false},
        {"time", ASSAY_OPTION_U64, &options.time, "SECONDS", "genesis time (now)", 0,
         ASSAY_GENESIS_TIME_MAX, false},
        {"beacon-length", ASSAY_OPTION_U64, &options.chain_length, "N",
         "blocks the beacon's hash chain lasts (1048576)", 1, ASSAY_HASHCHAIN_LENGTH_MAX, false},
        {"secrets", ASSAY_OPTION_TEXT, &options.secrets, "FILE",
         "take operator.json's content from a file instead of making it", 0, 0, false},
        {"listen", ASSAY_OPTION_TEXT, &options.listen, "HOST:PORT", "API address to write down", 0,
         0, false},
        {"block-ms", ASSAY_OPTION_U64, &options.block_ms, "MS", "pause between blocks", 0, 3600000,
         false},
    };
    int code;
    if (!assay_command_begin(invocation, table, sizeof table / sizeof table[0],
                             "Makes a new chain of one operator. genesis.json is public and names "
                             "the chain;\noperator.json is secret.",
                             &code))
        return code;
    return init_run(invocation, &options, &config);
}
