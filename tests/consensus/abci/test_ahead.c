// SPDX-License-Identifier: Apache-2.0
// E-22: of the requests at hand the server tells the application which transactions come next, and
// answers are byte for byte those of a server that does not. Requests go out in one piece of a unix
// socket, so that all are at hand at once.
#include "consensus/abci/engine.h"
#include "consensus/abci/server.h"
#include "consensus/ledger_application.h"
#include "tests/consensus/abci/client.h"
#include "tests/folder.h"
#include "tests/ledger/chain.h"

enum { FRAMES_MAX = 30000, SIDES = 2 };

// Writes down what it is told, in brackets, and what it is asked.
typedef struct {
    char log[4096];
    size_t size;
} application;

static void note(application *self, assay_bytes text, const char *after) {
    assert_true(self->size + text.size + 2 < sizeof self->log);
    memcpy(self->log + self->size, text.data ? (const char *)text.data : "", text.size);
    self->size += text.size;
    self->size += (size_t)snprintf(self->log + self->size, 2, "%s", after);
}

static void expect(void *context, const assay_bytes *txs, uint32_t count) {
    note(context, bytes_of("["), "");
    for (uint32_t i = 0; i < count; i++)
        note(context, txs[i], i + 1 < count ? "," : "]");
}

// Refuses what begins with "!".
static assay_status call(void *context, const assay_abci_request *request, assay_abci_reply *reply,
                         assay_arena *arena, assay_error *err) {
    if (request->kind != ASSAY_ABCI_CHECK_TX) {
        note(context, bytes_of("info"), " ");
        return ASSAY_OK;
    }
    assay_bytes tx = request->check_tx.tx;
    note(context, (assay_bytes){tx.data, tx.size < 8 ? tx.size : 8}, " ");
    reply->check_tx.code = tx.size > 0 && *tx.data == '!';
    reply->check_tx.log = tx;
    return ASSAY_OK;
}

static void check_add(assay_abci_buffer *out, const char *tx) {
    frame_add(out, ASSAY_ABCI_CHECK_TX, tx, strlen(tx));
}

static void recheck_add(assay_abci_buffer *out, const char *tx) {
    uint8_t content[64], request[80], length;
    assay_writer writer;
    assay_writer_init(&writer, content, sizeof content);
    assay_protobuf_bytes(&writer, 1, tx, strlen(tx));
    assay_protobuf_u64(&writer, 2, 1);
    size_t size = request_make(request, sizeof request, ASSAY_ABCI_CHECK_TX, content, writer.size);
    length = (uint8_t)size; // below 128
    assert_true(assay_abci_buffer_add(out, &length, 1));
    assert_true(assay_abci_buffer_add(out, request, size));
}

// What a server of this application answers to the frames, until it hangs up.
static assay_abci_buffer answers_get(assay_abci_application served, const assay_abci_buffer *out) {
    char folder[] = "/tmp/assay-ahead-XXXXXX", address[64];
    assay_abci_buffer answers = {0};
    assay_abci_server *server;
    uint8_t piece[65536];
    ssize_t got;
    test_folder_make(folder);
    snprintf(address, sizeof address, "unix://%s/app.sock", folder);
    const assay_abci_server_options options = {.address = address, .application = served};
    must(assay_abci_server_open(&server, &options, err));
    client peer = client_open(address);
    assert_true(out->size < FRAMES_MAX);
    assert_int_equal(send(peer.fd, out->data, out->size, MSG_NOSIGNAL), out->size);
    shutdown(peer.fd, SHUT_WR);
    while ((got = recv(peer.fd, piece, sizeof piece, 0)) > 0)
        assert_true(assay_abci_buffer_add(&answers, piece, (size_t)got));
    assert_int_equal(got, 0);
    client_close(&peer);
    assay_abci_server_close(server);
    assert_int_equal(rmdir(folder), 0);
    return answers;
}

// Sends the frames to a server that tells and to one that does not; `log` is what the first saw.
static void both_ask(assay_abci_buffer *out, const char *log) {
    application told = {.size = 0}, untold = {.size = 0};
    assay_abci_buffer answers = answers_get((assay_abci_application){&told, call, expect}, out);
    assay_abci_buffer plain = answers_get((assay_abci_application){&untold, call, NULL}, out);
    assert_string_equal(told.log, log);
    assert_null(strchr(untold.log, '['));
    assert_true(answers.size > 0);
    assert_int_equal(answers.size, plain.size);
    assert_memory_equal(answers.data, plain.data, plain.size);
    assay_abci_buffer_close(&answers);
    assay_abci_buffer_close(&plain);
    assay_abci_buffer_close(out);
}

// A Flush is within a run; a recheck, another kind and a frame of over 4 KiB end one, and are in
// none; a run of one is not told.
static void test_runs(void **state) {
    assay_abci_buffer out = {0};
    char large[5000];
    check_add(&out, "a");
    frame_add(&out, ASSAY_ABCI_FLUSH, "", 0);
    check_add(&out, "!b");
    check_add(&out, "");
    check_add(&out, "c");
    recheck_add(&out, "again");
    check_add(&out, "d");
    frame_add(&out, ASSAY_ABCI_FLUSH, "", 0);
    check_add(&out, "e");
    frame_add(&out, ASSAY_ABCI_INFO, "", 0);
    check_add(&out, "alone");
    frame_add(&out, ASSAY_ABCI_ECHO, "echo", 4);
    memset(large, 'x', sizeof large);
    frame_add(&out, ASSAY_ABCI_CHECK_TX, large, sizeof large);
    check_add(&out, "f");
    check_add(&out, "f");
    frame_add(&out, ASSAY_ABCI_FLUSH, "", 0);
    both_ask(&out, "[a,!b,c]a !b  c again [d,e]d e info alone xxxxxxxx [f,f]f f ");
}

// At most 64 at once.
static void test_bound(void **state) {
    enum { COUNT = 2 * ASSAY_ABCI_EXPECT_MAX + 1 };
    assay_abci_buffer out = {0};
    char log[4096], text[8];
    size_t size = 0;
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof text, "%d", i);
        check_add(&out, text);
    }
    for (int first = 0; first < COUNT; first += ASSAY_ABCI_EXPECT_MAX) {
        int end = first + ASSAY_ABCI_EXPECT_MAX < COUNT ? first + ASSAY_ABCI_EXPECT_MAX : COUNT;
        for (int i = first; i < end && end - first > 1; i++)
            size += (size_t)snprintf(log + size, sizeof log - size, "%s%d%s", i == first ? "[" : "",
                                     i, i + 1 < end ? "," : "]");
        for (int i = first; i < end; i++)
            size += (size_t)snprintf(log + size, sizeof log - size, "%d ", i);
    }
    both_ask(&out, log);
}

// What stands before a frame that is refused is told and answered, and then comes its Exception.
static void test_refused_behind(void **state) {
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {{"\x00", 1},             // no request
                 {"\x03\x42\x0a\x05", 4}, // a CheckTx that ends early
                 {"\x80\x00", 2},         // no length
                 {"\x05\x42\x03", 3}};    // not whole: no Exception
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assay_abci_buffer out = {0};
        check_add(&out, "a");
        check_add(&out, "b");
        assert_true(assay_abci_buffer_add(&out, cases[i].bytes, cases[i].size));
        both_ask(&out, "[a,b]a b ");
    }
}

// --- the ledger ---

typedef struct {
    chain c;
    assay_pool *pool;
    assay_beacon_chains secret;
    assay_ledger_application ledger;
    assay_abci_engine *engine;
} side;

static void side_open(side *s, unsigned threads) {
    assay_hash seed;
    char name[ASSAY_CHAIN_ID_MAX + 1];
    memset(s, 0, sizeof *s);
    chain_init(&s->c);
    chain_start(&s->c);
    assay_app_close(s->c.app);
    must(assay_pool_open(&s->pool, threads, err));
    const assay_app_options fast = {.skip_sync = true, .map_size = s->c.map_size, .pool = s->pool};
    must(assay_app_open(&s->c.app, s->c.folder, &s->c.genesis, &fast, err));
    assay_sha256_of(&seed, "seed", 4);
    must(assay_beacon_chains_open(&s->secret, seed.bytes, &seed, CHAIN_PREIMAGES, err));
    s->ledger = (assay_ledger_application){.app = s->c.app, .chains = &s->secret};
    assay_chain_name(name, &s->c.genesis);
    const assay_abci_engine_options options = {
        .application = assay_ledger_application_calls(&s->ledger), .chain_id = name};
    must(assay_abci_engine_open(&s->engine, &options, err));
}

static void side_close(side *s) {
    assay_abci_engine_close(s->engine);
    assay_beacon_chains_close(&s->secret);
    chain_close(&s->c);
    assay_pool_close(s->pool);
}

// Transfers of five signers, with a wrong signature, a nonce that is gone and junk among them.
static void transfers_add(assay_abci_buffer *out, chain *c) {
    for (uint32_t i = 0; i < 100; i++) {
        uint8_t bytes[512];
        assay_tx tx = chain_tx(c, 1 + i % 5, ASSAY_TX_TRANSFER);
        tx.body.transfer = (assay_tx_transfer){c->actors[7], 1 + i};
        if (i % 17 == 9) tx.nonce = 0;
        chain_add(c, &tx);
        const assay_bytes *last = &c->txs[c->tx_count - 1];
        memcpy(bytes, last->data, last->size);
        bytes[last->size - 1] ^= i % 13 == 7; // the recovery's id
        frame_add(out, ASSAY_ABCI_CHECK_TX, bytes, i % 11 == 5 ? last->size / 2 : last->size);
        if (i % 3 == 0) frame_add(out, ASSAY_ABCI_FLUSH, "", 0);
    }
}

static void test_ledger(void **state) {
    static side sides[SIDES];
    assay_abci_buffer out = {0}, answers[SIDES];
    assay_app_counters counters[SIDES];
    for (unsigned i = 0; i < SIDES; i++) {
        side_open(&sides[i], i + 1);
        if (i == 0) transfers_add(&out, &sides[i].c);
        assay_abci_application served = assay_abci_engine_application(sides[i].engine);
        assert_int_equal(served.expect != NULL, i > 0); // one thread: nothing to gain
        answers[i] = answers_get(served, &out);
        assay_app_counters_get(sides[i].c.app, &counters[i]);
        side_close(&sides[i]);
    }
    assert_true(counters[0].admitted > 10 && counters[0].turned_away > 20);
    assert_int_equal(counters[1].admitted, counters[0].admitted);
    assert_int_equal(counters[1].turned_away, counters[0].turned_away);
    assert_int_equal(answers[1].size, answers[0].size);
    assert_memory_equal(answers[1].data, answers[0].data, answers[0].size);
    for (unsigned i = 0; i < SIDES; i++)
        assay_abci_buffer_close(&answers[i]);
    assay_abci_buffer_close(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_refused_behind),
        cmocka_unit_test(test_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
