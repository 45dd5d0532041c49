// SPDX-License-Identifier: Apache-2.0
// E-64 to E-67 as CometBFT asks for them: one node's snapshots become another's state.
#include "tests/consensus/statesync/stand.h"

#include <pthread.h>

#include "consensus/abci/engine.h"
#include "consensus/ledger_application.h"

typedef struct {
    assay_ledger_application application; // first: the application's calls' self
    assay_application ledger;             // those calls
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool holds, held; // a block that is executed and not yet answered
    char chain_id[ASSAY_CHAIN_ID_MAX + 1];
    assay_abci_engine *engine;
    assay_abci_application calls;
    assay_arena arena;
} side;

static assay_status peer_submit(void *self, const void *tx, size_t size, assay_error *err) {
    return ASSAY_OK;
}

static assay_status peer_find(void *self, const assay_hash *id, assay_tx_fate *out,
                              assay_error *err) {
    return ASSAY_OK;
}

static assay_status peer_block(void *self, uint64_t height, assay_block *block, assay_arena *arena,
                               uint8_t **data, assay_error *err) {
    return ASSAY_FAIL(err, NOT_FOUND, "none");
}

static assay_status finalize_held(void *self, const assay_engine_block *block,
                                  assay_tx_result *results, const char **texts,
                                  assay_engine_outcome *out, assay_error *err) {
    side *e = self;
    assay_status status = e->ledger.finalize_block(self, block, results, texts, out, err);
    pthread_mutex_lock(&e->lock);
    e->held = e->holds;
    pthread_cond_broadcast(&e->changed);
    while (e->holds)
        pthread_cond_wait(&e->changed, &e->lock);
    pthread_mutex_unlock(&e->lock);
    return status;
}

static void side_open(side *e, const stand *s, assay_app *app, assay_statesync_maker *maker,
                      assay_statesync_restore *restore) {
    memset(e, 0, sizeof *e);
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    e->application.app = app;
    e->ledger = assay_ledger_application_calls(&e->application);
    assay_application application = e->ledger;
    application.finalize_block = finalize_held;
    assay_chain_name(e->chain_id, &s->trial->chain.genesis);
    const assay_abci_engine_options options = {.application = application,
                                               .peer = {e, peer_submit, peer_find, peer_block},
                                               .chain_id = e->chain_id,
                                               .keep_blocks = 1,
                                               .maker = maker,
                                               .restore = restore};
    must(assay_abci_engine_open(&e->engine, &options, err));
    e->calls = assay_abci_engine_application(e->engine);
    assay_arena_init(&e->arena, STAND_ARENA);
}

static void side_close(side *e) {
    assay_abci_engine_close(e->engine);
    assay_arena_close(&e->arena);
}

static assay_abci_reply ask(side *e, assay_abci_request request) {
    assay_abci_reply reply = {.kind = request.kind};
    must(e->calls.call(e->calls.self, &request, &reply, &e->arena, err));
    return reply;
}

static assay_abci_reply ask_plain(side *e, assay_abci_kind kind) {
    return ask(e, (assay_abci_request){.kind = kind});
}

static assay_abci_reply apply(side *e, uint32_t index, assay_bytes chunk) {
    assay_abci_request request = {.kind = ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK};
    request.apply_chunk.index = index;
    request.apply_chunk.chunk = chunk;
    request.apply_chunk.sender = (assay_bytes){(const uint8_t *)"beef", 4};
    return ask(e, request);
}

static assay_bytes load(side *e, const assay_statesync_snapshot *of, uint32_t index) {
    assay_abci_request request = {.kind = ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK};
    request.load_chunk.height = of->height;
    request.load_chunk.format = of->format;
    request.load_chunk.chunk = index;
    return ask(e, request).load_chunk.chunk;
}

static assay_abci_reply offer(side *e, const assay_statesync_snapshot *of, assay_bytes app_hash) {
    assay_abci_request request = {.kind = ASSAY_ABCI_OFFER_SNAPSHOT};
    request.offer_snapshot.snapshot = *of;
    request.offer_snapshot.app_hash = app_hash;
    return ask(e, request);
}

// A block without transactions. Returns: its app hash.
static assay_hash finalize(side *e, const stand *s, uint64_t height) {
    assay_abci_request request = {.kind = ASSAY_ABCI_FINALIZE_BLOCK};
    assay_address proposer;
    assay_hash app_hash;
    assay_ed25519_address(&proposer, s->trial->chain.genesis.validators[0].ed25519);
    request.block.height = (int64_t)height;
    request.block.time.seconds = 1700000000 + (int64_t)height;
    request.block.proposer = (assay_bytes){proposer.bytes, sizeof proposer};
    assay_abci_reply reply = ask(e, request);
    assert_int_equal(reply.finalize.app_hash.size, sizeof app_hash);
    memcpy(app_hash.bytes, reply.finalize.app_hash.data, sizeof app_hash);
    return app_hash;
}

static assay_hash block(side *e, const stand *s, uint64_t height, int64_t *retain) {
    assay_hash app_hash = finalize(e, s, height);
    *retain = ask_plain(e, ASSAY_ABCI_COMMIT).commit.retain_height;
    return app_hash;
}

typedef struct {
    side *e;
    const stand *s;
    uint64_t height;
} blocking;

static void *block_main(void *argument) {
    const blocking *b = argument;
    int64_t retain;
    block(b->e, b->s, b->height, &retain);
    return NULL;
}

// How many offers were refused, and what the last refusal of any kind says.
static void refusals_are(const side *e, uint64_t offers, const char *says) {
    assay_abci_sync sync;
    assay_abci_engine_sync(e->engine, &sync);
    assert_int_equal(sync.offers_refused, offers);
    if (!strstr(sync.problem, says) || !says[0] != !sync.problem[0]) fail_msg("%s", sync.problem);
}

static void a_state_moves_between_nodes(void **state) { // E-64, E-65, E-66
    stand *s = stand_new();
    chain *c = &s->trial->chain;
    side giver, taker;
    int64_t retain;
    stand_maker_open(s, 5, 0, STAND_CHUNK);
    stand_empty_open(s);
    side_open(&giver, s, c->app, s->maker, NULL);
    side_open(&taker, s, s->empty, NULL, s->restore);
    assert_int_equal(ask_plain(&giver, ASSAY_ABCI_LIST_SNAPSHOTS).list_snapshots.count, 0);
    assert_int_equal(ask_plain(&taker, ASSAY_ABCI_LIST_SNAPSHOTS).list_snapshots.count, 0);
    uint64_t height = c->height;
    assay_hash hashes[5];
    for (int i = 0; i < 5; i++) {
        hashes[(height + 1) % 5] = block(&giver, s, height + 1, &retain);
        height++;
        stand_wait(s);
    }
    assay_abci_reply list = ask_plain(&giver, ASSAY_ABCI_LIST_SNAPSHOTS);
    assert_int_equal(list.list_snapshots.count, 1);
    const assay_statesync_snapshot *of = list.list_snapshots.snapshots;
    assert_int_equal(of->height, height - height % 5);
    const assay_bytes trusted = {hashes[0].bytes, sizeof hashes[0]};

    assert_int_equal(load(&giver, of, of->chunks).size, 0); // not to be had
    assert_int_equal(load(&taker, of, 0).size, 0);
    assert_int_equal(offer(&giver, of, trusted).offer_snapshot.result, 2);
    refusals_are(&taker, 0, "");
    assert_int_equal(offer(&taker, of, (assay_bytes){hashes[1].bytes, 32}).offer_snapshot.result,
                     3);
    refusals_are(&taker, 1, "the snapshot's app hash is not the trusted one");
    assert_int_equal(apply(&taker, 0, trusted).apply_chunk.result, 4);
    assert_int_equal(offer(&taker, of, trusted).offer_snapshot.result, 1);
    for (uint32_t i = 0; i < of->chunks; i++) {
        assay_abci_reply wrong = apply(&taker, i, trusted);
        assert_int_equal(wrong.apply_chunk.result, 3);
        refusals_are(&taker, 1, "from peer \"beef\" is not the manifest's");
        assert_int_equal(wrong.apply_chunk.refetch_count, 1);
        assert_int_equal(wrong.apply_chunk.refetch[0], i);
        assert_int_equal(wrong.apply_chunk.reject_count, 1);
        assert_memory_equal(wrong.apply_chunk.reject_senders[0].data, "beef", 4);
        assert_int_equal(ask_plain(&taker, ASSAY_ABCI_INFO).info.height, 0);
        assert_int_equal(apply(&taker, i, load(&giver, of, i)).apply_chunk.result, 1);
    }
    assay_abci_reply info = ask_plain(&taker, ASSAY_ABCI_INFO);
    assert_int_equal(info.info.height, of->height);
    assert_memory_equal(info.info.app_hash.data, hashes[0].bytes, 32);
    assay_chain_engine node = assay_abci_engine_calls(taker.engine);
    assert_int_equal(node.height(node.self), of->height);
    // The blocks after it give what they gave.
    for (uint64_t at = of->height + 1; at <= height; at++) {
        assay_hash own = block(&taker, s, at, &retain);
        assert_memory_equal(&own, &hashes[at % 5], sizeof own);
    }
    // A state that is there ends a state sync, and the node says why.
    assay_error why = {0};
    must(node.health(node.self, err));
    assert_int_equal(offer(&taker, of, trusted).offer_snapshot.result, 2);
    assert_int_equal(node.health(node.self, &why), ASSAY_EXISTS);
    assert_non_null(strstr(why.text, "already"));
    for (int i = 0; i < 30; i++) {
        height++;
        assay_hash one = block(&giver, s, height, &retain);
        assay_hash other = block(&taker, s, height, &retain);
        assert_memory_equal(&one, &other, sizeof one);
    }
    side_close(&taker);
    side_close(&giver);
    stand_free(s);
}

// E-65: a node that has begun the chain alone, as far as a block that did not land.
static void a_block_on_the_old_state_is_gone(void **state) {
    stand *s = stand_new();
    side taker;
    const assay_abci_request commit = {.kind = ASSAY_ABCI_COMMIT};
    assay_abci_reply reply = {.kind = ASSAY_ABCI_COMMIT};
    int64_t retain;
    stand_make(s);
    stand_empty_open(s);
    side_open(&taker, s, s->empty, NULL, s->restore);
    must(assay_app_init_chain(s->empty, err));
    finalize(&taker, s, 1);
    assert_int_equal(offer(&taker, &s->list[0], stand_app_hash(s)).offer_snapshot.result, 1);
    for (uint32_t i = 0; i < s->list[0].chunks; i++)
        assert_int_equal(apply(&taker, i, stand_chunk(s, s->list[0].height, i)).apply_chunk.result,
                         1);
    assert_int_equal(ask_plain(&taker, ASSAY_ABCI_INFO).info.height, s->list[0].height);
    assert_int_equal(taker.calls.call(taker.calls.self, &commit, &reply, &taker.arena, NULL),
                     ASSAY_FORMAT);
    block(&taker, s, s->list[0].height + 1, &retain);
    side_close(&taker);
    stand_free(s);
}

// E-66: true roots over other counts. Who serves its chunks has offered it, and is asked no more.
static void a_liar_is_asked_no_more(void **state) {
    stand *s = stand_new();
    side taker;
    static uint8_t data[1 << 16];
    assay_statesync_manifest m;
    assay_writer writer;
    assay_hash hash;
    stand_make(s);
    stand_empty_open(s);
    side_open(&taker, s, s->empty, NULL, s->restore);
    assay_statesync_snapshot of = s->list[0];
    must(assay_statesync_manifest_read(&m, of.metadata.data, of.metadata.size, err));
    m.entry_count++;
    assay_writer_init(&writer, data, sizeof data);
    assay_statesync_manifest_write(&writer, &m);
    assert_false(writer.failed);
    assay_sha256_of(&hash, data, writer.size);
    of.metadata = (assay_bytes){data, writer.size};
    of.hash = (assay_bytes){hash.bytes, sizeof hash};
    assert_int_equal(offer(&taker, &of, stand_app_hash(s)).offer_snapshot.result, 1);
    for (uint32_t i = 0; i < of.chunks; i++) {
        assay_abci_reply reply = apply(&taker, i, stand_chunk(s, of.height, i));
        bool last = i + 1 == of.chunks;
        assert_int_equal(reply.apply_chunk.result, last ? 5 : 1);
        assert_int_equal(reply.apply_chunk.refetch_count, 0);
        assert_int_equal(reply.apply_chunk.reject_count, last);
        if (last) assert_memory_equal(reply.apply_chunk.reject_senders[0].data, "beef", 4);
    }
    assert_int_equal(offer(&taker, &of, stand_app_hash(s)).offer_snapshot.result, 3);
    side_close(&taker);
    stand_free(s);
}

// E-67: what CometBFT may drop follows the oldest snapshot, and never an unbonding time.
static void blocks_are_kept_for_snapshots(void **state) {
    stand *s = stand_new();
    chain *c = &s->trial->chain;
    side e;
    stand_maker_open(s, 10, 3, 0);
    side_open(&e, s, c->app, s->maker, NULL);
    uint64_t unbond = assay_params_unbond_blocks(&c->genesis.params), height = c->height;
    while (height < c->height + unbond + 25) {
        int64_t retain;
        block(&e, s, ++height, &retain);
        stand_wait(s);
        assay_statesync_maker_state how;
        assay_statesync_maker_state_get(s->maker, &how);
        uint64_t expected = height > unbond ? height - unbond : 0;
        if (how.oldest && how.oldest < expected) expected = how.oldest;
        assert_int_equal(retain, expected);
        assert_true((uint64_t)retain + unbond <= height || retain == 0);
    }
    side_close(&e);
    stand_free(s);
}

// E-20, A3: while a block is executed, of the ledger and with its writes unfinished, everything
// that the other connections ask is answered, out of the block before.
static void others_pass_a_block_that_is_executed(void **state) {
    stand *s = stand_new();
    chain *c = &s->trial->chain;
    side giver;
    pthread_t thread;
    int64_t retain;
    stand_maker_open(s, 1, 0, STAND_CHUNK);
    side_open(&giver, s, c->app, s->maker, NULL);
    const uint64_t height = c->height + 1;
    block(&giver, s, height, &retain);
    stand_wait(s);
    giver.holds = true;
    blocking blocked = {&giver, s, height + 1};
    assert_int_equal(pthread_create(&thread, NULL, block_main, &blocked), 0);
    pthread_mutex_lock(&giver.lock);
    while (!giver.held)
        pthread_cond_wait(&giver.changed, &giver.lock);
    pthread_mutex_unlock(&giver.lock);

    side other = {.calls = giver.calls}; // with an arena of its own
    assay_arena_init(&other.arena, STAND_ARENA);
    assay_abci_reply list = ask_plain(&other, ASSAY_ABCI_LIST_SNAPSHOTS);
    assert_int_equal(list.list_snapshots.count, 1);
    assert_int_equal(list.list_snapshots.snapshots[0].height, height);
    assert_true(load(&other, list.list_snapshots.snapshots, 0).size > 0);
    assert_int_equal(ask_plain(&other, ASSAY_ABCI_INFO).info.height, height);
    assay_tx tx = chain_tx(c, SPARE, ASSAY_TX_TRANSFER);
    tx.body.transfer = (assay_tx_transfer){c->actors[CONSUMER], CHAIN_OPEN};
    chain_add(c, &tx);
    assay_abci_request check = {.kind = ASSAY_ABCI_CHECK_TX};
    check.check_tx.tx = c->txs[0];
    assert_int_equal(ask(&other, check).check_tx.code, 0);
    assay_chain_engine node = assay_abci_engine_calls(giver.engine);
    assay_tx_fate fate;
    assay_hash id;
    assay_sha256_of(&id, c->txs[0].data, c->txs[0].size);
    must(node.find(node.self, &id, 1, &fate, err));
    assert_int_equal(fate.state, ASSAY_TX_PENDING);
    assert_int_equal(node.height(node.self), height);

    pthread_mutex_lock(&giver.lock);
    giver.holds = false;
    pthread_cond_broadcast(&giver.changed);
    pthread_mutex_unlock(&giver.lock);
    pthread_join(thread, NULL);
    assert_int_equal(ask_plain(&giver, ASSAY_ABCI_INFO).info.height, height + 1);
    assay_arena_close(&other.arena);
    side_close(&giver);
    stand_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_moves_between_nodes),
        cmocka_unit_test(a_block_on_the_old_state_is_gone),
        cmocka_unit_test(a_liar_is_asked_no_more),
        cmocka_unit_test(blocks_are_kept_for_snapshots),
        cmocka_unit_test(others_pass_a_block_that_is_executed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
