// SPDX-License-Identifier: Apache-2.0
// A provider whose node answers late: nobody waits who does not ask, what is asked ends when it is
// to stop, and what changes meanwhile is counted once; or has no room, or cannot tell. Rules F-46,
// F-53, F-54, F-77.
#include "tests/node/desk.h"
#include "tests/node/rounds.h"

// Stands between the provider and the node.
enum { TURNS = 60000 }; // of a millisecond and more, until what is waited for never comes

static struct {
    assay_http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const char *what;   // paths with it,
    uint32_t hold;      // the next so many, are answered late, with what the node said at once
    uint32_t held;      // so many wait
    const char *lacks;  // paths with it are not there; NULL: all are
    bool unsure;        // what became of a transaction is not told
    char duties[2048];  // instead of the node's, where there are any: then it takes all, or
    bool full;          // refuses all,
    uint32_t posts;     // the transactions it gets,
    uint32_t leaf_post; // and says which of them was a leaf's; 0: none
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

static void reply_text(assay_http_reply *reply, unsigned code, const char *text) {
    assay_http_reply_bytes(reply, text, strlen(text));
    reply->code = code;
}

// What it plays. Returns: whether it does.
static bool relay_play(const assay_http_request *request, assay_http_reply *reply) {
    const assay_error busy = {.status = ASSAY_BUSY, .text = "no room"};
    const assay_error late = {.status = ASSAY_TIMEOUT, .text = "too many blocks"};
    const assay_error none = {.status = ASSAY_NOT_FOUND, .text = "no path"};
    const assay_hash id = {{1}};
    bool post = strcmp(request->method, "POST") == 0;
    if (relay.lacks && strstr(request->path, relay.lacks)) {
        assay_http_reply_error(reply, &none);
        return true;
    }
    if (relay.unsure && !post && strstr(request->path, "/v1/tx/")) {
        assay_http_reply_error(reply, &late);
        return true;
    }
    if (!*relay.duties || (!post && !strstr(request->path, "/duties/"))) return false;
    if (!post) {
        reply_text(reply, 200, relay.duties);
        return true;
    }
    relay.posts++;
    if (memmem(request->body.data, request->body.size, "41535045", 8))
        relay.leaf_post = relay.posts;
    if (relay.full)
        assay_http_reply_error(reply, &busy);
    else
        assay_http_reply_json(
            reply, 200,
            json_pack("{s:o,s:s}", "id", assay_json_from_hash(&id), "state", "pending"));
    return true;
}

static void relay_serve(void *context, const assay_http_request *request, assay_http_reply *reply) {
    const assay_fetch_limits limits = {
        .size_max = 64 << 20, .timeout_ms = 60000, .allow_private = true};
    const char *wait = assay_http_argument(request, "wait");
    char url[1024];
    assay_fetched fetched;
    assay_error err = {0};
    if (relay_play(request, reply)) return;
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
    uint32_t now = 0;
    for (int i = 0; i < TURNS && now != count; i++, work_sleep(1)) {
        pthread_mutex_lock(&relay.lock);
        now = relay.held;
        pthread_mutex_unlock(&relay.lock);
    }
    assert_int_equal(now, count);
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
    rounds_hold(true);     // what admits it may be too old by now, and is asked for before
    visitor_start(v, d, &session, 2);
    rounds_await(1);
    hold_next("/v1/session/", 1);
    rounds_hold(false);
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

#define DUTIES "{\"height\":%u,\"duties\":["

static void duties_height(unsigned height) {
    char head[sizeof DUTIES + 8];
    memcpy(relay.duties, head, (size_t)snprintf(head, sizeof head, DUTIES, height));
}

// A provider with a batch, of which so many samples are said to be withheld.
static void accused_open(desk *d, const char *kind, uint32_t count, bool full) {
    char batch[ASSAY_HEX_HASH_MAX], zero[ASSAY_HEX_HASH_MAX];
    assay_hash session = session_open();
    slow_open(d);
    asked(d, &session, 1);
    const assay_hash id = batched(d, 1);
    assay_hex_encode_0x(batch, id.bytes, ASSAY_HASH_SIZE);
    assay_hex_encode_0x(zero, (assay_hash){{0}}.bytes, ASSAY_HASH_SIZE);
    size_t used = (size_t)snprintf(relay.duties, sizeof relay.duties, DUTIES, 100);
    for (uint32_t i = 0; i < count; i++)
        used += (size_t)snprintf(
            relay.duties + used, sizeof relay.duties - used,
            "%s{\"kind\":\"%s\",\"batch\":\"%s\",\"sample\":%u,\"round\":0,\"position\":0,"
            "\"deadline\":1000000,\"leaf_posted\":false,\"table_posted\":false,"
            "\"commitment\":\"%s\"}",
            i ? "," : "", kind, batch, i, zero);
    snprintf(relay.duties + used, sizeof relay.duties - used, "]}");
    relay.full = full;
    relay.posts = relay.leaf_post = 0;
}

static void accused_close(desk *d) {
    *relay.duties = 0;
    assay_provider_close(&d->provider);
}

// Batches and the end would wait for as many refusals as there are duties.
static void one_refusal_ends_the_defence_for_now(void **state) {
    desk d;
    uint32_t count;
    accused_open(&d, "answer_leaf", 3, true);
    work_refused(assay_provider_defend(&d.provider, &count, err), BUSY, "no room");
    assert_int_equal(count, 0);
    assert_int_equal(relay.posts, 1);
    relay.full = false;
    must(assay_provider_defend(&d.provider, &count, err));
    assert_int_equal(count, 3);
    assert_int_equal(relay.posts, 4);
    accused_close(&d);
}

// Nothing asks for the leaf any more once the table is posted, so a refusal between them must leave
// the table to be asked for.
static void the_leaf_goes_before_its_table(void **state) {
    desk d;
    uint32_t count;
    accused_open(&d, "answer_table", 1, true);
    work_refused(assay_provider_defend(&d.provider, &count, err), BUSY, "no room");
    assert_int_equal(relay.posts, 1);
    relay.full = false;
    must(assay_provider_defend(&d.provider, &count, err));
    assert_int_equal(count, 1);
    assert_int_equal(relay.posts, 3);
    assert_int_equal(relay.leaf_post, 2);
    accused_close(&d);
}

// One whose files are lost keeps no table, and no other accusation, from an answer.
static void a_lost_leaf_keeps_no_table(void **state) {
    desk d;
    uint32_t count;
    char command[256];
    accused_open(&d, "answer_table", 2, false);
    snprintf(command, sizeof command, "rm %s/evidence/*/leaf/0", d.home);
    assert_int_equal(system(command), 0);
    work_refused(assay_provider_defend(&d.provider, &count, err), NOT_FOUND, "leaf/0");
    assert_int_equal(count, 0);
    assert_int_equal(relay.posts, 2);
    assert_int_equal(relay.leaf_post, 0);
    accused_close(&d);
}

static void height_look(desk *d, uint64_t height) {
    assay_provider_facts facts = {.height = 0};
    while (facts.height < height) {
        world.engine.nudge(world.solo);
        world.engine.wait(world.solo, facts.height, 1000);
        must(assay_provider_look(&d->provider, &facts, err));
    }
}

// Without an index a node may never tell what became of a transaction. F-54
static void a_batch_the_node_cannot_tell_of_is_given_up(void **state) {
    desk d;
    assay_provider_batched batch;
    assay_hash session = session_open();
    slow_open(&d);
    asked(&d, &session, 1);
    d.provider.waiting.id = (assay_hash){{1}};
    relay.unsure = true;
    work_refused(assay_provider_batch(&d.provider, &batch, err), TIMEOUT, "too many blocks");
    uint64_t since = d.provider.waiting.unsure;
    assert_int_equal(since, d.provider.facts.height);
    d.provider.facts.height = since + ASSAY_PROVIDER_UNSURE_BLOCKS - 1;
    work_refused(assay_provider_batch(&d.provider, &batch, err), TIMEOUT, "too many blocks");
    height_look(&d, since + ASSAY_PROVIDER_UNSURE_BLOCKS);
    batched(&d, 1);
    assert_true(assay_hash_is_zero(&d.provider.waiting.id));
    relay.unsure = false;
    assay_provider_close(&d.provider);
}

// Nor is the case lost that evidence was sent for. F-46
static void evidence_the_node_cannot_tell_of_is_sent_again(void **state) {
    desk d;
    uint32_t count;
    accused_open(&d, "answer_leaf", 1, false);
    d.provider.posting.id = (assay_hash){{1}};
    relay.unsure = true;
    for (unsigned i = 0; i < ASSAY_PROVIDER_UNSURE_BLOCKS; i++) {
        duties_height(100 + i);
        work_refused(assay_provider_defend(&d.provider, &count, err), TIMEOUT, "too many blocks");
        assert_int_equal(relay.posts, 0);
    }
    duties_height(100 + ASSAY_PROVIDER_UNSURE_BLOCKS);
    must(assay_provider_defend(&d.provider, &count, err));
    assert_int_equal(count, 1);
    assert_int_equal(relay.posts, 1);
    // What was sent now is asked about anew.
    work_refused(assay_provider_defend(&d.provider, &count, err), TIMEOUT, "too many blocks");
    assert_int_equal(relay.posts, 1);
    relay.unsure = false;
    accused_close(&d);
}

// F-53: a node one version older; and one that is asked for 64 adapters takes its time.
static void no_batch_waits_for_what_is_payable(void **state) {
    desk d;
    assay_hash session = session_open();
    slow_open(&d);
    asked(&d, &session, 1);
    relay.lacks = "/v1/payable/";
    work_refused(assay_provider_payable_look(&d.provider, err), NOT_FOUND, "no path");
    height_look(&d, 1);
    assert_true(d.provider.pending[0].end > 0);
    batched(&d, 1);
    relay.lacks = NULL;
    must(assay_provider_payable_look(&d.provider, err));
    assay_provider_close(&d.provider);
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

// After each that holds something: one that failed holds up no other.
static int held_end(void **state) {
    if (rounds_held) rounds_hold(false);
    let_go();
    return 0;
}

static int slow_end(void **state) {
    assay_http_server_close(relay.server);
    return world_end(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nobody_else_waits_for_the_node, held_end),
        cmocka_unit_test_teardown(two_who_ask_at_once_make_one_entry, held_end),
        cmocka_unit_test_teardown(who_asks_for_a_sequence_counts, held_end),
        cmocka_unit_test_teardown(a_batch_meanwhile_frees_no_sequence, held_end),
        cmocka_unit_test_teardown(what_is_asked_ends_with_the_stop, held_end),
        cmocka_unit_test_teardown(what_is_made_is_finished, held_end),
        cmocka_unit_test_teardown(what_is_cut_is_given_up, held_end),
        cmocka_unit_test(one_refusal_ends_the_defence_for_now),
        cmocka_unit_test(the_leaf_goes_before_its_table),
        cmocka_unit_test(a_lost_leaf_keeps_no_table),
        cmocka_unit_test(a_batch_the_node_cannot_tell_of_is_given_up),
        cmocka_unit_test(evidence_the_node_cannot_tell_of_is_sent_again),
        cmocka_unit_test(no_batch_waits_for_what_is_payable),
    };
    return cmocka_run_group_tests(tests, slow_make, slow_end);
}
