// SPDX-License-Identifier: Apache-2.0
// A state loaded at once against the same state written by blocks. P-80, P-81, P-86, E-65.

#include "ledger/state/store_load.h"
#include "tests/ledger/store_folder.h"
#include "tests/test.h"

enum { ENTRIES = 5000 };

static const assay_store_options quick = {.skip_sync = true, .map_size = 1 << 28};

// Entry i of [ENTRIES], in key order: keys of 1 to 9 bytes, values of 0 to 20,000.
static size_t entry_key(uint8_t key[9], uint32_t i) {
    key[0] = (uint8_t)(i * 0x7f / ENTRIES);
    assay_store_be64(key + 1, i);
    return 9;
}

static size_t entry_size(uint32_t i) {
    return i % 97 == 0 ? i * 4 : i % 50;
}

static void by_blocks(const char *folder, assay_hash *root, uint32_t stride) {
    static uint8_t value[ENTRIES * 4];
    uint8_t key[9];
    const assay_hash app_hash = {{1}};
    assay_store *store = store_open(folder, &quick);
    for (uint32_t first = 0; first < stride; first++) {
        must(assay_store_begin(store, err));
        for (uint32_t i = first; i < ENTRIES; i += stride) {
            memset(value, (int)i, sizeof value);
            must(assay_store_put(store, key, entry_key(key, i), value, entry_size(i), err));
        }
        must(assay_store_root(store, root, err));
        must(assay_store_commit(store, first, &app_hash, err));
    }
    assay_store_close(store);
}

static assay_store_load *by_load(const char *folder, assay_pool *pool) {
    static uint8_t value[ENTRIES * 4];
    uint8_t key[9];
    assay_store_load *load;
    assay_store_options options = quick;
    options.pool = pool;
    must(assay_store_load_open(&load, folder, &test_genesis, &options, err));
    for (uint32_t i = 0; i < ENTRIES; i++) {
        memset(value, (int)i, sizeof value);
        must(assay_store_load_put(load, key, entry_key(key, i), value, entry_size(i), err));
    }
    return load;
}

static void like_blocks(void **state) { // P-81
    char blocks[FOLDER_MAX], loaded[FOLDER_MAX];
    assay_hash root, own;
    const assay_hash app_hash = {{2}};
    folder_make(blocks);
    by_blocks(blocks, &root, 7);
    for (unsigned threads = 1; threads <= 3; threads++) {
        assay_pool *pool;
        folder_make(loaded);
        must(assay_pool_open(&pool, threads, err));
        assay_store_load *load = by_load(loaded, pool);
        must(assay_store_load_root(load, &own, err));
        assert_memory_equal(&own, &root, sizeof own);
        must(assay_store_load_aux(load, "\x90z", 2, "last", 4, err));
        must(assay_store_load_aux(load, "\x90", 1, "first", 5, err));
        must(assay_store_load_commit(load, 41, &app_hash, err));
        assay_store_load_close(load);
        // It goes on as any store does.
        assay_store *store = store_open(loaded, &quick);
        assert_int_equal(assay_store_last(store)->height, 41);
        assert_true(assay_store_last(store)->committed);
        assay_snapshot *snapshot;
        must(assay_snapshot_open(&snapshot, store, err));
        must(assay_snapshot_check(snapshot, err));
        assay_bytes value;
        must(assay_snapshot_get(snapshot, "\x90", 1, &value, err));
        assert_int_equal(value.size, 5);
        assay_snapshot_close(snapshot);
        uint8_t key[9];
        must(assay_store_begin(store, err));
        for (uint32_t i = 0; i < ENTRIES; i++)
            must(assay_store_delete(store, key, entry_key(key, i), err));
        must(assay_store_root(store, &own, err));
        assert_true(assay_hash_is_zero(&own));
        must(assay_store_commit(store, 42, &app_hash, err));
        assay_store_close(store);
        assay_pool_close(pool);
        assay_folder_remove(loaded);
    }
}

static void few_entries(void **state) { // P-82: no page at all, a bucket, the first page below
    for (uint32_t count = 0; count < 30; count++) {
        char blocks[FOLDER_MAX], loaded[FOLDER_MAX];
        assay_hash root, own;
        const assay_hash app_hash = {{2}};
        folder_make(blocks);
        folder_make(loaded);
        assay_store *store = store_open(blocks, &quick);
        assay_store_load *load;
        must(assay_store_load_open(&load, loaded, &test_genesis, &quick, err));
        must(assay_store_begin(store, err));
        for (uint32_t i = 0; i < count; i++) {
            uint8_t key[9];
            size_t size = entry_key(key, i);
            must(assay_store_put(store, key, size, &i, sizeof i, err));
            must(assay_store_load_put(load, key, size, &i, sizeof i, err));
        }
        must(assay_store_root(store, &root, err));
        must(assay_store_load_root(load, &own, err));
        assert_memory_equal(&own, &root, sizeof own);
        must(assay_store_load_commit(load, 1, &app_hash, err));
        assay_store_load_close(load);
        assay_store_close(store);
        store = store_open(loaded, &quick);
        must(assay_store_begin(store, err));
        must(assay_store_root(store, &own, err));
        assert_memory_equal(&own, &root, sizeof own);
        assay_store_close(store);
        assay_folder_remove(blocks);
        assay_folder_remove(loaded);
    }
}

static void nothing_counts_before_the_commit(void **state) { // P-86
    char folder[FOLDER_MAX];
    assay_hash root;
    assay_error why = {0};
    folder_make(folder);
    assay_store_load *load = by_load(folder, NULL);
    assay_snapshot *snapshot;
    must(assay_store_load_root(load, &root, err));
    must(assay_snapshot_open(&snapshot, assay_store_load_store(load), err));
    assert_false(assay_snapshot_tip(snapshot)->committed);
    assay_snapshot_close(snapshot);
    assay_store_load_close(load);
    assay_store *store = store_open(folder, &quick);
    assert_false(assay_store_last(store)->committed);
    assay_store_close(store);
    assert_int_equal(assay_store_load_open(&load, folder, &test_genesis, &quick, &why),
                     ASSAY_EXISTS);
}

static void bad_entries(void **state) { // P-80
    static const uint8_t long_value[ASSAY_STORE_VALUE_MAX + 1];
    static const uint8_t long_key[ASSAY_STORE_KEY_MAX + 1] = {2};
    static const struct {
        const char *key;
        size_t key_size, value_size;
        assay_status status;
        const char *text;
    } cases[] = {
        {"", 0, 1, ASSAY_RANGE, "key of 0 bytes, 1 to 128 are legal"},
        {NULL, ASSAY_STORE_KEY_MAX + 1, 1, ASSAY_RANGE, "key of 129 bytes, 1 to 128 are legal"},
        {"\x02", 1, ASSAY_STORE_VALUE_MAX + 1, ASSAY_RANGE,
         "value of 4194305 bytes, limit 4194304"},
        {"\x80", 1, 1, ASSAY_FORMAT, "an entry of table 0x80, which is no state"},
        {"\xf1", 1, 1, ASSAY_FORMAT, "an entry of table 0xf1, which is no state"},
        {"\x01z", 2, 1, ASSAY_ORDER, "an entry of table 0x01 does not follow the one before"},
        {"\x01", 1, 1, ASSAY_ORDER, "an entry of table 0x01 does not follow the one before"},
        {"\x01y", 2, 1, ASSAY_ORDER, "an entry of table 0x01 does not follow the one before"},
    };
    char folder[FOLDER_MAX];
    folder_make(folder);
    assay_store_load *load;
    must(assay_store_load_open(&load, folder, &test_genesis, &quick, err));
    must(assay_store_load_put(load, "\x01z", 2, "x", 1, err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_error why = {0};
        const void *key = cases[i].key ? (const void *)cases[i].key : long_key;
        assert_int_equal(assay_store_load_put(load, key, cases[i].key_size, long_value,
                                              cases[i].value_size, &why),
                         cases[i].status);
        assert_string_equal(why.text, cases[i].text);
    }
    assay_store_load_close(load);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_blocks),
        cmocka_unit_test(few_entries),
        cmocka_unit_test(nothing_counts_before_the_commit),
        cmocka_unit_test(bad_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
