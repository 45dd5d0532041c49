// SPDX-License-Identifier: Apache-2.0
// A whole small world in one process, nothing mocked: the ledger behind the solo engine, its API on
// a port of 127.0.0.1, the demo's model with one adapter and its data set imported and registered,
// bonded provider and validators. What a test sends goes through the API as anyone's would.
#ifndef ASSAY_TESTS_NODE_WORK_H
#define ASSAY_TESTS_NODE_WORK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/ed25519.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/sha256.h"
#include "consensus/ledger_application.h"
#include "consensus/solo.h"
#include "ledger/commitment.h"
#include "node/api/api.h"
#include "node/http/server.h"
#include "node/provider/provider.h"
#include "node/verifier/check.h"
#include "node/workshop/batch_table.h"
#include "quant/import/adapter_import.h"
#include "quant/import/import.h"
#include "tests/folder.h"
#include "tests/test.h"

enum {
    OPERATOR,
    CONTRIBUTOR,
    PUBLISHER,
    TUNER,
    CONSUMER,
    PROVIDER,
    RIVAL, // another provider
    VALIDATOR,
    VALIDATOR_2,
    VALIDATOR_3,
    ACTORS,
};

enum { BLOCK_MS = 10, LINKS = 1 << 16, PROMPT = 8 };

#define OPEN UINT64_C(1000000000)

typedef struct {
    char folder[64];
    uint32_t block_ms;
    char model_file[96], adapter_file[96], provider_home[96];
    const char *adapter_files[1], *dataset_files[1];
    assay_genesis genesis;
    assay_beacon_chains chains;
    assay_app *app;
    assay_ledger_application application;
    assay_solo *solo;
    assay_chain_engine engine;
    assay_api api;
    assay_http_server *server;
    assay_wallet wallets[ACTORS];
    assay_workshop shop;
    assay_hash model, adapter, dataset;
} work;

static work world; // the program's

// Runs a call that must fail with this status and a sentence that contains `words`.
#define work_refused(call, name, words)                                                            \
    do {                                                                                           \
        assay_error work_error_ = {0}, *err = &work_error_;                                        \
        assay_status work_status_ = (call);                                                        \
        if (work_status_ != ASSAY_##name || !strstr(err->text, (words)))                           \
            fail_msg("%s:%d: error %d: \"%s\", not %s with \"%s\"", __FILE__, __LINE__,            \
                     (int)work_status_, err->text, #name, (words));                                \
    } while (0)

static inline void work_key(assay_key *out, uint32_t index) {
    assay_hash hash;
    char name[32];
    snprintf(name, sizeof name, "actor %u", index);
    assay_sha256_of(&hash, name, strlen(name));
    memcpy(out->bytes, hash.bytes, sizeof out->bytes);
}

static inline void work_sleep(unsigned ms) {
    const struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

// Params and accounts; change what a test needs, then start.
static inline void work_init(work *w) {
    memset(w, 0, sizeof *w);
    w->block_ms = BLOCK_MS;
    assay_genesis *genesis = &w->genesis;
    genesis->chain_id = 7;
    snprintf(genesis->name, sizeof genesis->name, "a small world");
    genesis->testnet = true;
    assay_params_init(&genesis->params);
    genesis->params.commit_blocks = 100000;
    genesis->params.close_delay = 4;
    genesis->params.commitment_blocks = 1;
    genesis->accounts = calloc(ACTORS, sizeof *genesis->accounts);
    genesis->account_count = ACTORS;
    for (uint32_t i = 0; i < ACTORS; i++) {
        assay_wallet *wallet = &w->wallets[i];
        *wallet = (assay_wallet){.wait_ms = 20000};
        work_key(&wallet->key, i);
        must(assay_key_address(&wallet->address, &wallet->key, err));
        wallet->principal = wallet->address;
        genesis->accounts[i] = (assay_genesis_account){wallet->address, 100000 * OPEN};
    }
}

static inline void work_engine_start(work *w) {
    static const uint8_t seed[ASSAY_ED25519_KEY_SIZE] = {7};
    char blocks[96], name[ASSAY_CHAIN_ID_MAX + 1];
    const assay_hash beacon_seed = {{9}};
    assay_genesis *genesis = &w->genesis;
    genesis->validators = calloc(1, sizeof *genesis->validators);
    genesis->validator_count = 1;
    genesis->validators[0].address = w->wallets[OPERATOR].address;
    genesis->validators[0].consensus_bond = 100 * OPEN;
    genesis->validators[0].chain_length = LINKS;
    must(assay_ed25519_public(genesis->validators[0].ed25519, seed, err));
    must(assay_beacon_chains_open(&w->chains, seed, &beacon_seed, LINKS, err));
    assay_beacon_chains_at(&genesis->validators[0].chain_tip, &w->chains, 0, LINKS);
    must(assay_genesis_seal(genesis, err));
    const assay_app_options options = {.skip_sync = true, .map_size = UINT64_C(1) << 30};
    must(assay_app_open(&w->app, w->folder, genesis, &options, err));
    w->application = (assay_ledger_application){.app = w->app, .chains = &w->chains};
    assay_chain_name(name, genesis);
    snprintf(blocks, sizeof blocks, "%s/blocks", w->folder);
    assay_solo_options solo = {.folder = blocks,
                               .application = assay_ledger_application_calls(&w->application),
                               .chain_id = name,
                               .genesis_seconds = genesis->time,
                               .power = 100,
                               .block_ms = w->block_ms};
    memcpy(solo.seed, seed, sizeof seed);
    must(assay_solo_open(&w->solo, &solo, err));
    w->engine = assay_solo_engine(w->solo);
    w->api = (assay_api){.app = w->app,
                         .engine = &w->engine,
                         .genesis = genesis,
                         .wait_ms_max = ASSAY_API_WAIT_MS_MAX,
                         .slow = PTHREAD_MUTEX_INITIALIZER};
    const assay_http_options http = {.listen = "127.0.0.1:0",
                                     .body_max = 8 << 20,
                                     .connections_max = 128,
                                     .handle = assay_api_handle,
                                     .context = &w->api};
    must(assay_http_server_open(&w->server, &http, err));
    must(assay_solo_start(w->solo, err));
    for (uint32_t i = 0; i < ACTORS; i++)
        must(assay_client_open(&w->wallets[i].client, assay_http_server_url(w->server),
                               &genesis->hash, err));
}

// Sends through the API and waits for the block. Returns: the message's digest.
static inline assay_hash work_send(work *w, uint32_t actor, assay_tx *tx) {
    assay_sent sent;
    must(assay_wallet_send(&w->wallets[actor], tx, &sent, err));
    return sent.digest;
}

static inline void work_bond(work *w, uint32_t actor, uint8_t role) {
    assay_tx tx = {.kind = ASSAY_TX_BOND};
    tx.body.bond = (assay_tx_bond){role, 1000 * OPEN};
    work_send(w, actor, &tx);
}

static inline assay_bytes work_text(const char *text) {
    return (assay_bytes){(const uint8_t *)text, strlen(text)};
}

static inline void work_commit(work *w, uint32_t actor, const assay_hash *root,
                               const assay_hash *salt) {
    assay_tx tx = {.kind = ASSAY_TX_COMMIT_DATASET};
    assay_commitment_hash(&tx.body.commit_dataset.commitment, root, salt,
                          &w->wallets[actor].address);
    work_send(w, actor, &tx);
}

// Commits to a data set and registers it with these sizes.
static inline void work_dataset(work *w, uint32_t actor, const assay_hash *root,
                                uint64_t chunk_count, uint64_t byte_count) {
    assay_tx tx = {.kind = ASSAY_TX_REGISTER_DATASET};
    const assay_hash salt = {{3}};
    work_commit(w, actor, root, &salt);
    tx.body.register_dataset = (assay_tx_register_dataset){.root = *root,
                                                           .salt = salt,
                                                           .chunk_count = chunk_count,
                                                           .byte_count = byte_count,
                                                           .license = work_text("CC0-1.0"),
                                                           .name = work_text("carroll")};
    work_send(w, actor, &tx);
}

static inline void work_register(work *w) {
    assay_tx tx = {.kind = ASSAY_TX_REGISTER_MODEL};
    const assay_corpus *corpus = &w->shop.datasets[0].corpus;
    w->model = w->shop.model.root;
    w->adapter = w->shop.adapters[0].root;
    w->dataset = corpus->root;
    work_dataset(w, CONTRIBUTOR, &w->dataset, corpus->chunk_count, corpus->text.size);
    work_commit(w, PUBLISHER, &w->model, NULL);
    work_commit(w, TUNER, &w->adapter, NULL);
    tx.body.register_model = (assay_tx_register_model){
        .root = w->model, .byte_count = w->shop.model.file.size, .name = work_text("base")};
    work_send(w, PUBLISHER, &tx);
    tx = (assay_tx){.kind = ASSAY_TX_REGISTER_ADAPTER};
    const assay_source_row source = {w->dataset, ASSAY_SHARE_SUM};
    tx.body.register_adapter = (assay_tx_register_adapter){.base = w->model,
                                                           .root = w->adapter,
                                                           .byte_count = 1 << 20,
                                                           .name = work_text("carroll"),
                                                           .sources = {&source, 1}};
    work_send(w, TUNER, &tx);
}

// What a validator says it can rerun: the model, and the adapter where wanted.
static inline void work_declare(work *w, uint32_t actor, bool model, bool adapter) {
    assay_tx tx = {.kind = ASSAY_TX_DECLARE_ROOTS};
    assay_hash roots[2] = {w->model, w->adapter};
    if (model && adapter && memcmp(roots[0].bytes, roots[1].bytes, ASSAY_HASH_SIZE) > 0) {
        roots[0] = w->adapter;
        roots[1] = w->model;
    }
    tx.body.declare_roots.roots = (assay_hash_list){roots, model ? adapter ? 2 : 1 : 0};
    work_send(w, actor, &tx);
}

static inline void work_validate(work *w, uint32_t actor) {
    work_bond(w, actor, ASSAY_ROLE_VERIFICATION);
    work_declare(w, actor, true, true);
}

// A workshop with the model and the adapter, and the data set unless left out.
static inline void work_shop_open(const work *w, assay_workshop *shop, bool with_data,
                                  uint64_t threads) {
    assay_workshop_options options = {.model_file = w->model_file, .threads = threads};
    options.adapter_files.items[0] = w->adapter_file;
    options.adapter_files.count = 1;
    options.dataset_files.items[0] = ASSAY_SOURCE_DIR "/testnet/data/carroll.txt";
    options.dataset_files.count = with_data ? 1 : 0;
    must(assay_workshop_open(shop, &options, err));
    must(assay_workshop_wait(shop, err));
}

static inline void work_start(work *w) {
    assay_hash root;
    // Where there is memory to write to, blocks do not wait for a disk.
    bool memory = access("/dev/shm", W_OK) == 0;
    snprintf(w->folder, sizeof w->folder, "%s/assay_work_XXXXXX", memory ? "/dev/shm" : "/tmp");
    test_folder_make(w->folder);
    snprintf(w->model_file, sizeof w->model_file, "%s/base.model", w->folder);
    snprintf(w->adapter_file, sizeof w->adapter_file, "%s/carroll.adapter", w->folder);
    snprintf(w->provider_home, sizeof w->provider_home, "%s/provider", w->folder);
    must(assay_model_import(&root, ASSAY_SOURCE_DIR "/testnet/model", w->model_file, NULL, NULL,
                            err));
    must(assay_adapter_import(&root, ASSAY_SOURCE_DIR "/testnet/adapters/carroll", w->adapter_file,
                              NULL, err));
    work_shop_open(w, &w->shop, true, 1);
    work_engine_start(w);
    work_register(w);
    work_bond(w, PROVIDER, ASSAY_ROLE_PROVIDER);
    work_bond(w, RIVAL, ASSAY_ROLE_PROVIDER);
    for (uint32_t i = VALIDATOR; i < ACTORS; i++)
        work_validate(w, i);
}

static inline void work_close(work *w) {
    assay_http_server_close(w->server);
    assay_solo_close(w->solo);
    assay_app_close(w->app);
    assay_beacon_chains_close(&w->chains);
    assay_genesis_close(&w->genesis);
    assay_workshop_close(&w->shop);
}

// The group's teardown.
static inline int world_end(void **state) {
    (void)state;
    work_close(&world);
    return 0;
}

// ---- sessions and requests ----

static inline assay_hash work_session(work *w, uint32_t provider, uint64_t deposit,
                                      uint64_t price_in, uint64_t price_out) {
    assay_tx tx = {.kind = ASSAY_TX_OPEN_SESSION};
    tx.body.open_session = (assay_tx_open_session){.provider = w->wallets[provider].address,
                                                   .deposit = deposit,
                                                   .price_in = price_in,
                                                   .price_out = price_out,
                                                   .expiry = w->engine.height(w->solo) + 100000};
    return work_send(w, CONSUMER, &tx);
}

// A prompt out of the data set, so that the answer follows it somewhere.
static inline void work_prompt(uint32_t *ids, uint32_t seed) {
    for (uint32_t i = 0; i < PROMPT; i++)
        ids[i] = 300 + (seed * 31 + i * 17) % 1500;
}

// A request for the adapter's greedy answer. Change it, then sign again.
static inline assay_request work_request(const work *w, const assay_hash *session,
                                         uint64_t sequence, const uint32_t *prompt,
                                         uint32_t prompt_count, uint32_t max_tokens) {
    assay_request request = {.session = *session,
                             .sequence = sequence,
                             .provider = w->wallets[PROVIDER].address,
                             .model = w->model,
                             .adapter = w->adapter,
                             .prompt_count = prompt_count,
                             .max_tokens = max_tokens,
                             .top_p_ppm = 1000000,
                             .max_fee = 1000000};
    assay_ids_digest(&request.prompt_digest, prompt, prompt_count);
    return request;
}

static inline void work_sign(const work *w, assay_request *request, uint32_t actor) {
    const assay_wallet *wallet = &w->wallets[actor];
    must(assay_request_sign(request, &wallet->client.domain, &wallet->key, err));
}

// Waits until a batch has its beacon and is being checked. Returns: what the node tells of it.
static inline assay_batch work_drawn(const work *w, const assay_hash *id) {
    static assay_arena arena;
    assay_batch_tables tables;
    assay_batch batch = {.state = ASSAY_BATCH_WAITING};
    for (int i = 0; i < 2000 && batch.state == ASSAY_BATCH_WAITING; i++) {
        assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
        must(assay_batch_fetch(&batch, &tables, &w->wallets[CONSUMER].client, id, &arena, err));
        assay_arena_close(&arena);
        if (batch.state == ASSAY_BATCH_WAITING) work_sleep(BLOCK_MS);
    }
    if (batch.state == ASSAY_BATCH_WAITING) fail_msg("a batch without a beacon");
    return batch;
}

#endif
