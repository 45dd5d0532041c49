// SPDX-License-Identifier: Apache-2.0
#include "ledger/genesis.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/sha256.h"
#include "ledger/tx/field.h"

static const char domain[] = "assay genesis";

// version u8, chain id, name (u16 size), testnet u8, time
enum { HEAD_SIZE_MAX = 1 + 8 + 2 + ASSAY_GENESIS_NAME_MAX + 1 + 8 };
enum { ACCOUNT_SIZE = ASSAY_ADDRESS_SIZE + 8 };
enum { VALIDATOR_SIZE = ASSAY_ADDRESS_SIZE + ASSAY_ED25519_KEY_SIZE + 8 + ASSAY_HASH_SIZE + 8 };
enum { PARAMS_SIZE = 4 + ASSAY_PARAM_COUNT * 8 };
static_assert(ACCOUNT_SIZE == 28 && VALIDATOR_SIZE == 100, "the genesis hash covers these layouts");

static void writer_hash(assay_sha256 *sha, assay_writer *writer) {
    ASSAY_ASSERT(!writer->failed);
    assay_sha256_update(sha, writer->data, writer->size);
    writer->size = 0;
}

// The canonical encoding goes through a small buffer: accounts may be many.
static void genesis_hash(assay_genesis *genesis) {
    static_assert(PARAMS_SIZE > (int)HEAD_SIZE_MAX && PARAMS_SIZE > (int)VALIDATOR_SIZE, "room");
    uint8_t buffer[PARAMS_SIZE];
    assay_writer writer;
    assay_sha256 sha;
    assay_writer_init(&writer, buffer, sizeof buffer);
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, domain, sizeof domain - 1);

    uint16_t name_size = (uint16_t)strlen(genesis->name);
    assay_writer_u8(&writer, ASSAY_GENESIS_VERSION);
    assay_writer_u64(&writer, genesis->chain_id);
    assay_writer_u16(&writer, name_size);
    assay_writer_copy(&writer, genesis->name, name_size);
    assay_writer_u8(&writer, genesis->testnet);
    assay_writer_u64(&writer, genesis->time);
    writer_hash(&sha, &writer);

    assay_writer_u32(&writer, ASSAY_PARAM_COUNT);
    assay_params_write(&writer, &genesis->params);
    writer_hash(&sha, &writer);

    assay_writer_u32(&writer, genesis->account_count);
    for (uint32_t i = 0; i < genesis->account_count; i++) {
        assay_writer_address(&writer, &genesis->accounts[i].address);
        assay_writer_u64(&writer, genesis->accounts[i].balance);
        writer_hash(&sha, &writer);
    }

    assay_writer_u32(&writer, genesis->validator_count);
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        const assay_genesis_validator *validator = &genesis->validators[i];
        assay_writer_address(&writer, &validator->address);
        assay_writer_copy(&writer, validator->ed25519, ASSAY_ED25519_KEY_SIZE);
        assay_writer_u64(&writer, validator->consensus_bond);
        assay_writer_hash(&writer, &validator->chain_tip);
        assay_writer_u64(&writer, validator->chain_length);
        writer_hash(&sha, &writer);
    }
    assay_writer_address(&writer, &genesis->distributor);
    writer_hash(&sha, &writer);
    assay_sha256_final(&sha, &genesis->hash);
}

// Accounts and validators begin with their address.
static int address_compare(const void *a, const void *b) {
    return memcmp(a, b, ASSAY_ADDRESS_SIZE);
}

static assay_status supply_add(assay_genesis *genesis, uint64_t amount, assay_error *err) {
    if (amount > INT64_MAX - genesis->supply)
        return ASSAY_FAIL(err, RANGE, "the supply passes %lld nopen, the limit",
                          (long long)INT64_MAX);
    genesis->supply += amount;
    return ASSAY_OK;
}

static assay_status accounts_check(assay_genesis *genesis, assay_error *err) {
    if (genesis->account_count > ASSAY_GENESIS_ACCOUNTS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u accounts, limit %d", genesis->account_count,
                          ASSAY_GENESIS_ACCOUNTS_MAX);
    if (genesis->account_count != 0)
        qsort(genesis->accounts, genesis->account_count, sizeof *genesis->accounts,
              address_compare);
    for (uint32_t i = 0; i < genesis->account_count; i++) {
        const assay_genesis_account *account = &genesis->accounts[i];
        char text[2 * ASSAY_ADDRESS_SIZE + 3];
        assay_hex_encode_0x(text, account->address.bytes, ASSAY_ADDRESS_SIZE);
        if (assay_address_is_zero(&account->address))
            return ASSAY_FAIL(err, RANGE, "an account has the zero address");
        if (account->balance == 0) return ASSAY_FAIL(err, RANGE, "account %s has nothing", text);
        if (i > 0 && assay_address_equal(&account[-1].address, &account->address))
            return ASSAY_FAIL(err, DUPLICATE, "account %s is named twice", text);
        ASSAY_TRY(supply_add(genesis, account->balance, err));
    }
    return ASSAY_OK;
}

static assay_status validator_check(const assay_genesis *genesis, uint32_t index,
                                    assay_error *err) {
    const assay_genesis_validator *validator = &genesis->validators[index];
    char text[2 * ASSAY_ADDRESS_SIZE + 3];
    assay_hex_encode_0x(text, validator->address.bytes, ASSAY_ADDRESS_SIZE);
    if (assay_address_is_zero(&validator->address))
        return ASSAY_FAIL(err, RANGE, "a validator has the zero address");
    if (index > 0 && assay_address_equal(&validator[-1].address, &validator->address))
        return ASSAY_FAIL(err, DUPLICATE, "validator %s is named twice", text);
    for (uint32_t i = 0; i < index; i++)
        if (memcmp(genesis->validators[i].ed25519, validator->ed25519, ASSAY_ED25519_KEY_SIZE) == 0)
            return ASSAY_FAIL(err, DUPLICATE, "validator %s has the ed25519 key of another", text);
    if (validator->consensus_bond < genesis->params.consensus_bond_min)
        return ASSAY_FAIL(err, RANGE, "validator %s has a consensus_bond of %llu, minimum %llu",
                          text, (ull)validator->consensus_bond,
                          (ull)genesis->params.consensus_bond_min);
    if (validator->chain_length == 0)
        return ASSAY_FAIL(err, RANGE, "validator %s has a chain_length of 0, minimum 1", text);
    if (validator->chain_length > ASSAY_CHAIN_LENGTH_MAX)
        return ASSAY_FAIL(err, RANGE, "validator %s has a chain_length of %llu, limit %llu", text,
                          (ull)validator->chain_length, (ull)ASSAY_CHAIN_LENGTH_MAX);
    return ASSAY_OK;
}

static assay_status validators_check(assay_genesis *genesis, assay_error *err) {
    uint32_t count = genesis->validator_count;
    if (count == 0) return ASSAY_FAIL(err, RANGE, "no validators, minimum 1");
    if (count > ASSAY_GENESIS_VALIDATORS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u validators, limit %d", count,
                          ASSAY_GENESIS_VALIDATORS_MAX);
    qsort(genesis->validators, count, sizeof *genesis->validators, address_compare);
    for (uint32_t i = 0; i < count; i++) {
        ASSAY_TRY(validator_check(genesis, i, err));
        ASSAY_TRY(supply_add(genesis, genesis->validators[i].consensus_bond, err));
    }
    return ASSAY_OK;
}

// Names are shown in terminals and wallets: text as in transactions (P-7).
static assay_status name_check(const char *name, assay_error *err) {
    size_t size = strlen(name);
    if (size == 0 || size > ASSAY_GENESIS_NAME_MAX)
        return ASSAY_FAIL(err, RANGE, "name has %zu bytes, limits 1 to %d", size,
                          ASSAY_GENESIS_NAME_MAX);
    if (!assay_text_is_clean((const uint8_t *)name, size))
        return ASSAY_FAIL(err, FORMAT, "name is not UTF-8 or holds a control character");
    return ASSAY_OK;
}

assay_status assay_genesis_seal(assay_genesis *genesis, assay_error *err) {
    genesis->supply = 0;
    ASSAY_TRY(assay_params_check(&genesis->params, err));
    if (!genesis->testnet) ASSAY_TRY(assay_params_unbond_check(&genesis->params, err));
    ASSAY_TRY(name_check(genesis->name, err));
    if (genesis->chain_id == 0 || genesis->chain_id > INT64_MAX)
        return ASSAY_FAIL(err, RANGE, "chain_id is %llu, limits 1 to %lld", (ull)genesis->chain_id,
                          (long long)INT64_MAX);
    if (genesis->time > ASSAY_GENESIS_TIME_MAX)
        return ASSAY_FAIL(err, RANGE, "time is %llu, limit %llu", (ull)genesis->time,
                          (ull)ASSAY_GENESIS_TIME_MAX);
    ASSAY_TRY(accounts_check(genesis, err));
    ASSAY_TRY(validators_check(genesis, err));
    genesis_hash(genesis);
    return ASSAY_OK;
}

static assay_status head_read(assay_genesis *out, const json_t *root, assay_error *err) {
    static const char *const names[] = {"version", "chain_id", "name",        "testnet",    "time",
                                        "params",  "accounts", "distributor", "validators", NULL};
    uint64_t version;
    const char *name;
    ASSAY_TRY(assay_json_names(root, names, "genesis", err));
    ASSAY_TRY(assay_json_u64(&version, root, "version", 0, UINT64_MAX, err));
    if (version != ASSAY_GENESIS_VERSION)
        return ASSAY_FAIL(err, VERSION, "genesis version %llu, this program knows %d", (ull)version,
                          ASSAY_GENESIS_VERSION);
    ASSAY_TRY(assay_json_u64(&out->chain_id, root, "chain_id", 1, INT64_MAX, err));
    ASSAY_TRY(assay_json_text(&name, root, "name", ASSAY_GENESIS_NAME_MAX, err));
    memcpy(out->name, name, strlen(name) + 1);
    ASSAY_TRY(assay_json_u64(&out->time, root, "time", 0, INT64_MAX, err));
    ASSAY_TRY(assay_json_address(&out->distributor, root, "distributor", err));
    const json_t *testnet = json_object_get(root, "testnet");
    if (testnet == NULL) return ASSAY_FAIL(err, MISSING, "testnet is missing");
    if (!json_is_boolean(testnet)) return ASSAY_FAIL(err, FORMAT, "testnet is not true or false");
    out->testnet = json_is_true(testnet);
    const json_t *params;
    ASSAY_TRY(assay_json_object(&params, root, "params", err));
    assay_params_init(&out->params);
    return assay_params_override(&out->params, params, err);
}

assay_status assay_genesis_validator_read(assay_genesis_validator *out, const json_t *object,
                                          assay_error *err) {
    static const char *const names[] = {"address",   "ed25519",      "consensus_bond",
                                        "chain_tip", "chain_length", NULL};
    ASSAY_TRY(assay_json_names(object, names, "validator", err));
    ASSAY_TRY(assay_json_address(&out->address, object, "address", err));
    ASSAY_TRY(assay_json_hex(out->ed25519, ASSAY_ED25519_KEY_SIZE, object, "ed25519", err));
    ASSAY_TRY(assay_json_u64(&out->consensus_bond, object, "consensus_bond", 0, INT64_MAX, err));
    ASSAY_TRY(assay_json_hash(&out->chain_tip, object, "chain_tip", err));
    return assay_json_u64(&out->chain_length, object, "chain_length", 1, INT64_MAX, err);
}

static assay_status validators_read(assay_genesis *out, const json_t *root, assay_error *err) {
    const json_t *list;
    ASSAY_TRY(assay_json_array(&list, root, "validators", ASSAY_GENESIS_VALIDATORS_MAX, err));
    size_t count = json_array_size(list);
    out->validators = calloc(count + 1, sizeof *out->validators);
    if (out->validators == NULL)
        return ASSAY_FAIL(err, MEMORY, "no memory for %zu validators", count);
    for (size_t i = 0; i < count; i++)
        ASSAY_TRY(assay_genesis_validator_read(&out->validators[i], json_array_get(list, i), err));
    out->validator_count = (uint32_t)count;
    return ASSAY_OK;
}

static assay_status accounts_read(assay_genesis *out, const json_t *root, assay_error *err) {
    static const char *const names[] = {"address", "balance", NULL};
    const json_t *list;
    ASSAY_TRY(assay_json_array(&list, root, "accounts", ASSAY_GENESIS_ACCOUNTS_MAX, err));
    size_t count = json_array_size(list);
    out->accounts = calloc(count + 1, sizeof *out->accounts);
    if (out->accounts == NULL) return ASSAY_FAIL(err, MEMORY, "no memory for %zu accounts", count);
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(list, i);
        ASSAY_TRY(assay_json_names(object, names, "account", err));
        assay_genesis_account *account = &out->accounts[i];
        ASSAY_TRY(assay_json_address(&account->address, object, "address", err));
        ASSAY_TRY(assay_json_u64(&account->balance, object, "balance", 1, INT64_MAX, err));
    }
    out->account_count = (uint32_t)count;
    return ASSAY_OK;
}

assay_status assay_genesis_parse(assay_genesis *out, const void *json, size_t size,
                                 assay_error *err) {
    *out = (assay_genesis){0};
    json_t *root = NULL;
    assay_status status = assay_json_parse_many(&root, json, size, ASSAY_GENESIS_JSON_MAX,
                                                ASSAY_GENESIS_JSON_VALUES_MAX, "genesis", err);
    if (status == ASSAY_OK) status = head_read(out, root, err);
    if (status == ASSAY_OK) status = validators_read(out, root, err);
    if (status == ASSAY_OK) status = accounts_read(out, root, err);
    if (status == ASSAY_OK) status = assay_genesis_seal(out, err);
    json_decref(root);
    if (status != ASSAY_OK) assay_genesis_close(out);
    return status;
}

assay_status assay_genesis_read(assay_genesis *out, const char *path, assay_error *err) {
    uint8_t *data;
    size_t size;
    *out = (assay_genesis){0};
    ASSAY_TRY(assay_file_read(path, ASSAY_GENESIS_JSON_MAX, &data, &size, err));
    assay_status status = assay_genesis_parse(out, data, size, err);
    free(data);
    return status;
}

assay_status assay_genesis_operator(const assay_genesis_validator **out,
                                    const assay_genesis *genesis, assay_error *err) {
    *out = NULL;
    if (genesis->validator_count != 1)
        return ASSAY_FAIL(err, RANGE, "the genesis has %u validators, the solo engine has one",
                          genesis->validator_count);
    *out = genesis->validators;
    return ASSAY_OK;
}

void assay_genesis_close(assay_genesis *genesis) {
    free(genesis->accounts);
    free(genesis->validators);
    *genesis = (assay_genesis){0};
}

static json_t *accounts_json(const assay_genesis *genesis) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < genesis->account_count; i++) {
        const assay_genesis_account *account = &genesis->accounts[i];
        json_t *entry =
            json_pack("{s:o, s:o}", "address", assay_json_from_address(&account->address),
                      "balance", assay_json_from_u64(account->balance));
        if (json_array_append_new(list, entry) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *validators_json(const assay_genesis *genesis) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        json_t *entry = assay_genesis_validator_json(&genesis->validators[i]);
        if (json_array_append_new(list, entry) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *assay_genesis_validator_json(const assay_genesis_validator *validator) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "address",
                     assay_json_from_address(&validator->address), "ed25519",
                     assay_json_from_hex(validator->ed25519, ASSAY_ED25519_KEY_SIZE),
                     "consensus_bond", assay_json_from_u64(validator->consensus_bond), "chain_tip",
                     assay_json_from_hash(&validator->chain_tip), "chain_length",
                     assay_json_from_u64(validator->chain_length));
}

json_t *assay_genesis_json(const assay_genesis *genesis) {
    // json_pack drops everything and gives NULL if any part is NULL.
    return json_pack(
        "{s:i, s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o}", "version", ASSAY_GENESIS_VERSION,
        "chain_id", assay_json_from_u64(genesis->chain_id), "name", genesis->name, "testnet",
        genesis->testnet, "time", assay_json_from_u64(genesis->time), "params",
        assay_params_json(&genesis->params), "accounts", accounts_json(genesis), "validators",
        validators_json(genesis), "distributor", assay_json_from_address(&genesis->distributor));
}
