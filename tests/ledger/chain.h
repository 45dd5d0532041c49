// SPDX-License-Identifier: Apache-2.0
// A small chain in a folder of its own: actors with keys and balances, transactions signed and put
// into blocks, and after every block the whole state added up against the totals.
#ifndef ASSAY_TESTS_LEDGER_CHAIN_H
#define ASSAY_TESTS_LEDGER_CHAIN_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "ledger/batch.h"
#include "ledger/beacon.h"
#include "ledger/checkers.h"
#include "ledger/commitment.h"
#include "ledger/scan.h"
#include "ledger/tx/typed.h"
#include "ledger/validator.h"
#include "ledger/view.h"
#include "tests/folder.h"
#include "tests/ledger/tx/reject_name.h"
#include "tests/test.h"

enum {
    CHAIN_ID = 7001,
    CHAIN_ACTORS = 12,       // actor 0 is the operator
    CHAIN_PREIMAGES = 4096,  // length of the operator's hash chain
    CHAIN_TXS = 8192,        // transactions of one block
    CHAIN_TX_BYTES = 8 << 20 // and their bytes
};
#define CHAIN_OPEN    UINT64_C(1000000000)
#define CHAIN_BALANCE (1000 * CHAIN_OPEN) // of each actor at genesis

typedef struct chain chain;
struct chain {
    char folder[32];
    assay_genesis genesis;
    assay_domain domain;
    assay_app *app;
    assay_key keys[CHAIN_ACTORS];
    assay_address actors[CHAIN_ACTORS];
    assay_hash links[CHAIN_PREIMAGES + 1]; // hash chain: links[i] = SHA-256(links[i + 1])
    uint64_t map_size;                     // of the store, bytes
    bool silent;                           // no beacon transaction in the next blocks
    uint64_t height;                       // of the last block
    uint8_t *bytes;                        // [CHAIN_TX_BYTES] of the block being built
    size_t used;
    assay_bytes txs[CHAIN_TXS];
    uint32_t tx_count; // the beacon, if any, is the first
    assay_app_outcome outcome;
    // Sees each block between its execution and its commit; NULL: nobody does.
    void (*witness)(chain *c, const assay_app_block *block);
    void *context; // the witness's
};

static inline void chain_key(assay_key *out, uint32_t index) {
    assay_hash hash;
    char name[32];
    snprintf(name, sizeof name, "actor %u", index);
    assay_sha256_of(&hash, name, strlen(name));
    memcpy(out->bytes, hash.bytes, sizeof out->bytes);
}

// The secret of an actor's consensus key.
static inline assay_hash chain_seed(uint32_t actor) {
    assay_hash seed;
    char name[32];
    snprintf(name, sizeof name, "consensus %u", actor);
    assay_sha256_of(&seed, name, strlen(name));
    return seed;
}

// The proof that the consensus key of `actor` stands for an account.
static inline void chain_proof(uint8_t proof[ASSAY_ED25519_SIGNATURE_SIZE], uint32_t actor,
                               const assay_hash *genesis, const assay_address *account) {
    uint8_t message[ASSAY_VALIDATOR_MESSAGE_SIZE];
    assay_hash secret = chain_seed(actor);
    assay_validator_message(message, genesis, account);
    must(assay_ed25519_sign(proof, secret.bytes, message, sizeof message, err));
}

// Actors 0 to count − 1 are the genesis's validators, each with its bond and the one hash chain.
static inline void chain_validators(chain *c, const uint64_t *bonds_open, uint32_t count) {
    free(c->genesis.validators);
    c->genesis.validators = calloc(count, sizeof *c->genesis.validators);
    c->genesis.validator_count = count;
    for (uint32_t i = 0; i < count; i++) {
        assay_genesis_validator *entry = &c->genesis.validators[i];
        entry->address = c->actors[i];
        entry->consensus_bond = bonds_open[i] * CHAIN_OPEN;
        entry->chain_tip = c->links[0];
        entry->chain_length = CHAIN_PREIMAGES;
        must(assay_ed25519_public(entry->ed25519, chain_seed(i).bytes, err));
    }
}

// The genesis: params as the demo has them, only faster; change what a test needs, then start.
static inline void chain_init(chain *c) {
    memset(c, 0, sizeof *c);
    c->map_size = 1 << 30;
    assay_genesis *genesis = &c->genesis;
    genesis->chain_id = CHAIN_ID;
    snprintf(genesis->name, sizeof genesis->name, "a small chain");
    genesis->testnet = true;
    assay_params_init(&genesis->params);
    genesis->params.close_delay = 4;
    genesis->params.commit_blocks = 4;
    genesis->params.reveal_blocks = 3;
    genesis->params.answer_blocks = 4;
    genesis->params.epoch_blocks = 20;
    genesis->params.unbond_trust_blocks = 1;
    genesis->params.commitment_blocks = 1;
    genesis->accounts = calloc(CHAIN_ACTORS, sizeof *genesis->accounts);
    genesis->account_count = CHAIN_ACTORS;
    for (uint32_t i = 0; i < CHAIN_ACTORS; i++) {
        chain_key(&c->keys[i], i);
        must(assay_key_address(&c->actors[i], &c->keys[i], err));
        genesis->accounts[i] = (assay_genesis_account){c->actors[i], CHAIN_BALANCE};
    }
    assay_sha256_of(&c->links[CHAIN_PREIMAGES], "seed", 4);
    for (int i = CHAIN_PREIMAGES; i > 0; i--)
        assay_sha256_of(&c->links[i - 1], c->links[i].bytes, ASSAY_HASH_SIZE);
    chain_validators(c, &(uint64_t){100}, 1);
}

static inline void chain_app_open(chain *c) {
    assay_app_options options = {.skip_sync = true, .map_size = c->map_size};
    must(assay_app_open(&c->app, c->folder, &c->genesis, &options, err));
    must(assay_app_init_chain(c->app, err));
}

// Block bytes start with the beacon's place, filled when the block is made.
static inline void chain_block_clear(chain *c) {
    c->used = 0;
    c->tx_count = 0;
}

static inline void chain_start(chain *c) {
    must(assay_genesis_seal(&c->genesis, err));
    assay_domain_init(&c->domain, CHAIN_ID, &c->genesis.hash);
    snprintf(c->folder, sizeof c->folder, "/tmp/assay_chain_XXXXXX");
    test_folder_make(c->folder);
    c->bytes = malloc(CHAIN_TX_BYTES);
    chain_block_clear(c);
    chain_app_open(c);
}

static inline void chain_close(chain *c) {
    assay_app_close(c->app);
    assay_genesis_close(&c->genesis);
    free(c->bytes);
    assay_folder_remove(c->folder);
}

// The same in memory of its own: change the genesis and start it; it ends with chain_end.
static inline chain *chain_new(void) {
    chain *c = malloc(sizeof *c);
    assert_non_null(c);
    chain_init(c);
    return c;
}

static inline chain *chain_begin(void) {
    chain *c = chain_new();
    chain_start(c);
    return c;
}

static inline void chain_end(chain *c) {
    chain_close(c);
    free(c);
}

// For cmocka: a chain for each test.
static inline int chain_setup(void **state) {
    *state = chain_begin();
    return 0;
}

static inline int chain_teardown(void **state) {
    chain_end(*state);
    return 0;
}

// A view of the last block; close it before the next.
static inline assay_view chain_view(const chain *c) {
    assay_view view;
    must(assay_view_open(&view, c->app, err));
    return view;
}

static inline assay_account chain_account(const chain *c, const assay_address *address) {
    assay_view view = chain_view(c);
    assay_account account;
    must(assay_account_get(&account, &view.reader, address, err));
    assay_view_close(&view);
    return account;
}

static inline uint64_t chain_balance(const chain *c, uint32_t actor) {
    return chain_account(c, &c->actors[actor]).balance;
}

static inline assay_totals chain_totals(const chain *c) {
    assay_view view = chain_view(c);
    assay_totals totals;
    must(assay_totals_get(&totals, &view.reader, err));
    assay_view_close(&view);
    return totals;
}

// Transactions of this signer and lane in the block being built.
static inline uint64_t chain_waiting(const chain *c, const assay_address *signer, uint8_t lane) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < c->tx_count; i++) {
        const uint8_t *head = c->txs[i].data;
        count += memcmp(head + 10, signer->bytes, ASSAY_ADDRESS_SIZE) == 0 && head[50] == lane;
    }
    return count;
}

// A transaction of `actor` for itself, its nonce the next one; fill in the body.
static inline assay_tx chain_tx(const chain *c, uint32_t actor, assay_tx_kind kind) {
    assay_tx tx = {.kind = kind, .chain_id = CHAIN_ID, .lane = assay_tx_lane(kind)};
    tx.signer = tx.principal = c->actors[actor];
    tx.nonce = chain_account(c, &tx.signer).nonces[tx.lane] + chain_waiting(c, &tx.signer, tx.lane);
    return tx;
}

// The same, signed by `agent` for `principal`.
static inline assay_tx chain_agent_tx(const chain *c, uint32_t agent, uint32_t principal,
                                      assay_tx_kind kind) {
    assay_tx tx = chain_tx(c, agent, kind);
    tx.principal = c->actors[principal];
    return tx;
}

// What a transaction costs before its new keys (P-27).
static inline uint64_t chain_fee(const chain *c, const assay_tx *tx) {
    return c->genesis.params.tx_fee_base + assay_tx_size(tx) * c->genesis.params.tx_fee_byte;
}

static inline void chain_add_bytes(chain *c, const void *data, size_t size) {
    assert_true(c->tx_count < CHAIN_TXS && size <= CHAIN_TX_BYTES - c->used);
    memcpy(c->bytes + c->used, data, size);
    c->txs[c->tx_count++] = (assay_bytes){c->bytes + c->used, size};
    c->used += size;
}

// Signs (with the key of the actor that tx->signer names) and adds to the block.
// Returns: the digest, the id of a session or batch that it makes.
static inline assay_hash chain_add(chain *c, assay_tx *tx) {
    uint32_t actor = 0;
    while (actor < CHAIN_ACTORS && !assay_address_equal(&c->actors[actor], &tx->signer))
        actor++;
    assert_true(actor < CHAIN_ACTORS);
    must(assay_tx_sign(tx, &c->domain, &c->keys[actor], err));
    size_t size;
    assert_true(c->tx_count < CHAIN_TXS);
    must(assay_tx_encode(tx, c->bytes + c->used, CHAIN_TX_BYTES - c->used, &size, err));
    c->txs[c->tx_count++] = (assay_bytes){c->bytes + c->used, size};
    c->used += size;
    assay_hash digest;
    assay_tx_digest(&digest, tx, &c->domain);
    return digest;
}

// Adds an actor's commitment to the root of a model or adapter (salt NULL), or of a data set.
static inline void chain_commit_add(chain *c, uint32_t actor, const assay_hash *root,
                                    const assay_hash *salt) {
    assay_tx tx = chain_tx(c, actor, ASSAY_TX_COMMIT_DATASET);
    assay_commitment_hash(&tx.body.commit_dataset.commitment, root, salt, &tx.principal);
    chain_add(c, &tx);
}

// An actor's beacon for a height, signed with its consensus key. preimage NULL: it has none to
// give.
static inline assay_tx chain_beacon(const chain *c, uint32_t actor, uint64_t height,
                                    const assay_hash *preimage) {
    assay_tx tx = {.kind = ASSAY_TX_BEACON, .chain_id = CHAIN_ID, .nonce = height};
    tx.signer = tx.principal = c->actors[actor];
    if (preimage) tx.body.beacon.preimage = *preimage;
    must(assay_beacon_sign(&tx, &c->genesis.hash, chain_seed(actor).bytes, err));
    return tx;
}

// The operator's next preimage as the first transaction.
static inline void chain_beacon_add(chain *c, uint64_t revealed) {
    assay_tx tx = chain_beacon(c, 0, c->height + 1, &c->links[revealed + 1]);
    size_t size;
    must(assay_tx_encode(&tx, c->bytes + c->used, CHAIN_TX_BYTES - c->used, &size, err));
    memmove(c->txs + 1, c->txs, c->tx_count * sizeof *c->txs);
    c->txs[0] = (assay_bytes){c->bytes + c->used, size};
    c->tx_count++;
    c->used += size;
}

// The one that an honest block has.
static inline void chain_beacon_next(chain *c) {
    assay_view view = chain_view(c);
    assay_chain links;
    must(assay_chain_get(&links, &view.reader, &c->actors[0], err));
    assay_view_close(&view);
    if (links.left != 0) chain_beacon_add(c, CHAIN_PREIMAGES - links.left);
}

static inline assay_app_block chain_block_input(chain *c) {
    if (!c->silent) chain_beacon_next(c);
    return (assay_app_block){
        .height = c->height + 1,
        .time = 1700000000 + c->height,
        .proposer = c->actors[0],
        .txs = c->txs,
        .tx_count = c->tx_count,
    };
}

// Adds up the whole state. Every block of every scenario ends with it.
static inline void chain_scan(const chain *c) {
    assay_view view = chain_view(c);
    assay_totals totals;
    must(assay_totals_scan(&totals, &view.reader, view.params, err));
    assert_int_equal(assay_totals_sum(&totals), c->genesis.supply);
    assay_view_close(&view);
}

// Makes the block of what was added, with the engine's reports. Results are in c->outcome;
// chain_code gives those of the added transactions in their order.
static inline void chain_block_with(chain *c, const assay_misbehavior *misbehaviors,
                                    uint32_t count) {
    assay_app_block block = chain_block_input(c);
    block.misbehaviors = misbehaviors;
    block.misbehavior_count = count;
    must(assay_app_finalize_block(c->app, &block, &c->outcome, err));
    if (c->witness) c->witness(c, &block);
    must(assay_app_commit(c->app, err));
    assay_app_forget_waiting(c->app);
    c->height++;
    chain_block_clear(c);
    chain_scan(c);
}

static inline void chain_block(chain *c) {
    chain_block_with(c, NULL, 0);
}

static inline uint32_t chain_code(const chain *c, uint32_t index) {
    return c->outcome.results[index + !c->silent].code;
}

static inline void chain_blocks(chain *c, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        chain_block(c);
}

static inline void chain_until(chain *c, uint64_t height) {
    while (c->height < height)
        chain_block(c);
}

#define chain_expect(c, index, name)                                                               \
    do {                                                                                           \
        uint32_t chain_code_ = chain_code((c), (index));                                           \
        if (chain_code_ != ASSAY_REJECT_##name)                                                    \
            fail_msg("%s:%d: %s: %s", __FILE__, __LINE__, reject_name(chain_code_),                \
                     (c)->outcome.texts[(index) + !(c)->silent]);                                  \
    } while (0)

// One transaction in a block of its own, with its expected result (NONE: accepted).
#define chain_run(c, tx, name)                                                                     \
    do {                                                                                           \
        chain_add((c), (tx));                                                                      \
        chain_block((c));                                                                          \
        chain_expect((c), 0, name);                                                                \
    } while (0)

// A block made by hand, for calling what only other rules call (slashes, reservations, …): begin,
// call with the ledger, end. Nothing that is due happens in it.
static inline assay_ledger chain_by_hand(chain *c) {
    assay_store *store = assay_app_store(c->app);
    must(assay_store_begin(store, err));
    assay_ledger ledger = {
        .store = store,
        .reader = assay_reader_of_store(store),
        .genesis = &c->genesis,
        .params = &c->genesis.params,
        .height = c->height + 1,
        .writes_max = ASSAY_WRITES_TXS,
        .proposer = c->actors[0],
    };
    must(assay_totals_get(&ledger.totals, &ledger.reader, err));
    return ledger;
}

static inline void chain_by_hand_end(chain *c, assay_ledger *ledger) {
    assay_hash root;
    must(assay_totals_put(ledger, err));
    must(assay_store_root(ledger->store, &root, err));
    must(assay_store_commit(ledger->store, ledger->height, &c->genesis.hash, err));
    c->height++;
    chain_scan(c);
}

// An open batch without anything to it, which everyone may check: lane 1 is for its provider and
// its checkers (P-26).
static inline assay_hash chain_open_batch(chain *c, uint32_t provider) {
    assay_hash id = {{0xba}};
    assay_batch batch = {.state = ASSAY_BATCH_WAITING, .provider = c->actors[provider]};
    assay_checkers checkers = {.count = CHAIN_ACTORS};
    assay_ledger ledger = chain_by_hand(c);
    for (uint32_t i = 0; i < CHAIN_ACTORS; i++)
        checkers.voters[i] = (assay_voter){c->actors[i], CHAIN_OPEN};
    must(assay_batch_put(&ledger, &id, &batch, err));
    must(assay_checkers_put(&ledger, &id, &checkers, err));
    chain_by_hand_end(c, &ledger);
    return id;
}

// SHA-256 over all state entries but TOTALS, the beacon, closed epochs, and (NULL: none) one
// account.
static inline assay_hash chain_digest(const chain *c, const assay_address *without) {
    assay_view view = chain_view(c);
    assay_record_key from = {.size = 0};
    assay_store_position at;
    assay_sha256 sha;
    assay_hash digest;
    assay_record_key account = {.size = 0};
    if (without != NULL) account = assay_record_key_of_address(ASSAY_TABLE_ACCOUNT, without);
    assay_sha256_init(&sha);
    assay_record_key_start(&from, ASSAY_TABLE_ACCOUNT);
    must(assay_reader_seek(&view.reader, &at, &from, 0, err));
    while (at.key_size != 0 && at.key[0] < ASSAY_STORE_AUX) {
        bool skip =
            at.key[0] == ASSAY_TABLE_BEACON || at.key[0] == ASSAY_TABLE_CHAIN ||
            at.key[0] == ASSAY_TABLE_EPOCH ||
            (at.key_size == account.size && memcmp(at.key, account.bytes, account.size) == 0);
        if (!skip) {
            assay_sha256_update(&sha, at.key, at.key_size);
            assay_sha256_update(&sha, at.value.data, at.value.size);
        }
        must(assay_reader_next(&view.reader, &at, err));
    }
    assay_sha256_final(&sha, &digest);
    assay_view_close(&view);
    return digest;
}

// Refused by its rule: the nonce is taken and the base fee burned, and nothing else has changed.
// Not by an agent: its allowance would change too.
#define chain_refuse(c, tx, name)                                                                  \
    do {                                                                                           \
        assay_address chain_payer_ = (tx)->principal;                                              \
        assay_hash chain_before_ = chain_digest((c), &chain_payer_);                               \
        assay_account chain_was_ = chain_account((c), &chain_payer_);                              \
        uint64_t chain_fee_ = chain_fee((c), (tx));                                                \
        chain_run((c), (tx), name);                                                                \
        assay_account chain_is_ = chain_account((c), &chain_payer_);                               \
        assay_hash chain_after_ = chain_digest((c), &chain_payer_);                                \
        assert_memory_equal(&chain_before_, &chain_after_, sizeof chain_after_);                   \
        assert_int_equal(chain_is_.balance, chain_was_.balance - chain_fee_);                      \
        assert_int_equal(chain_is_.nonces[(tx)->lane], chain_was_.nonces[(tx)->lane] + 1);         \
        assert_int_equal(chain_is_.nonces[1 - (tx)->lane], chain_was_.nonces[1 - (tx)->lane]);     \
    } while (0)

// Not admitted: nothing has changed at all, and check_tx says the same.
#define chain_keep_out(c, tx, name)                                                                \
    do {                                                                                           \
        assay_hash chain_before_ = chain_digest((c), NULL), chain_id_;                             \
        assay_totals chain_was_ = chain_totals((c));                                               \
        assay_error chain_refusal_ = {0};                                                          \
        chain_add((c), (tx));                                                                      \
        assert_int_equal(assay_app_check_tx((c)->app, (c)->txs[0].data, (c)->txs[0].size, false,   \
                                            &chain_id_, &chain_refusal_),                          \
                         ASSAY_REJECTED);                                                          \
        assert_int_equal(chain_refusal_.reject, ASSAY_REJECT_##name);                              \
        chain_block((c));                                                                          \
        chain_expect((c), 0, name);                                                                \
        assay_hash chain_after_ = chain_digest((c), NULL);                                         \
        assay_totals chain_is_ = chain_totals((c));                                                \
        assert_memory_equal(&chain_before_, &chain_after_, sizeof chain_after_);                   \
        assert_memory_equal(&chain_was_, &chain_is_, sizeof chain_is_);                            \
    } while (0)

#endif
