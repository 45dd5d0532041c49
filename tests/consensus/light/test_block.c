// SPDX-License-Identifier: Apache-2.0
// E-40, E-41: light blocks as JSON, every part of it bent in turn.
#include "tests/consensus/light/light.h"

// The new block of the vectors' first good pair.
static json_t *sample(void) {
    json_t *root = vectors_read("light.json");
    json_t *block =
        json_deep_copy(json_object_get(json_array_get(vectors_at(root, "cases"), 0), "block"));
    json_decref(root);
    return block;
}

static assay_status parse(const json_t *object, assay_error *err) {
    assay_arena arena;
    assay_light_block block;
    assay_arena_init(&arena, ASSAY_LIGHT_ARENA_MAX);
    assay_status status = assay_light_document_read(&block, object, &arena, err);
    assay_arena_close(&arena);
    return status;
}

// The object that holds a path's last name, lists by number: "signed_header.commit.signatures.0".
static json_t *holder(json_t *root, const char *path, char *last, size_t size) {
    for (;;) {
        size_t length = strcspn(path, ".");
        snprintf(last, size, "%.*s", (int)length, path);
        if (!path[length]) return root;
        root = json_is_array(root) ? json_array_get(root, (size_t)strtoul(last, NULL, 10))
                                   : json_object_get(root, last);
        assert_non_null(root);
        path += length + 1;
    }
}

#define HEADER    "signed_header.header."
#define COMMIT    "signed_header.commit."
#define SIGNATURE COMMIT "signatures.0."
#define VALIDATOR "validators.0."
#define ZEROS32   "00000000000000000000000000000000"

static const struct {
    const char *path, *value; // value NULL: the member is left out
    assay_status status;
    const char *sentence;
} cases[] = {
    {"more", "1", ASSAY_UNKNOWN, "light block has an unknown member \"more\""},
    {"signed_header", NULL, ASSAY_MISSING, "signed_header is missing"},
    {"signed_header", "[]", ASSAY_FORMAT, "signed_header is not an object"},
    {"signed_header.header", NULL, ASSAY_MISSING, "header is missing"},
    {"signed_header.commit", "null", ASSAY_FORMAT, "commit is not an object"},
    {"signed_header.more", "1", ASSAY_UNKNOWN, "signed header has an unknown member \"more\""},
    {HEADER "more", "1", ASSAY_UNKNOWN, "header has an unknown member"},
    {HEADER "version.more", "1", ASSAY_UNKNOWN, "version has an unknown member"},
    {HEADER "last_block_id.more", "1", ASSAY_UNKNOWN, "last_block_id has an unknown member"},
    {HEADER "last_block_id.parts.more", "1", ASSAY_UNKNOWN, "parts has an unknown member"},
    {COMMIT "more", "1", ASSAY_UNKNOWN, "commit has an unknown member"},
    {SIGNATURE "more", "1", ASSAY_UNKNOWN, "signature has an unknown member"},
    {VALIDATOR "more", "1", ASSAY_UNKNOWN, "validator has an unknown member"},
    {VALIDATOR "pub_key.more", "1", ASSAY_UNKNOWN, "pub_key has an unknown member"},
    {HEADER "version.block", "\"-1\"", ASSAY_FORMAT, "block is not a whole number"},
    {HEADER "version.app", "\"18446744073709551616\"", ASSAY_FORMAT, "app is not a whole number"},
    {HEADER "chain_id", NULL, ASSAY_MISSING, "chain_id is missing"},
    {HEADER "chain_id", "7", ASSAY_FORMAT, "chain_id is not a text"},
    {HEADER "chain_id", "\"123456789012345678901234567890123456789012345678901\"", ASSAY_CAPACITY,
     "chain_id has 51 bytes, limit 50"},
    {HEADER "height", "\"0\"", ASSAY_RANGE, "height is 0"},
    {HEADER "height", "\"9223372036854775808\"", ASSAY_RANGE, "height is 9223372036854775808"},
    {HEADER "height", "\"07\"", ASSAY_FORMAT, "height is not a whole number"},
    {HEADER "height", "1.5", ASSAY_FORMAT, "height is not a whole number"},
    {HEADER "time", "\"2026-02-29T00:00:00Z\"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"2026-04-31T00:00:00Z\"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"2026-00-01T00:00:00Z\"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"2026-13-01T00:00:00Z\"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"2026-01-01T24:00:00Z\"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"2026-01-01T00:60:00Z\"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"2026-01-01T00:00:60Z\"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"2026-01-01T00:00:00.Z\"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"2026-01-01T00:00:00.1234567890Z\"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"2026-01-01T00:00:00+00:00\"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"2026-01-01T00:00:00Z \"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"2026-01-01\"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"\"", ASSAY_FORMAT, "is no time in UTC"},
    {HEADER "time", "\"1969-12-31T23:59:59Z\"", ASSAY_RANGE, "is before 1970"},
    {HEADER "time", "\"0001-01-01T00:00:00Z\"", ASSAY_RANGE, "is before 1970"},
    {HEADER "data_hash", "\"00\"", ASSAY_FORMAT, "data_hash has 1 bytes, not 32"},
    {HEADER "data_hash", "\"" ZEROS32 "\"", ASSAY_FORMAT, "data_hash has 16 bytes, not 32"},
    {HEADER "data_hash", "\"" ZEROS32 ZEROS32 "0\"", ASSAY_FORMAT, "data_hash is not hexadecimal"},
    {HEADER "data_hash", "\"0x" ZEROS32 ZEROS32 "\"", ASSAY_FORMAT, "data_hash begins with 0x"},
    {HEADER "data_hash", "\"" ZEROS32 ZEROS32 ZEROS32 ZEROS32 "\"", ASSAY_FORMAT,
     "data_hash has 64 bytes, not 32"},
    {HEADER "last_results_hash", "\"" ZEROS32 ZEROS32 ZEROS32 ZEROS32 "\"", ASSAY_FORMAT,
     "last_results_hash has 64 bytes, not 32"},
    {HEADER "data_hash", "7", ASSAY_FORMAT, "data_hash is no text"},
    {HEADER "app_hash", "\"" ZEROS32 ZEROS32 ZEROS32 ZEROS32 "00\"", ASSAY_CAPACITY,
     "app_hash has 65 bytes, limit 64"},
    {HEADER "proposer_address", "\"\"", ASSAY_FORMAT, "proposer_address has 0 bytes, not 20"},
    {HEADER "proposer_address", "\"" ZEROS32 "000000\"", ASSAY_FORMAT, "has 19 bytes, not 20"},
    {HEADER "last_block_id.hash", "\"00\"", ASSAY_FORMAT, "last_block_id has hashes of 1 and"},
    {HEADER "last_block_id.parts", NULL, ASSAY_MISSING, "part_set_header is missing"},
    {HEADER "last_block_id.parts.total", "4294967296", ASSAY_RANGE, "total is 4294967296"},
    {COMMIT "height", "\"0\"", ASSAY_RANGE, "height is 0"},
    {COMMIT "round", "2147483648", ASSAY_RANGE, "round is 2147483648"},
    {COMMIT "round", "-1", ASSAY_FORMAT, "round is not a whole number"},
    {COMMIT "signatures", "{}", ASSAY_FORMAT, "signatures is not a list"},
    {COMMIT "signatures.0", "null", ASSAY_FORMAT, "signature is not an object"},
    {SIGNATURE "block_id_flag", "0", ASSAY_RANGE, "block_id_flag is 0"},
    {SIGNATURE "block_id_flag", "4", ASSAY_RANGE, "block_id_flag is 4"},
    {SIGNATURE "validator_address", "\"00\"", ASSAY_FORMAT, "validator_address has 1 bytes"},
    {SIGNATURE "timestamp", NULL, ASSAY_MISSING, "timestamp is missing"},
    {SIGNATURE "timestamp", "\"0000-12-31T23:59:59Z\"", ASSAY_FORMAT, "is no time in UTC"},
    {SIGNATURE "signature", "null", ASSAY_FORMAT, "signature is not a text"},
    {SIGNATURE "signature", "\"AAAA\"", ASSAY_FORMAT, "signature has 3 bytes, not 64"},
    {SIGNATURE "signature", "\"====\"", ASSAY_FORMAT, ""},
    {"validators", "[]", ASSAY_CAPACITY, "0 validators, at least 1"},
    {"validators", "{}", ASSAY_FORMAT, "validators is not a list"},
    {VALIDATOR "address", "\"" ZEROS32 "00000000\"", ASSAY_MISMATCH, "not that of its key"},
    {VALIDATOR "pub_key", "null", ASSAY_FORMAT, "pub_key is not an object"},
    {VALIDATOR "pub_key.type", "\"tendermint/PubKeySecp256k1\"", ASSAY_UNSUPPORTED,
     "a validator's key is of type tendermint/PubKeySecp256k1"},
    {VALIDATOR "pub_key.value", "\"AAAA\"", ASSAY_FORMAT, "value has 3 bytes, not 32"},
    {VALIDATOR "voting_power", "\"0\"", ASSAY_RANGE, "voting_power is 0"},
    {VALIDATOR "voting_power", "\"-1\"", ASSAY_FORMAT, "voting_power is not a whole number"},
    {VALIDATOR "voting_power", "\"1152921504606846976\"", ASSAY_RANGE, "voting_power is 1152921"},
    {VALIDATOR "voting_power", "\"1152921504606846975\"", ASSAY_RANGE, "power passes"},
};

static void every_part_is_refused_by_name(void **unused) {
    json_t *good = sample();
    must(parse(good, err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *bent = json_deep_copy(good), *value = NULL;
        char last[64];
        json_t *object = holder(bent, cases[i].path, last, sizeof last);
        if (cases[i].value) {
            value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
            assert_non_null(value);
        }
        if (json_is_array(object))
            json_array_set_new(object, (size_t)strtoul(last, NULL, 10), value);
        else if (value)
            json_object_set_new(object, last, value);
        else
            json_object_del(object, last);
        assay_error why = {0};
        assay_status status = parse(bent, &why);
        if (status != cases[i].status || !strstr(why.text, cases[i].sentence))
            fail_msg("%s = %s: %s \"%s\", expected %s \"%s\"", cases[i].path, cases[i].value,
                     assay_status_name(status), why.text, assay_status_name(cases[i].status),
                     cases[i].sentence);
        json_decref(bent);
    }
    json_decref(good);
}

// E-40: what CometBFT's nodes say beside a light block is refused, and can be left out.
static void priorities_are_left_out(void **unused) {
    json_t *block = sample(), *one;
    size_t i;
    assay_error why = {0};
    json_array_foreach(json_object_get(block, "validators"), i, one)
        json_object_set_new(one, "proposer_priority", json_string("-7"));
    assert_int_equal(parse(block, &why), ASSAY_UNKNOWN);
    assay_light_document_strip(block);
    must(parse(block, err));
    json_decref(block);
}

// Before anything is allocated for them.
static void too_many_are_refused(void **unused) {
    json_t *block = sample(), *validators = json_object_get(block, "validators");
    json_t *signatures = json_object_get(vectors_at(block, "signed_header.commit"), "signatures");
    assay_error why = {0};
    while (json_array_size(signatures) <= ASSAY_LIGHT_VALIDATORS_MAX)
        json_array_append(signatures, json_array_get(signatures, 0));
    assert_int_equal(parse(block, &why), ASSAY_CAPACITY);
    assert_string_equal(why.text, "signatures has 10001 entries, limit 10000");
    json_array_clear(signatures);
    while (json_array_size(validators) <= ASSAY_LIGHT_VALIDATORS_MAX)
        json_array_append(validators, json_array_get(validators, 0));
    assert_int_equal(parse(block, &why), ASSAY_CAPACITY);
    json_decref(block);
}

// A set of the greatest size fits into the arena that is meant for it, checks and all.
static void the_greatest_set_fits(void **unused) {
    json_t *block = sample(), *validators = json_object_get(block, "validators");
    json_t *signatures = json_object_get(vectors_at(block, "signed_header.commit"), "signatures");
    json_object_set_new(json_array_get(validators, 0), "voting_power", json_string("1"));
    json_array_clear(signatures);
    json_t *absent = json_pack("{s:i}", "block_id_flag", ASSAY_LIGHT_ABSENT);
    json_t *one = json_incref(json_array_get(validators, 0));
    json_array_clear(validators);
    for (int i = 0; i < ASSAY_LIGHT_VALIDATORS_MAX; i++) {
        json_array_append(signatures, absent);
        json_array_append(validators, one);
    }
    assay_arena arena;
    assay_light_block big;
    assay_hash hash;
    assay_arena_init(&arena, ASSAY_LIGHT_ARENA_MAX);
    must(assay_light_document_read(&big, block, &arena, err));
    must(assay_light_set_hash(&hash, &big.set, &arena, err));
    assert_int_equal(big.set.power, ASSAY_LIGHT_VALIDATORS_MAX);
    assay_arena_close(&arena);
    json_decref(absent);
    json_decref(one);
    json_decref(block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_refused_by_name),
        cmocka_unit_test(priorities_are_left_out),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(the_greatest_set_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
