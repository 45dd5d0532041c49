// SPDX-License-Identifier: Apache-2.0
// The API where there is no state yet (F-40), as before InitChain and while CometBFT fetches one,
// and where there is nothing but a state (F-50).
#include "tests/ledger/chain.h"

#include "base/hex.h"
#include "base/json.h"
#include "node/api/api.h"
#include "node/error_json.h"
#include "tests/folder.h"

static chain world;

static json_t *ask(assay_api *api, const char *path, unsigned code) {
    const assay_http_request request = {.method = "GET", .path = path};
    assay_http_reply reply = {0};
    assay_api_handle(api, &request, &reply);
    if (reply.code != code) fail_msg("%s: %u, not %u", path, reply.code, code);
    json_t *answer = json_loadb((const char *)reply.body, reply.body_size, 0, NULL);
    free(reply.body);
    return answer;
}

// Whoever asks is told to ask again, with the code that keeps services trying (F-9).
static void without_a_state_a_node_is_busy(void **state) {
#define ID  "0x0000000000000000000000000000000000000000000000000000000000000007"
#define WHO "0x0000000000000000000000000000000000000007"
    static const char *const paths[] = {"/metrics",
                                        "/v1/status",
                                        "/v1/account/" WHO,
                                        "/v1/session/" ID,
                                        "/v1/model/" ID,
                                        "/v1/commitment/" ID,
                                        "/v1/node",
                                        "/v1/validator/" WHO,
                                        "/v1/batch/" ID,
                                        "/v1/duties/" WHO,
                                        "/v1/proof/payout/1/" WHO};
    assay_chain_engine engine = {0};
    assay_api api = {.engine = &engine,
                     .genesis = &world.genesis,
                     .behind = true,
                     .slow = PTHREAD_MUTEX_INITIALIZER};
    char folder[] = "/tmp/assay_empty_XXXXXX";
    const assay_app_options options = {.skip_sync = true, .map_size = 1 << 30};
    test_folder_make(folder);
    must(assay_app_open(&api.app, folder, &world.genesis, &options, err));
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assay_error err = {0};
        json_t *answer = ask(&api, paths[i], 503);
        assert_int_equal(assay_error_from_json(&err, json_object_get(answer, "error"), ""),
                         ASSAY_BUSY);
        if (!strstr(err.text, "no state yet: try again")) fail_msg("%s: %s", paths[i], err.text);
        json_decref(answer);
    }
    // What is known without one.
    json_decref(ask(&api, "/v1/genesis", 200));
    json_decref(ask(&api, "/v2/status", 404));
    must(assay_app_init_chain(api.app, err));
    api.engine = NULL;
    json_decref(ask(&api, "/v1/status", 200));
    json_decref(ask(&api, "/v1/session/" ID, 404));
    assay_app_close(api.app);
}

// An audit's own API has no engine that could be asked for blocks.
static void a_young_commitment_needs_no_engine(void **state) {
    assay_api api = {.app = world.app, .genesis = &world.genesis};
    char path[32 + ASSAY_HEX_HASH_MAX] = "/v1/commitment/";
    const assay_hash root = {{9}};
    assay_hash commitment;
    uint64_t ready, next;
    chain_commit_add(&world, 1, &root, NULL);
    chain_block(&world);
    assay_commitment_hash(&commitment, &root, NULL, &world.actors[1]);
    assay_hex_encode_0x(path + strlen(path), commitment.bytes, ASSAY_HASH_SIZE);
    json_t *answer = ask(&api, path, 200);
    must(assay_json_u64(&ready, answer, "ready", 0, UINT64_MAX, err));
    must(assay_json_u64(&next, answer, "next", 0, UINT64_MAX, err));
    assert_true(next < ready);
    json_decref(answer);
}

static int world_make(void **state) {
    chain_init(&world);
    world.genesis.params.commitment_blocks = 10;
    chain_start(&world);
    return 0;
}

static int world_end(void **state) {
    chain_close(&world);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_state_a_node_is_busy),
        cmocka_unit_test(a_young_commitment_needs_no_engine),
    };
    return cmocka_run_group_tests(tests, world_make, world_end);
}
