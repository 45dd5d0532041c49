// SPDX-License-Identifier: Apache-2.0
// A node's folder (F-45): what is made, what is read, what is refused.

#include "tests/test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "node/home/home.h"
#include "tests/folder.h"

static char folder[] = "/tmp/assay-home-XXXXXX";

static assay_status config_parse(assay_config *config, const char *text, assay_error *err) {
    return assay_config_parse(config, text, strlen(text), err);
}

static void configs_have_defaults(void **state) {
    assay_config config, defaults;
    assay_config_init(&defaults);
    assert_int_equal(config_parse(&config, "{\"version\":1}", NULL), ASSAY_OK);
    assert_memory_equal(&config, &defaults, sizeof config);
    assert_string_equal(config.listen, "127.0.0.1:26650");
    assert_int_equal(config_parse(&config,
                                  "{\"version\":1,\"listen\":\"[::1]:7\",\"block_ms\":0,"
                                  "\"body_max\":1024,\"connections_max\":1,"
                                  "\"requests_per_second\":0,\"map_gib\":65536}",
                                  NULL),
                     ASSAY_OK);
    assert_string_equal(config.listen, "[::1]:7");
    assert_int_equal(config.block_ms, 0);
    assert_int_equal(config.body_max, 1024);
    assert_int_equal(config.connections_max, 1);
    assert_int_equal(config.requests_per_second, 0);
    assert_int_equal(config.map_gib, 65536);
}

static void bad_configs_are_refused(void **state) {
    static const struct {
        const char *text;
        assay_status status;
        const char *part;
    } cases[] = {
        {"", ASSAY_CONFIG, "config line 1"},
        {"{", ASSAY_CONFIG, "config line 1"},
        {"[]", ASSAY_CONFIG, "version is missing"},
        {"{}", ASSAY_CONFIG, "version is missing"},
        {"{\"version\":0}", ASSAY_CONFIG, "version is 0, limits 1"},
        {"{\"version\":2}", ASSAY_VERSION, "layout version 2, this program knows up to 1"},
        // A newer layout is told as such, whatever else it holds.
        {"{\"version\":2,\"novel\":true}", ASSAY_VERSION, "layout version 2"},
        {"{\"version\":1,\"novel\":true}", ASSAY_CONFIG, "unknown member \"novel\""},
        {"{\"version\":1,\"version\":1}", ASSAY_CONFIG, "version"},
        {"{\"version\":1} x", ASSAY_CONFIG, "line 1"},
        {"{\"version\":1,\"block_ms\":-1}", ASSAY_CONFIG, "block_ms is not a whole number"},
        {"{\"version\":1,\"block_ms\":1.5}", ASSAY_CONFIG, "block_ms is not a whole number"},
        {"{\"version\":1,\"block_ms\":3600001}", ASSAY_CONFIG,
         "block_ms is 3600001, limits 0 to 3600000"},
        {"{\"version\":1,\"body_max\":1023}", ASSAY_CONFIG, "body_max is 1023, limits 1024"},
        {"{\"version\":1,\"connections_max\":0}", ASSAY_CONFIG, "connections_max is 0, limits 1"},
        {"{\"version\":1,\"map_gib\":0}", ASSAY_CONFIG, "map_gib is 0, limits 1"},
        {"{\"version\":1,\"snapshot_keep\":11}", ASSAY_CONFIG,
         "snapshot_keep is 11, limits 1 to 10"},
        {"{\"version\":1,\"exported\":\"comet\"}", ASSAY_CONFIG, "exported is no whole path"},
        {"{\"version\":1,\"export_begun\":7}", ASSAY_CONFIG, "export_begun is not a text"},
        {"{\"version\":1,\"listen\":7}", ASSAY_CONFIG, "listen is not a text"},
        {"{\"version\":1,\"listen\":\"nowhere\"}", ASSAY_CONFIG, "\"nowhere\" is not HOST:PORT"},
        {"{\"version\":1,\"listen\":\"127.0.0.1:99999\"}", ASSAY_CONFIG, "port is 99999"},
        {"{\"version\":1,\"listen\":\"0123456789012345678901234567890123456789012345678901234567890"
         "123456789012345678901234567890\"}",
         ASSAY_CONFIG, "listen has 91 bytes, limit 79"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_config config;
        assay_error err = {0};
        assay_status status = config_parse(&config, cases[i].text, &err);
        if (status != cases[i].status || !strstr(err.text, cases[i].part))
            fail_msg("%s: %s \"%s\"", cases[i].text, assay_status_name(status), err.text);
    }
    static char large[ASSAY_HOME_FILE_MAX + 1];
    memset(large, ' ', sizeof large);
    assay_config config;
    assert_int_equal(assay_config_parse(&config, large, sizeof large, NULL), ASSAY_CONFIG);
}

static void genesis_make(assay_genesis *genesis) {
    assay_error err = {0};
    *genesis = (assay_genesis){.chain_id = 9, .name = "test", .time = 1};
    assay_params_init(&genesis->params);
    genesis->validators = calloc(1, sizeof *genesis->validators);
    genesis->validator_count = 1;
    memset(genesis->validators[0].address.bytes, 7, ASSAY_ADDRESS_SIZE);
    memset(genesis->validators[0].ed25519, 8, sizeof genesis->validators[0].ed25519);
    genesis->validators[0].consensus_bond = UINT64_C(100000000000);
    genesis->validators[0].chain_length = 5;
    if (assay_genesis_seal(genesis, &err) != ASSAY_OK) fail_msg("%s", err.text);
}

static const char *in_home(const char *name) {
    static char path[PATH_MAX];
    assert_int_equal(assay_path_join(path, sizeof path, folder, name, NULL), ASSAY_OK);
    return path;
}

static unsigned mode_of(const char *name) {
    struct stat info;
    assert_int_equal(stat(in_home(name), &info), 0);
    return info.st_mode & 0777;
}

static void home_remove(void) {
    static const char *const names[] = {"h/config.json", "h/genesis.json", "h/operator.json"};
    for (size_t i = 0; i < 3; i++)
        unlink(in_home(names[i]));
    rmdir(in_home("h"));
}

static void home_make(assay_config *config, assay_genesis *genesis, assay_operator *secrets) {
    assay_error err = {0};
    home_remove();
    assay_config_init(config);
    config->block_ms = 77;
    genesis_make(genesis);
    *secrets = (assay_operator){.beacon_length = 5};
    memset(secrets->ed25519_seed, 3, sizeof secrets->ed25519_seed);
    memset(secrets->beacon_seed.bytes, 4, ASSAY_HASH_SIZE);
    if (assay_home_create(in_home("h"), config, genesis, secrets, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
}

static void homes_come_back_as_made(void **state) {
    assay_config config;
    assay_genesis genesis;
    assay_operator secrets, back;
    assay_home home;
    home_make(&config, &genesis, &secrets);
    assert_int_equal(mode_of("h"), 0700);
    assert_int_equal(mode_of("h/operator.json"), 0600);
    assert_int_equal(assay_home_open(&home, in_home("h"), NULL), ASSAY_OK);
    assert_string_equal(home.path, in_home("h"));
    assert_memory_equal(&home.config, &config, sizeof config);
    assert_memory_equal(&home.genesis.hash, &genesis.hash, sizeof genesis.hash);
    assay_home_close(&home);
    assert_int_equal(assay_operator_read(&back, in_home("h"), NULL), ASSAY_OK);
    assert_memory_equal(&back, &secrets, sizeof back);
    assay_operator_clear(&back);
    const assay_operator none = {{0}, {{0}}, 0};
    assert_memory_equal(&back, &none, sizeof back);
    // Nothing there is ever written over.
    assert_int_equal(assay_home_create(in_home("h"), &config, &genesis, &secrets, NULL),
                     ASSAY_EXISTS);
    assert_int_equal(unlink(in_home("h/config.json")), 0);
    assert_int_equal(assay_home_create(in_home("h"), &config, &genesis, &secrets, NULL),
                     ASSAY_EXISTS);
    assay_genesis_close(&genesis);
    home_remove();
}

static void missing_files_are_told(void **state) {
    assay_config config;
    assay_genesis genesis;
    assay_operator secrets;
    assay_home home;
    assay_error err = {0};
    assert_int_equal(assay_home_open(&home, in_home("none"), &err), ASSAY_NOT_FOUND);
    assert_non_null(strstr(err.text, "none/config.json"));
    assay_home_close(&home);
    home_make(&config, &genesis, &secrets);
    assert_int_equal(unlink(in_home("h/genesis.json")), 0);
    assert_int_equal(assay_home_open(&home, in_home("h"), &err), ASSAY_NOT_FOUND);
    assert_non_null(strstr(err.text, "h/genesis.json"));
    assay_home_close(&home);
    assert_int_equal(unlink(in_home("h/operator.json")), 0);
    assert_int_equal(assay_operator_read(&secrets, in_home("h"), &err), ASSAY_NOT_FOUND);
    assert_non_null(strstr(err.text, "h/operator.json"));
    assay_genesis_close(&genesis);
    home_remove();
}

static void secrets_that_others_can_read_are_refused(void **state) {
    static const unsigned modes[] = {0640, 0604, 0660, 0644, 0610, 0777};
    assay_config config;
    assay_genesis genesis;
    assay_operator secrets;
    home_make(&config, &genesis, &secrets);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assay_error err = {0};
        assert_int_equal(chmod(in_home("h/operator.json"), modes[i]), 0);
        assert_int_equal(assay_operator_read(&secrets, in_home("h"), &err), ASSAY_PERMISSION);
        assert_non_null(strstr(err.text, "chmod 600"));
    }
    assert_int_equal(chmod(in_home("h/operator.json"), 0400), 0);
    assert_int_equal(assay_operator_read(&secrets, in_home("h"), NULL), ASSAY_OK);
    assay_genesis_close(&genesis);
    home_remove();
}

static void bad_secrets_are_refused(void **state) {
#define SEED "\"0303030303030303030303030303030303030303030303030303030303030303\""
    static const struct {
        const char *text;
        assay_status status;
    } cases[] = {
        {"{\"version\":1,\"ed25519_seed\":" SEED ",\"beacon_seed\":" SEED ",\"beacon_length\":5}",
         ASSAY_OK},
        {"{\"version\":2,\"ed25519_seed\":" SEED ",\"beacon_seed\":" SEED ",\"beacon_length\":5}",
         ASSAY_VERSION},
        {"{\"version\":1,\"ed25519_seed\":\"03\",\"beacon_seed\":" SEED ",\"beacon_length\":5}",
         ASSAY_FORMAT},
        {"{\"version\":1,\"beacon_seed\":" SEED ",\"beacon_length\":5}", ASSAY_MISSING},
        {"{\"version\":1,\"ed25519_seed\":" SEED ",\"beacon_seed\":" SEED ",\"beacon_length\":0}",
         ASSAY_RANGE},
        {"{\"version\":1,\"ed25519_seed\":" SEED ",\"beacon_seed\":" SEED
         ",\"beacon_length\":5,\"x\":1}",
         ASSAY_UNKNOWN},
        {"[]", ASSAY_MISSING},
        {"{", ASSAY_FORMAT},
    };
    const assay_operator none = {{0}, {{0}}, 0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_operator secrets;
        assert_int_equal(assay_file_replace(in_home("secrets"), cases[i].text,
                                            strlen(cases[i].text), 0600, NULL),
                         ASSAY_OK);
        assay_status status = assay_operator_load(&secrets, in_home("secrets"), NULL);
        if (status != cases[i].status) fail_msg("case %zu: %s", i, assay_status_name(status));
        // Half of a secret is not left lying about.
        if (status != ASSAY_OK && i < 6) assert_memory_equal(&secrets, &none, sizeof none);
    }
    assert_int_equal(unlink(in_home("secrets")), 0);
}

static int folder_make(void **state) {
    test_folder_make(folder);
    return 0;
}

static int folder_remove(void **state) {
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configs_have_defaults),
        cmocka_unit_test(bad_configs_are_refused),
        cmocka_unit_test(homes_come_back_as_made),
        cmocka_unit_test(missing_files_are_told),
        cmocka_unit_test(secrets_that_others_can_read_are_refused),
        cmocka_unit_test(bad_secrets_are_refused),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
