// SPDX-License-Identifier: Apache-2.0
// Validators at work on a real chain: commits, reveals, restarts between them, providers that hang,
// and the defence of one whom nobody can reach. Rules P-10, P-56, P-57, P-60, P-63, F-46, F-49,
// F-77; D1 to D5 of node/verifier/docket.h.
#include <dirent.h>

#include "base/file.h"
#include "consensus/clock.h"
#include "ledger/bond.h"
#include "ledger/case.h"
#include "tests/node/guards.h"
#include "tests/node/rounds.h"
#include "tests/node/sockets.h"

enum { HANGING = 6 };

// ---- a server that accepts, counts and never answers ----

typedef struct {
    int fd;
    char url[64];
    pthread_t thread;
    atomic_uint count;
} silent_server;

static void *silent_serve(void *context) {
    silent_server *server = context;
    int kept[256];
    unsigned count = 0;
    for (int fd; count < 256 && (fd = accept(server->fd, NULL, NULL)) >= 0;) {
        kept[count++] = fd;
        atomic_fetch_add(&server->count, 1);
    }
    while (count)
        close(kept[--count]);
    return NULL;
}

static void server_open(silent_server *server, void *(*serve)(void *context)) {
    unsigned port;
    atomic_init(&server->count, 0);
    server->fd = test_listen(&port);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void silent_open(silent_server *server) {
    server_open(server, silent_serve);
}

static void silent_close(silent_server *server) {
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
}

// P-56, P-57, F-49: a validator that was restarted between commit and reveal gives the same vote,
// since its salt follows from its key.
static void a_restart_between_commit_and_reveal(void **state) {
    assay_provider provider;
    char home[128];
    guard guards[WATCHERS];
    provider_open(&provider, home, PROVIDER, NULL);
    assay_hash batch = batch_of(&provider);
    for (uint32_t i = 0; i < WATCHERS; i++)
        guard_open(&guards[i], i, false);
    until_all(guards, &batch, "committed");
    for (uint32_t i = 0; i < WATCHERS; i++) {
        assay_watch_close(&guards[i].watch);
        guard_open(&guards[i], i, false);
    }
    until_all(guards, &batch, "revealed");
    expect_votes(&batch, ASSAY_VERDICT_MATCH);
    assert_int_equal(run_out(guards, &batch), ASSAY_BATCH_SETTLED);
    for (uint32_t i = 0; i < WATCHERS; i++)
        assay_watch_close(&guards[i].watch);
    assay_provider_close(&provider);
}

// What was not to be had at the commit and is there after the restart: the commitment still opens.
static void a_restart_recalls_what_was_unavailable(void **state) {
    assay_provider provider;
    char home[128], evidence[160], hidden[160];
    guard guards[WATCHERS];
    provider_open(&provider, home, PROVIDER, NULL);
    assay_hash batch = batch_of(&provider);
    snprintf(evidence, sizeof evidence, "%s/evidence", home);
    snprintf(hidden, sizeof hidden, "%s/hidden", home);
    assert_int_equal(rename(evidence, hidden), 0);
    for (uint32_t i = 0; i < WATCHERS; i++)
        guard_open(&guards[i], i, false);
    until_all(guards, &batch, "committed");
    assert_int_equal(rename(hidden, evidence), 0);
    for (uint32_t i = 0; i < WATCHERS; i++) {
        assay_watch_close(&guards[i].watch);
        guard_open(&guards[i], i, false);
    }
    until_all(guards, &batch, "revealed");
    expect_votes(&batch, ASSAY_VERDICT_TABLE_UNAVAILABLE);
    // The escalation finds everything in its place.
    assert_int_equal(run_out(guards, &batch), ASSAY_BATCH_SETTLED);
    for (uint32_t i = 0; i < WATCHERS; i++)
        assay_watch_close(&guards[i].watch);
    assay_provider_close(&provider);
}

// F-49: many batches whose URL hangs, and one that is fine and came after them: all votes are in
// time. One after the other the hanging ones would take longer than the window.
static void hanging_providers_cost_no_vote(void **state) {
    assay_provider slow, fine;
    char slow_home[128], fine_home[128];
    silent_server server;
    guard guards[WATCHERS];
    assay_hash hanging[HANGING], good;
    silent_open(&server);
    provider_open(&slow, slow_home, RIVAL, server.url);
    provider_open(&fine, fine_home, PROVIDER, NULL);
    for (uint32_t i = 0; i < WATCHERS; i++)
        guard_open(&guards[i], i, true);
    for (int i = 0; i < HANGING; i++)
        hanging[i] = batch_of(&slow);
    good = batch_of(&fine);
    until_all(guards, &good, "revealed");
    expect_votes(&good, ASSAY_VERDICT_MATCH);
    for (int i = 0; i < HANGING; i++) {
        until_all(guards, &hanging[i], "revealed");
        expect_votes(&hanging[i], ASSAY_VERDICT_TABLE_UNAVAILABLE);
    }
    for (uint32_t i = 0; i < WATCHERS; i++)
        assay_watch_close(&guards[i].watch);
    silent_close(&server);
    assay_provider_close(&slow);
    assay_provider_close(&fine);
}

// Active bond of the provider's role.
static uint64_t bond_of(uint32_t actor) {
    assay_view view;
    assay_bond bond;
    must(assay_view_open(&view, world.app, err));
    must(assay_bond_get(&bond, &view.reader, ASSAY_ROLE_PROVIDER, &world.wallets[actor].address,
                        err));
    assay_view_close(&view);
    return bond.active;
}

// P-58, P-60, P-63: validators that may not reach the provider's private address say "unavailable";
// it posts table and leaf; the redraw judges what is posted, and the batch settles without a slash.
static void a_provider_nobody_reaches_defends_itself(void **state) {
    assay_provider provider;
    char home[128];
    guard guards[WATCHERS];
    uint32_t posted = 0;
    provider_open(&provider, home, PROVIDER, "http://127.0.0.1:9");
    uint64_t bond = bond_of(PROVIDER);
    assay_hash batch = batch_of(&provider);
    for (uint32_t i = 0; i < WATCHERS; i++)
        guard_open(&guards[i], i, false);
    assay_batch found = work_drawn(&world, &batch);
    for (int i = 0; i < 3000 && found.state < ASSAY_BATCH_SETTLED; i++) {
        uint32_t now;
        guards_step(guards);
        must(assay_provider_defend(&provider, &now, err));
        posted += now;
        found = work_drawn(&world, &batch);
    }
    assert_int_equal(found.state, ASSAY_BATCH_SETTLED);
    assert_int_equal(posted, SAMPLES);
    assert_int_equal(bond_of(PROVIDER), bond);
    for (uint32_t sample = 0; sample < SAMPLES; sample++) {
        json_t *document = case_get(&batch, sample);
        assert_string_equal(json_string_value(json_object_get(document, "state")), "right");
        assert_int_equal(json_integer_value(json_object_get(document, "verdict")), 0);
        assert_int_equal(json_integer_value(json_object_get(document, "escalations")), 0);
        const json_t *rounds = json_object_get(document, "rounds");
        const json_t *last = json_array_get(rounds, json_array_size(rounds) - 1);
        for (size_t i = 0; i < json_array_size(last); i++)
            assert_int_equal(
                json_integer_value(json_object_get(json_array_get(last, i), "slashed")), 0);
        json_decref(document);
    }
    for (uint32_t i = 0; i < WATCHERS; i++)
        assay_watch_close(&guards[i].watch);
    assay_provider_close(&provider);
}

// A served folder with the table of each batch in `home`, and no leaves.
static void tables_serve(const char *home, const char *served) {
    char path[512];
    struct dirent *entry;
    snprintf(path, sizeof path, "%s/evidence", home);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        uint8_t *table;
        size_t size;
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/evidence/%s/receipts", home, entry->d_name);
        must(assay_file_read(path, 1 << 20, &table, &size, err));
        snprintf(path, sizeof path, "%s/evidence/%s", served, entry->d_name);
        must(assay_folder_make(path, err));
        snprintf(path, sizeof path, "%s/evidence/%s/receipts", served, entry->d_name);
        must(assay_file_create(path, table, size, 0600, err));
        free(table);
    }
    closedir(folder);
}

// F-46: whoever asks for a leaf makes the provider post that, and not a whole table.
static void of_a_leaf_no_table_is_posted(void **state) {
    assay_provider provider;
    char home[128], served[128], url[160];
    guard guards[WATCHERS];
    uint32_t now;
    snprintf(served, sizeof served, "%s/served", world.folder);
    snprintf(url, sizeof url, "file://%s", served);
    provider_open(&provider, home, PROVIDER, url);
    assay_hash batch = batch_of(&provider);
    tables_serve(home, served);
    for (uint32_t i = 0; i < WATCHERS; i++)
        guard_open(&guards[i], i, false);
    assay_batch found = work_drawn(&world, &batch);
    for (int i = 0; i < 3000 && found.state < ASSAY_BATCH_SETTLED; i++) {
        guards_step(guards);
        must(assay_provider_defend(&provider, &now, err));
        found = work_drawn(&world, &batch);
    }
    assert_int_equal(found.state, ASSAY_BATCH_SETTLED);
    assay_view view;
    must(assay_view_open(&view, world.app, err));
    for (uint32_t sample = 0; sample < SAMPLES; sample++) {
        assay_case record;
        bool known;
        must(assay_case_get(&record, &known, &view.reader, &batch, sample, err));
        assert_true(known && record.leaf_answered > 0);
        assert_int_equal(record.table_answered, 0);
        assert_int_equal(record.escalations, 0);
    }
    assay_view_close(&view);
    for (uint32_t i = 0; i < WATCHERS; i++)
        assay_watch_close(&guards[i].watch);
    assay_provider_close(&provider);
}

// ---- postings that get into no block ----

static assay_chain_engine real;
static atomic_bool all_held; // what is submitted is taken, and waits
static atomic_uint submitted;
static assay_hash held_ids[2 * SAMPLES]; // by one thread, which waits for each answer

static assay_status held_submit(void *self, const void *tx, size_t size, assay_hash *id,
                                assay_error *err) {
    if (!atomic_load(&all_held)) return real.submit(self, tx, size, id, err);
    assay_tx_id(id, tx, size);
    uint32_t at = atomic_fetch_add(&submitted, 1);
    if (at < 2 * SAMPLES) held_ids[at] = *id;
    return ASSAY_OK;
}

static assay_status held_find(void *self, const assay_hash *id, uint64_t depth, assay_tx_fate *out,
                              assay_error *err) {
    for (uint32_t i = 0; atomic_load(&all_held) && i < 2 * SAMPLES; i++) {
        if (!assay_hash_equal(&held_ids[i], id)) continue;
        *out = (assay_tx_fate){.state = ASSAY_TX_PENDING};
        return ASSAY_OK;
    }
    return real.find(self, id, depth, out, err);
}

// How many answers the ledger waits for from the provider, tables and leaves.
static size_t accusations(void) {
    json_t *document;
    size_t count = 0, i;
    json_t *duty;
    must(assay_client_get_id(&document, &world.wallets[PROVIDER].client, "duties",
                             world.wallets[PROVIDER].address.bytes, ASSAY_ADDRESS_SIZE, err));
    json_array_foreach(json_object_get(document, "duties"), i, duty) count +=
        strncmp(json_string_value(json_object_get(duty, "kind")), "answer", 6) == 0;
    json_decref(document);
    return count;
}

// F-46: what all cases need is sent without waiting for a block, and not again before there was
// one; what did not get in then is due anew.
static void a_defence_waits_for_no_block(void **state) {
    assay_provider provider;
    char home[128];
    guard guards[WATCHERS];
    uint32_t posted;
    provider_open(&provider, home, PROVIDER, "http://127.0.0.1:9");
    batch_of(&provider);
    for (uint32_t i = 0; i < WATCHERS; i++)
        guard_open(&guards[i], i, false);
    for (int i = 0; i < 2000 && accusations() < SAMPLES; i++)
        guards_step(guards);
    assert_int_equal(accusations(), SAMPLES);
    atomic_store(&all_held, true);
    atomic_store(&submitted, 0);
    provider.wallet->wait_ms = 500; // who waits in spite of it ends with an error
    must(assay_provider_defend(&provider, &posted, err));
    provider.wallet->wait_ms = world.wallets[CONSUMER].wait_ms;
    assert_int_equal(posted, SAMPLES);
    assert_int_equal(atomic_load(&submitted), 2 * SAMPLES); // of one part each
    must(assay_provider_defend(&provider, &posted, err));
    assert_int_equal(posted, 0);
    assert_int_equal(atomic_load(&submitted), 2 * SAMPLES);
    atomic_store(&all_held, false); // as if the node had dropped them all
    must(assay_provider_defend(&provider, &posted, err));
    assert_int_equal(posted, SAMPLES);
    for (int i = 0; i < 200 && accusations(); i++)
        work_sleep(5);
    assert_int_equal(accusations(), 0);
    must(assay_provider_defend(&provider, &posted, err));
    assert_int_equal(posted, 0);
    for (uint32_t i = 0; i < WATCHERS; i++)
        assay_watch_close(&guards[i].watch);
    assay_provider_close(&provider);
}

// ---- the docket alone ----

static assay_docket_question question_of(const assay_hash *batch, uint32_t sample,
                                         uint64_t deadline) {
    return (assay_docket_question){.task = {.batch = *batch, .sample = sample},
                                   .deadline = deadline};
}

static assay_docket_answer asked(assay_docket *docket, const assay_docket_question *question) {
    assay_docket_answer answer;
    must(assay_docket_ask(docket, question, &answer, err));
    return answer;
}

static assay_docket_answer waited(assay_docket *docket, const assay_docket_question *question) {
    assay_docket_answer answer = asked(docket, question);
    for (int i = 0; i < 1000 && !answer.found; i++) {
        work_sleep(5);
        answer = asked(docket, question);
    }
    assert_true(answer.found);
    return answer;
}

// D1: one provider has half of the threads; D3: nobody fetches again what is known to be away; a
// hurry gives up the rest.
static void the_docket_keeps_threads_for_others(void **state) {
    assay_provider slow, fine;
    char slow_home[128], fine_home[128];
    silent_server server;
    assay_docket *docket;
    guard g;
    assay_hash hanging[4];
    silent_open(&server);
    provider_open(&slow, slow_home, RIVAL, server.url);
    provider_open(&fine, fine_home, PROVIDER, NULL);
    for (int i = 0; i < 4; i++)
        hanging[i] = batch_of(&slow);
    assay_hash good = batch_of(&fine);
    guard_open(&g, 0, true);
    g.checker.limits.timeout_ms = 60000;
    must(assay_docket_open(&docket, &g.checker, 4, err));
    for (int i = 0; i < 4; i++) {
        assay_docket_question first = question_of(&hanging[i], 0, 10);
        assert_false(asked(docket, &first).found);
    }
    assay_docket_question later = question_of(&good, 0, 1000);
    assert_int_equal(waited(docket, &later).verdict, ASSAY_VERDICT_MATCH);
    for (int i = 0; i < 200 && atomic_load(&server.count) < 2; i++)
        work_sleep(5);
    work_sleep(100);
    assert_int_equal(atomic_load(&server.count), 2);
    assay_docket_question second = question_of(&hanging[0], 1, 11);
    assert_false(asked(docket, &second).found);
    for (int i = 0; i < 4; i++) {
        assay_docket_question hurried = question_of(&hanging[i], 0, 10);
        hurried.hurry = true;
        assert_int_equal(waited(docket, &hurried).verdict, ASSAY_VERDICT_TABLE_UNAVAILABLE);
    }
    assert_int_equal(waited(docket, &second).verdict, ASSAY_VERDICT_TABLE_UNAVAILABLE);
    // Once a batch, and a fetch given up at its start may not have reached the server.
    assert_in_range(atomic_load(&server.count), 2, 4);
    assay_docket_close(docket);
    assay_watch_close(&g.watch);
    silent_close(&server);
    assay_provider_close(&slow);
    assay_provider_close(&fine);
}

// D2: with one thread, the earliest deadline goes before what was asked earlier.
static void the_docket_takes_the_earliest_deadline(void **state) {
    assay_provider slow;
    char slow_home[128];
    silent_server server;
    assay_docket *docket;
    guard g;
    assay_hash hanging[3];
    silent_open(&server);
    provider_open(&slow, slow_home, RIVAL, server.url);
    for (int i = 0; i < 3; i++)
        hanging[i] = batch_of(&slow);
    guard_open(&g, 0, true);
    g.checker.limits.timeout_ms = 60000;
    must(assay_docket_open(&docket, &g.checker, 1, err));
    assay_docket_question first = question_of(&hanging[0], 0, 5);
    assay_docket_question last = question_of(&hanging[1], 0, 90);
    assay_docket_question early = question_of(&hanging[2], 0, 40);
    asked(docket, &first);
    asked(docket, &last);
    asked(docket, &early);
    first.hurry = early.hurry = true; // gives up what is being fetched, and nothing that waits
    waited(docket, &first);
    waited(docket, &early);
    assert_false(asked(docket, &last).found);
    assay_docket_close(docket);
    assay_watch_close(&g.watch);
    silent_close(&server);
    assay_provider_close(&slow);
}

// Answers "503" until it is shut; counts.
static void *busy_serve(void *context) {
    static const char busy[] = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    silent_server *server = context;
    char request[1024];
    for (int fd; (fd = accept(server->fd, NULL, NULL)) >= 0; close(fd)) {
        atomic_fetch_add(&server->count, 1);
        (void)recv(fd, request, sizeof request, 0);
        test_send(fd, busy, sizeof busy - 1);
    }
    return NULL;
}

static void count_wait(silent_server *server, unsigned count) {
    for (int i = 0; i < 2000 && atomic_load(&server->count) < count; i++)
        work_sleep(5);
    assert_true(atomic_load(&server->count) >= count);
}

#define PAUSE_NS UINT64_C(2000000000) // after the fourth try

// Returns: ns it takes to close.
static uint64_t close_time(assay_docket *docket) {
    uint64_t begun = assay_clock_ns();
    assay_docket_close(docket);
    return assay_clock_ns() - begun;
}

// D4: a busy provider is asked again, holds no thread meanwhile, and is unavailable only in a
// hurry; D2: what failed goes after what was never tried; what is past its deadline is asked no
// more.
static void a_busy_provider_is_asked_again(void **state) {
    assay_provider slow, fine;
    char slow_home[128], fine_home[128];
    silent_server server;
    assay_docket *docket;
    guard g;
    server_open(&server, busy_serve);
    provider_open(&slow, slow_home, RIVAL, server.url);
    provider_open(&fine, fine_home, PROVIDER, NULL);
    assay_docket_question away = {.task.batch = batch_of(&slow), .deadline = 50};
    assay_docket_question good = {.task.batch = batch_of(&fine), .deadline = 90};
    guard_open(&g, 0, true);
    must(assay_docket_open(&docket, &g.checker, 1, err));
    assert_false(asked(docket, &away).found);
    count_wait(&server, 1);
    assert_int_equal(waited(docket, &good).verdict, ASSAY_VERDICT_MATCH);
    count_wait(&server, 3);
    assert_false(asked(docket, &away).found);
    assay_docket_question other = away; // another sample of the batch waits for the same table
    other.task.sample = 1;
    away.hurry = true;
    assert_int_equal(waited(docket, &away).verdict, ASSAY_VERDICT_TABLE_UNAVAILABLE);
    unsigned count = atomic_load(&server.count);
    assert_int_equal(waited(docket, &other).verdict, ASSAY_VERDICT_TABLE_UNAVAILABLE);
    assert_int_equal(atomic_load(&server.count), count);
    assay_docket_question lapsing = away;
    lapsing.hurry = false;
    lapsing.round = 1;
    assert_false(asked(docket, &lapsing).found);
    count_wait(&server, count + 1);
    for (int i = 0; i < 20; i++, work_sleep(5))
        assay_docket_height(docket, lapsing.deadline);
    count = atomic_load(&server.count);
    work_sleep(600);
    assert_int_equal(atomic_load(&server.count), count);
    assert_false(asked(docket, &lapsing).found);
    count_wait(&server, count + 4);
    // The next pause has two seconds: none is waited for. A machine that stalls has another try.
    uint64_t took = close_time(docket);
    for (int i = 0; i < 4 && took >= PAUSE_NS / 2; i++) {
        must(assay_docket_open(&docket, &g.checker, 1, err));
        count = atomic_load(&server.count);
        assert_false(asked(docket, &lapsing).found);
        count_wait(&server, count + 4);
        took = close_time(docket);
    }
    assert_true(took < PAUSE_NS / 2);
    assay_watch_close(&g.watch);
    silent_close(&server);
    assay_provider_close(&slow);
    assay_provider_close(&fine);
}

// F-49: reruns meet at the generator, of one provider no more than half of the threads (D1), and
// say what each says alone.
static void reruns_are_computed_together(void **state) {
    assay_provider fine;
    char home[128];
    assay_docket *docket;
    assay_docket_question questions[SAMPLES];
    guard g;
    provider_open(&fine, home, PROVIDER, NULL);
    assay_hash batch = batch_of(&fine);
    guard_open(&g, 0, true);
    must(assay_docket_open(&docket, &g.checker, 4, err));
    uint64_t rounds = world.shop.batcher.round_count;
    rounds_hold(true);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        questions[i] = question_of(&batch, i, 10 + i);
        assert_false(asked(docket, &questions[i]).found);
    }
    for (int i = 0; i < 2000 && rounds_waiting() < 2; i++)
        work_sleep(5);
    work_sleep(50);
    assert_int_equal(rounds_waiting(), 2);
    rounds_hold(false);
    for (uint32_t i = 0; i < SAMPLES; i++)
        assert_int_equal(waited(docket, &questions[i]).verdict, ASSAY_VERDICT_MATCH);
    assert_int_equal(world.shop.batcher.round_count - rounds, 2);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        assay_docket_answer answer = asked(docket, &questions[i]);
        assay_check_result alone;
        assay_arena arena;
        assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
        must(assay_check_run(&alone, &g.checker, &questions[i].task, &arena, err));
        assert_memory_equal(answer.probe.bytes, alone.probe.bytes, ASSAY_HASH_SIZE);
        assay_arena_close(&arena);
    }
    assay_docket_close(docket);
    assay_watch_close(&g.watch);
    assay_provider_close(&fine);
}

// D5: what is being rerun when its deadline passes is given up, and asked anew if anyone still
// does.
static void a_rerun_ends_with_its_deadline(void **state) {
    assay_provider fine;
    char home[128];
    assay_docket *docket;
    guard g;
    provider_open(&fine, home, PROVIDER, NULL);
    assay_docket_question question = {.task.batch = batch_of(&fine), .deadline = 10};
    guard_open(&g, 0, true);
    must(assay_docket_open(&docket, &g.checker, 1, err));
    uint64_t rounds = world.shop.batcher.round_count;
    uint64_t reruns = atomic_load(&world.shop.meter.reruns.count);
    rounds_hold(true);
    assert_false(asked(docket, &question).found);
    rounds_await(1);
    assay_docket_height(docket, question.deadline);
    rounds_hold(false);
    question.deadline = 20;
    assert_int_equal(waited(docket, &question).verdict, ASSAY_VERDICT_MATCH);
    assert_int_equal(world.shop.batcher.round_count - rounds, 2);
    assert_int_equal(atomic_load(&world.shop.meter.reruns.count) - reruns, 1);
    assay_docket_close(docket);
    assay_watch_close(&g.watch);
    assay_provider_close(&fine);
}

// After each that holds them: one that failed holds up no other.
static int rounds_release(void **state) {
    if (rounds_held) rounds_hold(false);
    return 0;
}

static int world_make(void **state) {
    work_init(&world);
    world.genesis.params.commit_blocks = 400;
    world.genesis.params.reveal_blocks = 160;
    world.genesis.params.answer_blocks = 300;
    work_start(&world);
    real = world.engine;
    world.engine.submit = held_submit;
    world.engine.find = held_find;
    work_prompt(prompt, 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_between_commit_and_reveal),
        cmocka_unit_test(a_restart_recalls_what_was_unavailable),
        cmocka_unit_test(a_provider_nobody_reaches_defends_itself),
        cmocka_unit_test(of_a_leaf_no_table_is_posted),
        cmocka_unit_test(a_defence_waits_for_no_block),
        cmocka_unit_test(the_docket_keeps_threads_for_others),
        cmocka_unit_test(the_docket_takes_the_earliest_deadline),
        cmocka_unit_test(a_busy_provider_is_asked_again),
        cmocka_unit_test_teardown(reruns_are_computed_together, rounds_release),
        cmocka_unit_test_teardown(a_rerun_ends_with_its_deadline, rounds_release),
        cmocka_unit_test(hanging_providers_cost_no_vote),
    };
    return cmocka_run_group_tests(tests, world_make, world_end);
}
