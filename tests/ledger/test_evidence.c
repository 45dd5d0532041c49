// SPDX-License-Identifier: Apache-2.0
// Posted evidence: who, in which order, how much (P-63); and what the ledger itself takes for good
// (P-64), under every kind of damage.
#include "tests/ledger/trial.h"

// Bytes of evidence about a batch of real receipts.
typedef struct {
    trial *t;
    bundle b;
    assay_batch batch;
    uint64_t position;
    uint8_t leaf[4096];
    size_t leaf_size;
    uint8_t table[16384];
    size_t table_size;
} fixture;

static fixture *fixture_of(uint64_t receipt_bytes_max) {
    fixture *f = calloc(1, sizeof *f);
    f->t = trial_new();
    f->t->chain.genesis.params.receipt_bytes_max = receipt_bytes_max;
    f->t->chain.genesis.params.commit_blocks = 100; // nothing falls due while a test posts
    f->t->chain.genesis.params.epoch_blocks = 1000;
    trial_start(f->t);
    trial_submit(f->t, &f->b, 11);
    trial_until(f->t, &f->b.id, ASSAY_BATCH_CHECKING);
    f->batch = trial_batch(f->t, &f->b.id);
    f->position = trial_case(f->t, &f->b.id, 0).position;
    f->leaf_size = trial_leaf_evidence(&f->b, f->position, f->leaf, sizeof f->leaf);
    f->table_size = trial_table_evidence(&f->b, f->table, sizeof f->table);
    return f;
}

static fixture *fixture_new(void) {
    return fixture_of(4 << 20);
}

static void fixture_close(fixture *f) {
    trial_close(f->t);
    free(f);
}

static bool leaf_is_good(const fixture *f, const uint8_t *data, size_t size) {
    assay_error why = {0};
    assay_status status = assay_evidence_leaf_check(&f->batch, f->position, data, size, &why);
    assert_true(status == ASSAY_OK || why.reject == ASSAY_REJECT_EVIDENCE_BAD);
    return status == ASSAY_OK;
}

static bool table_is_good(const fixture *f, const uint8_t *data, size_t size) {
    assay_error why = {0};
    assay_status status = assay_evidence_table_check(&f->batch, data, size, &why);
    assert_true(status == ASSAY_OK || why.reject == ASSAY_REJECT_EVIDENCE_BAD);
    return status == ASSAY_OK;
}

// Every bit counts, no byte may be missing or added; in exact-size heap copies, so that the
// sanitizer sees a read past the end.
static void hostile(void **state) {
    fixture *f = fixture_new();
    assert_true(leaf_is_good(f, f->leaf, f->leaf_size));
    assert_true(table_is_good(f, f->table, f->table_size));
    for (size_t i = 0; i < f->leaf_size; i++) {
        f->leaf[i] ^= (uint8_t)(1 << i % 8);
        assert_false(leaf_is_good(f, f->leaf, f->leaf_size));
        f->leaf[i] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t size = 0; size < f->leaf_size; size++) {
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, f->leaf, size);
        assert_false(leaf_is_good(f, copy, size));
        free(copy);
    }
    assert_false(leaf_is_good(f, f->leaf, f->leaf_size + 1));
    for (size_t i = 0; i < f->table_size; i += 5) {
        f->table[i] ^= (uint8_t)(1 << i % 8);
        assert_false(table_is_good(f, f->table, f->table_size));
        f->table[i] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t size = 0; size < f->table_size; size += 7) {
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, f->table, size);
        assert_false(table_is_good(f, copy, size));
        free(copy);
    }
    assert_false(table_is_good(f, f->table, f->table_size + 1));
    fixture_close(f);
}

// A leaf of the batch, but not the one that holds the sampled nano-OPEN; or of another batch.
static void another_leaf_is_no_answer(void **state) {
    fixture *f = fixture_new();
    uint32_t sampled = assay_sumtree_find(f->b.leaves, f->b.count, f->position);
    uint64_t start = 0;
    for (uint32_t i = 0; i < f->b.count; i++) {
        f->leaf_size = trial_leaf_evidence(&f->b, start, f->leaf, sizeof f->leaf);
        assert_int_equal(leaf_is_good(f, f->leaf, f->leaf_size), i == sampled);
        start += f->b.leaves[i].sum;
    }
    f->leaf_size = trial_leaf_evidence(&f->b, f->position, f->leaf, sizeof f->leaf);
    f->batch.fee_total++;
    assert_false(leaf_is_good(f, f->leaf, f->leaf_size));
    assert_false(table_is_good(f, f->table, f->table_size));
    f->batch.fee_total--;
    f->batch.count++;
    assert_false(table_is_good(f, f->table, f->table_size));
    fixture_close(f);
}

// Receipts in another order have another root.
static void a_table_has_its_order(void **state) {
    fixture *f = fixture_new();
    assay_receipt first = f->b.receipts[0];
    f->b.receipts[0] = f->b.receipts[7]; // of the same length
    f->b.receipts[7] = first;
    f->table_size = trial_table_evidence(&f->b, f->table, sizeof f->table);
    assert_false(table_is_good(f, f->table, f->table_size));
    fixture_close(f);
}

static assay_tx part_tx(fixture *f, uint16_t part, uint16_t count, const uint8_t *data,
                        size_t size) {
    return trial_post_tx(f->t, &f->b.id, 0, part, count, data, size);
}

static bool answered(fixture *f, assay_evidence_kind kind) {
    assay_view view = chain_view(&f->t->chain);
    uint8_t *data;
    size_t size;
    must(assay_evidence_get(&data, &size, &view.reader, &f->b.id, 0, kind, err));
    assay_view_close(&view);
    bool leaf = kind == ASSAY_EVIDENCE_LEAF;
    assay_case record = trial_case(f->t, &f->b.id, 0);
    assert_int_equal(data != NULL, (leaf ? record.leaf_answered : record.table_answered) > 0);
    if (data == NULL) return false;
    assert_int_equal(size, leaf ? f->leaf_size : f->table_size);
    assert_memory_equal(data, leaf ? f->leaf : f->table, size);
    free(data);
    return true;
}

static void parts_in_order(void **state) {
    fixture *f = fixture_new();
    chain *c = &f->t->chain;
    size_t half = f->leaf_size / 2;
    assay_tx tx = part_tx(f, 1, 2, f->leaf + half, f->leaf_size - half);
    chain_refuse(c, &tx, EVIDENCE_PART); // nothing was begun
    tx = part_tx(f, 0, 2, f->leaf, half);
    chain_run(c, &tx, NONE);
    tx = part_tx(f, 1, 3, f->leaf + half, 10);
    chain_refuse(c, &tx, EVIDENCE_PART); // another count
    assert_false(answered(f, ASSAY_EVIDENCE_LEAF));
    tx = part_tx(f, 0, 3, f->leaf, 20); // starts anew
    chain_run(c, &tx, NONE);
    tx = part_tx(f, 2, 3, f->leaf + 20, 20);
    chain_refuse(c, &tx, EVIDENCE_PART); // a part is missing
    tx = part_tx(f, 1, 3, f->leaf + 20, 20);
    chain_run(c, &tx, NONE);
    tx = part_tx(f, 2, 3, f->leaf + 40, f->leaf_size - 40);
    chain_run(c, &tx, NONE);
    assert_true(answered(f, ASSAY_EVIDENCE_LEAF));
    tx = part_tx(f, 0, 1, f->leaf, f->leaf_size);
    chain_refuse(c, &tx, EVIDENCE_TWICE);
    tx = part_tx(f, 0, 1, f->table, f->table_size); // the table may still be posted
    chain_run(c, &tx, NONE);
    assert_true(answered(f, ASSAY_EVIDENCE_TABLE));
    assert_true(answered(f, ASSAY_EVIDENCE_LEAF));
    assay_case record = trial_case(f->t, &f->b.id, 0);
    assert_int_equal(record.leaf_cost, 3 * 1000 + 10 * f->leaf_size);
    assert_int_equal(record.table_cost, 1000 + 10 * f->table_size);
    fixture_close(f);
}

// P-64: a receipt whose digest is of more ids than it counts has no good evidence.
static void ids_are_as_many_as_counted(void **state) {
    trial *t = trial_new();
    bundle b;
    uint8_t data[4096];
    trial_start(t);
    trial_bundle(t, &b, 1);
    assay_receipt *receipt = &b.receipts[0];
    for (uint32_t more = 0; more < 2; more++) {
        uint32_t count = receipt->output_count + more;
        assay_ids_digest(&receipt->output_digest, b.outputs[0], count);
        trial_table(t, &b);
        assay_batch batch = {.root = b.tx.body.submit_batch.root,
                             .fee_total = b.tx.body.submit_batch.fee_total,
                             .count = 1};
        size_t size = trial_leaf_evidence(&b, 0, data, sizeof data);
        uint8_t *ids = data + size - 4 * receipt->output_count - 4; // the outputs end it
        assay_writer writer;
        assay_writer_init(&writer, ids, sizeof data - (size_t)(ids - data));
        trial_ids_write(&writer, b.outputs[0], count);
        assert_int_equal(
            assay_evidence_leaf_check(&batch, 0, data, (size_t)(ids - data) + writer.size, NULL),
            more ? ASSAY_REJECTED : ASSAY_OK);
    }
    trial_close(t);
}

static uint32_t parts_kept(const fixture *f) {
    assay_view view = chain_view(&f->t->chain);
    assay_record_key from;
    assay_store_position at;
    uint32_t count = 0;
    assay_record_key_start(&from, ASSAY_TABLE_EVIDENCE);
    must(assay_reader_seek(&view.reader, &at, &from, 1, err));
    for (; at.key_size > 0; count++)
        must(assay_reader_next(&view.reader, &at, err));
    assay_view_close(&view);
    return count;
}

// P-63: part 0 starts anew, also where there were more parts before.
static void fewer_parts_start_anew(void **state) {
    fixture *f = fixture_new();
    chain *c = &f->t->chain;
    for (uint16_t part = 0; part < 2; part++) {
        assay_tx tx = part_tx(f, part, 3, f->leaf + 20 * part, 20);
        chain_run(c, &tx, NONE);
    }
    assay_tx tx = part_tx(f, 0, 1, f->leaf, f->leaf_size);
    chain_run(c, &tx, NONE);
    assert_true(answered(f, ASSAY_EVIDENCE_LEAF));
    fixture_close(f);
}

// Bad bytes are taken, paid for and dropped: the provider may begin again.
static void bad_postings_are_dropped(void **state) {
    fixture *f = fixture_new();
    chain *c = &f->t->chain;
    f->leaf[f->leaf_size - 1] ^= 1;
    assay_tx tx = part_tx(f, 0, 1, f->leaf, f->leaf_size);
    chain_run(c, &tx, NONE);
    assert_false(answered(f, ASSAY_EVIDENCE_LEAF));
    tx = part_tx(f, 1, 2, f->leaf, 5);
    chain_refuse(c, &tx, EVIDENCE_PART); // nothing is left of it
    assert_int_equal(parts_kept(f), 0);
    f->leaf[f->leaf_size - 1] ^= 1;
    tx = part_tx(f, 0, 1, f->leaf, f->leaf_size);
    chain_run(c, &tx, NONE);
    assert_true(answered(f, ASSAY_EVIDENCE_LEAF));
    fixture_close(f);
}

static void strangers_and_strange_bytes_are_refused(void **state) {
    fixture *f = fixture_new();
    chain *c = &f->t->chain;
    assay_tx tx = chain_tx(c, SPARE, ASSAY_TX_POST_EVIDENCE);
    tx.body = part_tx(f, 0, 1, f->leaf, f->leaf_size).body;
    chain_keep_out(c, &tx, EVIDENCE_PROVIDER);
    tx = part_tx(f, 0, 1, (const uint8_t *)"ASLE\0\0\0\1", 8);
    chain_refuse(c, &tx, EVIDENCE_KIND);
    tx = part_tx(f, 0, 1, f->leaf, 3);
    chain_refuse(c, &tx, EVIDENCE_KIND);
    tx = part_tx(f, 0, 1, f->leaf, f->leaf_size);
    tx.body.post_evidence.sample = 3;
    chain_refuse(c, &tx, CASE_UNKNOWN);
    tx = part_tx(f, 0, 1, f->leaf, f->leaf_size);
    tx.body.post_evidence.batch.bytes[5] ^= 1;
    chain_keep_out(c, &tx, BATCH_UNKNOWN);
    bundle waiting;
    trial_submit(f->t, &waiting, 2);
    tx = part_tx(f, 0, 1, f->leaf, f->leaf_size);
    tx.body.post_evidence.batch = waiting.id;
    chain_refuse(c, &tx, BATCH_UNKNOWN); // not checked yet
    fixture_close(f);
}

// P-63: 64 whole parts of 64 KiB and one of receipt_bytes_max, 16 KiB here; not a byte more, and no
// part count that holds more than a part more.
static void evidence_has_its_size(void **state) {
    enum { PART = 1 << 16, WHOLE = 64, REST = 1 << 14 };
    uint8_t *data = calloc(1, PART);
    fixture *f = fixture_of(REST);
    chain *c = &f->t->chain;
    memcpy(data, "ASPE", 4);
    assay_tx tx = part_tx(f, 0, WHOLE + 2, data, 100);
    chain_refuse(c, &tx, EVIDENCE_SIZE);
    for (uint16_t part = 0; part < WHOLE; part++) {
        tx = part_tx(f, part, WHOLE + 1, data, PART);
        chain_run(c, &tx, NONE);
    }
    tx = part_tx(f, WHOLE, WHOLE + 1, data, REST + 1);
    chain_refuse(c, &tx, EVIDENCE_SIZE);
    tx = part_tx(f, WHOLE, WHOLE + 1, data, REST);
    chain_run(c, &tx, NONE); // judged, and dropped
    assert_false(answered(f, ASSAY_EVIDENCE_LEAF));
    free(data);
    fixture_close(f);
}

// What was posted goes with the case.
static void drops(void **state) {
    trial *t = trial_begin();
    bundle b;
    uint8_t data[4096];
    trial_submit(t, &b, 11);
    trial_until(t, &b.id, ASSAY_BATCH_CHECKING);
    size_t size = trial_leaf_evidence(&b, trial_case(t, &b.id, 0).position, data, sizeof data);
    assay_tx tx = trial_post_tx(t, &b.id, 0, 0, 1, data, size);
    chain_add(&t->chain, &tx);
    tx = trial_post_tx(t, &b.id, 1, 0, 2, data, size); // never finished
    chain_add(&t->chain, &tx);
    trial_run_out(t, &b.id);
    assert_true(trial_case(t, &b.id, 0).leaf_answered > 0);
    assay_view view = chain_view(&t->chain);
    for (uint8_t table = ASSAY_TABLE_POSTING; table <= ASSAY_TABLE_EVIDENCE; table++) {
        assay_record_key from;
        assay_store_position at;
        assay_record_key_start(&from, table);
        must(assay_reader_seek(&view.reader, &at, &from, 1, err));
        assert_int_equal(at.key_size, 0);
    }
    uint8_t *left;
    must(assay_evidence_get(&left, &size, &view.reader, &b.id, 0, ASSAY_EVIDENCE_LEAF, err));
    assert_null(left);
    assay_view_close(&view);
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile),
        cmocka_unit_test(another_leaf_is_no_answer),
        cmocka_unit_test(a_table_has_its_order),
        cmocka_unit_test(ids_are_as_many_as_counted),
        cmocka_unit_test(parts_in_order),
        cmocka_unit_test(fewer_parts_start_anew),
        cmocka_unit_test(bad_postings_are_dropped),
        cmocka_unit_test(strangers_and_strange_bytes_are_refused),
        cmocka_unit_test(evidence_has_its_size),
        cmocka_unit_test(drops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
