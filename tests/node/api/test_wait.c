// SPDX-License-Identifier: Apache-2.0
// Requests that wait for a block, under an engine that makes none: they end with their deadline,
// with the engine, or with the node (F-40, F-77). And facts that only some engines tell (F-71).
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "consensus/clock.h"
#include "ledger/tx/tx.h"
#include "node/api/api.h"
#include "node/http/metrics.h"
#include "tests/test.h"

// One that `find` does not know.
#define OLD_TX "/v1/tx/0x0000000000000000000000000000000000000000000000000000000000000007"

static atomic_bool engine_stops, engine_fails, engine_away;
static atomic_int submitted;

static assay_status submit(void *self, const void *tx, size_t size, assay_hash *id,
                           assay_error *err) {
    memset(id, 5, sizeof *id);
    submitted++;
    return engine_away ? ASSAY_FAIL(err, NETWORK, "nobody answers") : ASSAY_OK;
}

static assay_status find(void *self, const assay_hash *id, uint64_t depth, assay_tx_fate *out,
                         assay_error *err) {
    bool old = engine_away || id->bytes[ASSAY_HASH_SIZE - 1] == 7;
    *out = (assay_tx_fate){.state = old ? ASSAY_TX_UNKNOWN : ASSAY_TX_PENDING};
    return ASSAY_OK;
}

static uint64_t wait(void *self, uint64_t height, uint32_t timeout_ms) {
    for (uint64_t end = assay_clock_ns() + timeout_ms * UINT64_C(1000000);
         assay_clock_ns() < end && !atomic_load(&engine_stops);)
        usleep(1000);
    return 7;
}

static uint64_t height(void *self) {
    return 7;
}

static assay_status health(void *self, assay_error *err) {
    if (!atomic_load(&engine_fails)) return ASSAY_OK;
    return ASSAY_FAIL(err, DISK_FULL, "no room for the state");
}

static assay_status block(void *self, uint64_t at, assay_block *out, assay_arena *arena,
                          uint8_t **data, assay_error *err) {
    *data = NULL;
    return ASSAY_FAIL(err, NOT_FOUND, "no block");
}

static assay_status light_block(void *self, uint64_t at, json_t **out, assay_error *err) {
    *out = NULL;
    return ASSAY_FAIL(err, NOT_FOUND, "no block");
}

static const assay_chain_engine engine = {.submit = submit,
                                          .find = find,
                                          .wait = wait,
                                          .height = height,
                                          .health = health,
                                          .block = block,
                                          .light_block = light_block};
static assay_api api = {
    .engine = &engine, .wait_ms_max = ASSAY_API_WAIT_MS_MAX, .slow = PTHREAD_MUTEX_INITIALIZER};

// Posts a body and waits so long. Returns: the answer.
static json_t *body_post(const char *body, const char *wait_ms) {
    assay_http_request request = {.method = "POST",
                                  .path = "/v1/tx",
                                  .body = {(const uint8_t *)body, strlen(body)},
                                  .arguments = {{"wait", wait_ms}},
                                  .argument_count = 1};
    assay_http_reply reply = {0};
    assay_api_handle(&api, &request, &reply);
    assert_int_equal(reply.code, 200);
    json_t *answer = json_loadb((const char *)reply.body, reply.body_size, 0, NULL);
    free(reply.body);
    return answer;
}

static void expect_pending(const json_t *fate) {
    assert_string_equal(json_string_value(json_object_get(fate, "state")), "pending");
    assert_non_null(json_object_get(fate, "id"));
}

// Posts a transaction. Returns: seconds it took.
static double post(const char *wait_ms) {
    uint64_t begun = assay_clock_ns();
    json_t *answer = body_post("{\"tx\":\"0x00\"}", wait_ms);
    expect_pending(answer);
    json_decref(answer);
    return (double)(assay_clock_ns() - begun) / 1e9;
}

static void *later(void *flag) {
    usleep(400000);
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

static void a_wait_ends_with_its_deadline(void **state) {
    double took = post("600");
    assert_true(took >= 0.6 && took < 30);
    assert_true(post("0") < 30);
}

static void ends_with(atomic_bool *flag) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, later, flag), 0);
    double took = post("60000");
    pthread_join(thread, NULL);
    atomic_store(flag, false);
    assert_true(took >= 0.3 && took < 30);
}

static void a_wait_ends_with_the_node(void **state) {
    ends_with(&api.closing);
}

static void a_wait_ends_with_the_engine(void **state) {
    ends_with(&engine_stops);
}

// What was taken keeps its id, whatever becomes of the engine: its log may have it. F-40
static void a_failed_engine_may_have_what_it_took(void **state) {
    atomic_store(&engine_stops, true);
    atomic_store(&engine_fails, true);
    assert_true(post("60000") < 30);
    json_t *answer = body_post("{\"txs\":[\"0x00\",7,\"0x01\"]}", "60000");
    const json_t *results = json_object_get(answer, "results");
    assert_int_equal(json_array_size(results), 3);
    expect_pending(json_array_get(results, 0));
    assert_non_null(json_object_get(json_array_get(results, 1), "error"));
    expect_pending(json_array_get(results, 2));
    json_decref(answer);
    atomic_store(&engine_stops, false);
    atomic_store(&engine_fails, false);
}

// An engine that answers one of many after a long time, or never, is asked for no other.
static void who_is_away_is_asked_once(void **state) {
    engine_away = true;
    submitted = 0;
    json_t *answer = body_post("{\"txs\":[7,\"0x00\",\"0x01\",\"0x02\"]}", "60000");
    const json_t *results = json_object_get(answer, "results");
    assert_int_equal(json_array_size(results), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *error = json_object_get(json_array_get(results, i), "error");
        const char *name = json_string_value(json_object_get(error, "name"));
        assert_string_equal(name, i ? "NETWORK" : "FORMAT");
    }
    assert_int_equal(submitted, 1);
    json_decref(answer);
    engine_away = false;
}

// What is in memory is told at once, though strangers have taken all turns of what reads much.
static void a_fate_in_memory_waits_for_no_turn(void **state) {
    char path[80] = "/v1/tx/0x";
    memset(path + strlen(path), '0', 2 * ASSAY_HASH_SIZE);
    assay_http_request request = {.method = "GET", .path = path};
    assay_http_reply reply = {0};
    pthread_mutex_lock(&api.slow);
    assay_api_handle(&api, &request, &reply);
    pthread_mutex_unlock(&api.slow);
    assert_int_equal(reply.code, 200);
    free(reply.body);
}

static void tell(void *self, assay_engine_facts *facts) {
    *facts = (assay_engine_facts){
        .knows_rounds = true, .round = 2, .rounds = 40, .knows_peers = true, .peers = 3};
}

static void facts_are_the_engines_or_unknown(void **state) {
    assay_engine_facts facts;
    assay_api_facts_get(&facts, &api);
    assert_false(facts.knows_rounds || facts.knows_peers);
    api.facts = tell;
    assay_api_facts_get(&facts, &api);
    assert_true(facts.knows_rounds && facts.knows_peers);
    assert_int_equal(facts.rounds, 40);
    api.facts = NULL;
}

typedef struct {
    const char *path;
    unsigned code; // expected
    atomic_bool answered;
} asking;

static void *block_ask(void *argument) {
    asking *a = argument;
    const assay_http_request request = {.method = "GET", .path = a->path};
    assay_http_reply reply = {0};
    assay_api_handle(&api, &request, &reply);
    atomic_store(&a->answered, reply.code == a->code);
    free(reply.body);
    return NULL;
}

// Asks for a block while a slow request runs. Returns: whether it was answered beside that.
static bool comes_beside(const char *path, unsigned code) {
    pthread_t thread;
    asking a = {.path = path, .code = code};
    pthread_mutex_lock(&api.slow);
    assert_int_equal(pthread_create(&thread, NULL, block_ask, &a), 0);
    for (int tries = 0; tries < 20 && !atomic_load(&a.answered); tries++)
        usleep(10000);
    bool beside = atomic_load(&a.answered);
    pthread_mutex_unlock(&api.slow);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&a.answered));
    return beside;
}

// F-40, E-46, E-91: on either engine.
static void blocks_come_one_at_a_time(void **state) {
    for (int behind = 0; behind < 2; behind++) {
        api.behind = behind;
        assert_false(comes_beside("/v1/block/7", 404));
        assert_false(comes_beside("/commit", 400));
        assert_false(comes_beside("/validators", 400));
        assert_false(comes_beside("/status", 400));
    }
    api.behind = false;
}

// Whether one more request is refused because too many wait.
static bool is_crowded(const char *path) {
    const assay_http_request request = {.method = "GET", .path = path};
    assay_http_reply reply = {0};
    assay_api_handle(&api, &request, &reply);
    bool busy = reply.code == 503 && memmem(reply.body, reply.body_size, "try again", 9);
    free(reply.body);
    return busy;
}

// F-40: strangers can ask for any number of searches, of seconds each. Others wait for their turn
// behind them, and are refused only where many do.
static void a_turn_is_waited_for_by_a_few(void **state) {
    pthread_t threads[ASSAY_API_TURNS_MAX];
    asking asks[ASSAY_API_TURNS_MAX];
    alarm(30); // one that is not refused would wait for this test
    pthread_mutex_lock(&api.slow);
    for (unsigned i = 0; i < ASSAY_API_TURNS_MAX; i++) {
        asks[i] =
            (asking){.path = i < ASSAY_API_TURNS_SEARCH_MAX ? OLD_TX : "/v1/block/7", .code = 404};
        assert_int_equal(pthread_create(&threads[i], NULL, block_ask, &asks[i]), 0);
        while (atomic_load(&api.turns) <= i)
            usleep(1000);
        if (i + 1 >= ASSAY_API_TURNS_SEARCH_MAX) assert_true(is_crowded(OLD_TX));
    }
    assert_true(is_crowded("/v1/block/7"));
    pthread_mutex_unlock(&api.slow);
    for (unsigned i = 0; i < ASSAY_API_TURNS_MAX; i++) {
        pthread_join(threads[i], NULL);
        assert_true(atomic_load(&asks[i].answered));
    }
    alarm(0);
    assert_int_equal(atomic_load(&api.turns), 0);
    assert_false(is_crowded(OLD_TX));
}

// F-77: behind a slow request many may wait: once the node ends, none of them has its turn.
static void no_slow_request_begins_while_the_node_ends(void **state) {
    static const char *const paths[] = {
        "/v1/block/7", OLD_TX,    "/v1/proof/payout/1/0x0000000000000000000000000000000000000007",
        "/commit",     "/status", "/v1/claim/0x0000000000000000000000000000000000000007"};
    atomic_store(&api.closing, true);
    api.behind = true;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const assay_http_request request = {.method = "GET", .path = paths[i]};
        assay_http_reply reply = {0};
        assay_api_handle(&api, &request, &reply);
        assert_int_equal(reply.code, 503);
        assert_non_null(memmem(reply.body, reply.body_size, "the node is ending", 18));
        free(reply.body);
        assert_int_equal(pthread_mutex_trylock(&api.slow), 0);
        pthread_mutex_unlock(&api.slow);
    }
    api.behind = false;
    atomic_store(&api.closing, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends_with_its_deadline),
        cmocka_unit_test(a_fate_in_memory_waits_for_no_turn),
        cmocka_unit_test(a_wait_ends_with_the_node),
        cmocka_unit_test(a_wait_ends_with_the_engine),
        cmocka_unit_test(a_failed_engine_may_have_what_it_took),
        cmocka_unit_test(who_is_away_is_asked_once),
        cmocka_unit_test(blocks_come_one_at_a_time),
        cmocka_unit_test(a_turn_is_waited_for_by_a_few),
        cmocka_unit_test(no_slow_request_begins_while_the_node_ends),
        cmocka_unit_test(facts_are_the_engines_or_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
