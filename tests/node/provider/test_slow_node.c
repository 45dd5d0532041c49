// SPDX-License-Identifier: Apache-2.0
// A provider whose node answers late: nobody waits who does not ask, what is asked ends when it is
// to stop, and what changes meanwhile is counted once. Rules F-46, F-53, F-77.
#include "tests/node/desk.h"

// Stands between the provider and the node.
static struct {
    assay_http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const char *what; // paths with it,
    uint32_t hold;    // the next so many, are answered late, with what the node said at once
    uint32_t held;    // so many wait
} relay = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void relay_hold(const char *path) {
    pthread_mutex_lock(&relay.lock);
    if (relay.hold && strstr(path, relay.what)) {
        relay.hold--;
        relay.held++;
        while (relay.held)
            pthread_cond_wait(&relay.changed, &relay.lock);
    }
    pthread_mutex_unlock(&relay.lock);
}

static void relay_serve(void *context, const assay_http_request *request, assay_http_reply *reply) {
    const assay_fetch_limits limits = {
        .size_max = 64 << 20, .timeout_ms = 60000, .allow_private = true};
    const char *wait = assay_http_argument(request, "wait");
    char url[1024];
    assay_fetched fetched;
    assay_error err = {0};
    snprintf(url, sizeof url, "%s%s%s%s", assay_http_server_url(world.server), request->path,
             wait ? "?wait=" : "", wait ? wait : "");
    bool post = strcmp(request->method, "POST") == 0;
    assay_status status = assay_fetch(&fetched, url, post ? &request->body : NULL, &limits, &err);
    relay_hold(request->path);
    if (status != ASSAY_OK) {
        assay_http_reply_error(reply, &err);
        return;
    }
    assay_http_reply_bytes(reply, fetched.body, fetched.body_size);
    reply->code = fetched.code;
    free(fetched.body);
}

static void hold_next(const char *what, uint32_t count) {
    pthread_mutex_lock(&relay.lock);
    relay.what = what;
    relay.hold = count;
    pthread_mutex_unlock(&relay.lock);
}

static void until_held(uint32_t count) {
    for (uint32_t now = 0; now != count; work_sleep(1)) {
        pthread_mutex_lock(&relay.lock);
        now = relay.held;
        pthread_mutex_unlock(&relay.lock);
    }
}

static void let_go(void) {
    pthread_mutex_lock(&relay.lock);
    relay.hold = relay.held = 0;
    pthread_cond_broadcast(&relay.changed);
    pthread_mutex_unlock(&relay.lock);
}

static atomic_bool stop;

static void slow_open(desk *d) {
    atomic_store(&stop, false);
    desk_open(d);
    d->provider.asking.stop = &stop;
}

// Who asks for a session's next sequence, or for its answer, from a thread of its own.
typedef struct {
    desk *d;
    assay_hash session;
    uint64_t sequence; // of the request; 0: asks for it
    uint64_t next;
    assay_status status;
    assay_error err;
    pthread_t thread;
} visitor;

static void *visitor_run(void *context) {
    visitor *v = context;
    if (v->sequence) {
        assay_receipt receipt;
        assay_request r = work_request(&world, &v->session, v->sequence, prompt, PROMPT, TOKENS);
        r.max_fee = 100000;
        work_sign(&world, &r, CONSUMER);
        v->status = answer_to(v->d, &r, &receipt, &v->err);
    } else {
        v->status = assay_provider_next_sequence(&v->d->provider, &v->session, &v->next, &v->err);
    }
    return NULL;
}

static void visitor_start(visitor *v, desk *d, const assay_hash *session, uint64_t sequence) {
    *v = (visitor){.d = d, .session = *session, .sequence = sequence};
    assert_int_equal(pthread_create(&v->thread, NULL, visitor_run, v), 0);
}

static assay_status visitor_end(visitor *v) {
    pthread_join(v->thread, NULL);
    return v->status;
}

static assay_hash session_open(void) {
    return work_session(&world, PROVIDER, OPEN, 1000, 2000);
}

// Whoever asks, and for what: the lock is free meanwhile.
static void nobody_else_waits_for_the_node(void **state) {
    static const char *const whats[] = {"/v1/session/", "/v1/account/", "/v1/validator/",
                                        "/v1/adapter/"};
    for (size_t i = 0; i < ASSAY_COUNT(whats); i++) {
        desk d;
        visitor v;
        assay_hash session = session_open();
        slow_open(&d);
        hold_next(whats[i], 1);
        visitor_start(&v, &d, &session, 1);
        until_held(1);
        assert_int_equal(pthread_mutex_trylock(&d.provider.lock), 0);
        pthread_mutex_unlock(&d.provider.lock);
        let_go();
        assert_int_equal(visitor_end(&v), ASSAY_OK);
        assay_provider_close(&d.provider);
    }
}

static void two_who_ask_at_once_make_one_entry(void **state) {
    desk d;
    visitor v[2];
    assay_hash session = session_open();
    slow_open(&d);
    hold_next("/v1/session/", 2);
    visitor_start(&v[0], &d, &session, 0);
    visitor_start(&v[1], &d, &session, 0);
    until_held(2);
    let_go();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(visitor_end(&v[i]), ASSAY_OK);
        assert_int_equal(v[i].next, 1);
    }
    assert_int_equal(d.provider.session_count, 1);
    assay_provider_close(&d.provider);
}

// Half of the connections are for evidence, whatever else is asked for.
static void who_asks_for_a_sequence_counts(void **state) {
    desk d;
    visitor v;
    uint64_t next;
    assay_hash session = session_open(), other = session_open();
    slow_open(&d);
    d.provider.options.askers_max = 1;
    hold_next("/v1/session/", 1);
    visitor_start(&v, &d, &session, 0);
    until_held(1);
    work_refused(assay_provider_next_sequence(&d.provider, &other, &next, err), BUSY,
                 "1 requests are answered or wait, limit 1");
    let_go();
    assert_int_equal(visitor_end(&v), ASSAY_OK);
    assert_int_equal(next_of(&d, &other), 1);
    assay_provider_close(&d.provider);
}

// The chain's answer is from before the batch, and what was pending is not any more.
static void a_batch_meanwhile_frees_no_sequence(void **state) {
    desk d;
    visitor v;
    assay_hash session = session_open();
    slow_open(&d);
    asked(&d, &session, 1);
    d.provider.session_count = 0; // as if it were old
    hold_next("/v1/session/", 1);
    visitor_start(&v, &d, &session, 0);
    until_held(1);
    batched(&d, 1);
    let_go();
    assert_int_equal(visitor_end(&v), ASSAY_OK);
    assert_int_equal(v.next, 2);
    assay_provider_close(&d.provider);
}

// The node does not answer: what it is asked ends all the same.
static void what_is_asked_ends_with_the_stop(void **state) {
    desk d;
    visitor v[2];
    assay_provider_facts facts;
    assay_hash session = session_open();
    slow_open(&d);
    hold_next("/v1/", 3);
    visitor_start(&v[0], &d, &session, 0);
    visitor_start(&v[1], &d, &session, 1);
    until_held(2);
    atomic_store(&stop, true);
    assert_int_equal(visitor_end(&v[0]), ASSAY_STOPPED);
    assert_int_equal(visitor_end(&v[1]), ASSAY_STOPPED);
    work_refused(assay_provider_look(&d.provider, &facts, err), STOPPED, "given up");
    assert_int_equal(d.provider.pending_count, 0);
    let_go();
    assay_provider_close(&d.provider);
}

// Until its answer is made, and what is asked for then waits. given_up: by the cut.
static void made_start(visitor *v, desk *d, bool given_up) {
    assay_hash session = session_open();
    slow_open(d);
    if (!given_up) d->provider.finishing.stop = NULL;
    asked(d, &session, 1); // what admits the next one is known
    hold_next("/v1/session/", 1);
    visitor_start(v, d, &session, 2);
    until_held(1);
}

// F-46: an answer that is made is finished after the stop too,
static void what_is_made_is_finished(void **state) {
    desk d;
    visitor v;
    made_start(&v, &d, true);
    atomic_store(&stop, true);
    work_sleep(2500); // in which what is stopped would end
    let_go();
    assert_int_equal(visitor_end(&v), ASSAY_OK);
    assert_int_equal(d.provider.pending_count, 2);
    assay_provider_close(&d.provider);
}

// until the cut, which ends what it asks, and comes before what is kept.
static void what_is_cut_is_given_up(void **state) {
    for (int answered = 0; answered < 2; answered++) {
        desk d;
        visitor v;
        made_start(&v, &d, !answered);
        assay_provider_cut(&d.provider);
        if (answered) let_go();
        assert_int_equal(visitor_end(&v), ASSAY_STOPPED);
        assert_int_equal(d.provider.pending_count, 1);
        assert_int_equal(files_in(&d, "pending"), 1);
        let_go();
        assay_provider_close(&d.provider);
    }
}

static int slow_make(void **state) {
    const assay_http_options http = {
        .listen = "127.0.0.1:0", .body_max = 8 << 20, .connections_max = 32, .handle = relay_serve};
    work_init(&world);
    work_start(&world);
    work_prompt(prompt, 1);
    must(assay_http_server_open(&relay.server, &http, err));
    snprintf(world.wallets[PROVIDER].client.url, sizeof world.wallets[PROVIDER].client.url, "%s",
             assay_http_server_url(relay.server));
    return 0;
}

static int slow_end(void **state) {
    assay_http_server_close(relay.server);
    return world_end(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_else_waits_for_the_node),
        cmocka_unit_test(two_who_ask_at_once_make_one_entry),
        cmocka_unit_test(who_asks_for_a_sequence_counts),
        cmocka_unit_test(a_batch_meanwhile_frees_no_sequence),
        cmocka_unit_test(what_is_asked_ends_with_the_stop),
        cmocka_unit_test(what_is_made_is_finished),
        cmocka_unit_test(what_is_cut_is_given_up),
    };
    return cmocka_run_group_tests(tests, slow_make, slow_end);
}
