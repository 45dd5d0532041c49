// SPDX-License-Identifier: Apache-2.0
// Settlement against an independent recomputation (tests/oracles/settlement.py): splits, divisions
// and whole batches with random tables on a real chain; and the order of its queue (P-68, P-69,
// P-70, P-71).
#include "tests/ledger/trial.h"
#include "tests/vectors.h"

#include "ledger/settle.h"
#include "ledger/state/history.h"

static json_t *root;

static uint64_t number_of(const json_t *item, const char *name) {
    uint64_t value;
    assert_int_equal(assay_json_u64(&value, item, name, 0, UINT64_MAX, NULL), ASSAY_OK);
    return value;
}

static uint64_t element(const json_t *list, size_t i) {
    const json_t *value = json_array_get(list, i);
    return json_is_string(value) ? strtoull(json_string_value(value), NULL, 10)
                                 : (uint64_t)json_integer_value(value);
}

// Weights pass 2^64.
static assay_u128 wide(const char *text) {
    assay_u128 value = 0;
    for (; *text; text++)
        value = value * 10 + (assay_u128)(*text - '0');
    return value;
}

// P-68
static void splits_match_the_oracle(void **state) {
    size_t i;
    json_t *item;
    json_array_foreach(vectors_at(root, "splits"), i, item) {
        json_t *shares = json_object_get(item, "params"), *parts = json_object_get(item, "parts");
        json_t *royalties = json_object_get(item, "royalties");
        assay_params params;
        assay_settle_row row;
        assay_params_init(&params);
        params.burn_ppm = number_of(shares, "burn_ppm");
        params.data_ppm = number_of(shares, "data_ppm");
        params.validators_ppm = number_of(shares, "validators_ppm");
        assay_settle_split(&row, number_of(item, "fee"), &params, (uint32_t)element(royalties, 0),
                           (uint32_t)element(royalties, 1));
        assert_int_equal(row.burn, number_of(parts, "burn"));
        assert_int_equal(row.model, number_of(parts, "model"));
        assert_int_equal(row.adapter, number_of(parts, "adapter"));
        assert_int_equal(row.data, number_of(parts, "data"));
        assert_int_equal(row.validators, number_of(parts, "validators"));
        assert_int_equal(row.provider, number_of(parts, "provider"));
    }
    assert_int_equal(i, 200);
}

// P-69
static void divisions_match_the_oracle(void **state) {
    size_t i;
    json_t *item;
    json_array_foreach(vectors_at(root, "divisions"), i, item) {
        json_t *list = json_object_get(item, "weights"), *parts = json_object_get(item, "parts");
        uint32_t count = (uint32_t)json_array_size(list);
        assay_u128 weights[16];
        uint64_t out[16], sum, expected = 0;
        for (uint32_t j = 0; j < count; j++)
            weights[j] = wide(json_string_value(json_array_get(list, j)));
        must(assay_settle_divide(out, &sum, number_of(item, "pool"), weights, count,
                                 wide(json_string_value(json_object_get(item, "whole"))), err));
        for (uint32_t j = 0; j < count; j++) {
            assert_int_equal(out[j], element(parts, j));
            expected += out[j];
        }
        assert_int_equal(sum, expected);
        assert_true(sum <= number_of(item, "pool"));
    }
    assert_int_equal(i, 300);
}

// ---- whole batches ----

typedef struct {
    trial *t;
    assay_hash models[3];
    assay_hash adapters[4];
    assay_hash datasets[6];
} world;

static assay_hash named(const char *what, uint32_t i) {
    char name[32];
    snprintf(name, sizeof name, "%s %u", what, i);
    return trial_hash(name);
}

static int hash_order(const void *a, const void *b) {
    return memcmp(a, b, ASSAY_HASH_SIZE);
}

// Two ids stand first in a model row.
static int row_order(const void *a, const void *b) {
    return memcmp(a, b, 2 * ASSAY_HASH_SIZE);
}

static void world_models(world *w) {
    chain *c = &w->t->chain;
    json_t *royalties = vectors_at(root, "world.models");
    for (uint32_t i = 0; i < 3; i++) {
        w->models[i] = named("model", i);
        chain_commit_add(c, PUBLISHER, &w->models[i], NULL);
    }
    for (uint32_t i = 0; i < 4; i++) {
        w->adapters[i] = named("adapter", i);
        chain_commit_add(c, TUNER, &w->adapters[i], NULL);
    }
    chain_block(c);
    for (uint32_t i = 0; i < 3; i++) {
        assay_tx tx = chain_tx(c, PUBLISHER, ASSAY_TX_REGISTER_MODEL);
        tx.body.register_model =
            (assay_tx_register_model){.root = w->models[i],
                                      .byte_count = 1000,
                                      .royalty_ppm = (uint32_t)element(royalties, i),
                                      .name = {(const uint8_t *)"m", 1},
                                      .uri = {(const uint8_t *)"file:m", 6}};
        chain_add(c, &tx);
    }
    chain_block(c);
    json_t *adapters = vectors_at(root, "world.adapters");
    for (uint32_t i = 0; i < 4; i++) {
        json_t *row = json_array_get(adapters, i);
        assay_tx tx = chain_tx(c, TUNER, ASSAY_TX_REGISTER_ADAPTER);
        tx.body.register_adapter =
            (assay_tx_register_adapter){.base = w->models[element(row, 0)],
                                        .root = w->adapters[i],
                                        .byte_count = 1000,
                                        .royalty_ppm = (uint32_t)element(row, 1),
                                        .name = {(const uint8_t *)"a", 1},
                                        .uri = {(const uint8_t *)"file:a", 6}};
        chain_add(c, &tx);
    }
    chain_block(c);
    trial_all_accepted(w->t);
}

static void world_datasets(world *w) {
    trial *t = w->t;
    for (uint32_t i = 0; i < 6; i += 2) {
        w->datasets[i] = t->datasets[0] = named("set", i);
        w->datasets[i + 1] = t->datasets[1] = named("set", i + 1);
        trial_datasets(t);
        chain_block(&t->chain);
        trial_all_accepted(t);
    }
}

static void world_declare(world *w) {
    assay_hash roots[7];
    memcpy(roots, w->models, sizeof w->models);
    memcpy(roots + 3, w->adapters, sizeof w->adapters);
    qsort(roots, 7, sizeof roots[0], hash_order);
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++)
        trial_declare(w->t, VALIDATOR + i, roots, 7);
    trial_bond(w->t, PROVIDER, ASSAY_ROLE_PROVIDER, 400);
    chain_block(&w->t->chain);
    trial_all_accepted(w->t);
}

typedef struct {
    assay_session_row session;
    assay_model_row models[8];
    assay_dataset_row datasets[8];
} table_rows;

// Rows are ordered by id, whatever their order in the vectors.
static assay_hash world_submit(world *w, const json_t *item, table_rows *rows) {
    trial *t = w->t;
    size_t i;
    json_t *row, *models = json_object_get(item, "rows"), *sets = json_object_get(item, "weights");
    json_array_foreach(models, i, row) {
        int64_t adapter = json_integer_value(json_array_get(row, 1));
        rows->models[i] = (assay_model_row){w->models[element(row, 0)], {{0}}, element(row, 2)};
        if (adapter >= 0) rows->models[i].adapter = w->adapters[adapter];
    }
    qsort(rows->models, i, sizeof rows->models[0], row_order);
    json_array_foreach(sets, i, row) {
        rows->datasets[i].dataset = w->datasets[element(row, 0)];
        rows->datasets[i].weight = wide(json_string_value(json_array_get(row, 1)));
    }
    qsort(rows->datasets, i, sizeof rows->datasets[0], hash_order);
    rows->session = (assay_session_row){t->session, t->next_sequence++, 1, number_of(item, "fees")};
    assay_tx tx = chain_tx(&t->chain, PROVIDER, ASSAY_TX_SUBMIT_BATCH);
    tx.body.submit_batch = (assay_tx_submit_batch){
        .root = trial_hash("any"),
        .count = 1,
        .fee_total = number_of(item, "fees"),
        .receipt_bytes = 400,
        .uri = {(const uint8_t *)"file:b", 6},
        .sessions = {&rows->session, 1},
        .models = {rows->models, (uint32_t)json_array_size(models)},
        .datasets = {rows->datasets, (uint32_t)json_array_size(sets)},
    };
    return chain_add(&t->chain, &tx);
}

// Everything paid for one thing in one role, by the batch's lines.
static uint64_t paid(world *w, const assay_hash *batch, uint8_t role, const assay_hash *id) {
    assay_view view = chain_view(&w->t->chain);
    uint64_t sum = 0;
    bool found = true;
    for (uint32_t i = 0; found; i++) {
        assay_payout_line line;
        must(assay_payout_line_get(&line, &found, &view.reader, batch, i, err));
        if (!found || line.role != role || line.reason != ASSAY_PAID_FOR_FEES) continue;
        if (id == NULL || assay_hash_equal(&line.id, id)) sum += line.amount;
    }
    assay_view_close(&view);
    return sum;
}

static void expect_paid(world *w, const json_t *item, const assay_hash *id) {
    assay_batch batch = trial_batch(w->t, id);
    assert_int_equal(batch.state, ASSAY_BATCH_SETTLED);
    assert_int_equal(batch.burned, number_of(item, "burned"));
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(paid(w, id, ASSAY_PAID_PUBLISHER, &w->models[i]),
                         element(json_object_get(item, "models"), i));
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(paid(w, id, ASSAY_PAID_TUNER, &w->adapters[i]),
                         element(json_object_get(item, "adapters"), i));
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(paid(w, id, ASSAY_PAID_CONTRIBUTOR, &w->datasets[i]),
                         element(json_object_get(item, "datasets"), i));
    assert_int_equal(paid(w, id, ASSAY_PAID_VALIDATOR, NULL), number_of(item, "validators"));
    assert_int_equal(paid(w, id, ASSAY_PAID_PROVIDER, NULL), number_of(item, "provider"));
}

// 40 batches in one block: every amount as the oracle has it, to the nopen.
static void whole_batches_match_the_oracle(void **state) {
    json_t *list = vectors_at(root, "batches"), *item;
    size_t i, count = json_array_size(list);
    world w = {.t = trial_begin()};
    world_models(&w);
    world_datasets(&w);
    world_declare(&w);
    table_rows *rows = calloc(count, sizeof *rows);
    assay_hash ids[64];
    json_array_foreach(list, i, item) ids[i] = world_submit(&w, item, &rows[i]);
    chain_block(&w.t->chain);
    trial_all_accepted(w.t);
    trial_run_out(w.t, &ids[count - 1]);
    json_array_foreach(list, i, item) expect_paid(&w, item, &ids[i]);
    assert_int_equal(count, 40);
    free(rows);
    trial_close(w.t);
}

// ---- the queue ----

static assay_hash slow;
static ballot slow_sleeps(trial *t, uint32_t actor, const assay_duty *duty) {
    bool sleeps = duty->round == 0 && assay_hash_equal(&duty->batch, &slow);
    return (ballot){.no_commit = sleeps};
}

// One settlement a block. A batch that was redrawn is final together with one from 7 blocks later,
// and goes first; the other one waits a block.
static void order(void **state) {
    trial *t = trial_new();
    t->chain.genesis.params.settle_max = 1;
    trial_start(t);
    t->votes = slow_sleeps;
    bundle early, late;
    trial_submit(t, &early, 8);
    slow = early.id;
    for (uint32_t i = 0; i < 6; i++)
        trial_step(t);
    trial_bundle(t, &late, 8);
    late.id = chain_add(&t->chain, &late.tx);
    trial_step(t);
    trial_until(t, &late.id, ASSAY_BATCH_FINAL);
    assay_batch first = trial_batch(t, &early.id), second = trial_batch(t, &late.id);
    assert_int_equal(second.height - first.height, 7);
    assert_int_equal(first.state, ASSAY_BATCH_SETTLED);
    assert_int_equal(first.ended, t->chain.height);
    assert_int_equal(second.state, ASSAY_BATCH_FINAL);
    trial_step(t);
    second = trial_batch(t, &late.id);
    assert_int_equal(second.state, ASSAY_BATCH_SETTLED);
    assert_int_equal(second.ended, first.ended + 1);
    // And no second batch fits into a block.
    trial_bundle(t, &early, 1);
    chain_add(&t->chain, &early.tx);
    trial_bundle(t, &late, 1);
    chain_add(&t->chain, &late.tx);
    chain_block(&t->chain);
    chain_expect(&t->chain, 0, NONE);
    chain_expect(&t->chain, 1, BATCH_BLOCK_FULL);
    trial_close(t);
}

// A retired data set takes no more shares: its part burns.
static void a_retired_data_set_burns_its_share(void **state) {
    trial *t = trial_begin();
    bundle b;
    trial_submit(t, &b, 8);
    assay_tx tx = chain_tx(&t->chain, t->owners[0], ASSAY_TX_RETIRE_DATASET);
    tx.body.retire_dataset.dataset = t->datasets[0];
    chain_run(&t->chain, &tx, NONE);
    world w = {.t = t};
    assay_batch batch = trial_run_out(t, &b.id);
    uint64_t fees = batch.fee_total, data = fees / 4;
    assert_int_equal(paid(&w, &b.id, ASSAY_PAID_CONTRIBUTOR, &t->datasets[0]), 0);
    assert_int_equal(paid(&w, &b.id, ASSAY_PAID_CONTRIBUTOR, &t->datasets[1]), data * 4 / 10);
    assert_int_equal(batch.burned, fees / 20 + data * 6 / 10);
    trial_close(t);
}

// What settled leaves no state behind: no records of batch, cases, votes, escrow, counts (P-77).
static void settled_batches_leave_the_state(void **state) {
    static const uint8_t tables[] = {
        ASSAY_TABLE_BATCH,   ASSAY_TABLE_BATCH_TABLES, ASSAY_TABLE_WAITING, ASSAY_TABLE_CASE,
        ASSAY_TABLE_VOTE,    ASSAY_TABLE_CASE_DUE,     ASSAY_TABLE_ACCUSER, ASSAY_TABLE_POSTING,
        ASSAY_TABLE_FINAL,   ASSAY_TABLE_EVIDENCE,     ASSAY_TABLE_CHECKER, ASSAY_TABLE_CATCHER,
        ASSAY_TABLE_MISSING, ASSAY_TABLE_EXPOSURE,     ASSAY_TABLE_ESCROW,  ASSAY_TABLE_MAY_CHECK,
    };
    trial *t = trial_begin();
    bundle b;
    trial_submit(t, &b, 8);
    assay_view view = chain_view(&t->chain);
    uint64_t leaves = view.history_count;
    assay_view_close(&view);
    uint64_t epochs = t->chain.height / 20;
    trial_run_out(t, &b.id);
    view = chain_view(&t->chain);
    for (size_t i = 0; i < sizeof tables; i++) {
        assay_record_key from;
        assay_store_position at;
        assay_record_key_start(&from, tables[i]);
        must(assay_reader_seek(&view.reader, &at, &from, 1, err));
        assert_int_equal(at.key_size, 0);
    }
    assert_int_equal(view.history_count - leaves, 3 + 1 + (t->chain.height / 20 - epochs));
    assay_arena arena;
    assay_batch_tables rows;
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX);
    must(assay_batch_tables_get(&rows, &view.reader, &b.id, &arena, err));
    assert_int_equal(rows.sessions.items[0].fee_sum, b.session.fee_sum);
    assert_memory_equal(&rows.models.items[0], &b.model, sizeof b.model);
    assert_true(rows.datasets.items[1].weight == b.datasets[1].weight);
    assay_arena_close(&arena);
    assay_view_close(&view);
    trial_close(t);
}

// Adds what stands under a key among the aux tables.
static size_t record_add(const assay_view *view, const assay_record_key *key, uint8_t *out) {
    assay_bytes value;
    must(assay_reader_get(&view->reader, key, &value, err));
    assert_non_null(value.data);
    memcpy(out, value.data, value.size);
    return value.size;
}

static void expect_leaf(const assay_view *view, const uint8_t *leaf, size_t size) {
    for (uint64_t i = 0; i < view->history_count; i++) {
        assay_history_proof proof;
        must(assay_history_prove(&proof, &view->reader, i, err));
        if (assay_history_check(&view->history_root, leaf, size, &proof, NULL) == ASSAY_OK) return;
    }
    fail_msg("no leaf of kind %u", leaf[0]);
}

// P-77: an ended batch with its record, an ended case with its record and what was voted.
static void the_history_keeps_what_ended(void **state) {
    trial *t = trial_new();
    bundle b;
    trial_start(t);
    trial_submit(t, &b, 4);
    trial_run_out(t, &b.id);
    assay_view view = chain_view(&t->chain);
    uint8_t leaf[2048] = {1}, votes[ASSAY_VOTERS_MAX * 256];
    memcpy(leaf + 1, b.id.bytes, 32);
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_ENDED_BATCH, &b.id);
    expect_leaf(&view, leaf, 33 + record_add(&view, &key, leaf + 33));
    leaf[0] = 2;
    assay_store_be32(leaf + 33, 1);
    key = assay_record_key_of_sample(ASSAY_TABLE_ENDED_CASE, &b.id, 1);
    size_t size = 37 + record_add(&view, &key, leaf + 37), voted = 0;
    key = assay_record_key_of_sample(ASSAY_TABLE_ENDED_VOTE, &b.id, 1);
    assay_store_position at;
    must(assay_reader_seek(&view.reader, &at, &key, key.size, err));
    while (at.key_size > 0) {
        memcpy(votes + voted, at.key + key.size, 1 + 20);
        memcpy(votes + voted + 21, at.value.data, at.value.size);
        voted += 21 + at.value.size;
        must(assay_reader_next(&view.reader, &at, err));
    }
    assay_hash digest;
    assay_sha256_of(&digest, votes, voted);
    memcpy(leaf + size, digest.bytes, 32);
    expect_leaf(&view, leaf, size + 32);
    assay_view_close(&view);
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_match_the_oracle),
        cmocka_unit_test(divisions_match_the_oracle),
        cmocka_unit_test(whole_batches_match_the_oracle),
        cmocka_unit_test(order),
        cmocka_unit_test(a_retired_data_set_burns_its_share),
        cmocka_unit_test(settled_batches_leave_the_state),
        cmocka_unit_test(the_history_keeps_what_ended),
    };
    root = vectors_read("settlement.json");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(root);
    return failed;
}
