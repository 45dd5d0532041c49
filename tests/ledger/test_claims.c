// SPDX-License-Identifier: Apache-2.0
// The claims tree against recorded trees of OpenZeppelin's merkle-tree package, whose proofs its
// MerkleProof contract accepted in an EVM (P-18).
#include "tests/ledger/claim_proof.h"
#include "tests/vectors.h"

enum { CLAIMS_MAX = 64 };

// wei texts end in nine zeros.
static uint64_t nopen_of(const char *wei) {
    size_t digits = strlen(wei);
    assert_true(digits > 9 && strcmp(wei + digits - 9, "000000000") == 0);
    uint64_t amount = 0;
    for (size_t i = 0; i < digits - 9; i++)
        amount = 10 * amount + (uint64_t)(wei[i] - '0');
    return amount;
}

static void proof_expect(const assay_claims *tree, const assay_hash *root, const json_t *entry,
                         const assay_claim *claim, uint32_t index) {
    assay_hash path[ASSAY_CLAIMS_PATH_MAX], leaf, expected;
    const json_t *proof = json_object_get(entry, "proof");
    uint32_t count = assay_claims_path(path, tree, index);
    assay_claims_leaf(&leaf, claim);
    assert_int_equal(assay_json_hash(&expected, entry, "leaf", NULL), ASSAY_OK);
    assert_memory_equal(&leaf, &expected, sizeof leaf);
    assert_int_equal(count, json_array_size(proof));
    for (uint32_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(proof, i));
        assert_int_equal(assay_hex_decode(expected.bytes, ASSAY_HASH_SIZE, text, NULL), ASSAY_OK);
        assert_memory_equal(&path[i], &expected, sizeof expected);
    }
    assert_true(claim_is_proven(root, claim, path, count));
    assay_claim other = *claim;
    other.amount++;
    assert_false(claim_is_proven(root, &other, path, count));
    other = *claim;
    other.recipient.bytes[0] ^= 1;
    assert_false(claim_is_proven(root, &other, path, count));
    if (count) {
        assert_false(claim_is_proven(root, claim, path, count - 1));
        path[0].bytes[31] ^= 1;
        assert_false(claim_is_proven(root, claim, path, count));
    }
}

static void tree_expect(const json_t *vector) {
    assay_arena arena;
    assay_claims tree;
    assay_claim claims[CLAIMS_MAX];
    assay_hash root, expected;
    const json_t *entries = json_object_get(vector, "claims");
    uint32_t count = (uint32_t)json_array_size(entries);
    assert_in_range(count, 1, CLAIMS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(entries, i);
        assert_int_equal(assay_json_address(&claims[i].recipient, entry, "address", NULL), 0);
        claims[i].amount = nopen_of(json_string_value(json_object_get(entry, "wei")));
    }
    assay_arena_init(&arena, 1 << 20);
    assert_int_equal(assay_claims_build(&tree, claims, count, &arena, NULL), ASSAY_OK);
    assay_claims_root(&root, &tree);
    assert_int_equal(assay_json_hash(&expected, vector, "root", NULL), ASSAY_OK);
    assert_memory_equal(&root, &expected, sizeof root);
    for (uint32_t i = 0; i < count; i++)
        proof_expect(&tree, &root, json_array_get(entries, i), &claims[i], i);

    // The order in which claims are given does not matter.
    assay_claim last = claims[count - 1];
    memmove(claims + 1, claims, (count - 1) * sizeof *claims);
    claims[0] = last;
    assert_int_equal(assay_claims_build(&tree, claims, count, &arena, NULL), ASSAY_OK);
    assay_claims_root(&root, &tree);
    assert_memory_equal(&root, &expected, sizeof root);
    assay_arena_close(&arena);
}

static void trees_are_openzeppelins(void **state) {
    json_t *root = vectors_read("claims.json"), *vector;
    size_t i;
    assert_true(json_array_size(json_object_get(root, "trees")) >= 9);
    json_array_foreach(json_object_get(root, "trees"), i, vector) tree_expect(vector);
    json_decref(root);
}

static void no_claims_have_a_zero_root(void **state) {
    assay_arena none = {0};
    assay_claims tree;
    assay_hash root = {{1}};
    assert_int_equal(assay_claims_build(&tree, NULL, 0, &none, NULL), ASSAY_OK);
    assay_claims_root(&root, &tree);
    assert_true(assay_hash_is_zero(&root));
    assay_claim claim = {.amount = 1};
    assert_false(claim_is_proven(&root, &claim, NULL, 0));
}

static void memory_is_bounded(void **state) {
    assay_arena none = {0};
    assay_claims tree;
    assay_claim claims[2] = {{.amount = 1}, {.amount = 2}};
    assay_error err = {0};
    assert_int_equal(assay_claims_build(&tree, claims, 2, &none, &err), ASSAY_CAPACITY);
    assert_int_equal(tree.count, 0);
}

// assay_claims_memory is enough at every size, and no more than a few bytes too much.
static void memory_is_what_is_said(void **state) {
    static const uint32_t counts[] = {1, 2, 3, 5, 1028, 1029, 5000, 70001};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        assay_arena arena;
        assay_claims tree;
        void *claims;
        size_t size = assay_claims_memory(counts[i]);
        assay_arena_init(&arena, size);
        assert_int_equal(
            assay_arena_get(&arena, counts[i], sizeof(assay_claim), "claims", &claims, NULL),
            ASSAY_OK);
        assert_int_equal(assay_claims_build(&tree, claims, counts[i], &arena, NULL), ASSAY_OK);
        assert_in_range(size - arena.used, 0, 2 * sizeof(assay_hash) + 64);
        assay_arena_close(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_are_openzeppelins),
        cmocka_unit_test(no_claims_have_a_zero_root),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(memory_is_what_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
