// SPDX-License-Identifier: Apache-2.0
// C-12: what waits, and what became of it.
#include "consensus/mempool.h"

#include "base/sha256.h"
#include "consensus/fates.h"
#include "tests/consensus/cometbft.h"

static assay_hash id_of(uint32_t number) {
    assay_hash id;
    assay_sha256_of(&id, &number, sizeof number);
    return id;
}

static void pool_add(assay_mempool *pool, uint32_t number, size_t size) {
    static uint8_t bytes[4096];
    assay_hash id = id_of(number);
    assay_bytes copy;
    memcpy(bytes, &number, sizeof number);
    must(assay_mempool_reserve(pool, bytes, size, &copy, err));
    assay_mempool_add(pool, copy, &id);
}

// Order stays, whatever is dropped between; each is found as long as it waits, and no longer.
static void test_order(void **state) {
    enum { COUNT = 3000 };
    assay_mempool pool = {0};
    for (uint32_t i = 0; i < COUNT; i++)
        pool_add(&pool, i, 4 + i % 7);
    for (uint32_t i = 0; i < COUNT; i++)
        pool.entries[i].keep = i % 3 != 0;
    assay_mempool_filter(&pool);
    for (uint32_t i = 0; i < 10; i++)
        pool_add(&pool, COUNT + i, 4);
    uint32_t at = 0;
    size_t bytes = 0;
    for (uint32_t i = 0; i < COUNT + 10; i++) {
        assay_hash id = id_of(i);
        bool waits = i >= COUNT || i % 3 != 0;
        assert_int_equal(assay_mempool_find(&pool, &id) != NULL, waits);
        if (!waits) continue;
        assert_memory_equal(pool.entries[at].tx.data, &i, 4);
        assert_ptr_equal(assay_mempool_find(&pool, &id), &pool.entries[at]);
        bytes += pool.entries[at++].tx.size;
    }
    assert_int_equal(pool.count, at);
    assert_int_equal(pool.held_count, at);
    assert_int_equal(pool.held_bytes, bytes);
    assay_mempool_close(&pool);
}

// The same transaction twice takes one place.
static void test_twice(void **state) {
    assay_mempool pool = {0};
    pool_add(&pool, 1, 100);
    pool_add(&pool, 1, 100);
    assert_int_equal(pool.count, 1);
    assert_int_equal(pool.held_count, 1);
    assert_int_equal(pool.held_bytes, 100);
    assay_mempool_close(&pool);
}

static void test_count_max(void **state) {
    assay_mempool pool = {0};
    assay_bytes copy, last;
    assay_error why = {0};
    for (uint32_t i = 0; i + 1 < ASSAY_MEMPOOL_COUNT_MAX; i++)
        pool_add(&pool, i, 4);
    must(assay_mempool_reserve(&pool, "last", 4, &last, err)); // a reservation is a place too
    assert_int_equal(assay_mempool_reserve(&pool, "more", 4, &copy, &why), ASSAY_CAPACITY);
    assert_string_equal(why.text, "65536 transactions wait for a block, limit 65536");
    assert_null(copy.data);
    assay_mempool_cancel(&pool, last);
    pool_add(&pool, ASSAY_MEMPOOL_COUNT_MAX, 4);
    assert_int_equal(pool.count, ASSAY_MEMPOOL_COUNT_MAX);
    assay_mempool_close(&pool);
}

static void test_bytes_max(void **state) {
    enum { MIB = 1 << 20 };
    assay_mempool pool = {0};
    assay_bytes copy;
    uint8_t *large = calloc(1, MIB);
    for (uint32_t i = 0; i < 64; i++) {
        assay_hash id = id_of(i);
        must(assay_mempool_reserve(&pool, large, MIB, &copy, err));
        assay_mempool_add(&pool, copy, &id);
    }
    assert_int_equal(assay_mempool_reserve(&pool, large, 1, &copy, NULL), ASSAY_CAPACITY);
    pool.entries[0].keep = false;
    assay_mempool_filter(&pool);
    assert_int_equal(assay_mempool_reserve(&pool, large, MIB + 1, &copy, NULL), ASSAY_CAPACITY);
    must(assay_mempool_reserve(&pool, large, MIB, &copy, err));
    assay_mempool_cancel(&pool, copy);
    free(large);
    assay_mempool_close(&pool);
}

// The table against a plain list: puts, deletes and clears in any order.
static void test_idtable(void **state) {
    enum { IDS = 400 };
    assay_idtable table = {0};
    int64_t values[IDS];
    uint32_t count = 0, random = 1;
    memset(values, -1, sizeof values);
    assay_hash absent = id_of(0);
    assert_null(assay_idtable_get(&table, &absent));
    assay_idtable_delete(&table, &absent);
    for (uint32_t step = 0; step < 200000; step++) {
        random = random * 1664525 + 1013904223;
        uint32_t which = (random >> 8) % IDS;
        assay_hash id = id_of(which);
        if (random >> 31) {
            if (values[which] < 0) must(assay_idtable_reserve(&table, count + 1, err));
            count += values[which] < 0;
            assay_idtable_put(&table, &id, step);
            values[which] = step;
        } else {
            count -= values[which] >= 0;
            assay_idtable_delete(&table, &id);
            values[which] = -1;
        }
        assert_int_equal(table.count, count);
        if (step % 1000 != 0) continue;
        for (uint32_t i = 0; i < IDS; i++) {
            id = id_of(i);
            const uint32_t *found = assay_idtable_get(&table, &id);
            assert_int_equal(found != NULL, values[i] >= 0);
            if (found) assert_int_equal(*found, values[i]);
        }
    }
    assay_idtable_clear(&table);
    for (uint32_t i = 0; i < IDS; i++) {
        assay_hash id = id_of(i);
        assert_null(assay_idtable_get(&table, &id));
    }
    assay_idtable_close(&table);
}

static void fate_add(assay_fates *fates, uint32_t number, uint64_t height, const char *text) {
    assay_hash id = id_of(number);
    assay_tx_result result = {number, 1, {(uint8_t)height}};
    assay_fates_add(fates, &id, height, number % 100, &result, text);
}

// The last ASSAY_FATES_MAX are known with their sentences, those before are not.
static void test_fates(void **state) {
    assay_fates fates;
    assay_tx_fate fate;
    must(assay_fates_open(&fates, err));
    for (uint32_t i = 0; i < ASSAY_FATES_MAX + 1000; i++)
        fate_add(&fates, i, i / 10, i % 5 ? "" : "balance 1 nopen, 2 needed");
    for (uint32_t i = 0; i < ASSAY_FATES_MAX + 1000; i++) {
        assay_hash id = id_of(i);
        assert_int_equal(assay_fates_find(&fates, &id, &fate), i >= 1000);
        if (i < 1000) continue;
        assert_int_equal(fate.state, ASSAY_TX_COMMITTED);
        assert_int_equal(fate.height, i / 10);
        assert_int_equal(fate.index, i % 100);
        assert_int_equal(fate.result.code, i);
        assert_string_equal(fate.text, i % 5 ? "" : "balance 1 nopen, 2 needed");
    }
    // One that comes again is known by its newer place, also when the older one is overwritten.
    fate_add(&fates, 1500, 99, "");
    for (uint32_t i = 0; i < 600; i++)
        fate_add(&fates, 1000000 + i, 100, "");
    assay_hash id = id_of(1500);
    assert_true(assay_fates_find(&fates, &id, &fate));
    assert_int_equal(fate.height, 99);
    // None is known after a clear, and there is room again for as many.
    assay_fates_clear(&fates);
    assert_int_equal(fates.index.count, 0);
    for (uint32_t i = 0; i < ASSAY_FATES_MAX; i++)
        fate_add(&fates, i, 7, "again");
    for (uint32_t i = 0; i < ASSAY_FATES_MAX; i++) {
        id = id_of(i);
        assert_true(assay_fates_find(&fates, &id, &fate));
        assert_int_equal(fate.height, 7);
    }
    id = id_of(1000000);
    assert_false(assay_fates_find(&fates, &id, &fate));
    assay_fates_close(&fates);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),     cmocka_unit_test(test_twice),
        cmocka_unit_test(test_count_max), cmocka_unit_test(test_bytes_max),
        cmocka_unit_test(test_idtable),   cmocka_unit_test(test_fates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
