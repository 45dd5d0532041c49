// SPDX-License-Identifier: Apache-2.0
// State proofs checked offline: vectors made elsewhere, tampering, and the canonical bytes.
#include <stdlib.h>

#include "tests/ledger/smt_vectors.h"
#include "tests/test.h"

static void vectors_of_another_implementation(void **state) { // P-82, P-83
    smt_vectors_run(ASSAY_SOURCE_DIR "/tests/vectors/smt.json");
}

static void vectors_of_ics23(void **state) { // P-82, P-83: as cosmos/ics23 publishes them
    smt_vectors_run(ASSAY_SOURCE_DIR "/tests/vectors/ics23_smt.json");
}

static void strangers_must_be_on_the_path(void **state) { // P-83
    assay_smt_proof proof = {.kind = ASSAY_SMT_STRANGER};
    assay_hash root, value_hash;
    assay_sha256_of(&value_hash, "v", 1);
    assay_sha256_of(&proof.stranger_path, "present", 7);
    proof.stranger_value = value_hash;
    assay_smt_leaf(&root, &proof.stranger_path, &value_hash);
    // The only leaf of the tree: any other key is absent, itself it is not.
    assert_int_equal(assay_smt_check(&root, "absent", 6, NULL, 0, &proof, NULL), ASSAY_OK);
    assert_int_equal(assay_smt_check(&root, "present", 7, NULL, 0, &proof, NULL), ASSAY_FORMAT);
    // A leaf on the other side of the root says nothing about this one.
    assay_hash path;
    uint8_t key = 0;
    do {
        key++;
        assay_sha256_of(&path, &key, 1);
    } while (assay_smt_bit(&path, 0) == assay_smt_bit(&proof.stranger_path, 0));
    bool right = assay_smt_bit(&path, 0);
    assay_hash leaf = root;
    assay_smt_leaf(&proof.siblings[0], &path, &value_hash);
    assay_smt_node(&root, right ? &leaf : &proof.siblings[0], right ? &proof.siblings[0] : &leaf);
    proof.siblings[0] = leaf;
    proof.depth = 1;
    assert_int_equal(assay_smt_check(&root, &key, 1, NULL, 0, &proof, NULL), ASSAY_FORMAT);
}

static assay_status bytes_read(const uint8_t *data, size_t size) {
    assay_smt_proof *proof = malloc(sizeof *proof);
    assert_non_null(proof);
    assay_cursor cursor;
    assay_cursor_init(&cursor, data, size);
    assay_status status = assay_smt_proof_read(proof, &cursor, NULL);
    if (status == ASSAY_OK) status = assay_cursor_finish(&cursor, "proof", NULL);
    free(proof);
    return status;
}

static void other_bytes_are_refused(void **state) { // P-84
    uint8_t data[64] = {0};
    assert_int_equal(bytes_read(data, 3), ASSAY_OK); // present, no steps
    assert_int_equal(bytes_read(data, 4), ASSAY_TRAILING);
    data[0] = 3; // kind
    assert_int_equal(bytes_read(data, 3), ASSAY_RANGE);
    data[0] = 1;
    data[1] = 1, data[2] = 1; // 257 steps
    assert_int_equal(bytes_read(data, 64), ASSAY_RANGE);
    data[1] = 0, data[2] = 3, data[3] = 0x10; // three steps, the map marks a fourth
    assert_int_equal(bytes_read(data, 36), ASSAY_CANONICAL);
    data[3] = 0x20; // the third sibling is listed, and empty
    assert_int_equal(bytes_read(data, 36), ASSAY_CANONICAL);
    data[4] = 1;
    assert_int_equal(bytes_read(data, 36), ASSAY_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_another_implementation),
        cmocka_unit_test(vectors_of_ics23),
        cmocka_unit_test(strangers_must_be_on_the_path),
        cmocka_unit_test(other_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
