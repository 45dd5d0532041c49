// SPDX-License-Identifier: Apache-2.0
// A batch's table against a recomputation that sorts nothing: for each key it goes through all
// receipts and adds. Rules P-15, P-52.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/workshop/batch_table.h"
#include "tests/test.h"

enum { COUNT = 40, SESSIONS = 4, KINDS = 3, DATASETS = 5 };

static uint64_t dice_state = 1;

static uint32_t dice(uint32_t sides) {
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice_state >> 33) % sides;
}

static assay_hash name_of(uint8_t kind, uint32_t number) {
    return (assay_hash){{kind, (uint8_t)(number * 37 % 251)}};
}

// Receipts in order, with random fees, models, adapters and shares.
static void receipts_make(assay_receipt *receipts) {
    uint32_t at = 0;
    for (uint32_t session = 0; session < SESSIONS; session++)
        for (uint32_t i = 0; i < COUNT / SESSIONS; i++, at++) {
            assay_receipt *r = &receipts[at];
            memset(r, 0, sizeof *r);
            r->request.session = (assay_hash){{1, (uint8_t)session}};
            r->request.sequence = 5 + session + i;
            r->request.model = name_of(2, dice(2));
            r->request.adapter = dice(3) ? name_of(3, dice(KINDS)) : (assay_hash){{0}};
            r->fee = 1 + dice(100000);
            uint32_t left = 1000000;
            for (uint32_t j = 0; left && j < dice(DATASETS); j++) {
                uint32_t ppm = 1 + dice(left);
                r->attribution[r->attribution_count++] =
                    (assay_attribution_row){name_of(4, j), ppm};
                left -= ppm;
            }
        }
}

static bool ascending(const assay_hash *a, const assay_hash *b) {
    return memcmp(a->bytes, b->bytes, ASSAY_HASH_SIZE) < 0;
}

static void rows_expect(const assay_batch_tables *t, const assay_receipt *receipts) {
    uint32_t covered = 0;
    uint64_t fees = 0;
    for (uint32_t i = 0; i < t->sessions.count; i++) {
        const assay_session_row *row = &t->sessions.items[i];
        uint64_t sum = 0, first = UINT64_MAX;
        uint32_t count = 0;
        for (uint32_t j = 0; j < COUNT; j++) {
            if (!assay_hash_equal(&receipts[j].request.session, &row->session)) continue;
            sum += receipts[j].fee;
            count++;
            if (receipts[j].request.sequence < first) first = receipts[j].request.sequence;
        }
        assert_true(row->fee_sum == sum && row->count == count && row->first_sequence == first);
        assert_true(i == 0 || ascending(&t->sessions.items[i - 1].session, &row->session));
        covered += count;
    }
    assert_int_equal(covered, COUNT);
    for (uint32_t i = 0; i < t->models.count; i++) {
        const assay_model_row *row = &t->models.items[i];
        uint64_t sum = 0;
        for (uint32_t j = 0; j < COUNT; j++)
            if (assay_hash_equal(&receipts[j].request.model, &row->model) &&
                assay_hash_equal(&receipts[j].request.adapter, &row->adapter))
                sum += receipts[j].fee;
        assert_true(sum > 0 && row->fee_sum == sum);
        assert_true(i == 0 || memcmp(&t->models.items[i - 1], row, 2 * ASSAY_HASH_SIZE) < 0);
        fees += sum;
    }
    for (uint32_t j = 0; j < COUNT; j++)
        fees -= receipts[j].fee;
    assert_int_equal(fees, 0);
}

static void weights_expect(const assay_batch_tables *t, const assay_receipt *receipts) {
    assay_u128 all = 0;
    for (uint32_t i = 0; i < t->datasets.count; i++) {
        const assay_dataset_row *row = &t->datasets.items[i];
        assay_u128 sum = 0;
        for (uint32_t j = 0; j < COUNT; j++)
            for (uint32_t k = 0; k < receipts[j].attribution_count; k++)
                if (assay_hash_equal(&receipts[j].attribution[k].dataset, &row->dataset))
                    sum += (assay_u128)receipts[j].fee * receipts[j].attribution[k].ppm;
        assert_true(sum > 0 && row->weight == sum);
        assert_true(i == 0 || ascending(&t->datasets.items[i - 1].dataset, &row->dataset));
        all += row->weight;
    }
    for (uint32_t j = 0; j < COUNT; j++)
        for (uint32_t k = 0; k < receipts[j].attribution_count; k++)
            all -= (assay_u128)receipts[j].fee * receipts[j].attribution[k].ppm;
    assert_true(all == 0);
}

static void tables_are_the_sums(void **state) {
    for (int round = 0; round < 20; round++) {
        assay_receipt receipts[COUNT];
        assay_batch_tables tables;
        assay_arena arena;
        assay_arena_init(&arena, 1 << 20);
        receipts_make(receipts);
        assert_int_equal(assay_table_make(&tables, receipts, COUNT, &arena, NULL), ASSAY_OK);
        rows_expect(&tables, receipts);
        weights_expect(&tables, receipts);
        assay_arena_close(&arena);
    }
}

static void expect_refused(const assay_receipt *receipts, assay_status status, const char *words) {
    assay_batch_tables tables;
    assay_arena arena;
    assay_error err = {0};
    assay_arena_init(&arena, 1 << 20);
    assert_int_equal(assay_table_make(&tables, receipts, COUNT, &arena, &err), status);
    assert_non_null(strstr(err.text, words));
    assay_arena_close(&arena);
}

static void disorder_and_gaps_are_refused(void **state) {
    assay_receipt receipts[COUNT], swap;
    receipts_make(receipts);
    receipts[3].request.sequence++;
    expect_refused(receipts, ASSAY_ORDER, "receipt 3 has sequence 9, expected 8");
    receipts_make(receipts);
    receipts[4].request.sequence = receipts[3].request.sequence;
    expect_refused(receipts, ASSAY_ORDER, "receipt 4 has sequence 8, expected 9");
    receipts_make(receipts);
    swap = receipts[0];
    receipts[0] = receipts[COUNT - 1];
    receipts[COUNT - 1] = swap;
    expect_refused(receipts, ASSAY_ORDER, "before the last one's");
    receipts_make(receipts);
    receipts[0].fee = UINT64_MAX;
    expect_refused(receipts, ASSAY_RANGE, "more than 2^64-1");
}

// One changed field in one row is another table.
static void equal_means_every_field(void **state) {
    assay_receipt receipts[COUNT];
    assay_batch_tables a, b;
    assay_arena arena;
    assay_arena_init(&arena, 1 << 20);
    receipts_make(receipts);
    assert_int_equal(assay_table_make(&a, receipts, COUNT, &arena, NULL), ASSAY_OK);
    assert_int_equal(assay_table_make(&b, receipts, COUNT, &arena, NULL), ASSAY_OK);
    assert_true(assay_table_equal(&a, &b));
#define differs(list, type, field)                                                                 \
    do {                                                                                           \
        type *row_ = (type *)(uintptr_t)b.list.items + b.list.count - 1;                           \
        row_->field ^= 1;                                                                          \
        assert_false(assay_table_equal(&a, &b));                                                   \
        row_->field ^= 1;                                                                          \
        assert_true(assay_table_equal(&a, &b));                                                    \
    } while (0)
    differs(sessions, assay_session_row, session.bytes[31]);
    differs(sessions, assay_session_row, first_sequence);
    differs(sessions, assay_session_row, count);
    differs(sessions, assay_session_row, fee_sum);
    differs(models, assay_model_row, model.bytes[31]);
    differs(models, assay_model_row, adapter.bytes[31]);
    differs(models, assay_model_row, fee_sum);
    differs(datasets, assay_dataset_row, dataset.bytes[31]);
    differs(datasets, assay_dataset_row, weight);
#undef differs
    b.datasets.count--;
    assert_false(assay_table_equal(&a, &b));
    assay_arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_the_sums),
        cmocka_unit_test(disorder_and_gaps_are_refused),
        cmocka_unit_test(equal_means_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
