// SPDX-License-Identifier: Apache-2.0
// Rows longer than what a node lets wait of them (P-26) go on as blocks make room, until
// a stop (F-77). The node is played.
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "ledger/tx/reject.h"
#include "ledger/tx/tx.h"
#include "node/http/server.h"
#include "node/wallet/wallet.h"
#include "tests/test.h"

enum { ROW = 10, ROOM = 3 };

static struct {
    uint32_t taken, room, full;
    bool never;        // has it room again
    uint32_t stop_at;  // so many refusals its sender is told to stop
    assay_reject says; // when there is no room
    bool in_order;
    bool lost;   // its answer to a transaction, on the way
    bool ending; // before it knows what CometBFT took
} node;
static atomic_bool stop;

// The nonce of {"tx": "0x…"}, which ends the transaction's head.
static uint64_t nonce_of(assay_bytes body) {
    char text[16 + 1] = {0};
    const char *hex = memmem(body.data, body.size, "\"0x", 3);
    assert_non_null(hex);
    memcpy(text, hex + 3 + 2 * ASSAY_TX_NONCE_AT, 16);
    return strtoull(text, NULL, 16);
}

// Takes ROOM transactions, refuses one, and has room again: a block came.
static void node_serve(void *context, const assay_http_request *request, assay_http_reply *reply) {
    const assay_error refusal = {
        .status = ASSAY_REJECTED, .reject = (uint32_t)node.says, .text = "no room"};
    if (strstr(request->path, "/account/")) {
        assay_http_reply_json(reply, 200,
                              json_pack("{s:[i,i]}", "next_nonces", 0, (int)node.taken));
    } else if (node.lost) {
        assay_http_reply_bytes(reply, "", 0);
        reply->code = 502;
    } else if (node.ending) {
        const assay_error why = {.status = ASSAY_STOPPED, .text = "given up"};
        assay_http_reply_error(reply, &why);
    } else if (node.room == 0) {
        node.full++;
        node.room = node.never ? 0 : ROOM;
        if (node.full == node.stop_at) atomic_store(&stop, true);
        assay_http_reply_error(reply, &refusal);
    } else {
        const assay_hash id = {{1}};
        node.room--;
        node.in_order &= nonce_of(request->body) == node.taken;
        node.taken++;
        assay_http_reply_json(
            reply, 200,
            json_pack("{s:o,s:s}", "id", assay_json_from_hash(&id), "state", "pending"));
    }
}

static assay_status row_run(assay_hash *last, assay_error *err) {
    static const uint8_t blob[1000];
    const assay_http_options http = {
        .listen = "127.0.0.1:0", .body_max = 1 << 16, .connections_max = 8, .handle = node_serve};
    assay_wallet wallet = {.wait_ms = 1, .key = {{5}}};
    assay_http_server *server;
    assay_tx row[ROW] = {0};
    node.in_order = true;
    atomic_store(&stop, false);
    assert_int_equal(assay_http_server_open(&server, &http, err), ASSAY_OK);
    assert_int_equal(assay_key_address(&wallet.address, &wallet.key, err), ASSAY_OK);
    wallet.principal = wallet.address;
    wallet.client.domain.chain_id = 7;
    snprintf(wallet.client.url, sizeof wallet.client.url, "%s", assay_http_server_url(server));
    for (uint32_t i = 0; i < ROW; i++) {
        row[i].kind = ASSAY_TX_POST_EVIDENCE;
        row[i].body.post_evidence = (assay_tx_post_evidence){
            .part = (uint16_t)i, .part_count = ROW, .data = {blob, sizeof blob}};
    }
    assay_status status = assay_wallet_send_all(&wallet, last, row, ROW, &stop, err);
    assay_http_server_close(server);
    return status;
}

static assay_status row_send(assay_hash *last, assay_reject says, bool ending, assay_error *err) {
    memset(&node, 0, sizeof node);
    node.says = says;
    node.ending = ending;
    node.room = ROOM;
    return row_run(last, err);
}

static void what_has_no_room_follows(void **state) {
    assay_error err = {0};
    const assay_hash id = {{1}};
    static const uint32_t codes[] = {ASSAY_REJECT_PENDING, ASSAY_REJECT_NONCE};
    for (int i = 0; i < 2; i++) {
        // No wait is for a block: the played node makes none.
        assay_hash last = {{0}};
        assert_int_equal(row_send(&last, codes[i], false, &err), ASSAY_OK);
        assert_memory_equal(&last, &id, sizeof id);
        assert_int_equal(node.taken, ROW);
        assert_int_equal(node.full, (ROW - 1) / ROOM);
        assert_true(node.in_order);
    }
}

static void another_refusal_ends_the_row(void **state) {
    assay_error err = {0};
    assay_hash last = {{0}};
    assert_int_equal(row_send(&last, ASSAY_REJECT_FEE_SHORT, false, &err), ASSAY_REJECTED);
    assert_int_equal(last.bytes[0], 1); // of those before it
    assert_int_equal(err.reject, ASSAY_REJECT_FEE_SHORT);
    assert_int_equal(node.taken, ROOM);
    assert_int_equal(node.full, 1);
}

// Nothing is begun that would have to begin anew.
static void not_even_the_first_is_not_waited_for(void **state) {
    assay_error err = {0};
    assay_hash last = {{0}};
    memset(&node, 0, sizeof node);
    node.never = true;
    node.says = ASSAY_REJECT_PENDING;
    assert_int_equal(row_run(&last, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_PENDING);
    assert_true(assay_hash_is_zero(&last));
    assert_int_equal(node.full, 1);
}

// F-77: also where something is.
static void the_wait_for_room_ends_with_the_stop(void **state) {
    assay_error err = {0};
    assay_hash last = {{0}};
    memset(&node, 0, sizeof node);
    node.never = true;
    node.says = ASSAY_REJECT_PENDING;
    node.room = ROOM;
    node.stop_at = 2;
    assert_int_equal(row_run(&last, &err), ASSAY_REJECTED);
    assert_int_equal(last.bytes[0], 1);
    assert_int_equal(node.taken, ROOM);
    assert_int_equal(node.full, 2);
}

// It may have been taken: who asks what became of it needs its id.
static void a_lost_answer_leaves_the_id(void **state) {
    static const uint8_t data[] = "a transaction";
    const assay_http_options http = {
        .listen = "127.0.0.1:0", .body_max = 1 << 16, .connections_max = 8, .handle = node_serve};
    assay_http_server *server;
    assay_client client = {.url = ""};
    assay_sent sent;
    assay_hash id;
    memset(&node, 0, sizeof node);
    node.lost = true;
    must(assay_http_server_open(&server, &http, err));
    snprintf(client.url, sizeof client.url, "%s", assay_http_server_url(server));
    assert_int_equal(assay_client_send_bytes(&sent, &client, data, sizeof data, 0, NULL),
                     ASSAY_NETWORK);
    assay_tx_id(&id, data, sizeof data);
    assert_memory_equal(&sent.id, &id, sizeof id);
    assay_http_server_close(server);
}

static void an_ending_node_leaves_the_id(void **state) {
    assay_error err = {0};
    assay_hash last = {{0}};
    assert_int_equal(row_send(&last, ASSAY_REJECT_NONE, true, &err), ASSAY_STOPPED);
    assert_false(assay_hash_is_zero(&last));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_room_follows),
        cmocka_unit_test(another_refusal_ends_the_row),
        cmocka_unit_test(not_even_the_first_is_not_waited_for),
        cmocka_unit_test(the_wait_for_room_ends_with_the_stop),
        cmocka_unit_test(a_lost_answer_leaves_the_id),
        cmocka_unit_test(an_ending_node_leaves_the_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
