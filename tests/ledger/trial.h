// SPDX-License-Identifier: Apache-2.0
// A small chain with everyone a batch needs: a provider, four validators who vote as each test
// tells them, a consumer with a session, two contributors, a publisher, a tuner. Batches are made
// of real receipts, so that evidence about them is real too.
#ifndef ASSAY_TESTS_LEDGER_TRIAL_H
#define ASSAY_TESTS_LEDGER_TRIAL_H

#include "tests/ledger/chain.h"

#include "ledger/accusations.h"
#include "ledger/batch.h"
#include "ledger/bond.h"
#include "ledger/case.h"
#include "ledger/duty.h"
#include "ledger/evidence.h"
#include "ledger/fraud.h"
#include "ledger/payout.h"
#include "ledger/session.h"
#include "ledger/sumtree.h"
#include "ledger/tx/request.h"
#include "ledger/verdict.h"

enum {
    PROVIDER = 1,
    VALIDATOR = 2, // … and the next three
    VALIDATOR_COUNT = 4,
    CONSUMER = 6,
    DORA = 7, // contributors
    EMIL = 8,
    PUBLISHER = 9,
    TUNER = 10,
    SPARE = 11,
    TRIAL_RECEIPTS = 16,
    TRIAL_IDS = 64,
    TRIAL_PRICE = 1000000, // nopen a token
    TRIAL_DUTIES = 256,
    TRIAL_BOND = 20, // OPEN, of each validator
};

// A voter's mind about one duty. Zero: votes "match" with the right probe, in time.
typedef struct {
    bool no_commit;
    bool no_reveal;
    bool wrong_probe;
    uint8_t verdict;
    assay_hash dataset; // of verdict 35
} ballot;

typedef struct trial trial;
typedef ballot (*habit)(trial *t, uint32_t actor, const assay_duty *duty);

struct trial {
    chain chain;
    assay_hash datasets[2]; // ascending
    uint32_t owners[2];     // of them: DORA or EMIL
    assay_hash model;
    assay_hash adapter;
    assay_hash session;
    uint64_t next_sequence;
    habit votes;    // of all validators; NULL: all zero ballots
    uint64_t steps; // for what a habit wants to count
};

// A batch with what it is made of. Its transaction points into it: do not copy.
typedef struct {
    assay_tx tx;
    assay_hash id;
    uint32_t count;
    assay_receipt receipts[TRIAL_RECEIPTS];
    uint32_t prompts[TRIAL_RECEIPTS][TRIAL_IDS];
    uint32_t outputs[TRIAL_RECEIPTS][TRIAL_IDS];
    assay_sumtree_node leaves[TRIAL_RECEIPTS];
    assay_session_row session;
    assay_model_row model;
    assay_dataset_row datasets[2];
} bundle;

static inline assay_hash trial_hash(const char *name) {
    assay_hash hash;
    assay_sha256_of(&hash, name, strlen(name));
    return hash;
}

// ---- setting up ----

static inline void trial_datasets(trial *t) {
    chain *c = &t->chain;
    assay_hash salt = trial_hash("salt");
    for (uint32_t i = 0; i < 2; i++) {
        chain_commit_add(c, t->owners[i], &t->datasets[i], &salt);
    }
    chain_blocks(c, c->genesis.params.commitment_blocks);
    for (uint32_t i = 0; i < 2; i++) {
        assay_tx tx = chain_tx(c, t->owners[i], ASSAY_TX_REGISTER_DATASET);
        tx.body.register_dataset = (assay_tx_register_dataset){
            .root = t->datasets[i],
            .salt = salt,
            .chunk_count = 1,
            .byte_count = 1000,
            .license = {(const uint8_t *)"CC0-1.0", 7},
            .name = {(const uint8_t *)"poems", 5},
            .uri = {(const uint8_t *)"file:poems", 10},
        };
        chain_add(c, &tx);
    }
}

static inline void trial_models(trial *t) {
    chain *c = &t->chain;
    assay_tx tx = chain_tx(c, PUBLISHER, ASSAY_TX_REGISTER_MODEL);
    tx.body.register_model = (assay_tx_register_model){
        .root = t->model,
        .byte_count = 3 << 20,
        .royalty_ppm = 100000,
        .name = {(const uint8_t *)"base", 4},
        .uri = {(const uint8_t *)"file:base", 9},
    };
    chain_add(c, &tx);
    chain_block(c);
    assay_source_row sources[2] = {{t->datasets[0], 700000}, {t->datasets[1], 300000}};
    tx = chain_tx(c, TUNER, ASSAY_TX_REGISTER_ADAPTER);
    tx.body.register_adapter = (assay_tx_register_adapter){
        .base = t->model,
        .root = t->adapter,
        .byte_count = 1 << 20,
        .royalty_ppm = 50000,
        .name = {(const uint8_t *)"tuned", 5},
        .uri = {(const uint8_t *)"file:tuned", 10},
        .sources = {sources, 2},
    };
    chain_add(c, &tx);
}

static inline void trial_bond(trial *t, uint32_t actor, uint8_t role, uint64_t open) {
    assay_tx tx = chain_tx(&t->chain, actor, ASSAY_TX_BOND);
    tx.body.bond = (assay_tx_bond){role, open * CHAIN_OPEN};
    chain_add(&t->chain, &tx);
}

static inline void trial_declare(trial *t, uint32_t actor, const assay_hash *roots,
                                 uint32_t count) {
    assay_tx tx = chain_tx(&t->chain, actor, ASSAY_TX_DECLARE_ROOTS);
    tx.body.declare_roots.roots = (assay_hash_list){roots, count};
    chain_add(&t->chain, &tx);
}

static inline assay_hash trial_open_session(trial *t, uint64_t deposit_open) {
    assay_tx tx = chain_tx(&t->chain, CONSUMER, ASSAY_TX_OPEN_SESSION);
    tx.body.open_session = (assay_tx_open_session){
        .provider = t->chain.actors[PROVIDER],
        .deposit = deposit_open * CHAIN_OPEN,
        .price_in = TRIAL_PRICE,
        .price_out = TRIAL_PRICE,
        .expiry = t->chain.height + 100000,
    };
    return chain_add(&t->chain, &tx);
}

// Both roots, ascending.
static inline void trial_roots(const trial *t, assay_hash out[2]) {
    bool swapped = memcmp(t->model.bytes, t->adapter.bytes, 32) > 0;
    out[0] = swapped ? t->adapter : t->model;
    out[1] = swapped ? t->model : t->adapter;
}

// The block just made held only accepted transactions.
static inline void trial_all_accepted(const trial *t) {
    const chain *c = &t->chain;
    for (uint32_t i = 0; i < c->outcome.tx_count; i++)
        if (c->outcome.results[i].code != 0)
            fail_msg("block %llu, transaction %u: %s", (ull)c->height, i, c->outcome.texts[i]);
}

// After chain_init and what the test changes in the params. Roots that the test has not set are
// made up.
static inline void trial_start(trial *t) {
    chain *c = &t->chain;
    assay_hash roots[2];
    if (assay_hash_is_zero(&t->model)) {
        t->datasets[0] = trial_hash("doyle");
        t->datasets[1] = trial_hash("carroll");
        t->model = trial_hash("model");
        t->adapter = trial_hash("adapter");
    }
    t->owners[0] = DORA;
    t->owners[1] = EMIL;
    if (memcmp(&t->datasets[0], &t->datasets[1], 32) > 0) {
        assay_hash other = t->datasets[0];
        t->datasets[0] = t->datasets[1];
        t->datasets[1] = other;
    }
    t->next_sequence = 1;
    trial_roots(t, roots);
    chain_start(c);
    chain_commit_add(c, PUBLISHER, &t->model, NULL);
    chain_commit_add(c, TUNER, &t->adapter, NULL);
    trial_datasets(t);
    trial_models(t);
    trial_bond(t, PROVIDER, ASSAY_ROLE_PROVIDER, 100);
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++) {
        trial_bond(t, VALIDATOR + i, ASSAY_ROLE_VERIFICATION, TRIAL_BOND);
        trial_declare(t, VALIDATOR + i, roots, 2);
    }
    t->session = trial_open_session(t, 100);
    chain_block(c);
    trial_all_accepted(t);
}

static inline trial *trial_new(void) {
    trial *t = calloc(1, sizeof *t);
    assert_non_null(t);
    chain_init(&t->chain);
    return t;
}

static inline trial *trial_begin(void) {
    trial *t = trial_new();
    trial_start(t);
    return t;
}

static inline void trial_close(trial *t) {
    chain_close(&t->chain);
    free(t);
}

// ---- batches ----

static inline void trial_receipt(trial *t, bundle *b, uint32_t i) {
    assay_receipt *receipt = &b->receipts[i];
    assay_request *request = &receipt->request;
    uint32_t prompt_count = 5 + i % 7, output_count = 3 + i % 5;
    for (uint32_t j = 0; j < TRIAL_IDS; j++) {
        b->prompts[i][j] = 1000 * i + j;
        b->outputs[i][j] = 7 * i + j;
    }
    *receipt = (assay_receipt){.output_count = output_count, .stop = ASSAY_RECEIPT_STOP_LENGTH};
    *request = (assay_request){.session = t->session,
                               .sequence = t->next_sequence++,
                               .provider = t->chain.actors[PROVIDER],
                               .model = t->model,
                               .adapter = t->adapter,
                               .prompt_count = prompt_count,
                               .max_tokens = output_count,
                               .top_p_ppm = 1000000,
                               .max_fee = 100 * TRIAL_PRICE};
    assay_ids_digest(&request->prompt_digest, b->prompts[i], prompt_count);
    must(assay_request_sign(request, &t->chain.domain, &t->chain.keys[CONSUMER], err));
    assay_ids_digest(&receipt->output_digest, b->outputs[i], output_count);
    receipt->trace = trial_hash("trace");
    receipt->attribution_count = 2;
    receipt->attribution[0] = (assay_attribution_row){t->datasets[0], 600000};
    receipt->attribution[1] = (assay_attribution_row){t->datasets[1], 400000};
    receipt->fee = (uint64_t)(prompt_count + output_count) * TRIAL_PRICE;
}

// The batch of b->receipts [b->count], which are in order, with the table they have.
static inline void trial_table(trial *t, bundle *b) {
    b->session = (assay_session_row){t->session, b->receipts[0].request.sequence, b->count, 0};
    b->model = (assay_model_row){t->model, t->adapter, 0};
    for (uint32_t i = 0; i < 2; i++)
        b->datasets[i].dataset = t->datasets[i];
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        uint8_t encoded[ASSAY_RECEIPT_SIZE_MAX];
        assay_hash hash;
        const assay_receipt *receipt = &b->receipts[i];
        bytes += (uint32_t)assay_receipt_encode(receipt, encoded);
        assay_receipt_hash(&hash, receipt);
        assay_sumtree_leaf(&b->leaves[i], receipt->fee, &hash);
        b->session.fee_sum += receipt->fee;
        for (uint32_t j = 0; j < 2; j++)
            b->datasets[j].weight += (assay_u128)receipt->fee * receipt->attribution[j].ppm;
    }
    b->model.fee_sum = b->session.fee_sum;
    assay_sumtree_node root;
    must(assay_sumtree_root(&root, b->leaves, b->count, err));
    b->tx = chain_tx(&t->chain, PROVIDER, ASSAY_TX_SUBMIT_BATCH);
    b->tx.body.submit_batch = (assay_tx_submit_batch){
        .root = root.hash,
        .count = b->count,
        .fee_total = root.sum,
        .receipt_bytes = bytes,
        .uri = {(const uint8_t *)"http://127.0.0.1:1/b", 20},
        .sessions = {&b->session, 1},
        .models = {&b->model, 1},
        .datasets = {b->datasets, 2},
    };
}

// A batch of `count` made-up receipts; change tx.body.submit_batch at will.
static inline void trial_bundle(trial *t, bundle *b, uint32_t count) {
    memset(b, 0, sizeof *b);
    b->count = count;
    for (uint32_t i = 0; i < count; i++)
        trial_receipt(t, b, i);
    trial_table(t, b);
}

// The same, submitted in a block of its own and accepted.
static inline void trial_submit(trial *t, bundle *b, uint32_t count) {
    trial_bundle(t, b, count);
    b->id = chain_add(&t->chain, &b->tx);
    chain_block(&t->chain);
    trial_all_accepted(t);
}

static inline assay_batch trial_batch(const trial *t, const assay_hash *id) {
    assay_view view = chain_view(&t->chain);
    assay_batch batch;
    bool found;
    must(assay_batch_get(&batch, &found, &view.reader, id, err));
    assert_true(found);
    assay_view_close(&view);
    return batch;
}

static inline assay_case trial_case(const trial *t, const assay_hash *id, uint32_t sample) {
    assay_view view = chain_view(&t->chain);
    assay_case record;
    bool found;
    must(assay_case_get(&record, &found, &view.reader, id, sample, err));
    assert_true(found);
    assay_view_close(&view);
    return record;
}

// The votes of a round, [ASSAY_VOTERS_MAX]; returns how many.
static inline uint32_t trial_votes(const trial *t, const assay_hash *id, uint32_t sample,
                                   uint8_t round, assay_vote *out) {
    assay_view view = chain_view(&t->chain);
    uint32_t count;
    must(assay_case_votes(out, &count, &view.reader, id, sample, round, err));
    assay_view_close(&view);
    return count;
}

static inline uint64_t trial_bond_of(const trial *t, uint8_t role, uint32_t actor) {
    assay_view view = chain_view(&t->chain);
    assay_bond bond;
    must(assay_bond_get(&bond, &view.reader, role, &t->chain.actors[actor], err));
    assay_view_close(&view);
    return bond.active;
}

// What all validators together have bonded.
static inline uint64_t trial_bonds(const trial *t) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++)
        sum += trial_bond_of(t, ASSAY_ROLE_VERIFICATION, VALIDATOR + i);
    return sum;
}

// Open accusations of all validators.
static inline uint32_t trial_accusations(const trial *t) {
    assay_view view = chain_view(&t->chain);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < VALIDATOR_COUNT; i++) {
        uint32_t open;
        must(assay_accusations_open(&open, &view.reader, &t->chain.actors[VALIDATOR + i], 0, err));
        sum += open;
    }
    assay_view_close(&view);
    return sum;
}

// Place of an actor among the voters of a round of the duty's case, -1 if it is none.
static inline int trial_place(const trial *t, uint32_t actor, const assay_duty *duty,
                              uint8_t round) {
    assay_vote votes[ASSAY_VOTERS_MAX];
    uint32_t count = trial_votes(t, &duty->batch, duty->sample, round, votes);
    for (uint32_t i = 0; i < count; i++)
        if (assay_address_equal(&votes[i].validator, &t->chain.actors[actor])) return (int)i;
    return -1;
}

static inline void trial_expect(const trial *t, const assay_hash *id, uint32_t sample,
                                assay_case_state end, uint8_t verdict, uint8_t round) {
    assay_case record = trial_case(t, id, sample);
    assert_int_equal(record.state, end);
    assert_int_equal(record.verdict, verdict);
    assert_int_equal(record.round, round);
}

static inline uint32_t trial_actor(const trial *t, const assay_address *address) {
    for (uint32_t i = 0; i < CHAIN_ACTORS; i++)
        if (assay_address_equal(&t->chain.actors[i], address)) return i;
    fail_msg("a stranger");
    return CHAIN_ACTORS;
}

static inline assay_session trial_session(const trial *t, const assay_hash *id) {
    assay_view view = chain_view(&t->chain);
    assay_session session;
    bool found;
    must(assay_session_get(&session, &found, &view.reader, id, err));
    assert_true(found);
    assay_view_close(&view);
    return session;
}

// ---- voting ----

// What every honest rerun of a sample finds.
static inline assay_hash trial_probe(const assay_hash *batch, uint32_t sample) {
    uint8_t seed[33] = {(uint8_t)sample};
    assay_hash probe;
    memcpy(seed + 1, batch->bytes, 32);
    assay_sha256_of(&probe, seed, sizeof seed);
    return probe;
}

static inline assay_hash trial_ballot_probe(const ballot *mind, const assay_duty *duty,
                                            uint32_t actor) {
    assay_hash probe = {{0}};
    if (mind->verdict == ASSAY_VERDICT_DATA_MISSING) return mind->dataset;
    if (mind->verdict == ASSAY_VERDICT_REQUEST || mind->verdict >= ASSAY_VERDICT_UNAVAILABLE)
        return probe;
    probe = trial_probe(&duty->batch, duty->sample);
    if (mind->wrong_probe) probe.bytes[0] ^= (uint8_t)(1 + actor);
    return probe;
}

static inline void trial_commit_add(trial *t, uint32_t actor, const assay_duty *duty,
                                    const ballot *mind) {
    assay_tx tx = chain_tx(&t->chain, actor, ASSAY_TX_VERDICT_COMMIT);
    assay_hash salt = trial_hash("grain"), probe = trial_ballot_probe(mind, duty, actor);
    tx.body.verdict_commit =
        (assay_tx_verdict_commit){duty->batch, duty->sample, duty->round, {{0}}};
    assay_verdict_commitment(&tx.body.verdict_commit.commitment, &t->chain.actors[actor], &salt,
                             mind->verdict, &probe);
    chain_add(&t->chain, &tx);
}

static inline assay_tx trial_reveal_tx(trial *t, uint32_t actor, const assay_duty *duty,
                                       const ballot *mind) {
    assay_tx tx = chain_tx(&t->chain, actor, ASSAY_TX_VERDICT_REVEAL);
    tx.body.verdict_reveal = (assay_tx_verdict_reveal){
        duty->batch,         duty->sample,  duty->round,
        trial_hash("grain"), mind->verdict, trial_ballot_probe(mind, duty, actor),
    };
    return tx;
}

// The duties of an actor for the next block; returns how many.
static inline uint32_t trial_duties(const trial *t, uint32_t actor, assay_duty out[TRIAL_DUTIES]) {
    assay_view view = chain_view(&t->chain);
    uint32_t count;
    bool more;
    must(assay_duty_list(out, &count, &more, TRIAL_DUTIES, &view.reader, view.height + 1,
                         &t->chain.actors[actor], err));
    assert_false(more);
    assay_view_close(&view);
    return count;
}

// One block in which every validator does what it must, as its habit has it.
static inline void trial_step(trial *t) {
    for (uint32_t actor = VALIDATOR; actor < VALIDATOR + VALIDATOR_COUNT; actor++) {
        assay_duty duties[TRIAL_DUTIES];
        uint32_t count = trial_duties(t, actor, duties);
        for (uint32_t i = 0; i < count; i++) {
            ballot mind = {0};
            if (t->votes != NULL) mind = t->votes(t, actor, &duties[i]);
            if (duties[i].kind == ASSAY_DUTY_COMMIT && !mind.no_commit) {
                trial_commit_add(t, actor, &duties[i], &mind);
            } else if (duties[i].kind == ASSAY_DUTY_REVEAL && !mind.no_reveal) {
                assay_tx tx = trial_reveal_tx(t, actor, &duties[i], &mind);
                chain_add(&t->chain, &tx);
            }
        }
    }
    chain_block(&t->chain);
    trial_all_accepted(t);
}

// Steps until the batch is in `state` or has ended.
static inline assay_batch trial_until(trial *t, const assay_hash *id, assay_batch_state state) {
    for (;;) {
        assay_batch batch = trial_batch(t, id);
        if (batch.state == state || batch.ended > 0) return batch;
        trial_step(t);
    }
}

static inline assay_batch trial_run_out(trial *t, const assay_hash *id) {
    return trial_until(t, id, ASSAY_BATCH_SETTLED);
}

// ---- evidence ----

// u32 count and ids.
static inline void trial_ids_write(assay_writer *writer, const uint32_t *ids, uint32_t count) {
    assay_writer_u32(writer, count);
    for (uint32_t i = 0; i < count; i++)
        assay_writer_u32(writer, ids[i]);
}

// The leaf that holds a nano-OPEN, as its provider posts it. Returns: bytes in out.
static inline size_t trial_leaf_evidence(const bundle *b, uint64_t position, uint8_t *out,
                                         size_t capacity) {
    uint8_t receipt[ASSAY_RECEIPT_SIZE_MAX], file[2048];
    assay_sumtree_step path[ASSAY_SUMTREE_PATH_MAX];
    assay_writer writer, leaf;
    uint32_t index = assay_sumtree_find(b->leaves, b->count, position);
    uint32_t path_count = assay_sumtree_path(path, b->leaves, b->count, index);
    size_t size = assay_receipt_encode(&b->receipts[index], receipt);
    assay_writer_init(&leaf, file, sizeof file);
    assay_writer_copy(&leaf, "ASLE", 4);
    assay_writer_u32(&leaf, 1);
    trial_ids_write(&leaf, b->prompts[index], b->receipts[index].request.prompt_count);
    trial_ids_write(&leaf, b->outputs[index], b->receipts[index].output_count);
    assay_writer_init(&writer, out, capacity);
    assay_evidence_leaf_write(&writer, index, (assay_bytes){receipt, size}, path, path_count,
                              (assay_bytes){file, leaf.size});
    assert_false(leaf.failed || writer.failed);
    return writer.size;
}

static inline size_t trial_table_evidence(const bundle *b, uint8_t *out, size_t capacity) {
    assay_writer writer;
    assay_writer_init(&writer, out, capacity);
    assay_writer_copy(&writer, "ASRB", 4);
    assay_writer_u32(&writer, 1);
    assay_writer_u32(&writer, b->count);
    for (uint32_t i = 0; i < b->count; i++) {
        uint8_t receipt[ASSAY_RECEIPT_SIZE_MAX];
        size_t size = assay_receipt_encode(&b->receipts[i], receipt);
        assay_writer_blob(&writer, receipt, (uint32_t)size);
    }
    assert_false(writer.failed);
    return writer.size;
}

static inline assay_tx trial_post_tx(trial *t, const assay_hash *batch, uint32_t sample,
                                     uint16_t part, uint16_t part_count, const uint8_t *data,
                                     size_t size) {
    assay_tx tx = chain_tx(&t->chain, PROVIDER, ASSAY_TX_POST_EVIDENCE);
    tx.body.post_evidence =
        (assay_tx_post_evidence){*batch, sample, part, part_count, {data, size}};
    return tx;
}

#endif
