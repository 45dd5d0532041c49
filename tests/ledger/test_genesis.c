// SPDX-License-Identifier: Apache-2.0
// Genesis files and params: what is read is what is hashed, and everything else is refused.
#include "tests/ledger/chain.h"

static const char good[] =
    "{\"version\":1,\"chain_id\":7,\"name\":\"t\",\"testnet\":true,\"time\":\"1700000000\","
    "\"params\":{\"samples\":2},"
    "\"accounts\":[{\"address\":\"0x0202020202020202020202020202020202020202\",\"balance\":5},"
    "{\"address\":\"0x0101010101010101010101010101010101010101\",\"balance\":\"6\"}],"
    "\"validators\":[{\"address\":\"0x0303030303030303030303030303030303030303\","
    "\"ed25519\":\"0404040404040404040404040404040404040404040404040404040404040404\","
    "\"consensus_bond\":10000000000,"
    "\"chain_tip\":\"0505050505050505050505050505050505050505050505050505050505050505\","
    "\"chain_length\":9}],"
    "\"distributor\":\"0x0606060606060606060606060606060606060606\"}";

static void put(assay_sha256 *sha, uint64_t value, int size) {
    uint8_t bytes[8];
    assay_store_be64(bytes, value);
    assay_sha256_update(sha, bytes + 8 - size, (size_t)size);
}

// The encoding of P-21 once more, by hand, from the values in `good`.
static void hash_by_hand(assay_hash *out, const assay_params *params) {
    uint8_t run[32];
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, "assay genesis\x01", 14);
    put(&sha, 7, 8);
    put(&sha, 1, 2);
    assay_sha256_update(&sha, "t", 1);
    put(&sha, 1, 1);
    put(&sha, 1700000000, 8);
    put(&sha, sizeof *params / 8, 4);
    for (size_t i = 0; i < sizeof *params / 8; i++)
        put(&sha, ((const uint64_t *)params)[i], 8);
    put(&sha, 2, 4);
    assay_sha256_update(&sha, memset(run, 1, 20), 20);
    put(&sha, 6, 8);
    assay_sha256_update(&sha, memset(run, 2, 20), 20);
    put(&sha, 5, 8);
    put(&sha, 1, 4);
    assay_sha256_update(&sha, memset(run, 3, 20), 20);
    assay_sha256_update(&sha, memset(run, 4, 32), 32);
    put(&sha, 10000000000, 8);
    assay_sha256_update(&sha, memset(run, 5, 32), 32);
    put(&sha, 9, 8);
    assay_sha256_update(&sha, memset(run, 6, 20), 20);
    assay_sha256_final(&sha, out);
}

// P-21
static void test_good(void **state) {
    assay_genesis genesis;
    must(assay_genesis_parse(&genesis, good, sizeof good - 1, err));
    assert_int_equal(genesis.chain_id, 7);
    assert_int_equal(genesis.params.samples, 2);
    assert_int_equal(genesis.params.tx_fee_base, 1000);
    assert_int_equal(genesis.account_count, 2);
    assert_int_equal(genesis.accounts[0].address.bytes[0], 1); // sorted
    assert_int_equal(genesis.supply, 11 + 10 * CHAIN_OPEN);
    assay_hash hash;
    hash_by_hand(&hash, &genesis.params);
    assert_memory_equal(&hash, &genesis.hash, sizeof hash);

    // What it writes reads back to the same chain.
    json_t *json = assay_genesis_json(&genesis);
    char *text = json_dumps(json, 0);
    assay_genesis again;
    must(assay_genesis_parse(&again, text, strlen(text), err));
    assert_memory_equal(&again.hash, &genesis.hash, sizeof hash);
    free(text);
    json_decref(json);
    assay_genesis_close(&again);
    assay_genesis_close(&genesis);
}

#define FIVE(digits)  digits digits digits digits digits
#define EIGHT(digits) FIVE(digits) digits digits digits
// Another validator: each byte of its address, each of its key.
#define SECOND(address, key)                                                                       \
    "{\"address\":\"" FIVE(address) FIVE(address) FIVE(address)                                    \
        FIVE(address) "\",\"ed25519\":\"" EIGHT(key) EIGHT(key) EIGHT(key)                         \
            EIGHT(key) "\",\"consensus_bond\":10000000000,\"chain_tip\":\"" EIGHT("05")            \
                EIGHT("05") EIGHT("05") EIGHT("05") "\",\"chain_length\":9}"

typedef struct {
    const char *from; // text of `good` …
    const char *to;   // … replaced by this
    assay_status status;
} change;

static const change bad[] = {
    {"\"version\":1", "\"version\":2", ASSAY_VERSION},
    {"\"version\":1,", "", ASSAY_MISSING},
    {"\"chain_id\":7", "\"chain_id\":0", ASSAY_RANGE},
    {"\"chain_id\":7", "\"chain_id\":\"9223372036854775808\"", ASSAY_RANGE},
    {"\"time\":\"1700000000\"", "\"time\":137438953473", ASSAY_RANGE},
    {"\"name\":\"t\"", "\"name\":\"\"", ASSAY_RANGE},
    {"\"name\":\"t\"", "\"name\":\"\\n\"", ASSAY_FORMAT},
    {"\"name\":\"t\"", "\"name\":\"\\u0085\"", ASSAY_FORMAT},
    {"\"name\":\"t\"", "\"name\":\"\\u00a0\"", ASSAY_OK},
    {"\"testnet\":true", "\"testnet\":1", ASSAY_FORMAT},
    {"\"testnet\":true,", "", ASSAY_MISSING},
    {"\"samples\":2", "\"sample\":2", ASSAY_UNKNOWN},
    {"\"samples\":2", "\"samples\":0", ASSAY_RANGE},
    {"\"samples\":2", "\"samples\":65", ASSAY_RANGE},
    {"\"samples\":2", "\"samples\":2,\"samples\":2", ASSAY_DUPLICATE},
    {"\"samples\":2", "\"max_royalty_ppm\":300001", ASSAY_RANGE},
    {"\"samples\":2", "\"burn_ppm\":350001", ASSAY_RANGE},
    {"\"samples\":2", "\"consensus_bond_min\":10000000001", ASSAY_RANGE},
    {"\"balance\":5", "\"balance\":0", ASSAY_RANGE},
    {"\"balance\":5", "\"balance\":\"9223372026854775802\"", ASSAY_RANGE}, // supply 2^63
    {"\"balance\":5", "\"balance\":-1", ASSAY_FORMAT},
    {"0x02020202", "0x01020202", ASSAY_OK},
    {"0x0202020202020202020202020202020202020202", "0x0101010101010101010101010101010101010101",
     ASSAY_DUPLICATE},
    {"0x0202020202020202020202020202020202020202", "0x0000000000000000000000000000000000000000",
     ASSAY_RANGE},
    {"0x0202020202020202020202020202020202020202", "0x02", ASSAY_FORMAT},
    {"0x0303030303030303030303030303030303030303", "0x0000000000000000000000000000000000000000",
     ASSAY_RANGE},
    {"\"consensus_bond\":10000000000", "\"consensus_bond\":9999999999", ASSAY_RANGE},
    {"\"chain_length\":9", "\"chain_length\":0", ASSAY_RANGE},
    {"\"chain_length\":9", "\"chain_length\":\"1099511627776\"", ASSAY_OK},
    {"\"chain_length\":9", "\"chain_length\":\"1099511627777\"", ASSAY_RANGE},
    {"\"samples\":2", "\"escalation_rounds\":2", ASSAY_RANGE},
    {"\"samples\":2", "\"settle_max\":2049,\"samples\":2", ASSAY_RANGE},
    {"\"chain_length\":9", "\"chain_length\":9,\"more\":1", ASSAY_UNKNOWN},
    {"\"distributor\"", "\"distributer\"", ASSAY_UNKNOWN},
    {"\"validators\":[", "\"validators\":[5,", ASSAY_FORMAT},
    {"\"validators\":[", "\"validators\":[" SECOND("07", "08") ",", ASSAY_OK},
    {"\"validators\":[", "\"validators\":[" SECOND("03", "08") ",", ASSAY_DUPLICATE},
    {"\"validators\":[", "\"validators\":[" SECOND("07", "04") ",", ASSAY_DUPLICATE},
};

// P-21, P-22
static void test_bad(void **state) {
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[2048];
        const char *at = strstr(good, bad[i].from);
        assert_non_null(at);
        int size = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, bad[i].to,
                            at + strlen(bad[i].from));
        assay_genesis genesis;
        assay_error err = {0};
        assay_status status = assay_genesis_parse(&genesis, text, (size_t)size, &err);
        if (status != bad[i].status) fail_msg("%s: status %d: %s", bad[i].to, status, err.text);
        assay_genesis_close(&genesis);
    }
}

// P-21: what stands on a limit is within it; an account has something, wherever it comes from.
static void test_limits(void **state) {
    assay_genesis genesis;
    must(assay_genesis_parse(&genesis, good, sizeof good - 1, err));
    genesis.time = UINT64_C(1) << 37;
    genesis.chain_id = INT64_MAX;
    genesis.validators[0].chain_length = UINT64_C(1) << 40;
    genesis.accounts[0].balance = INT64_MAX - 10 * CHAIN_OPEN - 5; // a supply of 2^63 - 1
    must(assay_genesis_seal(&genesis, err));
    assert_int_equal(genesis.supply, INT64_MAX);
    genesis.accounts[0].balance = 0;
    assert_int_equal(assay_genesis_seal(&genesis, NULL), ASSAY_RANGE);
    assay_genesis_close(&genesis);
}

// P-21: 1 to 256 validators, in the order of their addresses whatever the file's.
static void test_validator_counts(void **state) {
    static const uint32_t counts[] = {0, 1, 256, 257};
    static const assay_status statuses[] = {ASSAY_RANGE, ASSAY_OK, ASSAY_OK, ASSAY_CAPACITY};
    for (int i = 0; i < 4; i++) {
        assay_genesis genesis = {.chain_id = 1, .name = "many", .validator_count = counts[i]};
        const assay_genesis_validator *operator;
        assay_params_init(&genesis.params);
        genesis.validators = calloc(257, sizeof *genesis.validators);
        for (uint32_t j = 0; j < 257; j++) {
            assay_genesis_validator *entry = &genesis.validators[j];
            assay_store_be32(entry->address.bytes, 300 - j);
            assay_store_be32(entry->ed25519, j);
            entry->consensus_bond = 10 * CHAIN_OPEN;
            entry->chain_length = 1;
        }
        assert_int_equal(assay_genesis_seal(&genesis, NULL), statuses[i]);
        if (statuses[i] == ASSAY_OK) {
            assert_int_equal(genesis.supply, counts[i] * 10 * CHAIN_OPEN);
            assert_int_equal(assay_load_be32(genesis.validators[0].address.bytes), 301 - counts[i]);
            assert_int_equal(assay_genesis_operator(&operator, & genesis, NULL),
                             counts[i] == 1 ? ASSAY_OK : ASSAY_RANGE);
        }
        assay_genesis_close(&genesis);
    }
}

// P-22: each limit of each param, alone.
static void test_param_limits(void **state) {
#define X(name, value, min, max)                                                                   \
    {                                                                                              \
        assay_params params;                                                                       \
        assay_params_init(&params);                                                                \
        params.burn_ppm = params.max_royalty_ppm = params.data_ppm = params.validators_ppm = 0;    \
        params.name = (max);                                                                       \
        bool over = params.max_royalty_ppm == ASSAY_PPM || params.settle_max == 4096;              \
        assert_int_equal(assay_params_check(&params, NULL), over ? ASSAY_RANGE : ASSAY_OK);        \
        params.name = (min);                                                                       \
        assert_int_equal(assay_params_check(&params, NULL), ASSAY_OK);                             \
        params.name = (max) + 1;                                                                   \
        assert_int_equal(assay_params_check(&params, NULL), ASSAY_RANGE);                          \
        params.name = (uint64_t)(min)-1;                                                           \
        assert_int_equal(assay_params_check(&params, NULL), ASSAY_RANGE);                          \
    }
    ASSAY_PARAM_LIST(X)
#undef X
    // A block opens no more cases than it closes.
    static const uint64_t pairs[][3] = {{4096, 1, 1}, {64, 64, 1}, {1365, 3, 1}, {1366, 3, 0}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assay_params params;
        assay_params_init(&params);
        params.settle_max = pairs[i][0];
        params.samples = pairs[i][1];
        assert_int_equal(assay_params_check(&params, NULL), pairs[i][2] ? ASSAY_OK : ASSAY_RANGE);
    }
}

// P-23
static void test_windows(void **state) {
    assay_params params;
    assay_params_init(&params);
    assert_int_equal(assay_params_window(&params), 2 * 2 + 288 + 8 * (60 + 20) + 2 * 40);
    assert_int_equal(assay_params_unbond_blocks(&params), 1012 + 2 * 1000 + 1000000);
    assert_int_equal(assay_params_epoch(&params, 1), 0);
    assert_int_equal(assay_params_epoch(&params, 1000), 0);
    assert_true(assay_params_epoch_ends(&params, 1000));
    assert_int_equal(assay_params_epoch(&params, 1001), 1);
    assert_false(assay_params_epoch_ends(&params, 1001));
}

// P-23: power does not outlive its bond, unless the genesis says that it is for tests.
static void test_unbonding_time(void **state) {
    static const uint64_t least[][3] = {
        // step, epoch, trust: with W = 1012 just enough for 10, 1,500, 9, 2, 1,500,000 epochs more
        {166666, 1000, 8988}, {1000, 1000, 1498988}, {166667, 1000, 7988},
        {1000000, 507, 2},    {1, 66, 98998988},     {166666, 101, 0},
    };
    for (size_t i = 0; i < sizeof least / sizeof *least; i++) {
        assay_params params;
        assay_error err = {0};
        assay_params_init(&params);
        params.power_step_ppm = least[i][0];
        params.epoch_blocks = least[i][1];
        params.unbond_trust_blocks = least[i][2];
        assert_int_equal(assay_params_unbond_check(&params, &err), ASSAY_OK);
        params.epoch_blocks += least[i][2] == 0;
        params.unbond_trust_blocks -= least[i][2] > 0;
        assert_int_equal(assay_params_unbond_check(&params, &err), ASSAY_RANGE);
        if (i == 0)
            assert_string_equal(err.text, "bonds leave after 11999 blocks, power needs up to "
                                          "12000, the least for a chain that is no testnet");
    }
}

// The same in a file.
static void test_unbonding_of_a_testnet(void **state) {
    static const char *const params[] = {"{\"unbond_trust_blocks\":8987}",
                                         "{\"unbond_trust_blocks\":8988}", "{}"};
    for (int i = 0; i < 6; i++) {
        char text[2048];
        const char *a = strstr(good, "true"), *b = strstr(good, "{\"samples\"");
        int size = snprintf(text, sizeof text, "%.*s%s%.*s%s%s", (int)(a - good), good,
                            i % 2 ? "true" : "false", (int)(b - a - 4), a + 4, params[i / 2],
                            strstr(b, "}") + 1);
        assay_genesis genesis;
        assert_int_equal(assay_genesis_parse(&genesis, text, (size_t)size, NULL),
                         i == 0 ? ASSAY_RANGE : ASSAY_OK);
        assay_genesis_close(&genesis);
    }
}

// The file on disk: absent, and read.
static void test_file(void **state) {
    char path[] = "/tmp/assay_genesis_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, good, sizeof good - 1), sizeof good - 1);
    close(file);
    assay_genesis genesis;
    must(assay_genesis_read(&genesis, path, err));
    assert_string_equal(genesis.name, "t");
    assay_genesis_close(&genesis);
    unlink(path);
    assert_int_equal(assay_genesis_read(&genesis, path, NULL), ASSAY_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_param_limits),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_validator_counts),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_unbonding_time),
        cmocka_unit_test(test_unbonding_of_a_testnet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
