// SPDX-License-Identifier: Apache-2.0
// RFC 6962 trees (P-3). Vectors: certificate-transparency reference tests (merkle_tree_test.cc):
// the eight standard leaves, their roots and audit paths. Beyond eight leaves the two ways to a
// root check each other: splitting from above, and merging equal perfect subtrees from the left.

#include "base/hex.h"
#include "base/merkle.h"
#include "base/sha256.h"
#include "tests/test.h"

enum { LEAVES_MAX = 64 };

static const char *const ct_leaves[8] = {"",
                                         "00",
                                         "10",
                                         "2021",
                                         "3031",
                                         "40414243",
                                         "5051525354555657",
                                         "606162636465666768696a6b6c6d6e6f"};
static const char *const ct_roots[9] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

typedef struct {
    uint64_t count;
    uint64_t index;
    uint32_t step_count;
    const char *steps[3];
} path_vector;

static const path_vector ct_paths[] = {
    {1, 0, 0, {NULL}},
    {8,
     0,
     3,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {8,
     5,
     3,
     {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {3, 2, 1, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
    {5,
     1,
     3,
     {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
};

static assay_hash hash_of(const char *hex) {
    assay_hash hash;
    assert_int_equal(assay_hex_decode(hash.bytes, sizeof hash.bytes, hex, NULL), ASSAY_OK);
    return hash;
}

static void ct_leaf_hashes(assay_hash leaves[8]) {
    for (size_t i = 0; i < 8; i++) {
        uint8_t data[16];
        size_t size = strlen(ct_leaves[i]) / 2;
        assert_int_equal(assay_hex_decode(data, size, ct_leaves[i], NULL), ASSAY_OK);
        assay_merkle_leaf(&leaves[i], data, size);
    }
}

static void ct_roots_hold(void **state) {
    assay_hash leaves[8], root;
    ct_leaf_hashes(leaves);
    assay_merkle_peaks peaks = {0};
    for (uint64_t count = 0; count <= 8; count++) {
        assay_hash expected = hash_of(ct_roots[count]);
        assay_merkle_root(&root, leaves, count);
        assert_memory_equal(&root, &expected, sizeof root);
        assay_merkle_peaks_root(&root, &peaks);
        assert_memory_equal(&root, &expected, sizeof root);
        if (count < 8) assay_merkle_peaks_add(&peaks, &leaves[count]);
    }
}

static void ct_paths_hold(void **state) {
    assay_hash leaves[8];
    ct_leaf_hashes(leaves);
    for (size_t i = 0; i < sizeof ct_paths / sizeof *ct_paths; i++) {
        const path_vector *v = &ct_paths[i];
        assay_hash path[ASSAY_MERKLE_PATH_MAX];
        assert_int_equal(assay_merkle_path(path, leaves, v->count, v->index), v->step_count);
        for (uint32_t step = 0; step < v->step_count; step++) {
            assay_hash expected = hash_of(v->steps[step]);
            assert_memory_equal(&path[step], &expected, sizeof expected);
        }
        assay_hash root = hash_of(ct_roots[v->count]);
        assert_int_equal(assay_merkle_check(&root, v->count, v->index, &leaves[v->index], path,
                                            v->step_count, NULL),
                         ASSAY_OK);
    }
}

static void leaves_make(assay_hash leaves[LEAVES_MAX]) {
    for (uint8_t i = 0; i < LEAVES_MAX; i++)
        assay_merkle_leaf(&leaves[i], &i, 1);
}

static void every_size_has_one_root_both_ways(void **state) {
    assay_hash leaves[LEAVES_MAX], split, merged;
    assay_merkle_peaks peaks = {0};
    leaves_make(leaves);
    for (uint64_t count = 1; count <= LEAVES_MAX; count++) {
        assay_merkle_peaks_add(&peaks, &leaves[count - 1]);
        assert_int_equal(peaks.count, count);
        assert_int_equal(peaks.peak_count, assay_merkle_peak_count(count));
        assay_merkle_peaks_root(&merged, &peaks);
        assay_merkle_root(&split, leaves, count);
        assert_memory_equal(&split, &merged, sizeof split);
    }
}

static void path_expect(const assay_hash *root, uint64_t count, uint64_t index,
                        const assay_hash *leaves) {
    assay_hash path[ASSAY_MERKLE_PATH_MAX + 1] = {{{0}}};
    uint32_t steps = assay_merkle_path(path, leaves, count, index);
    const assay_hash *leaf = &leaves[index];
    assert_int_equal(assay_merkle_check(root, count, index, leaf, path, steps, NULL), ASSAY_OK);
    for (uint64_t other = 0; other < count; other++) {
        if (other == index) continue;
        assert_int_equal(assay_merkle_check(root, count, other, leaf, path, steps, NULL),
                         ASSAY_MISMATCH);
        assert_int_equal(assay_merkle_check(root, count, index, &leaves[other], path, steps, NULL),
                         ASSAY_MISMATCH);
    }
    assert_int_equal(assay_merkle_check(root, count, count, leaf, path, steps, NULL), ASSAY_RANGE);
    assert_int_equal(assay_merkle_check(root, count, index, leaf, path, steps + 1, NULL),
                     ASSAY_MISMATCH);
    if (steps)
        assert_int_equal(assay_merkle_check(root, count, index, leaf, path, steps - 1, NULL),
                         ASSAY_MISMATCH);
    for (uint32_t step = 0; step < steps; step++) {
        path[step].bytes[step % ASSAY_HASH_SIZE] ^= 0x10;
        assert_int_equal(assay_merkle_check(root, count, index, leaf, path, steps, NULL),
                         ASSAY_MISMATCH);
        path[step].bytes[step % ASSAY_HASH_SIZE] ^= 0x10;
    }
}

static void every_path_proves_its_leaf_alone(void **state) {
    assay_hash leaves[LEAVES_MAX], root;
    leaves_make(leaves);
    for (uint64_t count = 1; count <= LEAVES_MAX; count++) {
        assay_merkle_root(&root, leaves, count);
        for (uint64_t index = 0; index < count; index++)
            path_expect(&root, count, index, leaves);
    }
}

static void extreme_counts_are_answered(void **state) {
    assay_hash leaf = {{1}}, root = {{2}}, path[ASSAY_MERKLE_PATH_MAX] = {{{0}}};
    assert_int_equal(assay_merkle_check(&root, 0, 0, &leaf, path, 0, NULL), ASSAY_RANGE);
    assert_int_equal(assay_merkle_check(&root, UINT64_MAX, UINT64_MAX - 1, &leaf, path, 64, NULL),
                     ASSAY_MISMATCH);
    assert_int_equal(assay_merkle_check(&root, UINT64_MAX, 0, &leaf, path, 64, NULL),
                     ASSAY_MISMATCH);
    assert_int_equal(assay_merkle_check(&leaf, 1, 0, &leaf, path, 0, NULL), ASSAY_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ct_roots_hold),
        cmocka_unit_test(ct_paths_hold),
        cmocka_unit_test(every_size_has_one_root_both_ways),
        cmocka_unit_test(every_path_proves_its_leaf_alone),
        cmocka_unit_test(extreme_counts_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
