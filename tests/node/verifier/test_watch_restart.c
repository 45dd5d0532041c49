// SPDX-License-Identifier: Apache-2.0
// Validators restarted between commit and reveal where the windows are the ledger's defaults and
// the evidence is fetched: its server is slow, away for a while, or another process's vote is on
// the ledger. What slow evidence gets of a docket's time. Rules P-56, P-57, F-49; D3 and D4 of
// node/verifier/docket.h.
#include "consensus/clock.h"
#include "tests/node/guards.h"

// 60 blocks to commit and 20 to reveal: an old mistake gave up reveals 15 blocks before their end.
enum { SLOW_BLOCK_MS = 200, SLOW_MS = 700, LATE_MS = ASSAY_DOCKET_LATE_MS + 300 };

// A provider's files by HTTP, whatever a test wants to happen on the way.
typedef struct {
    assay_http_server *server;
    char home[128];
    atomic_uint failures; // requests still to be answered with `code`
    atomic_uint code;
    atomic_uint delay_ms;
    atomic_uint count;
} evidence_server;

static void evidence_serve(void *context, const assay_http_request *request,
                           assay_http_reply *reply) {
    evidence_server *server = context;
    char path[512];
    uint8_t *data;
    size_t size;
    unsigned left = atomic_load(&server->failures);
    atomic_fetch_add(&server->count, 1);
    work_sleep(atomic_load(&server->delay_ms));
    while (left && !atomic_compare_exchange_weak(&server->failures, &left, left - 1)) {
    }
    snprintf(path, sizeof path, "%s%s", server->home, request->path);
    if (left || assay_file_read(path, 1 << 20, &data, &size, NULL) != ASSAY_OK) {
        assay_http_reply_bytes(reply, "no", 2);
        reply->code = left ? atomic_load(&server->code) : 404;
        return;
    }
    assay_http_reply_bytes(reply, data, size);
    free(data);
}

static void evidence_open(evidence_server *server, const char *listen) {
    const assay_http_options options = {.listen = listen,
                                        .body_max = 1 << 10,
                                        .connections_max = 64,
                                        .handle = evidence_serve,
                                        .context = server};
    must(assay_http_server_open(&server->server, &options, err));
}

static guard guards[WATCHERS];
static evidence_server server;
static assay_provider provider;

static void guards_open(void) {
    for (uint32_t i = 0; i < WATCHERS; i++) {
        guard_open(&guards[i], i, true);
        guards[i].checker.limits.timeout_ms = 5000;
    }
}

static void guards_close(void) {
    for (uint32_t i = 0; i < WATCHERS; i++)
        assay_watch_close(&guards[i].watch);
}

static assay_hash served(void) {
    memset(&server, 0, sizeof server);
    evidence_open(&server, "127.0.0.1:0");
    provider_open(&provider, server.home, PROVIDER, assay_http_server_url(server.server));
    return batch_of(&provider);
}

// A batch that everyone has committed to as a match.
static assay_hash committed(void) {
    assay_hash batch = served();
    guards_open();
    until_all(guards, &batch, "committed");
    return batch;
}

static void expect_revealed(const assay_hash *batch) {
    until_all(guards, batch, "revealed");
    expect_votes(batch, ASSAY_VERDICT_MATCH);
    assert_int_equal(run_out(guards, batch), ASSAY_BATCH_SETTLED);
    guards_close();
    assay_http_server_close(server.server);
    assay_provider_close(&provider);
}

// F-49: a provider that is away, or busy, while there is time to commit is not unavailable.
static void a_failed_fetch_is_no_verdict(void **state) {
    char address[64];
    assay_hash batch = served();
    snprintf(address, sizeof address, "%s",
             assay_http_server_url(server.server) + strlen("http://"));
    assay_http_server_close(server.server);
    guards_open();
    uint64_t before = atomic_load(&world.shop.meter.fetch_failures);
    for (int i = 0; i < 300 && atomic_load(&world.shop.meter.fetch_failures) < before + 4; i++)
        guards_step(guards);
    assert_true(atomic_load(&world.shop.meter.fetch_failures) >= before + 4);
    atomic_store(&server.code, 503);
    atomic_store(&server.failures, 4);
    evidence_open(&server, address);
    until_all(guards, &batch, "committed");
    assert_int_equal(atomic_load(&server.failures), 0);
    expect_revealed(&batch);
}

// F-49: what is fetched to reveal is not given up, however little is left.
static void slow_evidence_is_waited_for(void **state) {
    assay_hash batch = committed();
    guards_close();
    atomic_store(&server.delay_ms, SLOW_MS);
    guards_open();
    expect_revealed(&batch);
}

// F-49: evidence that is away at first is asked for again, once a block at most.
static void evidence_that_comes_back_is_revealed(void **state) {
    assay_hash batch = committed();
    guards_close();
    atomic_store(&server.code, 404);
    atomic_store(&server.failures, 8);
    unsigned before = atomic_load(&server.count);
    guards_open();
    expect_revealed(&batch);
    assert_int_equal(atomic_load(&server.failures), 0);
    // Two votes of three samples each: eight failures, and two files for each that is a match.
    assert_in_range(atomic_load(&server.count) - before, 8, 8 + 12);
}

// F-49: what is in the file is revealed after a restart, without a fetch or a rerun.
static void a_vote_on_disk_needs_no_evidence(void **state) {
    for (uint32_t i = 0; i < WATCHERS; i++)
        snprintf(votes_paths[i], sizeof votes_paths[i], "%s/votes%u", world.folder, i);
    assay_hash batch = committed();
    guards_close();
    unsigned fetches = atomic_load(&server.count);
    atomic_store(&server.code, 404);
    atomic_store(&server.failures, 10000);
    guards_open();
    until_all(guards, &batch, "revealed");
    assert_int_equal(atomic_load(&server.count), fetches);
    atomic_store(&server.failures, 0);
    expect_revealed(&batch);
    memset(votes_paths, 0, sizeof votes_paths);
}

// F-49: a kept vote that is not the one on the ledger is not sent; the check tells the right one.
static void a_vote_of_another_is_not_revealed(void **state) {
    assay_hash batch = committed();
    for (uint32_t i = 0; i < WATCHERS; i++)
        for (uint64_t j = 0; j < guards[i].watch.vote_count; j++)
            guards[i].watch.votes[j].record.probe.bytes[0] ^= 1;
    expect_revealed(&batch);
}

// A difference that no later fetch mends is told once, and nothing is sent of it.
static void a_lost_commitment_is_told_once(void **state) {
    assay_workshop bare;
    unsigned all;
    assay_hash batch = committed();
    guards_close();
    work_shop_open(&world, &bare, false, 1); // without the data set: "data missing"
    guards_shop = &bare;
    guards_open();
    for (int i = 0; i < 3000 && atomic_load(&bare.meter.duty_failures) < 2 * SAMPLES; i++)
        guards_step(guards);
    for (int i = 0; i < 10; i++)
        guards_step(guards);
    assert_int_equal(atomic_load(&bare.meter.duty_failures), 2 * SAMPLES);
    assert_int_equal(atomic_load(&bare.meter.reveals), 0);
    assert_int_equal(votes_count(&batch, "revealed", &all), 0);
    assert_int_equal(all, 2 * SAMPLES);
    guards_close();
    guards_shop = &world.shop;
    assay_http_server_close(server.server);
    assay_provider_close(&provider);
    assay_workshop_close(&bare);
}

// A check by the docket alone, with time for two fetches that are late.
static uint8_t verdict_of(assay_docket *docket, const assay_docket_question *question) {
    assay_docket_answer answer = {0};
    for (int i = 0; i < 3000 && !answer.found; i++, work_sleep(5))
        must(assay_docket_ask(docket, question, &answer, err));
    assert_true(answer.found);
    return answer.verdict;
}

// F-49: while data sets are indexed, which is long after a start, kept votes are revealed, nothing
// is checked, and a request that would need the indexes is not answered.
static void kept_votes_wait_for_no_index(void **state) {
    assay_receipt receipt;
    assay_docket *docket;
    uint32_t *ids = NULL;
    for (uint32_t i = 0; i < WATCHERS; i++)
        snprintf(votes_paths[i], sizeof votes_paths[i], "%s/kept%u", world.folder, i);
    const assay_docket_question question = {.task.batch = committed(), .deadline = UINT64_MAX};
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_request request = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    request.provider = provider.wallet->principal;
    work_sign(&world, &request, CONSUMER);
    guards_close();
    unsigned fetches = atomic_load(&server.count);
    atomic_store(&world.shop.indexing, true);
    guards_open();
    until_all(guards, &question.task.batch, "revealed");
    assert_int_equal(
        assay_provider_answer(&provider, &request, prompt, PROMPT, &receipt, &ids, NULL),
        ASSAY_BUSY);
    must(assay_docket_open(&docket, &guards[0].checker, 1, err));
    for (int i = 0; i < 20; i++, work_sleep(5)) {
        assay_docket_answer answer;
        must(assay_docket_ask(docket, &question, &answer, err));
        assert_false(answer.found);
    }
    assert_int_equal(atomic_load(&server.count), fetches);
    atomic_store(&world.shop.indexing, false);
    assert_int_equal(verdict_of(docket, &question), ASSAY_VERDICT_MATCH);
    must(assay_provider_answer(&provider, &request, prompt, PROMPT, &receipt, &ids, err));
    free(ids);
    assay_docket_close(docket);
    expect_revealed(&question.task.batch);
    memset(votes_paths, 0, sizeof votes_paths);
}

// A try that took its second, as on a machine that stalls, may have been given up: there is
// another.
static uint8_t verdict_in_time(assay_docket *docket, assay_docket_question *question) {
    for (int i = 0;; i++, question->round++) {
        uint64_t begun = assay_clock_ms();
        uint8_t verdict = verdict_of(docket, question);
        if (i == 9 || assay_clock_ms() - begun < ASSAY_DOCKET_LATE_MS) return verdict;
    }
}

// D4: what begins in a hurry, as after a restart, has its second; what is not there then is given
// up. D3: a provider that was late has its full time when it is tried again, and may be in time.
static void slow_evidence_has_its_time(void **state) {
    assay_docket *docket;
    assay_docket_question question = {.task.batch = served(), .deadline = 100, .hurry = true};
    guards_open();
    guards[0].checker.limits.timeout_ms = 60000;
    must(assay_docket_open(&docket, &guards[0].checker, 1, err));
    atomic_store(&server.delay_ms, 200);
    assert_int_equal(verdict_in_time(docket, &question), ASSAY_VERDICT_MATCH);
    atomic_store(&server.delay_ms, 4000); // there is time to see that it is late
    question.round++;
    assert_int_equal(verdict_of(docket, &question), ASSAY_VERDICT_TABLE_UNAVAILABLE);
    atomic_store(&server.delay_ms, LATE_MS);
    question.round++;
    question.hurry = false;
    assert_int_equal(verdict_of(docket, &question), ASSAY_VERDICT_MATCH);
    assay_docket_close(docket);
    guards_close();
    assay_http_server_close(server.server);
    assay_provider_close(&provider);
}

static int world_make(void **state) {
    work_init(&world);
    world.block_ms = SLOW_BLOCK_MS;
    world.genesis.params.commit_blocks = 60;
    world.genesis.params.reveal_blocks = 20;
    work_start(&world);
    work_prompt(prompt, 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_fetch_is_no_verdict),
        cmocka_unit_test(slow_evidence_is_waited_for),
        cmocka_unit_test(evidence_that_comes_back_is_revealed),
        cmocka_unit_test(a_vote_on_disk_needs_no_evidence),
        cmocka_unit_test(a_vote_of_another_is_not_revealed),
        cmocka_unit_test(a_lost_commitment_is_told_once),
        cmocka_unit_test(kept_votes_wait_for_no_index),
        cmocka_unit_test(slow_evidence_has_its_time),
    };
    return cmocka_run_group_tests(tests, world_make, world_end);
}
