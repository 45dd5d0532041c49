// SPDX-License-Identifier: Apache-2.0
// The history against RFC 6962 over all leaves, at every count.

#include "base/sha256.h"
#include "ledger/state/history.h"
#include "tests/ledger/store_folder.h"
#include "tests/test.h"

enum { LEAF_COUNT = 300 };

static assay_hash leaves[LEAF_COUNT];

static void leaf_data(char out[32], uint64_t index) {
    snprintf(out, 32, "receipt %llu", (ull)index);
}

// SHA-256(0x02 || count || RFC 6962 root), the root by base/merkle over the whole list. P-88
static void expected_root(assay_hash *out, uint64_t count) {
    uint8_t data[41] = {2};
    assay_hash root;
    assay_merkle_root(&root, leaves, count);
    assay_store_be64(data + 1, count);
    memcpy(data + 9, root.bytes, 32);
    assay_sha256_of(out, data, sizeof data);
}

static void append(assay_store *store, uint64_t index) {
    char data[32];
    leaf_data(data, index);
    assert_int_equal(assay_history_append(store, data, strlen(data), NULL), ASSAY_OK);
}

static void commit(assay_store *store) {
    assay_hash root, app = {{1}};
    uint64_t height = assay_store_last(store)->committed ? assay_store_last(store)->height + 1 : 0;
    assert_int_equal(assay_store_root(store, &root, NULL), ASSAY_OK);
    assert_true(assay_hash_is_zero(&root)); // the history is not in the state root
    assert_int_equal(assay_store_commit(store, height, &app, NULL), ASSAY_OK);
}

static assay_hash root_of(assay_store *store) {
    const assay_reader reader = assay_reader_of_store(store);
    assay_hash root;
    uint64_t count;
    assert_int_equal(assay_history_root(&root, &count, &reader, NULL), ASSAY_OK);
    return root;
}

static void proofs_check(assay_store *store, uint64_t count) {
    assay_snapshot *snapshot;
    assay_hash root, expected;
    uint64_t counted;
    assay_history_proof proof;
    assert_int_equal(assay_snapshot_open(&snapshot, store, NULL), ASSAY_OK);
    const assay_reader reader = assay_reader_of_snapshot(snapshot);
    assert_int_equal(assay_history_root(&root, &counted, &reader, NULL), ASSAY_OK);
    expected_root(&expected, count);
    assert_int_equal(counted, count);
    assert_memory_equal(&root, &expected, sizeof root);
    for (uint64_t i = 0; i < count; i++) {
        char data[32];
        leaf_data(data, i);
        assert_int_equal(assay_history_prove(&proof, &reader, i, NULL), ASSAY_OK);
        assert_int_equal(assay_history_check(&root, data, strlen(data), &proof, NULL), ASSAY_OK);
        assert_int_equal(assay_history_check(&root, data, strlen(data) - 1, &proof, NULL),
                         ASSAY_MISMATCH);
    }
    assert_int_equal(assay_history_prove(&proof, &reader, count, NULL), ASSAY_RANGE);
    assay_snapshot_close(snapshot);
}

static void like_rfc6962_at_every_count(void **state) { // P-88
    char folder[FOLDER_MAX], data[32];
    assay_hash root, expected;
    assay_store_options options = {.skip_sync = true};
    folder_make(folder);
    assay_store *store = store_open(folder, &options);
    for (uint64_t i = 0; i < LEAF_COUNT; i++) {
        leaf_data(data, i);
        assay_merkle_leaf(&leaves[i], data, strlen(data));
    }
    assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
    for (uint64_t i = 0; i <= LEAF_COUNT; i++) {
        root = root_of(store);
        expected_root(&expected, i);
        assert_memory_equal(&root, &expected, sizeof root);
        if (i < 34 || i % 50 == 0) { // across commits and within one block
            commit(store);
            proofs_check(store, i);
            assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
        }
        if (i < LEAF_COUNT) append(store, i);
    }
    assay_store_close(store);
}

// P-88, E-61: from the peaks of any count on, roots and proofs of what is appended are the same.
static void goes_on_from_its_peaks(void **state) {
    enum { FIRST_MAX = 40, MORE = 45 };
    const assay_hash app = {{1}};
    const assay_store_options options = {.skip_sync = true, .map_size = 1 << 26};
    for (uint64_t first = 0; first <= FIRST_MAX; first++) {
        char folder[FOLDER_MAX], other[FOLDER_MAX], data[32];
        assay_snapshot *snapshot;
        assay_reader reader;
        assay_merkle_peaks peaks;
        assay_history_proof proof;
        assay_store_load *load;
        assay_hash root, expected;
        folder_make(folder);
        folder_make(other);
        assay_store *store = store_open(folder, &options);
        assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
        for (uint64_t i = 0; i < first; i++)
            append(store, i);
        commit(store);
        assert_int_equal(assay_snapshot_open(&snapshot, store, NULL), ASSAY_OK);
        reader = assay_reader_of_snapshot(snapshot);
        assert_int_equal(assay_history_peaks_get(&peaks, &reader, NULL), ASSAY_OK);
        assay_snapshot_close(snapshot);
        assay_store_close(store);
        assert_int_equal(peaks.count, first);
        assert_int_equal(peaks.peak_count, assay_merkle_peak_count(first));
        assay_history_peaks_root(&root, &peaks);
        expected_root(&expected, first);
        assert_memory_equal(&root, &expected, sizeof root);

        assert_int_equal(assay_store_load_open(&load, other, &test_genesis, &options, NULL),
                         ASSAY_OK);
        assert_int_equal(assay_store_load_root(load, &root, NULL), ASSAY_OK);
        assert_int_equal(assay_history_load(load, &peaks, NULL), ASSAY_OK);
        assert_int_equal(assay_store_load_commit(load, 7, &app, NULL), ASSAY_OK);
        assay_store_load_close(load);
        store = store_open(other, &options);
        assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
        for (uint64_t i = first; i < first + MORE; i++) {
            root = root_of(store);
            expected_root(&expected, i);
            assert_memory_equal(&root, &expected, sizeof root);
            append(store, i);
        }
        commit(store);
        assert_int_equal(assay_snapshot_open(&snapshot, store, NULL), ASSAY_OK);
        reader = assay_reader_of_snapshot(snapshot);
        expected_root(&expected, first + MORE);
        for (uint64_t i = 0; i < first + MORE; i++) {
            assay_status status = assay_history_prove(&proof, &reader, i, NULL);
            assert_int_equal(status, i < first ? ASSAY_NOT_FOUND : ASSAY_OK);
            if (i < first) continue;
            leaf_data(data, i);
            assert_int_equal(assay_history_check(&expected, data, strlen(data), &proof, NULL),
                             ASSAY_OK);
        }
        assay_snapshot_close(snapshot);
        assay_store_close(store);
        assay_folder_remove(folder);
        assay_folder_remove(other);
    }
}

static void rollback_takes_leaves_back(void **state) { // P-85, P-88
    char folder[FOLDER_MAX];
    assay_hash before, after;
    folder_make(folder);
    assay_store *store = store_open(folder, NULL);
    assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
    for (uint64_t i = 0; i < 5; i++)
        append(store, i);
    before = root_of(store);
    assay_store_mark mark = assay_store_savepoint(store);
    for (uint64_t i = 5; i < 20; i++)
        append(store, i);
    assay_store_rollback(store, mark);
    after = root_of(store);
    assert_memory_equal(&before, &after, sizeof after);
    append(store, 5);
    assay_store_close(store);
}

static void wrong_proofs_fail(void **state) { // P-88
    char folder[FOLDER_MAX], data[32];
    assay_hash root;
    uint64_t count;
    assay_history_proof proof;
    assay_snapshot *snapshot;
    folder_make(folder);
    assay_store *store = store_open(folder, NULL);
    assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
    for (uint64_t i = 0; i < 45; i++)
        append(store, i);
    commit(store);
    assert_int_equal(assay_snapshot_open(&snapshot, store, NULL), ASSAY_OK);
    const assay_reader reader = assay_reader_of_snapshot(snapshot);
    assert_int_equal(assay_history_root(&root, &count, &reader, NULL), ASSAY_OK);
    assert_int_equal(assay_history_prove(&proof, &reader, 21, NULL), ASSAY_OK);
    leaf_data(data, 21);
    for (uint32_t i = 0; i < proof.step_count; i++) {
        assay_history_proof bad = proof;
        bad.path[i].bytes[3] ^= 4;
        assert_int_equal(assay_history_check(&root, data, strlen(data), &bad, NULL),
                         ASSAY_MISMATCH);
    }
    for (uint64_t i = 0; i < 50; i++) {
        assay_history_proof bad = proof;
        bad.index = i;
        if (i != 21)
            assert_int_not_equal(assay_history_check(&root, data, strlen(data), &bad, NULL),
                                 ASSAY_OK);
        bad = proof;
        bad.count = i; // the count is part of the root
        if (i != 45)
            assert_int_equal(assay_history_check(&root, data, strlen(data), &bad, NULL),
                             ASSAY_MISMATCH);
    }
    proof.step_count = ASSAY_MERKLE_PATH_MAX + 1;
    assert_int_equal(assay_history_check(&root, data, strlen(data), &proof, NULL), ASSAY_RANGE);
    assay_snapshot_close(snapshot);
    assay_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_rfc6962_at_every_count),
        cmocka_unit_test(goes_on_from_its_peaks),
        cmocka_unit_test(rollback_takes_leaves_back),
        cmocka_unit_test(wrong_proofs_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
