// SPDX-License-Identifier: Apache-2.0
#include "consensus/light/verify.h"
#include "tests/consensus/cometbft.h"

// C-6: CometBFT's sign bytes, signatures, hashes and messages, made by us from the same values.
static void test_cometbft(void **state) {
    json_t *root = cometbft_read();
    const json_t *list = vectors_at(root, "commits");
    assert_true(json_array_size(list) >= 40);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        const char *chain = text_at(one, "chain_id");
        assay_commit theirs = commit_of(one), ours = theirs;
        uint8_t seed[32], bytes[512];
        assay_hash hash;
        assay_writer writer;
        size_t size = assay_commit_sign_bytes(bytes, &theirs, chain);
        expect_hex(one, "sign_bytes", bytes, size);
        must(assay_json_hex(seed, sizeof seed, one, "seed", err));
        memset(&ours.validator, 0, sizeof ours.validator);
        memset(ours.signature, 0, sizeof ours.signature);
        must(assay_commit_sign(&ours, chain, seed, err));
        assert_memory_equal(&ours.validator, &theirs.validator, sizeof ours.validator);
        assert_memory_equal(ours.signature, theirs.signature, sizeof ours.signature);
        assay_commit_hash(&hash, &ours);
        expect_hash(one, "hash", &hash);
        assay_writer_init(&writer, bytes, sizeof bytes);
        assay_commit_protobuf(&writer, &ours);
        assert_false(writer.failed);
        expect_hex(one, "proto", bytes, writer.size);
    }
    json_decref(root);
}

// C-6: the commit that the first block refers to.
static void test_empty(void **state) {
    json_t *root = cometbft_read();
    assay_hash hash;
    assay_commit_hash(&hash, NULL);
    expect_hash(vectors_at(root, "chain.first_commit"), "hash", &hash);
    json_decref(root);
}

typedef struct {
    char chain[ASSAY_CHAIN_ID_MAX + 1];
    uint8_t key[32];
    uint64_t power;
    assay_header header;
    assay_commit commit;
} signed_header;

// The third block of CometBFT's chain.
static signed_header sample(void) {
    signed_header out;
    uint8_t seed[32];
    json_t *root = cometbft_read();
    const json_t *chain = vectors_at(root, "chain");
    const json_t *block = json_array_get(json_object_get(chain, "blocks"), 2);
    snprintf(out.chain, sizeof out.chain, "%s", text_at(chain, "chain_id"));
    must(assay_json_hex(seed, sizeof seed, chain, "seed", err));
    must(assay_ed25519_public(out.key, seed, err));
    out.power = number_at(chain, "power");
    out.header = header_of(json_object_get(block, "header"));
    out.commit = commit_of(json_object_get(block, "commit"));
    json_decref(root);
    return out;
}

static assay_status check(const signed_header *s) {
    assay_arena arena;
    assay_arena_init(&arena, 1 << 16);
    assay_status status =
        assay_light_check_own(&s->commit, &s->header, s->chain, s->key, s->power, &arena, NULL);
    assay_arena_close(&arena);
    return status;
}

// C-7: each of the conditions by itself.
static void test_check(void **state) {
    signed_header good = sample(), s = good;
    assert_int_equal(check(&s), ASSAY_OK);
    s.chain[0] ^= 1;
    assert_int_equal(check(&s), ASSAY_MISMATCH);
    s = good, s.commit.height++;
    assert_int_equal(check(&s), ASSAY_MISMATCH);
    s = good, s.header.height++, s.commit.height++;
    assert_int_equal(check(&s), ASSAY_MISMATCH);
    s = good, s.commit.block.hash.bytes[0] ^= 1;
    assert_int_equal(check(&s), ASSAY_MISMATCH);
    s = good, s.power++;
    assert_int_equal(check(&s), ASSAY_MISMATCH);
    s = good, s.key[0] ^= 1;
    assert_int_equal(check(&s), ASSAY_MISMATCH);
    s = good, s.commit.validator.bytes[0] ^= 1;
    assert_int_equal(check(&s), ASSAY_MISMATCH);
    s = good, s.commit.time.nanos ^= 1;
    assert_int_equal(check(&s), ASSAY_SIGNATURE);
    s = good, s.commit.block.part_count++;
    assert_int_equal(check(&s), ASSAY_SIGNATURE);
    s = good, s.commit.signature[63] ^= 1;
    assert_int_equal(check(&s), ASSAY_SIGNATURE);
}

static size_t commit_bytes(uint8_t *bytes, size_t capacity, const assay_commit *commit) {
    assay_writer writer;
    assay_writer_init(&writer, bytes, capacity);
    assay_commit_write(&writer, commit);
    assert_false(writer.failed);
    return writer.size;
}

static assay_status commit_parse(assay_commit *commit, const uint8_t *bytes, size_t size) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, bytes, size);
    assay_commit_read(&cursor, commit);
    return assay_cursor_finish(&cursor, "commit", NULL);
}

// C-4, C-7: our own form reads back, and with any bit changed it no longer checks.
static void test_every_bit(void **state) {
    signed_header s = sample();
    uint8_t bytes[512];
    assay_commit back;
    size_t size = commit_bytes(bytes, sizeof bytes, &s.commit);
    assert_int_equal(size, 8 + 68 + 20 + 12 + 64);
    assert_int_equal(commit_parse(&back, bytes, size), ASSAY_OK);
    assert_memory_equal(&back, &s.commit, sizeof back);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(commit_parse(&back, bytes, i), ASSAY_TRUNCATED);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (commit_parse(&s.commit, bytes, size) == ASSAY_OK)
            assert_int_not_equal(check(&s), ASSAY_OK);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cometbft),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_every_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
