// SPDX-License-Identifier: Apache-2.0
#include "tests/consensus/chain.h"

// C-8: DataHash over the ids, LastResultsHash over code and data; C-9: the parts, over one and
// several of them, with a last one that is whole.
static void test_cometbft(void **state) {
    cometbft_chain c = cometbft_chain_open();
    size_t count = json_array_size(c.blocks);
    assay_commit last = {0};
    uint32_t parts_max = 0;
    bool whole = false;
    for (size_t i = 0; i < count; i++) {
        assay_block block = cometbft_block(&c, i);
        assay_hash *ids = assay_arena_take(&c.arena, block.tx_count + 1, sizeof *ids), hash;
        assay_block_id id;
        assay_block_tx_ids(ids, &block);
        must(assay_block_data_hash(&hash, ids, block.tx_count, &c.arena, err));
        assert_memory_equal(&hash, &block.header.data_hash, sizeof hash);
        must(assay_results_hash(&hash, block.results, block.tx_count, &c.arena, err));
        if (i + 1 < count)
            expect_hash(json_object_get(json_array_get(c.blocks, i + 1), "header"),
                        "last_results_hash", &hash);
        else
            expect_hash(c.chain, "last_results_hash", &hash);
        must(assay_block_id_of(&id, &block, i ? &last : NULL, &c.arena, err));
        assert_memory_equal(&id, &block.commit.block, sizeof id);
        uint64_t size = number_at(json_array_get(c.blocks, i), "size");
        if (id.part_count > parts_max) parts_max = id.part_count;
        whole |= size % ASSAY_BLOCK_PART_SIZE == 0;
        last = block.commit;
    }
    assert_true(parts_max >= 4 && whole);
    cometbft_chain_close(&c);
}

static void block_expect(const assay_block *a, const assay_block *b) {
    assert_memory_equal(&a->header, &b->header, sizeof a->header);
    assert_memory_equal(&a->commit, &b->commit, sizeof a->commit);
    assert_memory_equal(&a->app_hash_after, &b->app_hash_after, sizeof a->app_hash_after);
    assert_int_equal(a->tx_count, b->tx_count);
    for (uint32_t i = 0; i < a->tx_count; i++) {
        assert_int_equal(a->txs[i].size, b->txs[i].size);
        assert_memory_equal(a->txs[i].data, b->txs[i].data, a->txs[i].size);
        assert_int_equal(a->results[i].code, b->results[i].code);
        assert_int_equal(a->results[i].data_size, b->results[i].data_size);
        assert_memory_equal(a->results[i].data, b->results[i].data, a->results[i].data_size);
    }
}

// C-4: the record reads back; no prefix of it does, nor anything longer.
static void test_record(void **state) {
    cometbft_chain c = cometbft_chain_open();
    for (size_t i = 0; i < json_array_size(c.blocks); i++) {
        assay_block block = cometbft_block(&c, i), back;
        assay_bytes record;
        must(assay_block_write(&record, &block, &c.arena, err));
        must(assay_block_read(&back, record.data, record.size, &c.arena, err));
        block_expect(&back, &block);
        size_t step = record.size / 997 + 1;
        for (size_t size = 0; size < record.size; size += step) {
            assay_arena arena = {0};
            assay_arena_init(&arena, 1 << 20);
            assert_int_equal(assay_block_read(&back, record.data, size, &arena, NULL),
                             ASSAY_TRUNCATED);
            assay_arena_close(&arena);
        }
        uint8_t *longer = malloc(record.size + 1);
        memcpy(longer, record.data, record.size);
        longer[record.size] = 0;
        assert_int_equal(assay_block_read(&back, longer, record.size + 1, &c.arena, NULL),
                         ASSAY_TRAILING);
        longer[0] = 2;
        assert_int_equal(assay_block_read(&back, longer, record.size, &c.arena, NULL),
                         ASSAY_VERSION);
        free(longer);
    }
    cometbft_chain_close(&c);
}

// C-4: counts and sizes over their limits are refused before anything is allocated for them.
static void test_limits(void **state) {
    cometbft_chain c = cometbft_chain_open();
    assay_block block = cometbft_block(&c, 0), back; // no transactions
    assay_bytes record;
    assay_arena small;
    assay_error why = {0};
    must(assay_block_write(&record, &block, &c.arena, err));
    uint8_t *bytes = (uint8_t *)record.data, *count = bytes + record.size - ASSAY_HASH_SIZE - 4;
    assay_arena_init(&small, 4096);
    assay_store_be32(count, ASSAY_BLOCK_TXS_MAX + 1);
    assert_int_equal(assay_block_read(&back, bytes, record.size, &small, &why), ASSAY_CAPACITY);
    assert_string_equal(why.text, "block record has 131073 transactions, limit 131072");
    assay_store_be32(count, ASSAY_BLOCK_TXS_MAX);
    assert_int_equal(assay_block_read(&back, bytes, record.size, &small, NULL), ASSAY_TRUNCATED);
    assay_arena_close(&small);

    static assay_bytes none[ASSAY_BLOCK_TXS_MAX + 1];
    static assay_tx_result results[ASSAY_BLOCK_TXS_MAX + 1];
    block.txs = none;
    block.results = results;
    block.tx_count = ASSAY_BLOCK_TXS_MAX + 1;
    assert_int_equal(assay_block_write(&record, &block, &c.arena, NULL), ASSAY_CAPACITY);
    block.tx_count = 1;
    none[0] = (assay_bytes){(const uint8_t *)results, ASSAY_BLOCK_SIZE_MAX};
    assert_int_equal(assay_block_write(&record, &block, &c.arena, NULL), ASSAY_CAPACITY);
    cometbft_chain_close(&c);
}

// A result's data over its limit.
static void test_result_data(void **state) {
    cometbft_chain c = cometbft_chain_open();
    assay_block block = cometbft_block(&c, 2), back; // one transaction of one byte
    assay_bytes record;
    must(assay_block_write(&record, &block, &c.arena, err));
    uint8_t *bytes = (uint8_t *)record.data;
    size_t at = record.size - ASSAY_HASH_SIZE - block.results[0].data_size - 1;
    assert_int_equal(bytes[at], block.results[0].data_size);
    bytes[at] = ASSAY_RESULT_DATA_MAX + 1;
    assert_int_equal(assay_block_read(&back, bytes, record.size, &c.arena, NULL), ASSAY_CAPACITY);
    cometbft_chain_close(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cometbft),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_result_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
