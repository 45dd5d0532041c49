// SPDX-License-Identifier: Apache-2.0
// E-30, E-31: what a chain's handing over writes for CometBFT.
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "node/comet/home.h"
#include "tests/folder.h"
#include "tests/test.h"

static char folder[] = "/tmp/assay-comet-home-XXXXXX";
static const uint8_t seed[ASSAY_ED25519_KEY_SIZE] = {9};

static assay_genesis genesis_of(void) {
    assay_genesis genesis = {.chain_id = 77, .hash = {{0xab, 0xcd}}};
    assay_params_init(&genesis.params);
    return genesis;
}

static json_t *file_json(const char *name) {
    char path[128];
    json_t *document;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(assay_json_read_many(&document, path, 1 << 20, SIZE_MAX, NULL), ASSAY_OK);
    return document;
}

static const char *text_at(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

static void a_moved_chain_goes_on(void **unused) {
    const assay_genesis genesis = genesis_of();
    assay_validator_update validator = {.power = 100};
    const assay_comet_start start = {.genesis = &genesis,
                                     .height = 41,
                                     .app_hash = {{0xfe}},
                                     .time = {1700000000, 5000000},
                                     .validators = &validator,
                                     .validator_count = 1};
    assay_error err = {0};
    assert_int_equal(assay_ed25519_public(validator.ed25519, seed, &err), ASSAY_OK);
    assert_int_equal(assay_comet_home_prepare(folder, &start, seed, false, &err), ASSAY_OK);
    assert_int_equal(assay_comet_home_write(folder, &start, seed, &err), ASSAY_OK);
    json_t *document = file_json("config/genesis.json");
    assert_string_equal(text_at(document, "initial_height"), "42");
    assert_string_equal(text_at(document, "chain_id"), "assay-77-abcd000000000000");
    assert_string_equal(text_at(document, "genesis_time"), "2023-11-14T22:13:20.005000000Z");
    assert_int_equal(strlen(text_at(document, "app_hash")), 64);
    assert_memory_equal(text_at(document, "app_hash"), "FE00", 4);
    const json_t *evidence =
        json_object_get(json_object_get(document, "consensus_params"), "evidence");
    uint64_t blocks;
    assert_int_equal(assay_json_u64(&blocks, evidence, "max_age_num_blocks", 1, INT64_MAX, NULL),
                     ASSAY_OK);
    assert_true(blocks < assay_params_unbond_blocks(&genesis.params));
    assert_string_equal(text_at(evidence, "max_age_duration"), "1");
    json_decref(document);
    // Nothing at or below the height is signed again, and nobody else reads the key.
    document = file_json("data/priv_validator_state.json");
    assert_string_equal(text_at(document, "height"), "41");
    assert_int_equal(json_integer_value(json_object_get(document, "step")), 3);
    json_decref(document);
    struct stat info;
    char path[128];
    snprintf(path, sizeof path, "%s/config/priv_validator_key.json", folder);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    // A second time nothing is written, but where the first did not end; and then nothing that
    // CometBFT has signed since is forgotten.
    assert_int_equal(assay_comet_home_prepare(folder, &start, seed, false, &err), ASSAY_EXISTS);
    snprintf(path, sizeof path, "%s/data/priv_validator_state.json", folder);
    static const char later[] = "{\"height\": \"50\", \"round\": 1, \"step\": 2}";
    assert_int_equal(assay_file_replace(path, later, strlen(later), 0600, NULL), ASSAY_OK);
    assert_int_equal(assay_comet_home_prepare(folder, &start, seed, true, &err), ASSAY_OK);
    assert_int_equal(assay_comet_home_write(folder, &start, seed, &err), ASSAY_OK);
    document = file_json("data/priv_validator_state.json");
    assert_string_equal(text_at(document, "height"), "50");
    json_decref(document);
    // Neither is another key taken for this one, nor a key whose signatures are not known.
    static const uint8_t other[ASSAY_ED25519_KEY_SIZE] = {8};
    assert_int_equal(assay_comet_home_prepare(folder, &start, other, true, &err), ASSAY_EXISTS);
    assert_int_equal(remove(path), 0);
    assert_int_equal(assay_comet_home_prepare(folder, &start, seed, true, &err), ASSAY_NOT_FOUND);
    // A key that has signed elsewhere signs nothing at that height in any round.
    snprintf(path, sizeof path, "%s/config/priv_validator_key.json", folder);
    assert_int_equal(remove(path), 0);
    assay_comet_start again = start;
    again.signed_to = 60;
    assert_int_equal(assay_comet_home_prepare(folder, &again, seed, false, &err), ASSAY_OK);
    assert_int_equal(assay_comet_home_write(folder, &again, seed, &err), ASSAY_OK);
    document = file_json("data/priv_validator_state.json");
    assert_string_equal(text_at(document, "height"), "60");
    assert_int_equal(json_integer_value(json_object_get(document, "round")), INT32_MAX);
    assert_int_equal(json_integer_value(json_object_get(document, "step")), 3);
    json_decref(document);
}

static int folder_open(void **unused) {
    test_folder_make(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_moved_chain_goes_on)};
    return cmocka_run_group_tests(tests, folder_open, NULL);
}
