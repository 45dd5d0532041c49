// SPDX-License-Identifier: Apache-2.0
// E-20 to E-29 and the invariants A1 to A4 of consensus/abci/engine.c, over a fake application and
// without a socket.
#include "consensus/abci/engine.h"
#include "tests/consensus/fake.h"

#include <stdatomic.h>

enum { FATES_DEPTH = 10 };

// A fake behind the engine, with a peer that takes everything and knows one old transaction.
typedef struct {
    fake app; // first: the application's calls' self
    char folder[FOLDER_MAX];
    assay_abci_engine *engine;
    assay_abci_application calls;
    assay_chain_engine node;
    assay_arena arena;
    pthread_t seen[2]; // finalize's thread, commit's
    pthread_mutex_t slow;
    atomic_bool executes; // a block, slowly
    assay_hash old;
    int submits, reads;
    uint64_t first_kept;      // of CometBFT's blocks, which it has no index of; 0: there is one
    assay_status check_fails; // with this, whatever the transaction
} stage;

static assay_status peer_submit(void *self, const void *tx, size_t size, assay_error *err) {
    ((stage *)self)->submits++;
    return ASSAY_OK;
}

static assay_status peer_find(void *self, const assay_hash *id, assay_tx_fate *out,
                              assay_error *err) {
    const stage *s = self;
    if (s->first_kept) return ASSAY_FAIL(err, NOT_FOUND, "no index");
    if (assay_hash_equal(id, &s->old))
        *out = (assay_tx_fate){.state = ASSAY_TX_COMMITTED, .height = 5};
    return ASSAY_OK;
}

static assay_status peer_block(void *self, uint64_t height, assay_block *block, assay_arena *arena,
                               uint8_t **data, assay_error *err) {
    static const assay_bytes tx = {(const uint8_t *)"+x", 2};
    static assay_tx_result result = {.data_size = 1};
    stage *s = self;
    s->reads++;
    *data = NULL;
    if (height < s->first_kept) return ASSAY_FAIL(err, NOT_FOUND, "none");
    *block = (assay_block){.txs = &tx, .results = &result, .tx_count = height == 1};
    block->header.height = height;
    return ASSAY_OK;
}

static assay_status peer_light_block(void *self, uint64_t height, json_t **out, assay_error *err) {
    *out = json_integer((json_int_t)height);
    return ASSAY_OK;
}

static assay_status finalize_slowly(void *self, const assay_engine_block *block,
                                    assay_tx_result *results, const char **texts,
                                    assay_engine_outcome *out, assay_error *err) {
    stage *s = self;
    s->seen[0] = pthread_self();
    s->executes = true;
    pthread_mutex_lock(&s->slow);
    pthread_mutex_unlock(&s->slow);
    return fake_finalize(self, block, results, texts, out, err);
}

static assay_status commit_seen(void *self, assay_error *err) {
    ((stage *)self)->seen[1] = pthread_self();
    return fake_commit(self, err);
}

static assay_status check_fails(void *self, const void *tx, size_t size, bool again, assay_hash *id,
                                assay_error *err) {
    const stage *s = self;
    if (s->check_fails == ASSAY_OK) return fake_check_tx(self, tx, size, again, id, err);
    return assay_fail(err, s->check_fails, 0, "nothing is checked");
}

static void stage_open(stage *s) {
    fake_load(&s->app, folder_path(s->folder, "state"));
    assay_application application = fake_calls(&s->app);
    application.finalize_block = finalize_slowly;
    application.commit = commit_seen;
    application.check_tx = check_fails;
    const assay_abci_engine_options options = {
        .application = application,
        .peer = {s, peer_submit, peer_find, peer_block, peer_light_block},
        .chain_id = "assay-9-0123456789abcdef",
        .keep_blocks = 2};
    must(assay_abci_engine_open(&s->engine, &options, err));
    s->calls = assay_abci_engine_application(s->engine);
    s->node = assay_abci_engine_calls(s->engine);
    assay_arena_init(&s->arena, 1 << 20);
}

static void stage_close(stage *s) {
    assay_abci_engine_close(s->engine);
    assay_arena_close(&s->arena);
    memset(&s->app, 0, sizeof s->app);
}

static void stage_make(stage *s) {
    memset(s, 0, sizeof *s);
    pthread_mutex_init(&s->slow, NULL);
    folder_make(s->folder);
    stage_open(s);
}

static void stage_end(stage *s) {
    stage_close(s);
}

static assay_abci_reply ask(stage *s, assay_abci_request request) {
    assay_abci_reply reply = {.kind = request.kind};
    must(s->calls.call(s->calls.self, &request, &reply, &s->arena, err));
    return reply;
}

static assay_status ask_wrong(stage *s, assay_abci_request request, assay_error *err) {
    assay_abci_reply reply = {.kind = request.kind};
    return s->calls.call(s->calls.self, &request, &reply, &s->arena, err);
}

static assay_bytes bytes_of(const char *text) {
    return (assay_bytes){(const uint8_t *)text, strlen(text)};
}

static assay_abci_request init_request(const char *chain_id, int64_t height) {
    assay_abci_request request = {.kind = ASSAY_ABCI_INIT_CHAIN};
    request.init_chain.chain_id = bytes_of(chain_id);
    request.init_chain.initial_height = height;
    return request;
}

static void init(stage *s) {
    ask(s, init_request("assay-9-0123456789abcdef", 1));
}

static const uint8_t proposer[20] = {7};

static assay_abci_request block_request(assay_abci_kind kind, int64_t height,
                                        const assay_bytes *txs, uint32_t count) {
    assay_abci_request request = {.kind = kind};
    request.block = (assay_abci_block){.height = height,
                                       .time = {1700000000, 5},
                                       .txs = txs,
                                       .tx_count = count,
                                       .proposer = {proposer, sizeof proposer}};
    return request;
}

static assay_abci_reply check(stage *s, const char *tx) {
    assay_abci_request request = {.kind = ASSAY_ABCI_CHECK_TX};
    request.check_tx.tx = bytes_of(tx);
    return ask(s, request);
}

static assay_abci_reply finalize(stage *s, int64_t height, const assay_bytes *txs, uint32_t count) {
    return ask(s, block_request(ASSAY_ABCI_FINALIZE_BLOCK, height, txs, count));
}

static assay_abci_reply commit(stage *s) {
    return ask(s, (assay_abci_request){.kind = ASSAY_ABCI_COMMIT});
}

static assay_tx_fate fate(stage *s, const char *tx, uint64_t depth) {
    assay_tx_fate out;
    assay_hash id;
    assay_sha256_of(&id, tx, strlen(tx));
    must(s->node.find(s->node.self, &id, depth, &out, err));
    return out;
}

// A block's commit comes with the next block, and with it how many rounds it took (F-71).
static void rounds_are_counted_once_committed(void **unused) {
    static const int32_t rounds[] = {0, 0, 3, -1, 0};
    static const uint64_t lasts[] = {0, 1, 4, 0, 1}, sums[] = {0, 1, 5, 5, 6};
    static const assay_abci_vote vote;
    stage s;
    uint64_t last, sum;
    stage_make(&s);
    init(&s);
    for (uint32_t i = 0; i < sizeof rounds / sizeof *rounds; i++) {
        assay_abci_request request = block_request(ASSAY_ABCI_FINALIZE_BLOCK, i + 1, NULL, 0);
        request.block.commit_round = rounds[i];
        request.block.votes = i ? &vote : NULL; // the first block has none before it
        request.block.vote_count = i > 0;
        ask(&s, request);
        assay_abci_engine_rounds(s.engine, &last, &sum);
        assert_int_equal(sum, i ? sums[i - 1] : 0);
        commit(&s);
        assay_abci_engine_rounds(s.engine, &last, &sum);
        assert_int_equal(last, lasts[i]);
        assert_int_equal(sum, sums[i]);
    }
    stage_end(&s);
}

// E-21, E-23
static void a_chain_begins_with_its_own_genesis(void **unused) {
    stage s;
    assay_error why = {0};
    stage_make(&s);
    assay_abci_reply info = ask(&s, (assay_abci_request){.kind = ASSAY_ABCI_INFO});
    assert_int_equal(info.info.height, 0);
    assert_int_equal(info.info.app_hash.size, 0);
    assert_int_equal(info.info.app_version, ASSAY_APP_PROTOCOL);
    assert_int_equal(ask_wrong(&s, init_request("assay-9-0123456789abcdee", 1), &why),
                     ASSAY_MISMATCH);
    assert_non_null(strstr(why.text, "assay export --to-cometbft"));
    assert_int_equal(ask_wrong(&s, init_request("", 1), &why), ASSAY_MISMATCH);
    assert_int_equal(s.app.inits, 0);
    assert_int_equal(ask_wrong(&s, init_request("assay-9-0123456789abcdef", 7), &why),
                     ASSAY_MISMATCH);
    assert_string_equal(why.text, "CometBFT's first block is 7, this home's state of height 0");
    assay_abci_reply reply = ask(&s, init_request("assay-9-0123456789abcdef", 1));
    assert_int_equal(reply.init_chain.app_hash.size, ASSAY_HASH_SIZE);
    stage_end(&s);
}

// E-24, A4
static void fates_follow_commits(void **unused) {
    stage s;
    stage_make(&s);
    init(&s);
    assert_int_equal(check(&s, "+a").check_tx.code, 0);
    assay_abci_reply refused = check(&s, "!");
    assert_int_equal(refused.check_tx.code, FAKE_REJECT);
    assert_memory_equal(refused.check_tx.log.data, "not a transaction", 17);
    assert_int_equal(fate(&s, "+a", 0).state, ASSAY_TX_PENDING);
    assert_int_equal(s.node.waiting(s.node.self), 1);
    assert_int_equal(s.app.rechecks, 0);
    assay_abci_request again = {.kind = ASSAY_ABCI_CHECK_TX};
    again.check_tx.tx = bytes_of("+a");
    again.check_tx.recheck = true;
    assert_int_equal(ask(&s, again).check_tx.code, 0);
    assert_int_equal(s.app.rechecks, 1);
    const assay_bytes txs[] = {bytes_of("+a"), bytes_of("-b")};
    assay_abci_reply done = finalize(&s, 1, txs, 2);
    assert_int_equal(done.finalize.result_count, 2);
    assert_int_equal(done.finalize.results[0].code, 0);
    assert_memory_equal(done.finalize.results[0].data.data, "a", 1);
    assert_int_equal(done.finalize.results[1].code, FAKE_REJECT);
    assert_int_equal(done.finalize.results[1].log.size, strlen("refused at height 1"));
    assert_int_equal(fate(&s, "+a", 0).state, ASSAY_TX_PENDING);
    assert_int_equal(s.node.height(s.node.self), 0);
    assert_int_equal(commit(&s).commit.retain_height, 0);
    assert_int_equal(s.node.wait(s.node.self, 0, 0), 1);
    assay_tx_fate a = fate(&s, "+a", 0), b = fate(&s, "-b", 0);
    assert_int_equal(a.state, ASSAY_TX_COMMITTED);
    assert_int_equal(a.height, 1);
    assert_int_equal(b.index, 1);
    assert_int_equal(b.result.code, FAKE_REJECT);
    assert_string_equal(b.text, "refused at height 1");
    assert_int_equal(s.node.waiting(s.node.self), 0);
    stage_end(&s);
}

// E-22: what CometBFT no longer checks again is forgotten two commits later.
static void what_nobody_rechecks_waits_no_more(void **unused) {
    stage s;
    stage_make(&s);
    init(&s);
    check(&s, "+kept");
    check(&s, "+lost");
    for (int64_t height = 1; height <= 2; height++) {
        assert_int_equal(fate(&s, "+lost", 0).state, ASSAY_TX_PENDING);
        finalize(&s, height, NULL, 0);
        commit(&s);
        check(&s, "+kept");
    }
    assert_int_equal(fate(&s, "+kept", 0).state, ASSAY_TX_PENDING);
    assert_int_equal(fate(&s, "+lost", 0).state, ASSAY_TX_UNKNOWN);
    s.old = (assay_hash){{1}};
    assay_tx_fate out;
    must(s.node.find(s.node.self, &s.old, FATES_DEPTH, &out, err));
    assert_int_equal(out.height, 5);
    stage_end(&s);
}

// Behind an index that does not exist, the last blocks are read: the same answer as solo's (C-12).
static void blocks_are_read_where_no_index_is(void **unused) {
    static const struct {
        uint64_t first_kept, depth;
        int reads;
        bool found;
    } cases[] = {{1, 4, 3, true}, {1, 2, 2, false}, {2, 4, 3, false}, {3, 0, 0, false}};
    stage s;
    stage_make(&s);
    init(&s);
    for (int64_t height = 1; height <= 3; height++) {
        finalize(&s, height, NULL, 0);
        commit(&s);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s.first_kept = cases[i].first_kept;
        s.reads = 0;
        assay_tx_fate out = fate(&s, "+x", cases[i].depth);
        assert_int_equal(out.state, cases[i].found ? ASSAY_TX_COMMITTED : ASSAY_TX_UNKNOWN);
        assert_int_equal(out.height, cases[i].found);
        assert_int_equal(s.reads, cases[i].reads);
    }
    stage_end(&s);
}

// E-29, A1: a block that was finalised and not committed is executed again, to the same bytes.
static void replays_what_is_lacking(void **unused) {
    stage s;
    stage_make(&s);
    init(&s);
    const assay_bytes tx = bytes_of("+a");
    finalize(&s, 1, &tx, 1);
    commit(&s);
    uint8_t first[ASSAY_HASH_SIZE], again[ASSAY_HASH_SIZE];
    memcpy(first, finalize(&s, 2, &tx, 1).finalize.app_hash.data, sizeof first);
    stage_close(&s);
    stage_open(&s);
    assay_abci_reply info = ask(&s, (assay_abci_request){.kind = ASSAY_ABCI_INFO});
    assert_int_equal(info.info.height, 1);
    assert_int_equal(s.node.height(s.node.self), 1);
    memcpy(again, finalize(&s, 2, &tx, 1).finalize.app_hash.data, sizeof again);
    assert_memory_equal(first, again, sizeof first);
    // Another block in its place: the open one is dropped.
    assay_abci_reply other = finalize(&s, 2, NULL, 0);
    assert_memory_not_equal(first, other.finalize.app_hash.data, sizeof first);
    commit(&s);
    info = ask(&s, (assay_abci_request){.kind = ASSAY_ABCI_INFO});
    assert_memory_equal(info.info.app_hash.data, other.finalize.app_hash.data, ASSAY_HASH_SIZE);
    finalize(&s, 3, NULL, 0);
    // E-67: nobody here knows an unbonding time, so no block may go, whoever asks for it.
    assert_int_equal(commit(&s).commit.retain_height, 0);
    stage_end(&s);
}

typedef struct {
    stage *s;
    assay_abci_request request;
    assay_status status;
} other_thread;

static void *other_main(void *argument) {
    other_thread *other = argument;
    assay_arena arena;
    assay_abci_reply reply = {.kind = other->request.kind};
    assay_arena_init(&arena, 1 << 20);
    other->status =
        other->s->calls.call(other->s->calls.self, &other->request, &reply, &arena, NULL);
    assay_arena_close(&arena);
    return NULL;
}

// A2
static void calls_meet_one_thread(void **unused) {
    stage s;
    pthread_t thread;
    stage_make(&s);
    init(&s);
    finalize(&s, 1, NULL, 0);
    other_thread other = {&s, {.kind = ASSAY_ABCI_COMMIT}, ASSAY_IO};
    assert_int_equal(pthread_create(&thread, NULL, other_main, &other), 0);
    pthread_join(thread, NULL);
    assert_int_equal(other.status, ASSAY_OK);
    assert_true(pthread_equal(s.seen[0], s.seen[1]));
    assert_false(pthread_equal(s.seen[0], pthread_self()));
    assert_false(pthread_equal(s.seen[0], thread));
    stage_end(&s);
}

// A3. With snapshots, and a state: tests/consensus/statesync/test_engine.c.
static void queries_pass_a_slow_block(void **unused) {
    stage s;
    pthread_t thread;
    stage_make(&s);
    init(&s);
    pthread_mutex_lock(&s.slow);
    other_thread other = {&s, block_request(ASSAY_ABCI_FINALIZE_BLOCK, 1, NULL, 0), ASSAY_IO};
    assert_int_equal(pthread_create(&thread, NULL, other_main, &other), 0);
    while (!s.executes)
        usleep(200);
    assert_int_equal(check(&s, "+a").check_tx.code, 0);
    assert_int_equal(ask(&s, (assay_abci_request){.kind = ASSAY_ABCI_INFO}).info.height, 0);
    assert_int_equal(fate(&s, "+a", 0).state, ASSAY_TX_PENDING);
    const assay_abci_request list = {.kind = ASSAY_ABCI_LIST_SNAPSHOTS};
    const assay_abci_request load = {.kind = ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK};
    assert_int_equal(ask(&s, list).list_snapshots.count, 0);
    assert_int_equal(ask(&s, load).load_chunk.chunk.size, 0);
    pthread_mutex_unlock(&s.slow);
    pthread_join(thread, NULL);
    assert_int_equal(other.status, ASSAY_OK);
    commit(&s);
    stage_end(&s);
}

// E-24, E-25: what is proposed is what is accepted.
static void proposals_are_chosen_and_judged(void **unused) {
    stage s;
    stage_make(&s);
    init(&s);
    s.app.first = "+beacon";
    const assay_bytes txs[] = {bytes_of("+a"), bytes_of("?never"), bytes_of("+b")};
    assay_abci_reply made = ask(&s, block_request(ASSAY_ABCI_PREPARE_PROPOSAL, 1, txs, 3));
    assert_int_equal(made.txs.count, 3);
    assert_memory_equal(made.txs.txs[0].data, "+beacon", 7);
    assert_memory_equal(made.txs.txs[2].data, "+b", 2);
    assay_abci_request judged =
        block_request(ASSAY_ABCI_PROCESS_PROPOSAL, 1, made.txs.txs, made.txs.count);
    assert_int_equal(ask(&s, judged).process.status, 1);
    assert_int_equal(ask(&s, block_request(ASSAY_ABCI_PROCESS_PROPOSAL, 1, txs, 3)).process.status,
                     2);
    stage_end(&s);
}

// E-7, E-22: without a state, or with too many that wait, a transaction is answered.
static void no_transaction_ends_the_engine(void **unused) {
    static const assay_status answered[] = {ASSAY_NOT_FOUND, ASSAY_CAPACITY};
    stage s;
    stage_make(&s);
    for (size_t i = 0; i < sizeof answered / sizeof *answered; i++) {
        s.check_fails = answered[i];
        assay_abci_reply reply = check(&s, "+a");
        assert_int_equal(reply.check_tx.code, ASSAY_ABCI_NOT_NOW);
        assert_memory_equal(reply.check_tx.log.data, "nothing is checked", 18);
        assert_int_equal(fate(&s, "+a", 0).state, ASSAY_TX_UNKNOWN);
        assert_int_equal(s.node.health(s.node.self, NULL), ASSAY_OK);
    }
    stage_end(&s);
}

// E-90: what fails for a reason of the machine is told on whichever thread it was.
static void a_check_that_fails_is_the_nodes_end(void **unused) {
    static const assay_status failures[] = {ASSAY_CORRUPT, ASSAY_IO, ASSAY_MEMORY, ASSAY_BUSY};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        stage s;
        assay_error why = {0}, health = {0};
        assay_abci_request request = {.kind = ASSAY_ABCI_CHECK_TX};
        request.check_tx.tx = bytes_of("+a");
        stage_make(&s);
        init(&s);
        s.check_fails = failures[i];
        assert_int_equal(ask_wrong(&s, request, &why), failures[i]);
        assert_string_equal(why.text, "nothing is checked");
        assert_int_equal(s.node.health(s.node.self, &health), failures[i]);
        assert_string_equal(health.text, "nothing is checked");
        stage_end(&s);
    }
}

// E-25: nothing that a proposer may put into a block is a reason to end.
static void no_proposal_ends_the_engine(void **unused) {
    stage s;
    stage_make(&s);
    init(&s);
    enum { CASES = 8 };
    for (int i = 0; i < CASES; i++) {
        assay_abci_request judged = block_request(ASSAY_ABCI_PROCESS_PROPOSAL, 1, NULL, 0);
        assay_abci_block *block = &judged.block;
        if (i == 0) block->overfull = true;
        if (i == 1) block->height = 0;
        if (i == 2) block->height = INT64_MIN;
        if (i == 3) block->time.seconds = -1;
        if (i == 4) block->time.seconds = INT64_MAX;
        if (i == 5) block->time.nanos = 1000000000;
        if (i == 6) block->proposer.size = 19;
        if (i == 7) block->proposer = (assay_bytes){NULL, 0};
        assert_int_equal(ask(&s, judged).process.status, 2);
    }
    assert_int_equal(s.node.health(s.node.self, NULL), ASSAY_OK);
    stage_end(&s);
}

// E-26, E-27, E-28, and what cannot be.
static void the_rest_is_answered_or_refused(void **unused) {
    stage s;
    assay_error why = {0};
    stage_make(&s);
    init(&s);
    assay_abci_request extend = block_request(ASSAY_ABCI_EXTEND_VOTE, 1, NULL, 0);
    assert_int_equal(ask(&s, extend).extend.extension.size, 0);
    assay_abci_request verify = {.kind = ASSAY_ABCI_VERIFY_VOTE_EXTENSION};
    assert_int_equal(ask(&s, verify).process.status, 1);
    verify.verify.extension = bytes_of("x");
    assert_int_equal(ask(&s, verify).process.status, 2);
    assert_int_not_equal(ask(&s, (assay_abci_request){.kind = ASSAY_ABCI_QUERY}).query.result.code,
                         0);
    assert_int_not_equal(ask(&s, (assay_abci_request){.kind = ASSAY_ABCI_INSERT_TX}).check_tx.code,
                         0);
    assert_int_equal(ask(&s, (assay_abci_request){.kind = ASSAY_ABCI_REAP_TXS}).txs.count, 0);
    assert_int_equal(ask_wrong(&s, (assay_abci_request){.kind = ASSAY_ABCI_COMMIT}, &why),
                     ASSAY_FORMAT);
    assert_int_equal(s.node.health(s.node.self, NULL), ASSAY_FORMAT);
    assert_int_equal(ask_wrong(&s, block_request(ASSAY_ABCI_FINALIZE_BLOCK, -1, NULL, 0), &why),
                     ASSAY_RANGE);
    assay_abci_request late = block_request(ASSAY_ABCI_FINALIZE_BLOCK, 1, NULL, 0);
    late.block.time.seconds = -1;
    assert_int_equal(ask_wrong(&s, late, &why), ASSAY_RANGE);
    late = block_request(ASSAY_ABCI_FINALIZE_BLOCK, 1, NULL, 0);
    late.block.proposer.size = 19;
    assert_int_equal(ask_wrong(&s, late, &why), ASSAY_FORMAT);
    assay_hash id;
    must(s.node.submit(s.node.self, "+a", 2, &id, err));
    assert_int_equal(s.submits, 1);
    stage_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_begins_with_its_own_genesis),
        cmocka_unit_test(fates_follow_commits),
        cmocka_unit_test(rounds_are_counted_once_committed),
        cmocka_unit_test(what_nobody_rechecks_waits_no_more),
        cmocka_unit_test(blocks_are_read_where_no_index_is),
        cmocka_unit_test(replays_what_is_lacking),
        cmocka_unit_test(calls_meet_one_thread),
        cmocka_unit_test(queries_pass_a_slow_block),
        cmocka_unit_test(proposals_are_chosen_and_judged),
        cmocka_unit_test(no_transaction_ends_the_engine),
        cmocka_unit_test(a_check_that_fails_is_the_nodes_end),
        cmocka_unit_test(no_proposal_ends_the_engine),
        cmocka_unit_test(the_rest_is_answered_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
