// SPDX-License-Identifier: Apache-2.0
// Consumers who ask at the same time: V3 of node/provider/provider.h, who waits, and what becomes
// of answers whose session closes meanwhile. Rules F-46, F-53.
#include "tests/node/desk.h"
#include "tests/node/rounds.h"

// A session that closes outlasts what is made in it, on a busy machine too.
enum { THREADS = 4, CLOSE_DELAY = 200 };

typedef struct {
    desk *d;
    const assay_hash *session;
    uint32_t seed;
    pthread_t thread;
    assay_status status;
    uint64_t sequence;
} rush;

static void *rush_run(void *context) {
    rush *me = context;
    assay_receipt receipt;
    assay_request r = work_request(&world, me->session, 1, prompt, PROMPT, TOKENS);
    r.seed = me->seed; // another request of the same sequence
    r.temperature_milli = 700;
    work_sign(&world, &r, CONSUMER);
    me->status = answer_to(me->d, &r, &receipt, NULL);
    return NULL;
}

static void sequences_are_strict_whoever_is_first(void **state) {
    desk d;
    rush all[THREADS];
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    for (uint32_t i = 0; i < THREADS; i++) {
        all[i] = (rush){.d = &d, .session = &session, .seed = i};
        assert_int_equal(pthread_create(&all[i].thread, NULL, rush_run, &all[i]), 0);
    }
    unsigned served = 0;
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(all[i].thread, NULL);
        served += all[i].status == ASSAY_OK;
        assert_true(all[i].status == ASSAY_OK || all[i].status == ASSAY_ORDER);
    }
    assert_int_equal(served, 1);
    assert_int_equal(d.provider.pending_count, 1);
    assert_int_equal(next_of(&d, &session), 2);
    assay_provider_close(&d.provider);
}

// One who asks from a thread of its own, for the adapter's sampled answer.
typedef struct {
    desk *d;
    assay_request request;
    assay_receipt receipt;
    assay_status status;
    assay_error err;
    pthread_t thread;
} visitor;

static void *visitor_run(void *context) {
    visitor *v = context;
    v->status = answer_to(v->d, &v->request, &v->receipt, &v->err);
    return NULL;
}

static void visitor_start(visitor *v, desk *d, const assay_hash *session, uint64_t sequence,
                          uint64_t max_fee) {
    *v = (visitor){.d = d};
    v->request = work_request(&world, session, sequence, prompt, PROMPT, TOKENS);
    v->request.temperature_milli = 900;
    v->request.seed = session->bytes[0];
    v->request.max_fee = max_fee;
    work_sign(&world, &v->request, CONSUMER);
    assert_int_equal(pthread_create(&v->thread, NULL, visitor_run, v), 0);
}

enum { TURNS = 60000 }; // of a millisecond and more, until what is waited for never comes

static void until_asking(desk *d, uint32_t count) {
    uint32_t turns = 0;
    for (int i = 0; i < TURNS && turns != count; i++, work_sleep(1)) {
        turns = 0;
        pthread_mutex_lock(&d->provider.lock);
        for (assay_provider_turn *turn = d->provider.turns; turn; turn = turn->next)
            turns++;
        pthread_mutex_unlock(&d->provider.lock);
    }
    assert_int_equal(turns, count);
}

// The receipt says what the request gives alone (N-19).
static void expect_true(const assay_receipt *receipt) {
    assay_generate_request run;
    assay_output output;
    assay_hash digest, ids;
    assay_request_digest(&digest, &receipt->request, &world.wallets[CONSUMER].client.domain);
    assay_workshop_request(&run, &receipt->request, &digest, prompt, &world.shop.adapters[0]);
    must(assay_generator_run(&world.shop.generator, &run, &output, NULL, NULL, err));
    assay_ids_digest(&ids, output.ids, output.count);
    assert_int_equal(receipt->output_count, output.count);
    assert_memory_equal(receipt->output_digest.bytes, ids.bytes, ASSAY_HASH_SIZE);
    assert_memory_equal(receipt->trace.bytes, output.trace.bytes, ASSAY_HASH_SIZE);
}

// Sessions meet in a round; a session's second request waits for its first. All are on disk, and
// in one batch.
static void sessions_are_answered_together(void **state) {
    desk d;
    visitor all[THREADS], second;
    assay_hash sessions[THREADS], batch;
    desk_open(&d);
    for (uint32_t i = 0; i < THREADS; i++)
        sessions[i] = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    uint64_t rounds = world.shop.batcher.round_count;
    rounds_hold(true);
    for (uint32_t i = 0; i < THREADS; i++)
        visitor_start(&all[i], &d, &sessions[i], 1, 100000);
    rounds_await(THREADS);
    visitor_start(&second, &d, &sessions[0], 2, 100000);
    assert_int_equal(next_of(&d, &sessions[0]), 1); // answers while others are made
    rounds_hold(false);
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(all[i].thread, NULL);
        assert_int_equal(all[i].status, ASSAY_OK);
    }
    pthread_join(second.thread, NULL);
    assert_int_equal(second.status, ASSAY_OK);
    assert_int_equal(world.shop.batcher.round_count - rounds, 2);
    assert_int_equal(d.provider.turn_count, 0);
    for (uint32_t i = 0; i < THREADS; i++)
        expect_true(&all[i].receipt);
    expect_true(&second.receipt);
    desk_reopen(&d);
    assert_int_equal(d.provider.pending_count, THREADS + 1);
    assert_int_equal(next_of(&d, &sessions[0]), 3);
    assert_int_equal(next_of(&d, &sessions[1]), 2);
    batch = batched(&d, THREADS + 1);
    assert_int_equal(work_drawn(&world, &batch).count, THREADS + 1);
    assay_provider_close(&d.provider);
}

// While a session's answer is made, who may not ask is refused at once and takes no thread.
static void strangers_do_not_wait(void **state) {
    desk d;
    visitor first;
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    desk_open(&d);
    rounds_hold(true);
    visitor_start(&first, &d, &session, 1, 100000);
    rounds_await(1);
    assay_request r = work_request(&world, &session, 2, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, PROVIDER);
    refuse(&d, &r, SIGNATURE, "request is not signed by its session's keys");
    memset(&r.signature, 0, sizeof r.signature);
    refuse(&d, &r, REJECTED, "v is 0");
    r.provider = world.wallets[CONSUMER].principal;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, MISMATCH, "another provider");
    assert_int_equal(d.provider.turn_count, 1);
    rounds_hold(false);
    pthread_join(first.thread, NULL);
    assert_int_equal(first.status, ASSAY_OK);
    assert_int_equal(d.provider.turn_count, 0);
    assay_provider_close(&d.provider);
}

// What is being made counts against the deposit of its session, and among what may be pending.
static void what_is_being_made_counts(void **state) {
    desk d;
    visitor first, second, other;
    assay_hash session = work_session(&world, PROVIDER, 40000, 1000, 2000);
    assay_hash elsewhere = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    desk_open(&d);
    d.provider.pending_count = ASSAY_PROVIDER_PENDING_MAX - 2; // of nobody's sessions
    rounds_hold(true);
    visitor_start(&first, &d, &session, 1, 30000);
    rounds_await(1);
    visitor_start(&second, &d, &session, 2, 30000);
    visitor_start(&other, &d, &elsewhere, 1, 30000);
    rounds_await(2);
    assay_hash third = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_request r = work_request(&world, &third, 1, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, CAPACITY, "8192 receipts are made or wait for a batch, limit 8192");
    pthread_mutex_lock(&d.provider.lock);
    d.provider.pending_count--; // room for the second's refusal
    pthread_mutex_unlock(&d.provider.lock);
    rounds_hold(false);
    pthread_join(first.thread, NULL);
    pthread_join(other.thread, NULL);
    pthread_join(second.thread, NULL);
    assert_int_equal(first.status, ASSAY_OK);
    assert_int_equal(other.status, ASSAY_OK);
    assert_int_equal(second.status, ASSAY_RANGE);
    assert_non_null(strstr(second.err.text, "the session's deposit has"));
    assert_int_equal(d.provider.pending_count, ASSAY_PROVIDER_PENDING_MAX - 1);
    assert_int_equal(next_of(&d, &session), 2);
    assay_provider_close(&d.provider);
}

// As many as may wait take no connection from who fetches evidence: neither of one session, nor in
// all.
static void only_some_wait(void **state) {
    desk d;
    visitor first, waiters[ASSAY_PROVIDER_WAITERS_MAX];
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_hash elsewhere = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    desk_open(&d);
    rounds_hold(true);
    visitor_start(&first, &d, &session, 1, 100000);
    rounds_await(1);
    for (uint32_t i = 0; i < ASSAY_PROVIDER_WAITERS_MAX; i++) {
        visitor_start(&waiters[i], &d, &session, 2, 100000);
        until_asking(&d, i + 2);
    }
    assay_request r = work_request(&world, &session, 2, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, BUSY, "4 requests of this session wait already");
    d.provider.options.askers_max = ASSAY_PROVIDER_WAITERS_MAX + 1;
    r = work_request(&world, &elsewhere, 1, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, BUSY, "5 requests are answered or wait, limit 5");
    rounds_hold(false);
    pthread_join(first.thread, NULL);
    for (uint32_t i = 0; i < ASSAY_PROVIDER_WAITERS_MAX; i++) {
        pthread_join(waiters[i].thread, NULL);
        assert_int_equal(waiters[i].status, ASSAY_OK); // one was answered, and the same again
    }
    assay_receipt receipt;
    must(answer_to(&d, &r, &receipt, err));
    assay_provider_close(&d.provider);
}

// F-53: who closes its session while its answer is made gets none once no block can pay for it, and
// else one that goes into a batch at once.
static void closing_meanwhile_makes_nothing_free(void **state) {
    desk d;
    visitor late, early;
    assay_hash over = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_hash closing = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    desk_open(&d);
    rounds_hold(true);
    visitor_start(&late, &d, &over, 1, 100000);
    rounds_await(1);
    session_close(&over);
    until_ended(&over);
    visitor_start(&early, &d, &closing, 1, 100000);
    rounds_await(2);
    session_close(&closing);
    rounds_hold(false);
    pthread_join(late.thread, NULL);
    pthread_join(early.thread, NULL);
    assert_int_equal(late.status, ASSAY_RANGE);
    assert_non_null(strstr(late.err.text, "the session ended while its answer was made"));
    assert_int_equal(early.status, ASSAY_OK);
    assert_int_equal(files_in(&d, "pending"), 1);
    assert_int_equal(d.provider.pending_count, 1);
    assert_int_equal(d.provider.pending[0].end, session_now(&closing).end);
    assert_int_equal(assay_provider_due(&d.provider, false), ASSAY_DUE_CLOSING);
    assay_provider_close(&d.provider);
}

// F-46: an answer that outlasts its connection is nobody's, so nobody pays for it. One that was
// kept before can be had again to the end.
static void what_is_cut_is_not_charged(void **state) {
    desk d;
    visitor late;
    assay_receipt receipt;
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    desk_open(&d);
    asked(&d, &session, 1);
    rounds_hold(true);
    visitor_start(&late, &d, &session, 2, 100000);
    rounds_await(1);
    assay_provider_cut(&d.provider);
    rounds_hold(false);
    pthread_join(late.thread, NULL);
    assert_int_equal(late.status, ASSAY_STOPPED);
    assert_int_equal(d.provider.pending_count, 1);
    assert_int_equal(files_in(&d, "pending"), 1);
    assert_int_equal(next_of(&d, &session), 2);
    assay_request r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    must(answer_to(&d, &r, &receipt, err));
    assay_provider_close(&d.provider);
}

// After each that holds them: one that failed holds up no other.
static int rounds_release(void **state) {
    if (rounds_held) rounds_hold(false);
    return 0;
}

static int world_make(void **state) {
    work_init(&world);
    world.genesis.params.close_delay = CLOSE_DELAY;
    work_start(&world);
    work_prompt(prompt, 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_are_strict_whoever_is_first),
        cmocka_unit_test_teardown(sessions_are_answered_together, rounds_release),
        cmocka_unit_test_teardown(strangers_do_not_wait, rounds_release),
        cmocka_unit_test_teardown(what_is_being_made_counts, rounds_release),
        cmocka_unit_test_teardown(only_some_wait, rounds_release),
        cmocka_unit_test_teardown(closing_meanwhile_makes_nothing_free, rounds_release),
        cmocka_unit_test_teardown(what_is_cut_is_not_charged, rounds_release),
    };
    return cmocka_run_group_tests(tests, world_make, world_end);
}
