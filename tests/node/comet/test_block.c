// SPDX-License-Identifier: Apache-2.0
// E-91: blocks as CometBFT 0.39.4 told them (tests/vectors/comet_blocks.json), and each lie.
#include "consensus/light/block.h"
#include "node/comet/block.h"
#include "tests/vectors.h"

enum { ARENA_MAX = 1 << 20 };

// The recorded block of an index, as copies that may be changed.
typedef struct {
    json_t *block, *results;
    uint64_t height;
} answer;

static answer answer_of(size_t index) {
    json_t *all = vectors_read("comet_blocks.json");
    const json_t *one = json_array_get(json_object_get(all, "blocks"), index);
    answer out = {json_deep_copy(json_object_get(one, "block")),
                  json_deep_copy(json_object_get(one, "results")), 0};
    const json_t *header = json_object_get(json_object_get(out.block, "block"), "header");
    assert_int_equal(assay_json_u64(&out.height, header, "height", 1, 1000, NULL), ASSAY_OK);
    json_decref(all);
    return out;
}

static void answer_close(answer *one) {
    json_decref(one->block);
    json_decref(one->results);
}

static json_t *inner(const answer *one, const char *part) {
    return json_object_get(json_object_get(one->block, "block"), part);
}

static void recorded_blocks_are_read(void **unused) {
    for (size_t i = 0; i < 2; i++) {
        assay_arena arena;
        assay_block block;
        assay_error err = {0};
        assay_hash hash;
        answer one = answer_of(i);
        assay_arena_init(&arena, ARENA_MAX);
        if (assay_comet_block_read(&block, one.block, one.results, one.height, &arena, &err) !=
            ASSAY_OK)
            fail_msg("block %zu: %s", i, err.text);
        assert_int_equal(block.header.height, one.height);
        assert_int_equal(block.tx_count, i + 1); // a beacon, and a transfer in the second
        assay_header_hash(&hash, &block.header);
        assert_memory_equal(hash.bytes, block.commit.block.hash.bytes, ASSAY_HASH_SIZE);
        assert_int_equal(block.commit.height, 0);
        assert_int_equal(block.results[0].code, 0);
        assert_int_equal(block.results[0].data_size, ASSAY_HASH_SIZE);
        assert_int_equal(block.txs[0].data[0], 1); // P-6's version
        assert_false(assay_hash_is_zero(&block.app_hash_after));
        assay_arena_close(&arena);
        answer_close(&one);
    }
}

static void a_block_without_transactions(void **unused) {
    assay_arena arena;
    assay_block block;
    answer one = answer_of(0);
    assay_arena_init(&arena, ARENA_MAX);
    // CometBFT writes null for no list; the header must agree.
    json_object_set_new(inner(&one, "data"), "txs", json_null());
    json_object_set_new(one.results, "txs_results", json_null());
    assay_error err = {0};
    assert_int_equal(
        assay_comet_block_read(&block, one.block, one.results, one.height, &arena, &err),
        ASSAY_MISMATCH);
    assert_string_equal(err.text, "the transactions of block 1 are not its header's");
    assay_arena_close(&arena);
    answer_close(&one);
}

// Sets `member` of what a path names to a JSON text.
typedef struct {
    const char *part; // of the block: "header", "data"; "id"; "results"; "result": the first
    const char *member, *value;
    assay_status status;
    const char *text;
} lie;

static json_t *part_of(const answer *one, const char *part) {
    if (strcmp(part, "id") == 0) return json_object_get(one->block, "block_id");
    if (strcmp(part, "results") == 0) return one->results;
    if (strcmp(part, "result") == 0)
        return json_array_get(json_object_get(one->results, "txs_results"), 0);
    return inner(one, part);
}

static void lies_are_refused(void **unused) {
    static const lie lies[] = {
        {"header", "height", "\"999\"", ASSAY_MISMATCH, "a block of height 999, asked for"},
        {"header", "height", "\"-4\"", ASSAY_FORMAT, "height"},
        {"header", "time", "\"2026-11-29T17:14:10Z\"", ASSAY_MISMATCH, "does not have its hash"},
        {"header", "app_hash", "\"00\"", ASSAY_MISMATCH, "does not have its hash"},
        {"header", "app_hash", "7", ASSAY_FORMAT, "app_hash is no text"},
        {"header", "colour", "\"blue\"", ASSAY_UNKNOWN, "unknown member \"colour\""},
        {"id", "hash", "\"0011\"", ASSAY_FORMAT, "hashes of 2 and 32 bytes"},
        {"id", "hash", "\"\"", ASSAY_MISMATCH, "does not have its hash"},
        {"data", "txs", "[]", ASSAY_MISMATCH, "are not its header's"},
        {"data", "txs", "[\"AAAA\",\"AAAA\"]", ASSAY_MISMATCH, "are not its header's"},
        {"data", "txs", "[7]", ASSAY_FORMAT, "transaction 0 is no text"},
        {"data", "txs", "[\"A\"]", ASSAY_FORMAT, "base64"},
        {"data", "txs", "{}", ASSAY_FORMAT, "txs"},
        {"results", "txs_results", "[]", ASSAY_MISMATCH, "0 results for 2 transactions"},
        {"results", "txs_results", "null", ASSAY_MISMATCH, "0 results for 2 transactions"},
        {"results", "txs_results", "[1,2]", ASSAY_MISSING, "code"},
        {"results", "app_hash", "\"AAAA\"", ASSAY_FORMAT, "an app_hash of 3 bytes, not 32"},
        {"results", "app_hash", "null", ASSAY_FORMAT, "app_hash"},
        {"result", "code", "-1", ASSAY_FORMAT, "code"},
        {"result", "code", "4294967296", ASSAY_RANGE, "code"},
        {"result", "data", "\"====\"", ASSAY_FORMAT, ""},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        assay_arena arena;
        assay_block block;
        assay_error err = {0};
        answer one = answer_of(1);
        assay_arena_init(&arena, ARENA_MAX);
        json_t *value = json_loads(lies[i].value, JSON_DECODE_ANY, NULL);
        json_object_set_new(part_of(&one, lies[i].part), lies[i].member, value);
        assay_status status =
            assay_comet_block_read(&block, one.block, one.results, one.height, &arena, &err);
        if (status != lies[i].status || !strstr(err.text, lies[i].text))
            fail_msg("%s %s = %s: %s \"%s\"", lies[i].part, lies[i].member, lies[i].value,
                     assay_status_name(status), err.text);
        assay_arena_close(&arena);
        answer_close(&one);
    }
}

static void what_is_too_much_is_refused(void **unused) {
    assay_arena arena;
    assay_block block;
    assay_error err = {0};
    answer one = answer_of(1);
    json_t *many = json_array();
    for (int i = 0; i <= ASSAY_BLOCK_TXS_MAX; i++)
        json_array_append_new(many, json_string(""));
    json_object_set_new(inner(&one, "data"), "txs", many);
    assay_arena_init(&arena, ARENA_MAX);
    assert_int_equal(
        assay_comet_block_read(&block, one.block, one.results, one.height, &arena, &err),
        ASSAY_CAPACITY);
    assert_int_equal(arena.used, 0); // refused before anything is allocated
    answer_close(&one);
    one = answer_of(1);
    char data[2 * ASSAY_RESULT_DATA_MAX + 1];
    memset(data, 'A', sizeof data - 1);
    data[sizeof data - 1] = 0;
    json_object_set_new(part_of(&one, "result"), "data", json_string(data));
    assert_int_equal(
        assay_comet_block_read(&block, one.block, one.results, one.height, &arena, &err),
        ASSAY_CAPACITY);
    answer_close(&one);
    assay_arena_close(&arena);
}

// E-93: as CometBFT 0.39.4 writes evidence.
static void evidence_is_told_as_misbehaviour(void **unused) {
    assay_arena arena;
    const assay_misbehavior *list;
    uint32_t count;
    answer one = answer_of(1);
    json_t *all = vectors_read("comet_blocks.json");
    assay_arena_init(&arena, ARENA_MAX);
    assert_int_equal(assay_comet_misbehaviors_read(&list, &count, one.block, &arena, NULL),
                     ASSAY_OK);
    assert_int_equal(count, 0);
    json_object_set(json_object_get(one.block, "block"), "evidence",
                    json_object_get(all, "evidence"));
    assert_int_equal(assay_comet_misbehaviors_read(&list, &count, one.block, &arena, NULL),
                     ASSAY_OK);
    assert_int_equal(count, 3);
    assert_int_equal(list[0].type, ASSAY_MISBEHAVIOR_DOUBLE_SIGN);
    assert_int_equal(list[0].height, 7);
    assert_int_equal(list[0].validator.bytes[19], 0xab);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(list[i].type, ASSAY_MISBEHAVIOR_LIGHT_CLIENT);
        assert_int_equal(list[i].height, 9);
        assert_int_equal(list[i].validator.bytes[19], i - 1);
    }
    json_decref(all);
    assay_arena_close(&arena);
    answer_close(&one);
}

static void evidence_that_is_none_is_refused(void **unused) {
    static const struct {
        const char *list;
        assay_status status;
    } cases[] = {
        {"{}", ASSAY_FORMAT},
        {"[7]", ASSAY_MISSING},
        {"[{\"type\":\"other\",\"value\":{}}]", ASSAY_UNSUPPORTED},
        {"[{\"type\":\"tendermint/DuplicateVoteEvidence\",\"value\":{}}]", ASSAY_MISSING},
        {"[{\"type\":\"tendermint/DuplicateVoteEvidence\",\"value\":{\"vote_a\":"
         "{\"height\":\"0\",\"validator_address\":\"\"}}}]",
         ASSAY_RANGE},
        {"[{\"type\":\"tendermint/DuplicateVoteEvidence\",\"value\":{\"vote_a\":"
         "{\"height\":\"1\",\"validator_address\":\"ABAB\"}}}]",
         ASSAY_FORMAT},
        {"[{\"type\":\"tendermint/LightClientAttackEvidence\",\"value\":"
         "{\"CommonHeight\":\"1\",\"ByzantineValidators\":[{}]}}]",
         ASSAY_MISSING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assay_arena arena;
        const assay_misbehavior *list;
        uint32_t count;
        answer one = answer_of(1);
        assay_arena_init(&arena, ARENA_MAX);
        json_object_set_new(inner(&one, "evidence"), "evidence",
                            json_loads(cases[i].list, 0, NULL));
        assay_status status = assay_comet_misbehaviors_read(&list, &count, one.block, &arena, NULL);
        if (status != cases[i].status) fail_msg("%s: %s", cases[i].list, assay_status_name(status));
        assay_arena_close(&arena);
        answer_close(&one);
    }
}

// E-93: a header that has its hash, but names another last commit or evidence than come with it.
static void the_rest_must_be_the_headers(void **unused) {
    static const struct {
        const char *part, *member, *value;
        assay_status status;
        const char *text;
    } cases[] = {
        {"header", "data_hash", NULL, ASSAY_OK, ""},
        {"header", "last_commit_hash", NULL, ASSAY_MISMATCH, "the last commit of block"},
        {"header", "evidence_hash", NULL, ASSAY_MISMATCH, "the evidence of block"},
        {"last_commit", "signatures", "[]", ASSAY_MISMATCH, "the last commit of block"},
        {"last_commit", "signatures", "[{\"block_id_flag\":1}]", ASSAY_MISMATCH,
         "the last commit of block"},
        {"last_commit", "signatures", "[{\"block_id_flag\":4}]", ASSAY_RANGE, "block_id_flag"},
        {"last_commit", "signatures", "null", ASSAY_FORMAT, "signatures"},
        {"evidence", "evidence", "[7]", ASSAY_MISMATCH, "the evidence of block"},
        {"evidence", "evidence", "null", ASSAY_OK, ""},
        {"evidence", "evidence", "{}", ASSAY_FORMAT, "evidence"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assay_arena arena;
        assay_header_view view;
        assay_block block = {0};
        assay_error err = {0};
        answer one = answer_of(1);
        const json_t *header = inner(&one, "header");
        assay_arena_init(&arena, ARENA_MAX);
        json_t *value = cases[i].value ? json_loads(cases[i].value, JSON_DECODE_ANY, NULL)
                                       : json_sprintf("%064d", 7);
        json_object_set_new(inner(&one, cases[i].part), cases[i].member, value);
        assert_int_equal(assay_light_header_read(&view, header, &arena, NULL), ASSAY_OK);
        assert_int_equal(assay_header_of_view(&block.header, &view, NULL), ASSAY_OK);
        assay_status status = assay_comet_rest_check(&block, one.block, &arena, &err);
        if (status != cases[i].status || !strstr(err.text, cases[i].text))
            fail_msg("case %zu: %s \"%s\"", i, assay_status_name(status), err.text);
        assay_arena_close(&arena);
        answer_close(&one);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_blocks_are_read),
        cmocka_unit_test(a_block_without_transactions),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(what_is_too_much_is_refused),
        cmocka_unit_test(the_rest_must_be_the_headers),
        cmocka_unit_test(evidence_is_told_as_misbehaviour),
        cmocka_unit_test(evidence_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
