// SPDX-License-Identifier: Apache-2.0
// What a CometBFT answers that lies, breaks off or talks of something else, read by each call that
// asks it; and a light client led by such answers, its witness's among them. An input is a line
// with the call's letter, then tests/node/http/answers.h's lines. Whatever comes: a status with its
// sentence, or a result that holds. Rules F-60, E-45, E-46, E-91 … E-93, E-95.
#include "node/comet/comet.h"

#include "base/json.h"
#include "tests/node/http/answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    HEIGHT = 4,
    PAGES_MAX = ASSAY_LIGHT_VALIDATORS_MAX / 100,
    LIGHT_ASKED_MAX = 1 + PAGES_MAX, // the commit, then its validators
    PRIMARY_AND_WITNESS = 2,
    ARENA_MAX = 8 << 20,
};

static assay_comet comet;
static assay_arena arena;

static void status_check(assay_status status, const assay_error *err) {
    ASSAY_ASSERT(status == ASSAY_OK || (err->status == status && *err->text));
}

static void get_try(void) {
    json_t *result;
    assay_error err = {0};
    assay_status status = assay_comet_get(&result, &comet, "/status", &err);
    status_check(status, &err);
    ASSAY_ASSERT(status == ASSAY_OK ? json_is_object(result) : !result);
    json_decref(result);
}

static void peers_try(void) {
    uint32_t count;
    assay_error err = {0};
    status_check(assay_comet_peers(&count, &comet, &err), &err);
}

static void submit_try(void) {
    const assay_abci_peer peer = assay_comet_peer(&comet);
    assay_error err = {0};
    assay_status status = peer.submit(peer.self, "tx", 2, &err);
    status_check(status, &err);
    if (status == ASSAY_REJECTED)
        ASSAY_ASSERT(err.reject != 0 && err.reject != ASSAY_ABCI_NOT_NOW);
    else
        ASSAY_ASSERT(err.reject == 0);
}

static void find_try(void) {
    const assay_abci_peer peer = assay_comet_peer(&comet);
    const assay_hash id = {{7}};
    assay_tx_fate fate = {.state = ASSAY_TX_UNKNOWN};
    assay_error err = {0};
    assay_status status = peer.find(peer.self, &id, &fate, &err);
    status_check(status, &err);
    if (status == ASSAY_OK && fate.state == ASSAY_TX_COMMITTED)
        ASSAY_ASSERT(fate.height > 0 && fate.height <= INT64_MAX &&
                     fate.result.data_size <= ASSAY_RESULT_DATA_MAX);
}

// An answer that is none is the engine's fault, not that of who asked for a block.
static void block_try(void) {
    const assay_abci_peer peer = assay_comet_peer(&comet);
    assay_block block;
    assay_hash hash;
    uint8_t *data;
    assay_error err = {0};
    assay_status status = peer.block(peer.self, HEIGHT, &block, &arena, &data, &err);
    status_check(status, &err);
    if (status != ASSAY_OK) {
        ASSAY_ASSERT(status == ASSAY_NOT_FOUND || status == ASSAY_NETWORK ||
                     status == ASSAY_TIMEOUT);
        return;
    }
    assay_header_hash(&hash, &block.header);
    ASSAY_ASSERT(block.header.height == HEIGHT &&
                 assay_hash_equal(&hash, &block.commit.block.hash));
}

static void rerun_try(void) {
    assay_block block;
    const assay_misbehavior *list;
    uint32_t count;
    assay_error err = {0};
    assay_status status =
        assay_comet_block_get(&block, &list, &count, &comet, HEIGHT, &arena, &err);
    status_check(status, &err);
    ASSAY_ASSERT(status != ASSAY_OK ||
                 (block.header.height == HEIGHT && (count == 0 || list[count - 1].height > 0)));
}

static void light_try(void) {
    const assay_abci_peer peer = assay_comet_peer(&comet);
    json_t *document;
    assay_error err = {0};
    answers.asked_max = LIGHT_ASKED_MAX;
    assay_status status = peer.light_block(peer.self, HEIGHT, &document, &err);
    status_check(status, &err);
    ASSAY_ASSERT(status == ASSAY_OK || !document);
    const json_t *validators = json_object_get(document, "validators");
    ASSAY_ASSERT(json_array_size(validators) <= ASSAY_LIGHT_VALIDATORS_MAX);
    json_decref(document);
}

// The first answers' header is the trusted one; then all answers again, to the client.
static void follow_try(const uint8_t *data, size_t size) {
    const assay_light_source source = assay_comet_light_source(&comet);
    assay_light_block block;
    assay_light_report report;
    assay_hash hash;
    char chain_id[ASSAY_CHAIN_ID_MAX + 1] = "";
    assay_error err = {0};
    answers.asked_max = LIGHT_ASKED_MAX;
    if (source.fetch(source.self, 0, &block, &arena, &err) != ASSAY_OK) return;
    const assay_light_options options = {.policy = {NULL, 10000, 10, 1, 3},
                                         .trusted_height = block.header.height,
                                         .trusted_hash = block.hash,
                                         .primary = source,
                                         .witnesses = &source,
                                         .witness_count = 1,
                                         .now = {block.header.time.seconds + 9000, 0}};
    memcpy(chain_id, block.header.chain_id.data, block.header.chain_id.size);
    answers_begin(data, size, PRIMARY_AND_WITNESS * ASSAY_LIGHT_FETCHES_MAX * LIGHT_ASKED_MAX);
    assay_status status = assay_light_follow(&block, &report, &options, 0, &arena, &err);
    status_check(status, &err);
    ASSAY_ASSERT(report.fetches <= PRIMARY_AND_WITNESS * ASSAY_LIGHT_FETCHES_MAX);
    if (status != ASSAY_OK) return;
    assay_header_view_hash(&hash, &block.header);
    ASSAY_ASSERT(assay_hash_equal(&hash, &block.hash));
    ASSAY_ASSERT(block.header.height >= options.trusted_height);
    ASSAY_ASSERT(report.witnesses[0].verdict == ASSAY_WITNESS_AGREES);
    ASSAY_ASSERT(assay_light_check(&block, chain_id, &arena, NULL) == ASSAY_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    if (!*comet.url)
        ASSAY_ASSERT(assay_comet_open(&comet, "http://127.0.0.1:26657", NULL) == ASSAY_OK);
    assay_arena_init(&arena, ARENA_MAX);
    answers_begin(data + 2, size - 2, 2);
    switch (data[0]) {
    case 'g':
        get_try();
        break;
    case 'p':
        peers_try();
        break;
    case 's':
        submit_try();
        break;
    case 'f':
        find_try();
        break;
    case 'b':
        block_try();
        break;
    case 'r':
        rerun_try();
        break;
    case 'l':
        light_try();
        break;
    case 'w':
        follow_try(data + 2, size - 2);
        break;
    }
    assay_arena_close(&arena);
    return 0;
}
