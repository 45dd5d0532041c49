// SPDX-License-Identifier: Apache-2.0
// The Merkle-sum tree (P-17): fixed roots from a second implementation in Python's hashlib, all
// paths of all shapes up to 40 leaves, the descent by sums against the walk along the leaves, and
// what must be refused.
#include "tests/vectors.h"

#include "base/sha256.h"
#include "ledger/sumtree.h"
#include "ledger/tx/reject.h"

enum { LEAVES_MAX = 40 };

// Fees 1, 4, 9 … and receipts SHA-256(u32 big-endian index).
static void leaves_make(assay_sumtree_node *leaves, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint8_t index[4];
        assay_hash receipt;
        assay_store_be32(index, i);
        assay_sha256_of(&receipt, index, sizeof index);
        assay_sumtree_leaf(&leaves[i], (uint64_t)(i + 1) * (i + 1), &receipt);
    }
}

static void roots_are_pythons(void **state) {
    // python3: leaf = sha256(b"\0" + fee.to_bytes(8) + sha256(i.to_bytes(4)).digest()), nodes as
    // P-17, split at the largest power of two below the count.
    static const struct {
        uint32_t count;
        uint64_t sum;
        const char *root;
    } expected[] = {
        {1, 1, "46ca6ddbb50c499cc8fce5b15d3c16486efe96db56c2b00ee63d076930e19816"},
        {2, 5, "c1bcb61378ac1447f288ff453b096e21bf2ff3d4f79642af2557e4b150f6eada"},
        {3, 14, "e10eec10e162393362bbbe417c845b6287129b0bfb1cf3055b440c5425fd80f9"},
        {5, 55, "1898857fd562fa50f93d15a80b950575959ffffedebd6181786eabd6ecb0c7a3"},
        {8, 204, "2491138182c3d55611ae3febf5a0e3fe2d245bfa26ac9ccf465d4dc92051db48"},
        {13, 819, "fcd760e1c73caca87c0d6c21a47fef82e003cd965a832b565be4df2f2ead5a5d"},
        {40, 22140, "6e223d97ab3537dae012f572013bdb987aae5fa51ffe3fa60f9b099db9ed82d9"},
    };
    assay_sumtree_node leaves[LEAVES_MAX], root;
    leaves_make(leaves, LEAVES_MAX);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char text[2 * ASSAY_HASH_SIZE + 1];
        assert_int_equal(assay_sumtree_root(&root, leaves, expected[i].count, NULL), ASSAY_OK);
        assay_hex_encode(text, root.hash.bytes, ASSAY_HASH_SIZE);
        assert_string_equal(text, expected[i].root);
        assert_int_equal(root.sum, expected[i].sum);
    }
}

static void every_path_of_every_shape_checks(void **state) {
    assay_sumtree_node leaves[LEAVES_MAX], root;
    leaves_make(leaves, LEAVES_MAX);
    for (uint32_t count = 1; count <= LEAVES_MAX; count++) {
        uint64_t before = 0;
        assert_int_equal(assay_sumtree_root(&root, leaves, count, NULL), ASSAY_OK);
        for (uint32_t i = 0; i < count; i++) {
            assay_sumtree_step path[ASSAY_SUMTREE_PATH_MAX];
            uint64_t start = UINT64_MAX;
            uint32_t steps = assay_sumtree_path(path, leaves, count, i);
            assert_int_equal(
                assay_sumtree_check(&start, &root, count, i, &leaves[i], path, steps, NULL),
                ASSAY_OK);
            assert_int_equal(start, before);
            before += leaves[i].sum;
            // No other index, no shorter path.
            for (uint32_t j = 0; j <= count; j++)
                if (j != i)
                    assert_int_equal(
                        assay_sumtree_check(NULL, &root, count, j, &leaves[i], path, steps, NULL),
                        ASSAY_REJECTED);
            if (steps)
                assert_int_equal(
                    assay_sumtree_check(NULL, &root, count, i, &leaves[i], path, steps - 1, NULL),
                    ASSAY_REJECTED);
        }
    }
}

// P-17's own words: go left while the position is below the left sum, else take that off and go
// right.
static uint32_t descend(const assay_sumtree_node *leaves, uint32_t count, uint64_t position) {
    if (count == 1) return 0;
    uint32_t left = 1;
    while (2 * left < count)
        left *= 2;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < left; i++)
        sum += leaves[i].sum;
    if (position < sum) return descend(leaves, left, position);
    return left + descend(leaves + left, count - left, position - sum);
}

static void every_nopen_lies_in_the_leaf_the_descent_finds(void **state) {
    assay_sumtree_node leaves[12], root;
    leaves_make(leaves, 12);
    for (uint32_t count = 1; count <= 12; count++) {
        assert_int_equal(assay_sumtree_root(&root, leaves, count, NULL), ASSAY_OK);
        for (uint64_t position = 0; position < root.sum; position++) {
            uint64_t start = 0;
            uint32_t index = assay_sumtree_find(leaves, count, position);
            for (uint32_t i = 0; i < index; i++)
                start += leaves[i].sum;
            assert_int_equal(index, descend(leaves, count, position));
            assert_true(position >= start && position - start < leaves[index].sum);
            assay_sumtree_step path[ASSAY_SUMTREE_PATH_MAX];
            uint32_t steps = assay_sumtree_path(path, leaves, count, index);
            assert_int_equal(assay_sumtree_position_check(&root, count, index, position,
                                                          &leaves[index], path, steps, NULL),
                             ASSAY_OK);
            uint64_t outside = start ? start - 1 : leaves[index].sum;
            assert_int_equal(assay_sumtree_position_check(&root, count, index, outside,
                                                          &leaves[index], path, steps, NULL),
                             ASSAY_REJECTED);
        }
    }
}

static void expect_path_refused(uint32_t reject, const assay_sumtree_node *root, uint32_t index,
                                const assay_sumtree_node *leaf, const assay_sumtree_step *path,
                                uint32_t steps) {
    assay_error err = {0};
    assert_int_equal(assay_sumtree_check(NULL, root, 7, index, leaf, path, steps, &err),
                     ASSAY_REJECTED);
    assert_int_equal(err.reject, reject);
}

static void refuses_altered_paths(void **state) {
    assay_sumtree_node leaves[7], root, leaf;
    assay_sumtree_step good[ASSAY_SUMTREE_PATH_MAX], bad[ASSAY_SUMTREE_PATH_MAX];
    leaves_make(leaves, 7);
    assert_int_equal(assay_sumtree_root(&root, leaves, 7, NULL), ASSAY_OK);
    uint32_t steps = assay_sumtree_path(good, leaves, 7, 4);
    assert_int_equal(steps, 3);
    for (uint32_t i = 0; i < steps; i++) {
        memcpy(bad, good, sizeof bad);
        bad[i].left = !bad[i].left;
        expect_path_refused(ASSAY_REJECT_SUMTREE_PATH, &root, 4, &leaves[4], bad, steps);
        bad[i] = good[i];
        bad[i].node.sum++;
        expect_path_refused(ASSAY_REJECT_SUMTREE_PATH, &root, 4, &leaves[4], bad, steps);
        bad[i].node.sum = 0;
        expect_path_refused(ASSAY_REJECT_SUMTREE_ZERO, &root, 4, &leaves[4], bad, steps);
        bad[i].node.sum = UINT64_MAX;
        expect_path_refused(ASSAY_REJECT_SUMTREE_OVERFLOW, &root, 4, &leaves[4], bad, steps);
        bad[i] = good[i];
        bad[i].node.hash.bytes[0] ^= 1;
        expect_path_refused(ASSAY_REJECT_SUMTREE_PATH, &root, 4, &leaves[4], bad, steps);
    }
    memcpy(bad, good, sizeof bad);
    bad[3] = good[2];
    expect_path_refused(ASSAY_REJECT_SUMTREE_PATH, &root, 4, &leaves[4], bad, 4);
    leaf = leaves[4];
    leaf.sum = 0;
    expect_path_refused(ASSAY_REJECT_SUMTREE_ZERO, &root, 4, &leaf, good, steps);
    leaf.sum = 26;
    expect_path_refused(ASSAY_REJECT_SUMTREE_PATH, &root, 4, &leaf, good, steps);
    root.sum++;
    expect_path_refused(ASSAY_REJECT_SUMTREE_PATH, &root, 4, &leaves[4], good, steps);
}

static void refuses_trees_that_are_fraud(void **state) {
    assay_sumtree_node leaves[3], root;
    assay_error err = {0};
    leaves_make(leaves, 3);
    assert_int_equal(assay_sumtree_root(&root, leaves, 0, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_SUMTREE_EMPTY);
    leaves[1].sum = 0;
    assert_int_equal(assay_sumtree_root(&root, leaves, 3, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_SUMTREE_ZERO);
    leaves[1].sum = UINT64_MAX - 10; // 1 + this + 9 is the largest sum
    assert_int_equal(assay_sumtree_root(&root, leaves, 3, NULL), ASSAY_OK);
    assert_true(root.sum == UINT64_MAX);
    leaves[1].sum++;
    assert_int_equal(assay_sumtree_root(&root, leaves, 3, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_SUMTREE_OVERFLOW);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_pythons),
        cmocka_unit_test(every_path_of_every_shape_checks),
        cmocka_unit_test(every_nopen_lies_in_the_leaf_the_descent_finds),
        cmocka_unit_test(refuses_altered_paths),
        cmocka_unit_test(refuses_trees_that_are_fraud),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
