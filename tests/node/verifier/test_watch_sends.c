// SPDX-License-Identifier: Apache-2.0
// How often a vote is sent that the ledger takes no note of: by blocks, not by looks. The node is
// played, so that its chain stands still and goes on as a test says. Rule F-49.

#include "base/json.h"
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
} node;

static const assay_hash batch = {{1}};

static json_t *duty_make(void) {
    bool reveal = atomic_load(&node.reveal);
    return json_pack("{s:s,s:o,s:i,s:i,s:i,s:i,s:b,s:b,s:o}", "kind", reveal ? "reveal" : "commit",
                     "batch", assay_json_from_hash(&batch), "sample", 0, "round", 0, "position", 0,
                     "deadline", 100, "leaf_posted", 0, "table_posted", 0, "commitment",
                     assay_json_from_hash(&node.commitment));
}

// What is sent is taken, and gets into no block.
static void node_serve(void *context, const assay_http_request *request, assay_http_reply *reply) {
    const assay_error busy = {.status = ASSAY_CAPACITY, .text = "too many wait"};
    if (strstr(request->path, "/duties/")) {
        assay_http_reply_json(reply, 200,
                              json_pack("{s:I,s:b,s:[o]}", "height",
                                        (json_int_t)atomic_load(&node.height), "more", 0, "duties",
                                        duty_make()));
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_follow_blocks),
        cmocka_unit_test(a_reveal_is_counted_by_itself),
        cmocka_unit_test(a_refusal_is_no_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
