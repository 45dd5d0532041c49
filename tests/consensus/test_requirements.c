// SPDX-License-Identifier: Apache-2.0
// The thirteen requirements that ABCI 2.0's specification has of an application
// (abci++_app_requirements.md), each asked of the ledger behind CometBFT's own requests, on two
// nodes that saw different things: E-80 to E-84. tests/sim asks the same of seeds without end.
#include "consensus/abci/engine.h"
#include "consensus/abci/wire.h"
#include "consensus/ledger_application.h"
#include "consensus/types/protobuf.h"
#include "tests/folder.h"
#include "tests/ledger/chain.h"

#include <time.h>

enum { NODES = 2, TXS_MAX = 1 << 15, ACCEPT = 1, REJECT = 2, ARENA = 64 << 20 };
#define NO_LIMIT INT64_C(1048576)

typedef struct {
    chain c; // its own state and folder; the keys of all
    assay_beacon_chains secret;
    assay_ledger_application ledger;
    assay_abci_engine *engine;
    assay_abci_application calls;
    assay_arena arena; // of replies, until the node is asked to forget them
} node;

typedef struct {
    node nodes[NODES];
    assay_bytes txs[TXS_MAX]; // a block's
    uint32_t tx_count;
    uint8_t proposer[ASSAY_ADDRESS_SIZE]; // consensus address of the one validator
} net;

// ---- requests ----

static assay_abci_reply ask(node *n, assay_abci_request request) {
    assay_abci_reply reply = {.kind = request.kind};
    must(n->calls.call(n->calls.self, &request, &reply, &n->arena, err));
    return reply;
}

static assay_abci_request of_block(const net *t, const node *n, assay_abci_kind kind) {
    assay_abci_request request = {.kind = kind};
    request.block = (assay_abci_block){.txs = t->txs,
                                       .tx_count = t->tx_count,
                                       .height = (int64_t)n->c.height + 1,
                                       .time = {1700000000 + (int64_t)n->c.height, 0},
                                       .proposer = {t->proposer, sizeof t->proposer}};
    return request;
}

static uint32_t check(node *n, assay_bytes tx, bool again) {
    assay_abci_request request = {.kind = ASSAY_ABCI_CHECK_TX};
    request.check_tx.tx = tx;
    request.check_tx.recheck = again;
    return ask(n, request).check_tx.code;
}

// The node's proposal out of t's transactions becomes t's transactions.
static void prepare(net *t, node *n, int64_t bytes_max) {
    assay_abci_request request = of_block(t, n, ASSAY_ABCI_PREPARE_PROPOSAL);
    request.block.max_tx_bytes = bytes_max;
    assay_abci_reply reply = ask(n, request);
    assert_true(reply.txs.count <= TXS_MAX);
    memcpy(t->txs, reply.txs.txs, reply.txs.count * sizeof *t->txs);
    t->tx_count = reply.txs.count;
}

static uint32_t process(const net *t, node *n) {
    uint32_t status = ask(n, of_block(t, n, ASSAY_ABCI_PROCESS_PROPOSAL)).process.status;
    assert_in_range(status, ACCEPT, REJECT); // UNKNOWN makes CometBFT panic
    return status;
}

static assay_abci_reply finalize(const net *t, node *n) {
    return ask(n, of_block(t, n, ASSAY_ABCI_FINALIZE_BLOCK));
}

static void commit(node *n) {
    ask(n, (assay_abci_request){.kind = ASSAY_ABCI_COMMIT});
    n->c.height++;
    chain_block_clear(&n->c);
}

static assay_hash info_hash(node *n, int64_t height) {
    assay_hash hash;
    assay_abci_reply reply = ask(n, (assay_abci_request){.kind = ASSAY_ABCI_INFO});
    assert_int_equal(reply.info.height, height);
    assert_int_equal(reply.info.app_hash.size, sizeof hash.bytes);
    memcpy(hash.bytes, reply.info.app_hash.data, sizeof hash.bytes);
    return hash;
}

// ---- the two nodes ----

static void node_open(node *n, const uint64_t *bonds_open, uint32_t validators) {
    assay_hash seed;
    char name[ASSAY_CHAIN_ID_MAX + 1];
    chain_init(&n->c);
    chain_validators(&n->c, bonds_open, validators);
    chain_start(&n->c);
    assay_sha256_of(&seed, "seed", 4);
    must(assay_beacon_chains_open(&n->secret, chain_seed(0).bytes, &seed, CHAIN_PREIMAGES, err));
    n->ledger = (assay_ledger_application){.app = n->c.app, .chains = &n->secret};
    assay_chain_name(name, &n->c.genesis);
    const assay_abci_engine_options options = {
        .application = assay_ledger_application_calls(&n->ledger), .chain_id = name};
    must(assay_abci_engine_open(&n->engine, &options, err));
    n->calls = assay_abci_engine_application(n->engine);
    assay_arena_init(&n->arena, ARENA);
}

static void node_close(node *n) {
    assay_abci_engine_close(n->engine);
    assay_beacon_chains_close(&n->secret);
    chain_close(&n->c);
    assay_arena_close(&n->arena);
}

static int setup(void **state) {
    net *t = calloc(1, sizeof *t);
    assay_hash key;
    for (int i = 0; i < NODES; i++)
        node_open(&t->nodes[i], &(uint64_t){100}, 1);
    assay_sha256_of(&key, t->nodes[0].c.genesis.validators[0].ed25519, ASSAY_ED25519_KEY_SIZE);
    memcpy(t->proposer, key.bytes, sizeof t->proposer);
    *state = t;
    return 0;
}

static int teardown(void **state) {
    net *t = *state;
    for (int i = 0; i < NODES; i++)
        node_close(&t->nodes[i]);
    free(t);
    return 0;
}

// ---- transactions: signed in the first node's chain, of which t's list borrows ----

static void transfers(net *t, uint32_t actor, uint32_t count, uint64_t amount) {
    chain *c = &t->nodes[0].c;
    for (uint32_t i = 0; i < count; i++) {
        assay_tx tx = chain_tx(c, actor, ASSAY_TX_TRANSFER);
        tx.body.transfer = (assay_tx_transfer){c->actors[(actor + 1) % CHAIN_ACTORS], amount};
        chain_add(c, &tx);
    }
    t->tx_count = c->tx_count;
    memcpy(t->txs, c->txs, c->tx_count * sizeof *t->txs);
}

// Good ones of several senders, one that its balance does not cover, a repeated one, and rubbish.
static void mixture(net *t) {
    for (uint32_t actor = 1; actor < 5; actor++)
        transfers(t, actor, actor, CHAIN_OPEN);
    transfers(t, 6, 1, 2 * CHAIN_BALANCE);
    t->txs[t->tx_count++] = t->txs[0];
    t->txs[t->tx_count++] = (assay_bytes){(const uint8_t *)"rubbish", 7};
}

static void both_commit(net *t) {
    for (int i = 0; i < NODES; i++) {
        finalize(t, &t->nodes[i]);
        commit(&t->nodes[i]);
    }
    t->tx_count = 0;
}

// Signs, and lets it wait at the first node. Returns: false if there is no more room.
static bool queue_add(net *t, assay_tx *tx, uint32_t actor, uint64_t nonce) {
    chain *c = &t->nodes[0].c;
    uint8_t *at = c->bytes + c->used;
    size_t size;
    tx->chain_id = CHAIN_ID;
    tx->signer = tx->principal = c->actors[actor];
    tx->lane = assay_tx_lane(tx->kind);
    tx->nonce = nonce;
    must(assay_tx_sign(tx, &c->domain, &c->keys[actor], err));
    must(assay_tx_encode(tx, at, CHAIN_TX_BYTES - c->used, &size, err));
    uint32_t code = check(&t->nodes[0], (assay_bytes){at, size}, false);
    if (code == ASSAY_REJECT_PENDING) return false;
    assert_int_equal(code, 0);
    assert_true(t->tx_count + 1 < TXS_MAX); // and the beacon
    t->txs[t->tx_count++] = (assay_bytes){at, size};
    c->used += size;
    return true;
}

// Transfers of all in turn, until no one's has room. Returns: their bytes, as those that wait are
// counted.
static uint64_t queue_plain(net *t) {
    size_t before = t->nodes[0].c.used;
    uint32_t first = t->tx_count;
    assay_tx tx = {.kind = ASSAY_TX_TRANSFER};
    tx.body.transfer.amount = 1;
    tx.body.transfer.to = t->nodes[0].c.actors[1];
    for (uint32_t i = 0; queue_add(t, &tx, i % CHAIN_ACTORS, i / CHAIN_ACTORS); i++) {
    }
    return t->nodes[0].c.used - before + (t->tx_count - first) * ASSAY_APP_TX_OVERHEAD;
}

// Lane 1: each voter, or each of the providers, until its own share is full.
static uint64_t queue_full_shares(net *t, assay_tx *tx, uint32_t actors, uint64_t nonces[]) {
    size_t before = t->nodes[0].c.used;
    uint32_t first = t->tx_count;
    for (uint32_t actor = 0; actor < actors; actor++) {
        if (tx->kind == ASSAY_TX_POST_EVIDENCE) tx->body.post_evidence.batch.bytes[1] = actor;
        while (queue_add(t, tx, actor, nonces[actor]))
            nonces[actor]++;
    }
    return t->nodes[0].c.used - before + (t->tx_count - first) * ASSAY_APP_TX_OVERHEAD;
}

// One open batch of each provider, which all actors check: what lane 1 is admitted for (P-26).
enum { PROVIDERS = 4 };
static void batches_open(chain *c) {
    assay_ledger ledger = chain_by_hand(c);
    assay_checkers checkers = {.count = CHAIN_ACTORS};
    for (uint32_t i = 0; i < CHAIN_ACTORS; i++)
        checkers.voters[i] = (assay_voter){c->actors[i], CHAIN_OPEN};
    for (uint8_t i = 0; i < PROVIDERS; i++) {
        const assay_hash id = {{0xba, i}};
        const assay_batch batch = {.state = ASSAY_BATCH_WAITING, .provider = c->actors[i]};
        must(assay_batch_put(&ledger, &id, &batch, err));
        must(assay_checkers_put(&ledger, &id, &checkers, err));
    }
    chain_by_hand_end(c, &ledger);
}

// The most that can wait, of all three classes, and of each the smallest.
static void queue_fill(net *t) {
    const uint64_t all = t->nodes[0].c.genesis.params.block_bytes_max;
    uint64_t nonces[CHAIN_ACTORS] = {0};
    assay_tx vote = {.kind = ASSAY_TX_VERDICT_COMMIT}, evidence = {.kind = ASSAY_TX_POST_EVIDENCE};
    vote.body.verdict_commit.batch.bytes[0] = 0xba;
    evidence.body.post_evidence =
        (assay_tx_post_evidence){{{0xba}}, 0, 0, 1, {(const uint8_t *)"x", 1}};
    batches_open(&t->nodes[0].c);
    assert_in_range(queue_plain(t), all / 2 - 200, all / 2);
    assert_in_range(queue_full_shares(t, &vote, CHAIN_ACTORS, nonces), all / 4 * 9 / 10, all / 4);
    assert_in_range(queue_full_shares(t, &evidence, PROVIDERS, nonces), all / 4 * 9 / 10, all / 4);
}

// R1: a proposal out of a full queue, and of all of it, is ready long before CometBFT's 3 s to
// propose are over: in this process's own time, so that a busy machine counts for nothing.
static void r01_prepare_proposal_is_timely(void **state) {
    net *t = *state;
    struct timespec before, after;
    queue_fill(t);
    uint32_t waiting = t->tx_count;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    prepare(t, &t->nodes[0], (int64_t)t->nodes[0].c.genesis.params.block_bytes_max + NO_LIMIT);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    int64_t ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    print_message("%u transactions: %lld ms\n", waiting, (long long)ms);
    assert_int_equal(t->tx_count, waiting + 1); // and the beacon
    assert_in_range(ms, 0, 1500);
}

// R2: what is proposed keeps within max_tx_bytes, counted as CometBFT does, and uses it.
static void r02_proposals_keep_to_max_tx_bytes(void **state) {
    net *t = *state;
    const int64_t limits[] = {1, 100, 600, 1000, 5000, 1 << 20};
    mixture(t);
    assay_bytes offered[TXS_MAX];
    uint32_t offered_count = t->tx_count, last = 0;
    memcpy(offered, t->txs, offered_count * sizeof *offered);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        memcpy(t->txs, offered, offered_count * sizeof *offered);
        t->tx_count = offered_count;
        prepare(t, &t->nodes[0], limits[i]);
        int64_t bytes = 0;
        for (uint32_t j = 0; j < t->tx_count; j++)
            bytes += (int64_t)t->txs[j].size + ASSAY_APP_TX_OVERHEAD;
        assert_true(bytes <= limits[i]);
        assert_true(t->tx_count >= last);
        last = t->tx_count;
    }
    assert_in_range(last, 10, offered_count);
}

// R3: what one proposes the other accepts, whatever waits there, and whatever was to choose from.
static void r03_prepared_proposals_are_accepted(void **state) {
    net *t = *state;
    for (int height = 1; height <= 5; height++) {
        mixture(t);
        for (uint32_t i = 0; i < t->tx_count; i += 2)
            check(&t->nodes[1], t->txs[i], false);
        prepare(t, &t->nodes[0], height == 3 ? 700 : NO_LIMIT);
        assert_true(t->tx_count > 1);
        for (int i = 0; i < NODES; i++)
            assert_int_equal(process(t, &t->nodes[i]), ACCEPT);
        both_commit(t);
    }
}

// Proposals of every sort, each judged by `judge`, whose verdicts are kept.
enum { PROPOSALS = 6 };
static void proposal_make(net *t, int which) {
    prepare(t, &t->nodes[0], NO_LIMIT);
    assay_bytes first = t->txs[1];
    switch (which) {
    case 1: // twice the same
        t->txs[t->tx_count++] = first;
        break;
    case 2: // nonces the wrong way round
        t->txs[1] = t->txs[t->tx_count - 1];
        t->txs[t->tx_count - 1] = first;
        break;
    case 3: // the beacon not first
        t->txs[1] = t->txs[0];
        t->txs[0] = first;
        break;
    case 4:
        t->txs[t->tx_count++] = (assay_bytes){(const uint8_t *)"rubbish", 7};
        break;
    case 5: // nothing at all, and so nobody's
        t->tx_count = 0;
        break;
    default:
        break;
    }
}

static void verdicts(net *t, node *judge, uint32_t out[PROPOSALS]) {
    for (int which = 0; which < PROPOSALS; which++) {
        transfers(t, 1, 1, 1);
        transfers(t, 2, 3, 1);
        proposal_make(t, which);
        out[which] = process(t, judge);
        chain_block_clear(&t->nodes[0].c);
    }
}

static const uint32_t expected[PROPOSALS] = {ACCEPT, REJECT, REJECT, REJECT, REJECT, REJECT};

// R4: the verdict follows from block and state alone: asked again, and after the node has seen
// other transactions and executed other blocks, it is the same.
static void r04_process_proposal_depends_on_block_and_state(void **state) {
    net *t = *state;
    node *n = &t->nodes[0];
    uint32_t got[PROPOSALS];
    verdicts(t, n, got);
    assert_memory_equal(got, expected, sizeof got);
    verdicts(t, n, got);
    assert_memory_equal(got, expected, sizeof got);
    mixture(t);
    for (uint32_t i = 0; i < t->tx_count; i++)
        check(n, t->txs[i], false);
    finalize(t, n); // another block of this height, never committed
    chain_block_clear(&n->c);
    verdicts(t, n, got);
    assert_memory_equal(got, expected, sizeof got);
}

// R5: two nodes say the same.
static void r05_process_proposal_is_equal_on_all_nodes(void **state) {
    net *t = *state;
    uint32_t got[NODES][PROPOSALS];
    mixture(t);
    for (uint32_t i = 0; i < t->tx_count; i++)
        check(&t->nodes[1], t->txs[i], false);
    chain_block_clear(&t->nodes[0].c);
    for (int i = 0; i < NODES; i++)
        verdicts(t, &t->nodes[i], got[i]);
    assert_memory_equal(got[0], expected, sizeof got[0]);
    assert_memory_equal(got[1], expected, sizeof got[1]);
}

// A ProcessProposal's bytes as CometBFT sends them, with so many empty transactions, and the
// verdict.
static uint32_t empty_process(const net *t, node *n, uint32_t count) {
    size_t room = 2 * (size_t)count + 256;
    uint8_t *content = malloc(room), *frame = malloc(room);
    assay_writer writer, time, outer;
    uint8_t seconds[16];
    assert_true(content && frame);
    assay_writer_init(&writer, content, room);
    for (uint32_t i = 0; i < count; i++)
        assay_protobuf_entry(&writer, 1, NULL, 0);
    assay_protobuf_u64(&writer, 5, n->c.height + 1);
    assay_writer_init(&time, seconds, sizeof seconds);
    assay_protobuf_u64(&time, 1, 1700000000);
    assay_protobuf_message(&writer, 6, &time);
    assay_protobuf_bytes(&writer, 8, t->proposer, sizeof t->proposer);
    assay_writer_init(&outer, frame, room);
    assay_protobuf_message(&outer, ASSAY_ABCI_PROCESS_PROPOSAL, &writer);
    assert_false(outer.failed);
    assay_abci_request request;
    const assay_bytes bytes = {frame, outer.size};
    must(assay_abci_request_read(&request, bytes, &n->arena, err));
    uint32_t status = ask(n, request).process.status;
    free(content);
    free(frame);
    return status;
}

// E-25: a proposer who is no honest one is refused, and ends nobody: more transactions than a block
// may have, as many as it may of rubbish, and a proposer whom the state does not know.
static void no_proposer_ends_a_node(void **state) {
    net *t = *state;
    node *n = &t->nodes[0];
    assert_int_equal(empty_process(t, n, 0), REJECT);
    assert_int_equal(empty_process(t, n, ASSAY_APP_TXS_MAX), REJECT);
    assert_int_equal(empty_process(t, n, ASSAY_APP_TXS_MAX + 1), REJECT);
    assert_int_equal(empty_process(t, n, 4 << 20), REJECT);
    prepare(t, n, NO_LIMIT);
    t->proposer[0] ^= 1;
    assert_int_equal(process(t, n), REJECT);
    t->proposer[0] ^= 1;
    assert_int_equal(process(t, n), ACCEPT);
}

// E-7, E-22: CometBFT hands on peers' transactions while it fetches a state: each is answered.
static void a_node_without_state_answers_check_tx(void **state) {
    net *t = *state;
    node fresh = {.c.folder = "/tmp/assay_chain_XXXXXX"};
    const node *n = &t->nodes[0];
    transfers(t, 1, 1, 1);
    test_folder_make(fresh.c.folder);
    must(assay_app_open(&fresh.c.app, fresh.c.folder, &n->c.genesis, NULL, err));
    fresh.ledger = (assay_ledger_application){.app = fresh.c.app};
    const assay_abci_engine_options options = {
        .application = assay_ledger_application_calls(&fresh.ledger), .chain_id = "fresh"};
    must(assay_abci_engine_open(&fresh.engine, &options, err));
    fresh.calls = assay_abci_engine_application(fresh.engine);
    assay_arena_init(&fresh.arena, ARENA);
    assert_int_equal(check(&fresh, t->txs[0], false), ASSAY_ABCI_NOT_NOW);
    assert_int_equal(check(&fresh, (assay_bytes){NULL, 0}, false), ASSAY_REJECT_TX_TRUNCATED);
    assay_abci_engine_close(fresh.engine);
    assay_app_close(fresh.c.app);
    assay_arena_close(&fresh.arena);
}

// ---- vote extensions are off ----

static assay_bytes extend(const net *t, node *n) {
    return ask(n, of_block(t, n, ASSAY_ABCI_EXTEND_VOTE)).extend.extension;
}

static uint32_t verify(const net *t, node *n, assay_bytes extension) {
    assay_abci_request request = {.kind = ASSAY_ABCI_VERIFY_VOTE_EXTENSION};
    request.verify.validator = (assay_bytes){t->proposer, sizeof t->proposer};
    request.verify.height = (int64_t)n->c.height + 1;
    request.verify.extension = extension;
    return ask(n, request).process.status;
}

// R6: what one node extends with, the other accepts: nothing.
static void r06_vote_extensions_are_accepted(void **state) {
    net *t = *state;
    mixture(t);
    assay_bytes extension = extend(t, &t->nodes[0]);
    assert_int_equal(extension.size, 0);
    for (int i = 0; i < NODES; i++)
        assert_int_equal(verify(t, &t->nodes[i], extension), ACCEPT);
}

// R7: the verdict on an extension follows from its bytes alone.
static void r07_verify_vote_extension_depends_on_its_bytes(void **state) {
    net *t = *state;
    for (int height = 1; height <= 2; height++) {
        assay_bytes some = {(const uint8_t *)"more", 4};
        for (int times = 0; times < 2; times++) {
            assert_int_equal(verify(t, &t->nodes[0], (assay_bytes){NULL, 0}), ACCEPT);
            assert_int_equal(verify(t, &t->nodes[0], some), REJECT);
        }
        mixture(t);
        both_commit(t);
    }
}

// R8: and is the same on all nodes.
static void r08_verify_vote_extension_is_equal_on_all_nodes(void **state) {
    net *t = *state;
    uint8_t bytes[64] = {0};
    mixture(t);
    finalize(t, &t->nodes[1]);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        uint32_t own = verify(t, &t->nodes[0], (assay_bytes){bytes, size});
        assert_int_equal(own, size == 0 ? ACCEPT : REJECT);
        assert_int_equal(verify(t, &t->nodes[1], (assay_bytes){bytes, size}), own);
    }
}

// R9: none of the four changes the state: every entry and the hash stay, and the block comes to
// what it comes to on a node that was never asked.
static void r09_proposals_and_extensions_change_no_state(void **state) {
    net *t = *state;
    node *n = &t->nodes[0];
    both_commit(t); // an empty block: at height 0 the application tells of no hash (E-21)
    assay_hash hash = info_hash(n, 1), entries = chain_digest(&n->c, NULL);
    mixture(t);
    prepare(t, n, NO_LIMIT);
    for (int i = 0; i < 3; i++) {
        process(t, n);
        verify(t, n, extend(t, n));
    }
    assay_bytes last = t->txs[--t->tx_count]; // another proposal of the same height
    process(t, n);
    t->txs[t->tx_count++] = last;
    assay_hash hash_after = info_hash(n, 1), entries_after = chain_digest(&n->c, NULL);
    assert_memory_equal(&hash_after, &hash, sizeof hash);
    assert_memory_equal(&entries_after, &entries, sizeof entries);
    both_commit(t);
    hash = info_hash(n, 2);
    hash_after = info_hash(&t->nodes[1], 2);
    assert_memory_equal(&hash_after, &hash, sizeof hash);
}

// R10: the next state does not depend on extensions: one node has seen many, the other none.
static void r10_state_does_not_depend_on_vote_extensions(void **state) {
    net *t = *state;
    mixture(t);
    prepare(t, &t->nodes[0], NO_LIMIT);
    extend(t, &t->nodes[0]);
    for (int i = 0; i < 10; i++)
        verify(t, &t->nodes[0], (assay_bytes){(const uint8_t *)"0123456789", (size_t)i});
    both_commit(t);
    assay_hash one = info_hash(&t->nodes[0], 1), other = info_hash(&t->nodes[1], 1);
    assert_memory_equal(&one, &other, sizeof one);
}

// Three blocks on both nodes, the second of which is asked much more on the way.
static void different_ways(net *t, void (*compare)(const assay_abci_reply *one,
                                                   const assay_abci_reply *other)) {
    node *a = &t->nodes[0], *b = &t->nodes[1];
    for (int height = 1; height <= 3; height++) {
        mixture(t); // not an honest block: execution is of one mind all the same
        for (uint32_t i = 0; i < t->tx_count; i++)
            check(b, t->txs[i], false);
        process(t, b);
        uint32_t count = t->tx_count;
        t->tx_count /= 2;
        finalize(t, b); // the block of a round that came to nothing
        t->tx_count = count;
        assay_abci_reply one = finalize(t, a), again = finalize(t, b), other = finalize(t, b);
        compare(&one, &again);
        compare(&one, &other);
        commit(a);
        commit(b);
    }
}

static void hashes_compare(const assay_abci_reply *one, const assay_abci_reply *other) {
    assert_int_equal(one->finalize.app_hash.size, ASSAY_HASH_SIZE);
    assert_memory_equal(one->finalize.app_hash.data, other->finalize.app_hash.data,
                        ASSAY_HASH_SIZE);
    assert_int_equal(one->finalize.update_count, other->finalize.update_count);
}

// R11: the state follows from the one before and the decided block: hashes and every entry.
static void r11_state_depends_on_state_and_block(void **state) {
    net *t = *state;
    different_ways(t, hashes_compare);
    assay_hash one = chain_digest(&t->nodes[0].c, NULL), other = chain_digest(&t->nodes[1].c, NULL);
    assert_memory_equal(&one, &other, sizeof one);
}

static void results_compare(const assay_abci_reply *one, const assay_abci_reply *other) {
    uint32_t refused = 0;
    assert_true(one->finalize.result_count > 10);
    assert_int_equal(one->finalize.result_count, other->finalize.result_count);
    for (uint32_t i = 0; i < one->finalize.result_count; i++) {
        const assay_abci_result *a = &one->finalize.results[i], *b = &other->finalize.results[i];
        assert_int_equal(a->code, b->code);
        assert_int_equal(a->data.size, b->data.size);
        if (a->data.size != 0) assert_memory_equal(a->data.data, b->data.data, a->data.size);
        assert_int_equal(a->gas_wanted, b->gas_wanted);
        assert_int_equal(a->gas_used, b->gas_used);
        refused += a->code != 0;
    }
    assert_in_range(refused, 1, one->finalize.result_count - 5);
}

// R12: so do the results, in all that is hashed into the next header.
static void r12_results_depend_on_state_and_block(void **state) {
    different_ways(*state, results_compare);
}

// R13: on each transaction all nodes come to one verdict and stay with it: a good one is taken
// until it is in a block and refused ever after, a bad one is refused ever.
static void r13_check_tx_does_not_oscillate(void **state) {
    net *t = *state;
    mixture(t);
    assay_bytes good = t->txs[0], bad = t->txs[t->tx_count - 1], kept[2] = {good, bad};
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(check(&t->nodes[i], good, false), 0);
        assert_int_not_equal(check(&t->nodes[i], bad, false), 0);
    }
    t->tx_count = 0; // a block without it: the recheck still takes it
    for (int i = 0; i < NODES; i++) {
        finalize(t, &t->nodes[i]);
        ask(&t->nodes[i], (assay_abci_request){.kind = ASSAY_ABCI_COMMIT});
        t->nodes[i].c.height++;
        assert_int_equal(check(&t->nodes[i], good, true), 0);
        assert_int_not_equal(check(&t->nodes[i], bad, true), 0);
    }
    t->txs[t->tx_count++] = good;
    for (int height = 0; height < 4; height++) {
        for (int i = 0; i < NODES; i++) {
            finalize(t, &t->nodes[i]);
            ask(&t->nodes[i], (assay_abci_request){.kind = ASSAY_ABCI_COMMIT});
            t->nodes[i].c.height++;
        }
        t->tx_count = 0;
        for (int which = 0; which < 2; which++) {
            uint32_t code = check(&t->nodes[0], kept[which], height % 2 == 0);
            assert_int_not_equal(code, 0);
            assert_int_equal(check(&t->nodes[1], kept[which], height % 2 == 1), code);
        }
    }
}

// ---- misbehaviour ----

static assay_address consensus_address(uint32_t actor) {
    uint8_t key[ASSAY_ED25519_KEY_SIZE];
    assay_address address;
    must(assay_ed25519_public(key, chain_seed(actor).bytes, err));
    assay_ed25519_address(&address, key);
    return address;
}

// FinalizeBlock of an empty block with these reports, as CometBFT's bytes.
static assay_abci_reply finalize_with(node *n, const assay_misbehavior *reports, uint32_t count) {
    uint8_t content[1024], frame[1100], inner[2][64];
    assay_writer writer, part, whole;
    assay_abci_request request;
    assay_address proposer = consensus_address(0);
    assay_writer_init(&writer, content, sizeof content);
    for (uint32_t i = 0; i < count; i++) {
        assay_writer_init(&part, inner[0], sizeof inner[0]); // its validator, with a power
        assay_protobuf_bytes(&part, 1, reports[i].validator.bytes, ASSAY_ADDRESS_SIZE);
        assay_protobuf_u64(&part, 3, 7);
        assay_writer_init(&whole, inner[1], sizeof inner[1]);
        assay_protobuf_u64(&whole, 1, reports[i].type);
        assay_protobuf_message(&whole, 2, &part);
        assay_protobuf_u64(&whole, 3, reports[i].height);
        assay_protobuf_message(&writer, 3, &whole);
    }
    assay_protobuf_u64(&writer, 5, n->c.height + 1);
    assay_writer_init(&part, inner[0], sizeof inner[0]);
    assay_protobuf_u64(&part, 1, 1700000000 + n->c.height);
    assay_protobuf_message(&writer, 6, &part);
    assay_protobuf_bytes(&writer, 8, proposer.bytes, ASSAY_ADDRESS_SIZE);
    assay_writer_init(&whole, frame, sizeof frame);
    assay_protobuf_message(&whole, ASSAY_ABCI_FINALIZE_BLOCK, &writer);
    assert_false(whole.failed);
    must(assay_abci_request_read(&request, (assay_bytes){frame, whole.size}, &n->arena, err));
    assay_abci_reply reply = ask(n, request);
    commit(n);
    chain_scan(&n->c);
    return reply;
}

// Of one that was bonded with so much, what `times` punishments leave (P-93).
static void punished(const node *n, uint32_t actor, uint64_t bonded, int times) {
    assay_view view = chain_view(&n->c);
    assay_validator_power list[ASSAY_POWER_MAX];
    assay_validator validator;
    assay_bond bond;
    bool found;
    uint32_t count;
    for (int i = 0; i < times; i++)
        bonded -= bonded * n->c.genesis.params.double_sign_slash_ppm / ASSAY_PPM;
    must(assay_bond_get(&bond, &view.reader, ASSAY_ROLE_CONSENSUS, &n->c.actors[actor], err));
    assert_int_equal(bond.active, bonded);
    must(assay_validator_get(&validator, &found, &view.reader, &n->c.actors[actor], err));
    assert_int_equal(validator.barred, times > 0);
    must(assay_validator_list(list, &count, &view.reader, err));
    for (uint32_t i = 0; i < count; i++)
        if (assay_address_equal(&list[i].address, &n->c.actors[actor]))
            assert_int_equal(list[i].power == 0, times > 0);
    assay_view_close(&view);
}

// P-93: what CometBFT reports of a validator, by type, address and height, costs it bond and power,
// once for each height.
static void reports_cost_bond_and_power(void **state) {
    static const uint64_t bonds[] = {100, 50, 30};
    node *n = calloc(1, sizeof *n);
    assert_non_null(n);
    node_open(n, bonds, ASSAY_COUNT(bonds));
    const assay_address bad = consensus_address(1), nobody = {{9}};
    assay_address gone;
    assay_misbehavior reports[] = {{nobody, 1, ASSAY_MISBEHAVIOR_DOUBLE_SIGN},
                                   {bad, 1, ASSAY_MISBEHAVIOR_DOUBLE_SIGN},
                                   {bad, 3, ASSAY_MISBEHAVIOR_LIGHT_CLIENT}, // is to come
                                   {bad, 2, ASSAY_MISBEHAVIOR_LIGHT_CLIENT + 1}};
    assert_int_equal(finalize_with(n, NULL, 0).finalize.update_count, 0);
    assay_abci_reply reply = finalize_with(n, reports, ASSAY_COUNT(reports));
    assert_int_equal(reply.finalize.update_count, 1);
    assert_int_equal(reply.finalize.updates[0].power, 0);
    assay_ed25519_address(&gone, reply.finalize.updates[0].key.data);
    assert_true(assay_address_equal(&gone, &bad));
    punished(n, 1, 50 * CHAIN_OPEN, 1);
    // Of these only the light client's attack at the third height is another offence.
    assert_int_equal(finalize_with(n, reports, ASSAY_COUNT(reports)).finalize.update_count, 0);
    punished(n, 0, 100 * CHAIN_OPEN, 0);
    punished(n, 1, 50 * CHAIN_OPEN, 2);
    punished(n, 2, 30 * CHAIN_OPEN, 0);
    node_close(n);
    free(n);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(r01_prepare_proposal_is_timely),
        TEST(r02_proposals_keep_to_max_tx_bytes),
        TEST(r03_prepared_proposals_are_accepted),
        TEST(r04_process_proposal_depends_on_block_and_state),
        TEST(r05_process_proposal_is_equal_on_all_nodes),
        TEST(no_proposer_ends_a_node),
        TEST(a_node_without_state_answers_check_tx),
        TEST(r06_vote_extensions_are_accepted),
        TEST(r07_verify_vote_extension_depends_on_its_bytes),
        TEST(r08_verify_vote_extension_is_equal_on_all_nodes),
        TEST(r09_proposals_and_extensions_change_no_state),
        TEST(r10_state_does_not_depend_on_vote_extensions),
        TEST(r11_state_depends_on_state_and_block),
        TEST(r12_results_depend_on_state_and_block),
        TEST(r13_check_tx_does_not_oscillate),
        cmocka_unit_test(reports_cost_bond_and_power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
