// SPDX-License-Identifier: Apache-2.0
// Any requests in any order, through the engine: the application is asked to commit what it has
// finalised and nothing else, proposals come of what was given, and what a node is told of height
// and transactions follows the commits (E-20 to E-28; A1, A4 of consensus/abci/engine.c).
#include "base/sha256.h"
#include "consensus/abci/engine_private.h"
#include "tests/consensus/abci/stream.h"

enum { REJECT_CODE = 100 };
static const char *const chain_id = "assay-9";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// An application that keeps nothing but its height, and notices a call that is out of order. A
// transaction that begins with '!' is refused, and a block with one that begins with '?'; with '#'
// something is wrong with this machine.
typedef struct {
    assay_abci_engine *engine;
    bool initialised, finalised;
    uint64_t height;
    assay_hash last; // transaction of the finalised block
    uint32_t tx_count;
} strict;

static bool starts(assay_bytes tx, char with) {
    return tx.size && tx.data[0] == (uint8_t)with;
}

static bool has(const assay_bytes *txs, uint32_t count, char with) {
    uint32_t at = 0;
    while (at < count && !starts(txs[at], with))
        at++;
    return at < count;
}

static void app_info(void *self, assay_app_info *out) {
    const strict *s = self;
    *out = (assay_app_info){s->initialised, s->height, {{(uint8_t)s->height}}};
}

static assay_status app_init_chain(void *self, assay_error *err) {
    ((strict *)self)->initialised = true;
    return ASSAY_OK;
}

static assay_status app_validators(void *self, assay_validator_update *out, uint32_t *count,
                                   assay_error *err) {
    ASSAY_ASSERT(((strict *)self)->initialised);
    *out = (assay_validator_update){.power = 10};
    memset(out->ed25519, 'k', sizeof out->ed25519);
    *count = 1;
    return ASSAY_OK;
}

static assay_status app_check_tx(void *self, const void *tx, size_t size, bool again,
                                 assay_hash *id, assay_error *err) {
    assay_bytes bytes = {tx, size};
    assay_sha256_of(id, tx, size);
    if (starts(bytes, '#')) return ASSAY_FAIL(err, IO, "no disk");
    if (size && !starts(bytes, '!')) return ASSAY_OK;
    return assay_fail(err, ASSAY_REJECTED, REJECT_CODE, "not a transaction");
}

static void app_recheck(void *self) {
    ASSAY_ASSERT(!((strict *)self)->finalised); // after a commit
}

static assay_status app_prepare(void *self, const assay_engine_candidates *candidates,
                                uint32_t *picked, uint32_t *picked_count, assay_bytes *first,
                                assay_error *err) {
    static const uint8_t own[] = "own";
    for (uint32_t i = 0; i < candidates->tx_count; i++)
        if (!starts(candidates->txs[i], '!')) picked[(*picked_count)++] = i;
    if (candidates->height % 2) *first = (assay_bytes){own, sizeof own - 1};
    return ASSAY_OK;
}

static assay_status app_process(void *self, const assay_engine_block *block, assay_error *err) {
    if (has(block->txs, block->tx_count, '#')) return ASSAY_FAIL(err, IO, "no disk");
    if (!has(block->txs, block->tx_count, '?')) return ASSAY_OK;
    return assay_fail(err, ASSAY_REJECTED, REJECT_CODE, "no honest block");
}

static assay_status app_finalize(void *self, const assay_engine_block *block,
                                 assay_tx_result *results, const char **texts,
                                 assay_engine_outcome *out, assay_error *err) {
    strict *s = self;
    if (!s->initialised || block->height != s->height + 1)
        return ASSAY_FAIL(err, RANGE, "not the next block");
    s->finalised = false; // as the ledger: an open block is dropped
    if (has(block->txs, block->tx_count, '#')) return ASSAY_FAIL(err, IO, "no disk");
    for (uint32_t i = 0; i < block->tx_count; i++) {
        results[i].code = starts(block->txs[i], '!') ? REJECT_CODE : 0;
        if (results[i].code) texts[i] = "refused";
        assay_sha256_of(&s->last, block->txs[i].data, block->txs[i].size);
    }
    s->tx_count = block->tx_count;
    s->finalised = true;
    *out = (assay_engine_outcome){.app_hash = {{(uint8_t)block->height}}};
    return ASSAY_OK;
}

static assay_status app_commit(void *self, assay_error *err) {
    strict *s = self;
    ASSAY_ASSERT(s->finalised);
    s->finalised = false;
    s->height++;
    return ASSAY_OK;
}

static bool app_waiting(void *self) {
    return false;
}

static assay_status call(void *self, const assay_abci_request *request, assay_abci_reply *reply,
                         assay_arena *arena, assay_error *err) {
    assay_abci_application inner = assay_abci_engine_application(((strict *)self)->engine);
    assay_status status = inner.call(inner.self, request, reply, arena, err);
    // E-7, E-25: no transaction and no proposal is a reason to end.
    const assay_abci_block *block = &request->block;
    if (request->kind == ASSAY_ABCI_CHECK_TX)
        ASSAY_ASSERT(status == ASSAY_OK || starts(request->check_tx.tx, '#'));
    if (request->kind == ASSAY_ABCI_PROCESS_PROPOSAL)
        ASSAY_ASSERT(status == ASSAY_OK || has(block->txs, block->tx_count, '#'));
    return status;
}

static assay_tx_fate fate_of(const strict *s, const assay_hash *id) {
    assay_chain_engine node = assay_abci_engine_calls(s->engine);
    assay_tx_fate fate;
    ASSAY_ASSERT(node.find(node.self, id, 0, &fate, NULL) == ASSAY_OK);
    return fate;
}

static void witness(void *self, const assay_abci_request *request, const assay_abci_reply *reply) {
    const strict *s = self;
    assay_chain_engine node = assay_abci_engine_calls(s->engine);
    assay_hash id;
    ASSAY_ASSERT(node.height(node.self) == s->height);
    switch (request->kind) {
    case ASSAY_ABCI_INFO:
        ASSAY_ASSERT(reply->info.height == (int64_t)s->height);
        break;
    case ASSAY_ABCI_CHECK_TX:
        assay_sha256_of(&id, request->check_tx.tx.data, request->check_tx.tx.size);
        ASSAY_ASSERT(reply->check_tx.code || fate_of(s, &id).state != ASSAY_TX_UNKNOWN);
        break;
    case ASSAY_ABCI_PREPARE_PROPOSAL:
        ASSAY_ASSERT(reply->txs.count <= request->block.tx_count + 1);
        break;
    case ASSAY_ABCI_PROCESS_PROPOSAL:
        ASSAY_ASSERT(reply->process.status == 1 || reply->process.status == 2);
        break;
    case ASSAY_ABCI_FINALIZE_BLOCK:
        ASSAY_ASSERT(s->finalised && reply->finalize.result_count == request->block.tx_count);
        break;
    case ASSAY_ABCI_COMMIT:
        ASSAY_ASSERT(s->tx_count == 0 || (fate_of(s, &s->last).state == ASSAY_TX_COMMITTED &&
                                          fate_of(s, &s->last).height == s->height));
        break;
    default:
        break;
    }
}

// To open an engine takes a thread and 20 MiB, more than most inputs do. So it is opened once and
// forgets, after each input, what that one told it. The consensus thread waits for a job meanwhile.
static void engine_forget(assay_abci_engine *engine) {
    pthread_mutex_lock(&engine->lock);
    assay_arena_reset(&engine->arena);
    engine->finalized = (assay_abci_finalized){0};
    assay_fates_clear(&engine->fates);
    for (int i = 0; i < 2; i++)
        assay_idtable_close(&engine->waiting[i]);
    engine->height = engine->rounds_last = engine->rounds = 0;
    engine->sync = (assay_abci_sync){0};
    engine->failure = (assay_error){0};
    pthread_mutex_unlock(&engine->lock);
}

// An empty table that puts the same ids in the same places, whenever it was made.
static void table_begin(assay_idtable *table) {
    ASSAY_ASSERT(table->count == 0 && assay_idtable_reserve(table, 1, NULL) == ASSAY_OK);
    table->seed = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static strict s;
    static assay_abci_engine *engine;
    assay_abci_buffer out = {0};
    const assay_abci_engine_options options = {
        .application = {&s, app_info, app_init_chain, app_validators, app_check_tx, app_recheck,
                        app_prepare, app_process, app_finalize, app_commit, app_waiting},
        .chain_id = chain_id,
        .keep_blocks = 1};
    if (!engine) ASSAY_ASSERT(assay_abci_engine_open(&engine, &options, NULL) == ASSAY_OK);
    table_begin(&engine->fates.index);
    for (int i = 0; i < 2; i++)
        table_begin(&engine->waiting[i]);
    s = (strict){.engine = engine};
    stream_answer((assay_abci_application){&s, call, NULL}, data, size, &out, witness);
    engine_forget(engine);
    assay_abci_buffer_close(&out);
    return 0;
}
