// SPDX-License-Identifier: Apache-2.0
// How often a vote is sent that the ledger takes no note of: by blocks, not by looks; and that it
// waits for nothing that is asked about others. The node is played, so that its chain stands still
// and goes on as a test says. Rules F-49, F-77.

#include <time.h>

#include "base/json.h"
#include "consensus/clock.h"
#include "ledger/tx/tx.h"
#include "node/http/server.h"
#include "node/verifier/watch.h"
#include "tests/test.h"

static struct {
    atomic_uint_fast64_t height;
    atomic_bool reveal;
    atomic_bool refuses; // takes no transaction
    assay_hash commitment;
    atomic_uint sends;
    atomic_uint unknown; // commits due before that of `batch`, of batches it tells nothing of
    atomic_uint asked;   // about those
    atomic_uint sent_first;
    atomic_bool hangs; // asked about one, stops its validator and is silent
    atomic_bool stop;
} node;

static const assay_hash batch = {{1}};

static json_t *duty_make(bool reveal, const assay_hash *id, int deadline) {
    return json_pack("{s:s,s:o,s:i,s:i,s:i,s:i,s:b,s:b,s:o}", "kind", reveal ? "reveal" : "commit",
                     "batch", assay_json_from_hash(id), "sample", 0, "round", 0, "position", 0,
                     "deadline", deadline, "leaf_posted", 0, "table_posted", 0, "commitment",
                     assay_json_from_hash(&node.commitment));
}

static json_t *duties_make(void) {
    json_t *duties = json_array();
    for (unsigned i = 0; i < atomic_load(&node.unknown); i++) {
        const assay_hash id = {{2, (uint8_t)i}};
        json_array_append_new(duties, duty_make(false, &id, 90));
    }
    json_array_append_new(duties, duty_make(atomic_load(&node.reveal), &batch, 100));
    return duties;
}

static void batch_serve(assay_http_reply *reply) {
    const assay_error away = {.status = ASSAY_NETWORK, .text = "the engine does not answer"};
    if (atomic_fetch_add(&node.asked, 1) == 0)
        atomic_store(&node.sent_first, atomic_load(&node.sends));
    if (atomic_load(&node.hangs)) atomic_store(&node.stop, true);
    for (int i = 0; i < 1000 && atomic_load(&node.hangs); i++)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    assay_http_reply_error(reply, &away);
}

// What is sent is taken, and gets into no block.
static void node_serve(void *context, const assay_http_request *request, assay_http_reply *reply) {
    const assay_error busy = {.status = ASSAY_CAPACITY, .text = "too many wait"};
    if (strstr(request->path, "/duties/")) {
        assay_http_reply_json(reply, 200,
                              json_pack("{s:I,s:b,s:o}", "height",
                                        (json_int_t)atomic_load(&node.height), "more", 0, "duties",
                                        duties_make()));
    } else if (strstr(request->path, "/batch/")) {
        batch_serve(reply);
    } else if (strstr(request->path, "/account/")) {
        assay_http_reply_json(
            reply, 200, json_pack("{s:[i,i,i,i,i,i,i,i]}", "next_nonces", 0, 0, 0, 0, 0, 0, 0, 0));
    } else if (atomic_load(&node.refuses)) {
        assay_http_reply_error(reply, &busy);
    } else {
        atomic_fetch_add(&node.sends, 1);
        assay_http_reply_json(
            reply, 200,
            json_pack("{s:o,s:s}", "id", assay_json_from_hash(&batch), "state", "pending"));
    }
}

typedef struct {
    assay_workshop shop;
    assay_checker checker;
    assay_wallet wallet;
    assay_watch watch;
    assay_http_server *server;
} player;

static void player_open(player *p) {
    assay_error err = {0};
    const assay_http_options http = {
        .listen = "127.0.0.1:0", .body_max = 1 << 16, .connections_max = 8, .handle = node_serve};
    memset(p, 0, sizeof *p);
    atomic_store(&node.height, 10);
    atomic_store(&node.reveal, false);
    atomic_store(&node.refuses, false);
    atomic_store(&node.sends, 0);
    atomic_store(&node.unknown, 0);
    atomic_store(&node.asked, 0);
    atomic_store(&node.hangs, false);
    atomic_store(&node.stop, false);
    assert_int_equal(assay_http_server_open(&p->server, &http, &err), ASSAY_OK);
    p->wallet = (assay_wallet){.wait_ms = 1, .key = {{5}}};
    assert_int_equal(assay_key_address(&p->wallet.address, &p->wallet.key, &err), ASSAY_OK);
    p->wallet.principal = p->wallet.address;
    p->wallet.client.domain.chain_id = 7;
    snprintf(p->wallet.client.url, sizeof p->wallet.client.url, "%s",
             assay_http_server_url(p->server));
    p->checker = (assay_checker){.shop = &p->shop, .client = &p->wallet.client};
    const assay_watch_options options = {.checker = &p->checker,
                                         .wallet = &p->wallet,
                                         .commit_blocks = 60,
                                         .manner = ASSAY_VALIDATOR_COPY}; // needs no evidence
    assert_int_equal(assay_watch_open(&p->watch, &options, &err), ASSAY_OK);
}

static void player_close(player *p) {
    assay_watch_close(&p->watch);
    assay_http_server_close(p->server);
}

static void expect_sends(player *p, uint64_t height, unsigned sends) {
    assay_error err = {0};
    atomic_store(&node.height, height);
    for (int i = 0; i < 5; i++)
        assert_int_equal(assay_watch_step(&p->watch, &err), ASSAY_OK);
    assert_int_equal(atomic_load(&node.sends), sends);
}

// F-49: however often is looked, a chain that stands still gets a vote once; one that goes on
// without it gets it again after each interval until the window ends.
static void sends_follow_blocks(void **state) {
    static player p;
    player_open(&p);
    expect_sends(&p, 10, 1);
    expect_sends(&p, 10 + ASSAY_WATCH_AGAIN_BLOCKS - 1, 1);
    for (unsigned i = 1; i < 20; i++) {
        expect_sends(&p, 10 + i * ASSAY_WATCH_AGAIN_BLOCKS, 1 + i);
        expect_sends(&p, 10 + (i + 1) * ASSAY_WATCH_AGAIN_BLOCKS - 1, 1 + i);
    }
    player_close(&p);
}

// The commit's sends are not the reveal's.
static void a_reveal_is_counted_by_itself(void **state) {
    static player p;
    player_open(&p);
    expect_sends(&p, 10, 1);
    const assay_vote_record *vote = &p.watch.votes[0].record;
    assay_verdict_commitment(&node.commitment, &p.wallet.principal, &vote->probe, vote->verdict,
                             &vote->probe); // of a copying validator, the probe is the salt
    atomic_store(&node.reveal, true);
    expect_sends(&p, 11, 2);
    expect_sends(&p, 11 + ASSAY_WATCH_AGAIN_BLOCKS - 1, 2);
    expect_sends(&p, 11 + ASSAY_WATCH_AGAIN_BLOCKS, 3);
    player_close(&p);
}

// What the node did not take counts as not sent.
static void a_refusal_is_no_send(void **state) {
    static player p;
    player_open(&p);
    atomic_store(&node.refuses, true);
    expect_sends(&p, 10, 0);
    atomic_store(&node.refuses, false);
    expect_sends(&p, 10, 1);
    player_close(&p);
}

// An honest one, with a vote for `batch` and none for two other batches.
static void player_know(player *p) {
    player_open(p);
    p->watch.manner = ASSAY_VALIDATOR_HONEST;
    p->watch.votes[p->watch.vote_count++].record.batch = batch;
    p->wallet.client.stop = &node.stop;
    atomic_store(&node.unknown, 2);
}

// What is known is sent before anything is asked, whatever the deadlines; a node that does not
// answer is asked once a look.
static void what_is_known_waits_for_no_question(void **state) {
    static player p;
    assay_error err = {0};
    player_know(&p);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(assay_watch_step(&p.watch, &err), ASSAY_OK);
        assert_int_equal(atomic_load(&node.sends), 1);
        assert_int_equal(atomic_load(&node.asked), i);
        assert_int_equal(atomic_load(&p.shop.meter.duty_failures), 1 + i); // 1: no block came
    }
    assert_int_equal(atomic_load(&node.sent_first), 1);
    player_close(&p);
}

// F-77: a stop ends a question that is not answered, and there is no other one.
static void a_stop_ends_the_questions(void **state) {
    static player p;
    assay_error err = {0};
    player_know(&p);
    atomic_store(&node.hangs, true);
    uint64_t begun = assay_clock_ms();
    assert_int_equal(assay_watch_step(&p.watch, &err), ASSAY_OK);
    assert_true(assay_clock_ms() - begun < 15000); // half of what a question has
    assert_int_equal(atomic_load(&node.asked), 1);
    assert_int_equal(atomic_load(&node.sends), 1);
    assert_int_equal(atomic_load(&p.shop.meter.duty_failures), 1);
    atomic_store(&node.hangs, false);
    player_close(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_follow_blocks),
        cmocka_unit_test(a_reveal_is_counted_by_itself),
        cmocka_unit_test(a_refusal_is_no_send),
        cmocka_unit_test(what_is_known_waits_for_no_question),
        cmocka_unit_test(a_stop_ends_the_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
