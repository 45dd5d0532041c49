// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/json.h"
#include "node/cmd/commands.h"
#include "node/home/home.h"

enum { PARAMS_JSON_MAX = 64 << 10, VALIDATOR_JSON_MAX = 4 << 10 };

typedef struct {
    const char *home, *name, *operator, * params, *secrets, *listen, *genesis;
    assay_option_texts accounts, validators;
    uint64_t chain_id, bond, time, chain_length, block_ms;
    assay_address distributor; // zero: none
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
    return assay_operator_make(out, options->chain_length, err);
}

static assay_status operator_fill(assay_genesis_validator *own, const init_options *options,
                                  const assay_operator *secrets, assay_error *err) {
    ASSAY_TRY(assay_hex_parse(own->address.bytes, ASSAY_ADDRESS_SIZE, options->operator,
                              "--operator", err));
    own->consensus_bond = options->bond;
    return assay_operator_entry(own, secrets, err);
}

// "FILE=NOPEN", FILE as assay validator new prints it.
static assay_status validator_parse(assay_genesis_validator *out, const char *text,
                                    assay_error *err) {
    char path[PATH_MAX];
    json_t *object;
    const char *equals = strrchr(text, '=');
    if (!equals || (size_t)(equals - text) >= sizeof path)
        return ASSAY_FAIL(err, USAGE, "validator \"%.60s\" is not FILE=NOPEN", text);
    memcpy(path, text, (size_t)(equals - text));
    path[equals - text] = 0;
    ASSAY_TRY(assay_json_read(&object, path, VALIDATOR_JSON_MAX, err));
    assay_status status = assay_genesis_validator_read(out, object, err);
    json_decref(object);
    ASSAY_TRY(status);
    return assay_number_parse(&out->consensus_bond, equals + 1, "bond", 1, INT64_MAX, err);
}

static assay_status validators_fill(assay_genesis *genesis, const init_options *options,
                                    const assay_operator *secrets, assay_error *err) {
    uint32_t count = options->operator? 1 : options->validators.count;
    genesis->validators = calloc(count, sizeof *genesis->validators);
    if (!genesis->validators) return ASSAY_FAIL(err, MEMORY, "no memory for the validators");
    genesis->validator_count = count;
    if (options->operator) return operator_fill(genesis->validators, options, secrets, err);
    for (uint32_t i = 0; i < count; i++)
        ASSAY_TRY(validator_parse(&genesis->validators[i], options->validators.items[i], err));
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
    ASSAY_TRY(validators_fill(genesis, options, secrets, err));
    genesis->distributor = options->distributor;
    genesis->accounts = calloc(options->accounts.count + 1, sizeof *genesis->accounts);
    if (!genesis->accounts) return ASSAY_FAIL(err, MEMORY, "no memory for the accounts");
    for (uint32_t i = 0; i < options->accounts.count; i++)
        ASSAY_TRY(account_parse(&genesis->accounts[i], options->accounts.items[i], err));
    genesis->account_count = options->accounts.count;
    return assay_genesis_seal(genesis, err);
}

// The solo engine makes the blocks of a chain whose one validator's secrets are here. Any other
// chain is CometBFT's.
static bool makes_blocks(const char *home, const assay_genesis *genesis) {
    char path[PATH_MAX];
    return genesis->validator_count == 1 &&
           assay_home_path(path, home, "operator.json", NULL) == ASSAY_OK &&
           access(path, F_OK) == 0;
}

static int init_print(const assay_invocation *invocation, const char *home,
                      const assay_genesis *genesis) {
    char hash[ASSAY_HEX_HASH_MAX];
    if (genesis->account_count == 0)
        fprintf(stderr, "warning: no account has a balance, so nobody can pay a fee: --account\n");
    if (invocation->json)
        return assay_command_print(json_pack("{s:s,s:o,s:o,s:o}", "home", home, "genesis",
                                             assay_json_from_hash(&genesis->hash), "chain_id",
                                             assay_json_from_u64(genesis->chain_id), "supply",
                                             assay_json_from_u64(genesis->supply)));
    assay_hex_encode_0x(hash, genesis->hash.bytes, ASSAY_HASH_SIZE);
    printf("made %s\ngenesis %s\nsupply %llu nopen\n", home, hash, (ull)genesis->supply);
    if (makes_blocks(home, genesis))
        printf("next: assay node --home %s\n", home);
    else
        printf("next: assay export --home %s --to-cometbft DIR\n", home);
    return ASSAY_EXIT_OK;
}

static assay_status sources_check(const assay_invocation *invocation, const assay_option *table,
                                  const init_options *options, assay_error *err) {
    static const char *const genesis_has[] = {"account",       "chain-id", "name",        "testnet",
                                              "operator-bond", "params",   "distributor", "time",
                                              "beacon-length", "secrets",  NULL};
    static const char *const operators[] = {"operator-bond", "beacon-length", "secrets", NULL};
    static const char *const made[] = {"beacon-length", NULL};
    int sources =
        (options->operator!= NULL) + (options->validators.count > 0) + (options->genesis != NULL);
    ASSAY_TRY(assay_command_apart(invocation, table, "genesis", genesis_has, err));
    ASSAY_TRY(assay_command_apart(invocation, table, "validator", operators, err));
    ASSAY_TRY(assay_command_apart(invocation, table, "secrets", made, err));
    if (sources == 1) return ASSAY_OK;
    return ASSAY_FAIL(err, USAGE, "%s of --operator, --validator and --genesis is needed",
                      sources ? "only one" : "one");
}

static int init_run(const assay_invocation *invocation, const assay_option *table,
                    const init_options *options, assay_config *config) {
    assay_error err = {0};
    assay_genesis genesis = {0};
    assay_operator secrets = {0};
    config->block_ms = options->block_ms;
    assay_status status = sources_check(invocation, table, options, &err);
    if (status == ASSAY_OK) status = assay_config_listen(config, options->listen, &err);
    if (status == ASSAY_OK && options->operator) status = secrets_make(&secrets, options, &err);
    if (status == ASSAY_OK)
        status = options->genesis ? assay_genesis_read(&genesis, options->genesis, &err)
                                  : genesis_fill(&genesis, options, &secrets, &err);
    if (status == ASSAY_OK)
        status = assay_home_create(options->home, config, &genesis,
                                   options->operator? &secrets : NULL, &err);
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
         "ledger address of the one block maker, whose keys are made here", 0, 0, false},
        {"validator", ASSAY_OPTION_TEXTS, &options.validators, "FILE=NOPEN",
         "one of many, by assay validator new, and its bond; may be repeated", 0, 0, false},
        {"genesis", ASSAY_OPTION_TEXT, &options.genesis, "FILE", "join the chain of this genesis",
         0, 0, false},
        {"account", ASSAY_OPTION_TEXTS, &options.accounts, "ADDRESS=NOPEN",
         "a balance at genesis; may be repeated", 0, 0, false},
        {"chain-id", ASSAY_OPTION_U64, &options.chain_id, "N", "EIP-712 chain id (1)", 1,
         UINT64_C(1) << 53, false},
        {"name", ASSAY_OPTION_TEXT, &options.name, "TEXT", "the chain's name (assay)", 0, 0, false},
        {"testnet", ASSAY_OPTION_FLAG, &options.testnet, NULL,
         "allow what only tests need, such as dishonest roles", 0, 0, false},
        {"operator-bond", ASSAY_OPTION_NOPEN, &options.bond, "NOPEN",
         "the operator's consensus bond (100 OPEN)", 1, INT64_MAX, false},
        {"params", ASSAY_OPTION_TEXT, &options.params, "FILE", "JSON object of params to change", 0,
         0, false},
        {"distributor", ASSAY_OPTION_HEX, options.distributor.bytes, "ADDRESS",
         "EVM contract that pays claims", 0, ASSAY_ADDRESS_SIZE, false},
        {"time", ASSAY_OPTION_U64, &options.time, "SECONDS", "genesis time (now)", 0,
         ASSAY_GENESIS_TIME_MAX, false},
        {"beacon-length", ASSAY_OPTION_U64, &options.chain_length, "N",
         "blocks the beacon's hash chain lasts (1048576)", 1, ASSAY_HASHCHAIN_LENGTH_MAX, false},
        {"secrets", ASSAY_OPTION_TEXT, &options.secrets, "FILE",
         "take operator.json's content from a file instead of making it", 0, 0, false},
        {"listen", ASSAY_OPTION_TEXT, &options.listen, "HOST:PORT", "API address to write down", 0,
         0, false},
        {"block-ms", ASSAY_OPTION_U64, &options.block_ms, "MS", "pause between blocks (200)", 0,
         3600000, false},
    };
    int code;
    if (!assay_command_begin(
            invocation, table, ASSAY_COUNT(table),
            "Makes a new chain of one operator or of many validators, or the folder "
            "of one that\nis there. genesis.json is public and names the chain; "
            "operator.json is secret and\nstays what it is unless --operator "
            "makes it.",
            &code))
        return code;
    return init_run(invocation, table, &options, &config);
}
