// SPDX-License-Identifier: Apache-2.0
// F-60: what becomes of a transaction that CometBFT's RPC was given, by its answer; and that a node
// which ends waits for no answer (F-77).
#include "node/comet/comet.h"

#include <pthread.h>

#include "base/json.h"
#include "consensus/clock.h"
#include "node/http/server.h"
#include "tests/node/sockets.h"
#include "tests/vectors.h"

// E-22: a rule's refusal is the transaction's fault, code 2 is not.
static void answers_to_transactions(void **unused) {
    static const struct {
        const char *answer;
        assay_status status;
        uint32_t reject;
        const char *text;
    } cases[] = {
        {"{\"result\":{\"code\":0,\"log\":\"\"}}", ASSAY_OK, 0, ""},
        {"{\"result\":{\"code\":140,\"log\":\"nonce 1\"}}", ASSAY_REJECTED, 140, "nonce 1"},
        {"{\"result\":{\"code\":140,\"log\":\"\"}}", ASSAY_REJECTED, 140, "refused"},
        {"{\"result\":{\"code\":2,\"log\":\"no state yet\"}}", ASSAY_BUSY, 0,
         "CometBFT: no state yet"},
        {"{\"result\":{\"code\":2}}", ASSAY_BUSY, 0, "CometBFT: not now"},
        {"{\"error\":{\"message\":\"m\",\"data\":\"tx already exists in cache\"}}", ASSAY_OK, 0,
         ""},
        {"{\"error\":{\"message\":\"m\",\"data\":\"mempool is full\"}}", ASSAY_CAPACITY, 0,
         "CometBFT: mempool is full"},
        {"{\"error\":{\"message\":\"m\",\"data\":\"d\"}}", ASSAY_NETWORK, 0, "CometBFT: m: d"},
        {"{}", ASSAY_MISSING, 0, "CometBFT's answer has no result"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assay_error err = {0};
        const char *answer = cases[i].answer;
        assay_status status = assay_comet_submit_read(answer, strlen(answer), &err);
        if (status != cases[i].status || err.reject != cases[i].reject ||
            strcmp(err.text, cases[i].text) != 0)
            fail_msg("case %zu: %s %u \"%s\"", i, assay_status_name(status), err.reject, err.text);
    }
}

static void error_serve(void *data, const assay_http_request *request, assay_http_reply *reply) {
    assay_http_reply_json(reply, 500,
                          json_pack("{s:{s:i,s:s,s:s}}", "error", "code", -32603, "message",
                                    "Internal error", "data", *(const char **)data));
}

// What its index does not have is unknown, so that whoever sent it sends again; of what no index is
// kept, nothing is said.
static void a_transaction_nobody_indexed_is_unknown(void **unused) {
    static const struct {
        const char *data;
        assay_status status;
    } cases[] = {
        {"tx (07) not found, err: %!w(<nil>)", ASSAY_OK},
        {"transaction indexing is disabled", ASSAY_NOT_FOUND},
        {"the disk is gone", ASSAY_NETWORK},
    };
    const char *data;
    assay_http_server *server;
    assay_comet comet;
    const assay_hash id = {{7}};
    const assay_http_options http = {.listen = "127.0.0.1:0",
                                     .body_max = 1 << 10,
                                     .connections_max = 4,
                                     .handle = error_serve,
                                     .context = &data};
    must(assay_http_server_open(&server, &http, err));
    must(assay_comet_open(&comet, assay_http_server_url(server), err));
    const assay_abci_peer peer = assay_comet_peer(&comet);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assay_tx_fate fate = {.state = ASSAY_TX_UNKNOWN};
        data = cases[i].data;
        assert_int_equal(peer.find(peer.self, &id, &fate, NULL), cases[i].status);
        assert_int_equal(fate.state, ASSAY_TX_UNKNOWN);
    }
    assay_http_server_close(server);
}

static void *later(void *flag) {
    usleep(300000);
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

// F-77: a CometBFT that takes connections and answers nothing; asked before the node ends, and
// after.
static void a_node_that_ends_waits_for_no_answer(void **unused) {
    atomic_bool stop = false;
    pthread_t thread;
    assay_comet comet;
    assay_block block;
    assay_arena arena;
    assay_tx_fate fate;
    const assay_hash id = {{7}};
    uint8_t *data;
    unsigned port;
    char url[64];
    json_t *result;
    int fd = test_listen(&port);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    assert_int_equal(assay_comet_open(&comet, url, NULL), ASSAY_OK);
    comet.stop = &stop;
    const assay_abci_peer peer = assay_comet_peer(&comet);
    assert_int_equal(pthread_create(&thread, NULL, later, &stop), 0);
    uint64_t begun = assay_clock_ns();
    assert_int_equal(assay_comet_get(&result, &comet, "/status", NULL), ASSAY_STOPPED);
    assert_null(result);
    pthread_join(thread, NULL);
    assert_int_equal(peer.submit(peer.self, "x", 1, NULL), ASSAY_STOPPED);
    assert_int_equal(peer.find(peer.self, &id, &fate, NULL), ASSAY_STOPPED);
    assay_arena_init(&arena, 1 << 20);
    assert_int_equal(peer.block(peer.self, 7, &block, &arena, &data, NULL), ASSAY_STOPPED);
    assay_arena_close(&arena);
    assert_int_equal(peer.light_block(peer.self, 7, &result, NULL), ASSAY_STOPPED);
    assert_true(assay_clock_ns() - begun < UINT64_C(15000000000)); // one exchange has 20 s
    close(fd);
}

// E-45: a source that takes connections and answers nothing has one bound for all it is asked.
static void a_light_source_has_its_time(void **unused) {
    assay_comet comet;
    assay_light_block block;
    assay_arena arena;
    assay_error why = {0};
    unsigned port;
    char url[64];
    int fd = test_listen(&port);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    must(assay_comet_open(&comet, url, err));
    comet.light_ms = 500;
    const assay_light_source source = assay_comet_light_source(&comet);
    assay_arena_init(&arena, 1 << 20);
    uint64_t begun = assay_clock_ns();
    assert_int_equal(source.fetch(source.self, 7, &block, &arena, NULL), ASSAY_TIMEOUT);
    usleep(20000);
    assert_int_equal(source.fetch(source.self, 8, &block, &arena, &why), ASSAY_TIMEOUT);
    assert_non_null(strstr(why.text, "for all that was asked"));
    assert_true(assay_clock_ns() - begun < UINT64_C(15000000000)); // one exchange has 20 s
    assay_arena_close(&arena);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_to_transactions),
        cmocka_unit_test(a_transaction_nobody_indexed_is_unknown),
        cmocka_unit_test(a_node_that_ends_waits_for_no_answer),
        cmocka_unit_test(a_light_source_has_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
