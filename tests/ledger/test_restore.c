// SPDX-License-Identifier: Apache-2.0
// E-60, E-61, E-65: whoever begins with a state goes on like whoever has executed every block, and
// says of what came before that it is not kept.
#include <signal.h>
#include <sys/wait.h>

#include "ledger/epoch.h"
#include "tests/folder.h"
#include "tests/ledger/claim_proof.h"
#include "tests/ledger/replica.h"

// A validator finds fraud in every second batch's samples.
static ballot accusing(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.verdict = ASSAY_VERDICT_UNAVAILABLE};
}

static ballot guilty(trial *t, uint32_t actor, const assay_duty *duty) {
    return (ballot){.verdict = ASSAY_VERDICT_OUTPUT};
}

// About batches and cases that have left the state: refused alike, wherever it came from.
static void late_transactions(trial *t, const bundle *b) {
    chain *c = &t->chain;
    uint8_t data[4096];
    const assay_duty duty = {.batch = b->id};
    const ballot mind = {0};
    assay_tx reveal = trial_reveal_tx(t, VALIDATOR, &duty, &mind);
    trial_commit_add(t, VALIDATOR + 1, &duty, &mind);
    chain_add(c, &reveal);
    size_t size = trial_leaf_evidence(b, 0, data, sizeof data);
    assay_tx post = trial_post_tx(t, &b->id, 0, 0, 1, data, size);
    chain_add(c, &post);
    assay_tx close = chain_tx(c, CONSUMER, ASSAY_TX_CLOSE_SESSION);
    close.body.close_session.session = trial_hash("a stranger");
    chain_add(c, &close);
    chain_block(c);
    chain_expect(c, 0, BATCH_UNKNOWN);
    chain_expect(c, 1, BATCH_UNKNOWN);
    chain_expect(c, 2, BATCH_UNKNOWN);
    chain_expect(c, 3, SESSION_UNKNOWN);
}

static void withdraw(trial *t, uint32_t actor) {
    assay_tx tx = chain_tx(&t->chain, actor, ASSAY_TX_WITHDRAW);
    tx.body.withdraw.amount = CHAIN_OPEN;
    tx.body.withdraw.recipient = t->chain.actors[actor];
    chain_run(&t->chain, &tx, NONE);
}

// The end of a session, and the next one's beginning.
static void session_change(trial *t) {
    assay_tx tx = chain_tx(&t->chain, CONSUMER, ASSAY_TX_CLOSE_SESSION);
    tx.body.close_session.session = t->session;
    chain_run(&t->chain, &tx, NONE);
    t->session = trial_open_session(t, 50);
    t->next_sequence = 1;
    chain_block(&t->chain);
    trial_all_accepted(t);
}

// E-60: a state is taken every few blocks, at every stage of batches that settle, that are found
// guilty and that nobody can fetch, across epochs, withdrawals and ends of sessions.
static void every_height_goes_on_alike(void **state) {
    static bundle fine, fraud, silent;
    trial *t = trial_new();
    replicas *r = replicas_new(&t->chain, 3);
    trial_start(t);
    trial_submit(t, &fine, 3);
    withdraw(t, DORA);
    assert_int_equal(trial_run_out(t, &fine.id).state, ASSAY_BATCH_SETTLED);
    late_transactions(t, &fine);
    t->votes = guilty;
    trial_submit(t, &fraud, 4);
    assert_int_equal(trial_run_out(t, &fraud.id).state, ASSAY_BATCH_VOID);
    late_transactions(t, &fraud);
    session_change(t);
    t->votes = accusing;
    trial_submit(t, &silent, 2);
    withdraw(t, EMIL);
    assert_true(trial_run_out(t, &silent.id).ended > 0);
    late_transactions(t, &silent);
    chain_until(&t->chain, t->chain.height + t->chain.genesis.params.epoch_blocks);
    assert_in_range(r->count, 12, REPLICAS_MAX);
    replicas_free(r);
    trial_close(t);
}

// E-60: what a rule cannot know everywhere it cannot ask for.
static void rules_cannot_read_aux(void **state) {
    chain c;
    chain_init(&c);
    chain_start(&c);
    must(assay_store_begin(assay_app_store(c.app), err));
    assay_reader rules = assay_reader_of_rules(assay_app_store(c.app));
    assay_bytes value;
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_ENDED_BATCH, &c.genesis.hash);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) _exit(1);
        signal(SIGABRT, SIG_DFL);
        assay_reader_get(&rules, &key, &value, NULL);
        _exit(0);
    }
    int code;
    waitpid(child, &code, 0);
    assert_true(WIFSIGNALED(code) && WTERMSIG(code) == SIGABRT);
    // The same entry through both readers: an ended record is there for people alone.
    must(assay_store_put(assay_app_store(c.app), key.bytes, key.size, "x", 1, err));
    key.bytes[0] = ASSAY_TABLE_BATCH;
    must(assay_reader_find(&rules, &key, ASSAY_TABLE_ENDED_BATCH, &value, err));
    assert_null(value.data);
    const assay_reader people = assay_reader_of_store(assay_app_store(c.app));
    must(assay_reader_find(&people, &key, ASSAY_TABLE_ENDED_BATCH, &value, err));
    assert_int_equal(value.size, 1);
    assay_store_abort(assay_app_store(c.app));
    chain_close(&c);
}

// Of the batch that is open, and of the session, everything is there; of the settled one nothing.
static void indexes_check(const trial *t, const assay_view *view, const bundle *fine,
                          const bundle *open) {
    const chain *c = &t->chain;
    assay_batch batch;
    bool found;
    must(assay_batch_get(&batch, &found, &view->reader, &fine->id, err));
    assert_false(found);
    uint64_t height = 0;
    uint32_t index = 0;
    assay_hash id;
    must(assay_batch_next(&height, &index, &id, &found, &view->reader, err));
    assert_true(found);
    assert_memory_equal(&id, &open->id, sizeof id);
    must(assay_batch_next(&height, &index, &id, &found, &view->reader, err));
    assert_false(found);

    assay_hash session = {{0}};
    assay_session record;
    must(assay_session_next_of_provider(&session, &record, &found, &view->reader,
                                        &c->actors[PROVIDER], err));
    assert_true(found);
    assert_memory_equal(&session, &t->session, sizeof session);
    session = (assay_hash){{0}};
    must(assay_session_next_of_principal(&session, &record, &found, &view->reader,
                                         &c->actors[CONSUMER], err));
    assert_true(found);
}

// E-61: indexes of what is in the state are there; what had left it is not found, and said so.
static void the_past_is_not_kept(void **state) {
    static bundle fine, open;
    assay_error why = {0};
    trial *t = trial_new();
    chain *c = &t->chain;
    replicas *r = replicas_new(c, 0);
    trial_start(t);
    trial_submit(t, &fine, 3);
    withdraw(t, DORA);
    assay_batch settled = trial_run_out(t, &fine.id);
    uint64_t epoch = assay_params_epoch(&c->genesis.params, settled.ended);
    chain_until(c, (epoch + 1) * c->genesis.params.epoch_blocks + 1);
    trial_submit(t, &open, 2);
    withdraw(t, DORA);
    replicas_add(r);
    assay_view view;
    must(assay_view_open(&view, r->items[0].app, err));
    assert_int_equal(view.height, c->height);
    must(assay_snapshot_check(view.snapshot, err));

    indexes_check(t, &view, &fine, &open);
    assay_payout_proof payout;
    assert_int_equal(assay_payout_prove(&payout, &view.reader, epoch, &c->actors[PROVIDER],
                                        ASSAY_PAID_PROVIDER, &why),
                     ASSAY_NOT_FOUND);
    assert_non_null(strstr(why.text, "not kept here"));
    assay_history_proof proof;
    assert_true(view.history_count > 0);
    assert_int_equal(assay_history_prove(&proof, &view.reader, 0, &why), ASSAY_NOT_FOUND);
    assay_claim claim;
    assay_hash path[ASSAY_MERKLE_PATH_MAX];
    uint32_t path_count;
    assay_epoch closed;
    // Claims are state: those of the last close can be proven though later ones have come.
    must(assay_epoch_claim_prove(&claim, path, &path_count, &closed, &view.reader, view.params,
                                 view.height, &c->actors[DORA], err));
    assert_int_equal(closed.epoch, epoch);
    assert_int_equal(claim.amount, CHAIN_OPEN);
    assert_true(claim_is_proven(&closed.claims_root, &claim, path, path_count));
    assay_view_close(&view);

    // From the next close on, payouts can be proven here too.
    assert_int_equal(trial_run_out(t, &open.id).state, ASSAY_BATCH_SETTLED);
    epoch = assay_params_epoch(&c->genesis.params, c->height);
    chain_until(c, (epoch + 1) * c->genesis.params.epoch_blocks);
    must(assay_view_open(&view, r->items[0].app, err));
    must(assay_payout_prove(&payout, &view.reader, epoch, &c->actors[PROVIDER], ASSAY_PAID_PROVIDER,
                            err));
    must(assay_epoch_claim_prove(&claim, path, &path_count, &closed, &view.reader, view.params,
                                 view.height, &c->actors[DORA], err));
    assay_view_close(&view);
    replicas_free(r);
    trial_close(t);
}

// E-65: a state with a block of its own is not replaced, and half a state is none.
static void adopts_once(void **state) {
    assay_error why = {0};
    char folder[64];
    trial *t = trial_new();
    replicas *r = replicas_new(&t->chain, 0);
    trial_start(t);
    replicas_add(r);
    assay_view view = chain_view(&t->chain);
    snprintf(folder, sizeof folder, "%s/again", r->items[0].folder);
    replica_restore(folder, &t->chain, &view);
    must(assay_app_replaceable(r->items[0].app, err));
    must(assay_app_adopt(r->items[0].app, folder, err)); // nothing came on it
    assay_folder_remove(folder);
    replica_restore(folder, &t->chain, &view);
    chain_until(&t->chain, t->chain.height + 1);
    assert_int_equal(assay_app_adopt(r->items[0].app, folder, &why), ASSAY_EXISTS);
    assay_folder_remove(folder);

    char empty[] = "/tmp/assay_empty_XXXXXX";
    test_folder_make(empty);
    assay_app *app;
    assay_store_load *load;
    const assay_app_options options = {.skip_sync = true, .map_size = 1 << 30};
    const assay_store_options half = {.skip_sync = true, .map_size = 1 << 30};
    must(assay_app_open(&app, empty, &t->chain.genesis, &options, err));
    must(assay_store_load_open(&load, folder, &t->chain.genesis.hash, &half, err));
    must(assay_store_load_put(load, "\x01", 1, "x", 1, err));
    assay_hash root;
    must(assay_store_load_root(load, &root, err));
    assay_store_load_close(load);
    assert_int_equal(assay_app_adopt(app, folder, &why), ASSAY_CORRUPT);
    assay_app_info info;
    assay_app_info_get(app, &info);
    assert_false(info.initialised);
    assay_folder_remove(folder);
    replica_restore(folder, &t->chain, &view);
    must(assay_app_adopt(app, folder, err));
    assay_app_info_get(app, &info);
    assert_int_equal(info.height, view.height);
    assay_app_close(app);
    // And it is there when the app is opened again.
    must(assay_app_open(&app, empty, &t->chain.genesis, &options, err));
    assay_app_info_get(app, &info);
    assert_true(info.initialised);
    assert_memory_equal(&info.app_hash, &view.app_hash, sizeof info.app_hash);
    assay_app_close(app);
    assay_view_close(&view);
    replicas_free(r);
    trial_close(t);
}

// A state of one record, and of a beacon where it is another's, at a height of its own.
typedef struct {
    uint8_t table;
    size_t key_size, size;
    bool beacon;
    assay_status finished, adopted;
} damage;

static assay_status damage_finish(const damage *d, const char *folder, const assay_genesis *genesis,
                                  const assay_hash *app_hash) {
    static const uint8_t zeros[256], beacon[] = {ASSAY_TABLE_BEACON};
    const assay_store_options options = {.skip_sync = true, .map_size = 1 << 28};
    const assay_merkle_peaks peaks = {0};
    assay_store_load *load;
    assay_hash root;
    uint8_t key[ASSAY_RECORD_KEY_MAX] = {d->table, 1};
    bool first = d->beacon && d->table > ASSAY_TABLE_BEACON;
    must(assay_store_load_open(&load, folder, &genesis->hash, &options, err));
    if (first) must(assay_store_load_put(load, beacon, 1, zeros, ASSAY_HASH_SIZE, err));
    must(assay_store_load_put(load, key, d->key_size, zeros, d->size, err));
    if (d->beacon && !first)
        must(assay_store_load_put(load, beacon, 1, zeros, ASSAY_HASH_SIZE, err));
    must(assay_store_load_root(load, &root, err));
    assay_error why = {0};
    assay_status status = assay_restore_finish(load, &genesis->params, 7, &peaks, app_hash, &why);
    assay_store_load_close(load);
    return status;
}

// E-61, E-65: a state that no rule wrote is found out, in the finish or in the adoption, and
// neither begins a search that does not end, nor is half adopted.
static void records_that_no_rule_wrote(void **state) {
    enum { HASH = 1 + ASSAY_HASH_SIZE, BATCH = 184 };
    static const damage cases[] = {
        {ASSAY_TABLE_TOTALS, 1, 1, false, ASSAY_NOT_FOUND, ASSAY_OK}, // no beacon
        {ASSAY_TABLE_BEACON, 1, ASSAY_HASH_SIZE - 1, false, ASSAY_CORRUPT, ASSAY_OK},
        {ASSAY_TABLE_SESSION, HASH, 1, true, ASSAY_CORRUPT, ASSAY_OK},
        {ASSAY_TABLE_SESSION, HASH + 1, 132, true, ASSAY_CORRUPT, ASSAY_OK},
        {ASSAY_TABLE_BATCH, HASH, BATCH - 1, true, ASSAY_CORRUPT, ASSAY_OK},
        {ASSAY_TABLE_BATCH, HASH - 1, BATCH, true, ASSAY_CORRUPT, ASSAY_OK},
        {ASSAY_TABLE_BATCH, HASH + 1, BATCH, true, ASSAY_CORRUPT, ASSAY_OK},
        {ASSAY_TABLE_CASE, HASH + 4, 1, true, ASSAY_OK, ASSAY_CORRUPT},
        {ASSAY_TABLE_CASE, HASH + 5, 1, true, ASSAY_OK, ASSAY_CORRUPT},
        {ASSAY_TABLE_BATCH, HASH, BATCH, true, ASSAY_OK, ASSAY_OK}, // as a rule writes it
    };
    const assay_app_options options = {.skip_sync = true, .map_size = 1 << 28};
    const assay_hash app_hash = {{1}};
    char own[] = "/tmp/assay_damaged_XXXXXX", from[sizeof own + 4];
    assay_genesis genesis = {0};
    assay_params_init(&genesis.params);
    test_folder_make(own);
    snprintf(from, sizeof from, "%s/in", own);
    assay_app *app;
    must(assay_app_open(&app, own, &genesis, &options, err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_app_info info;
        assay_error why = {0};
        assert_int_equal(damage_finish(&cases[i], from, &genesis, &app_hash), cases[i].finished);
        if (cases[i].finished == ASSAY_OK) {
            assert_int_equal(assay_app_adopt(app, from, &why), cases[i].adopted);
            assay_app_info_get(app, &info);
            assert_int_equal(info.initialised, cases[i].adopted == ASSAY_OK);
        }
        assay_folder_remove(from);
    }
    assay_app_counters counters;
    assay_app_counters_get(app, &counters);
    assert_int_equal(counters.since, 7);
    assert_int_equal(counters.counts.of[ASSAY_COUNTED_BATCHES_OPEN], 1);
    assay_app_close(app);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_height_goes_on_alike), cmocka_unit_test(rules_cannot_read_aux),
        cmocka_unit_test(the_past_is_not_kept),       cmocka_unit_test(adopts_once),
        cmocka_unit_test(records_that_no_rule_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
