// SPDX-License-Identifier: Apache-2.0
// A data set that could not be had: what its batch pays, and what becomes of a series (P-69, P-76).
#include "tests/ledger/trial.h"

static assay_hash missing_dataset;
static ballot data_gone(trial *t, uint32_t actor, const assay_duty *duty) {
    if (duty->sample != 0) return (ballot){0};
    return (ballot){.verdict = ASSAY_VERDICT_DATA_MISSING, .dataset = missing_dataset};
}

static uint64_t contributor_total(trial *t, const assay_hash *id, const assay_hash *dataset) {
    assay_view view = chain_view(&t->chain);
    uint64_t sum = 0;
    bool found = true;
    for (uint32_t i = 0; found; i++) {
        assay_payout_line line;
        must(assay_payout_line_get(&line, &found, &view.reader, id, i, err));
        if (found && assay_hash_equal(&line.id, dataset)) sum += line.amount;
    }
    assay_view_close(&view);
    return sum;
}

// First and last height of the data set's series of findings; zeros if there is none.
static void series_get(uint64_t *first, uint64_t *last, const assay_reader *reader,
                       const assay_hash *dataset) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_MISSING_SINCE, dataset);
    assay_bytes value;
    must(assay_reader_get(reader, &key, &value, err));
    if (value.data != NULL) assert_int_equal(value.size, 16);
    *first = value.data == NULL ? 0 : assay_load_be64(value.data);
    *last = value.data == NULL ? 0 : assay_load_be64(value.data + 8);
}

// The share burns, the provider is paid; when it goes on for too long the bond burns as well
// (P-76).
static void missing_data_burns_its_share_then_its_bond(void **state) {
    trial *t = trial_new();
    t->chain.genesis.params.data_missing_blocks = 30;
    trial_start(t);
    t->votes = data_gone;
    missing_dataset = t->datasets[0];
    uint64_t since = 0, bond = CHAIN_OPEN;
    for (uint32_t i = 0; bond > 0; i++) {
        bundle b;
        assert_true(i < 8);
        trial_submit(t, &b, 8);
        assay_batch batch = trial_run_out(t, &b.id);
        assert_int_equal(batch.state, ASSAY_BATCH_SETTLED);
        trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_DATA_MISSING, 1);
        assert_int_equal(contributor_total(t, &b.id, &t->datasets[0]), 0);
        assert_true(contributor_total(t, &b.id, &t->datasets[1]) > 0);
        assay_view view = chain_view(&t->chain);
        assay_record_key of_batch = assay_record_key_of_hash(ASSAY_TABLE_MISSING, &b.id);
        assay_store_position at;
        assay_dataset dataset;
        bool found;
        uint64_t first, last;
        must(assay_reader_seek(&view.reader, &at, &of_batch, of_batch.size, err));
        assert_int_equal(at.key_size, 0); // an ended batch leaves none (P-77)
        must(assay_dataset_get(&dataset, &found, &view.reader, &t->datasets[0], err));
        series_get(&first, &last, &view.reader, &t->datasets[0]);
        assay_view_close(&view);
        if (i == 0) since = first;
        bond = dataset.bond;
        if (bond > 0) {
            assert_int_equal(first, since);
            assert_int_equal(last, batch.ended);
            assert_true(last - since < 30);
        } else {
            assert_int_equal(first + last, 0);
            assert_true(batch.ended - since >= 30);
        }
    }
    trial_close(t);
}

// A finding that a data set is missing, at the end of block `height`, *path after its batch's; 0:
// not known yet, so the first.
static void missing_at(trial *t, uint64_t height, uint64_t *path) {
    bundle b;
    if (*path > 0) chain_until(&t->chain, height - *path - 1);
    trial_submit(t, &b, 8);
    assay_batch batch = trial_run_out(t, &b.id);
    trial_expect(t, &b.id, 0, ASSAY_CASE_RIGHT, ASSAY_VERDICT_DATA_MISSING, 1);
    uint64_t ended = trial_case(t, &b.id, 0).ended;
    if (*path > 0) assert_int_equal(ended, height);
    *path = ended - batch.height;
}

static void missing_expect(const trial *t, uint64_t since, uint64_t last, uint64_t bond) {
    assay_view view = chain_view(&t->chain);
    assay_dataset dataset;
    uint64_t first, latest;
    bool found;
    must(assay_dataset_get(&dataset, &found, &view.reader, &missing_dataset, err));
    series_get(&first, &latest, &view.reader, &missing_dataset);
    assay_view_close(&view);
    assert_int_equal(first, since);
    assert_int_equal(latest, last);
    assert_int_equal(dataset.bond, bond);
}

// P-76: a series lasts over a gap of data_missing_blocks, not over one block more, and its bond
// burns when it spans as much, not one block before.
static void a_gap_ends_a_series_of_missing_data(void **state) {
    enum { BLOCKS = 60 };
    trial *t = trial_new();
    uint64_t path = 0;
    t->chain.genesis.params.data_missing_blocks = BLOCKS;
    trial_start(t);
    t->votes = data_gone;
    missing_dataset = t->datasets[0];
    uint64_t from = t->chain.height + 1;
    missing_at(t, 0, &path);
    uint64_t first = from + path, second = first + BLOCKS - 1, third = second + BLOCKS + 1;
    missing_expect(t, first, first, CHAIN_OPEN);
    missing_at(t, second, &path);
    missing_expect(t, first, second, CHAIN_OPEN);
    missing_at(t, third, &path);
    missing_expect(t, third, third, CHAIN_OPEN);
    missing_at(t, third + BLOCKS, &path);
    missing_expect(t, 0, 0, 0);
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_data_burns_its_share_then_its_bond),
        cmocka_unit_test(a_gap_ends_a_series_of_missing_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
