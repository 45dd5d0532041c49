// SPDX-License-Identifier: Apache-2.0
// Any bytes are a request or are refused with a sentence; what is read lies in the frame, and its
// lists within their limits and the arena's (E-3, E-4).
#include "consensus/abci/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(assay_bytes run, const uint8_t *data, size_t size) {
    if (run.size == 0) return;
    ASSAY_ASSERT(run.data >= data && run.size <= size &&
                 (size_t)(run.data - data) <= size - run.size);
}

static void block_check(const assay_abci_block *block, const uint8_t *data, size_t size) {
    ASSAY_ASSERT(block->tx_count <= ASSAY_ABCI_TXS_MAX);
    ASSAY_ASSERT(block->vote_count <= ASSAY_ABCI_VALIDATORS_MAX);
    ASSAY_ASSERT(block->misbehavior_count <= ASSAY_ABCI_MISBEHAVIOR_MAX);
    for (uint32_t i = 0; i < block->tx_count; i++)
        inside(block->txs[i], data, size);
    for (uint32_t i = 0; i < block->vote_count; i++)
        inside(block->votes[i].address, data, size);
    for (uint32_t i = 0; i < block->misbehavior_count; i++)
        inside(block->misbehaviors[i].address, data, size);
    inside(block->hash, data, size);
    inside(block->next_validators_hash, data, size);
    inside(block->proposer, data, size);
}

static void check(const assay_abci_request *request, const uint8_t *data, size_t size) {
    switch (request->kind) {
    case ASSAY_ABCI_ECHO:
        inside(request->echo.message, data, size);
        break;
    case ASSAY_ABCI_INFO:
        inside(request->info.version, data, size);
        inside(request->info.abci_version, data, size);
        break;
    case ASSAY_ABCI_INIT_CHAIN:
        ASSAY_ASSERT(request->init_chain.validator_count <= ASSAY_ABCI_VALIDATORS_MAX);
        for (uint32_t i = 0; i < request->init_chain.validator_count; i++)
            inside(request->init_chain.validators[i].key, data, size);
        inside(request->init_chain.app_state, data, size);
        break;
    case ASSAY_ABCI_QUERY:
        inside(request->query.data, data, size);
        inside(request->query.path, data, size);
        break;
    case ASSAY_ABCI_CHECK_TX:
    case ASSAY_ABCI_INSERT_TX:
        inside(request->check_tx.tx, data, size);
        break;
    case ASSAY_ABCI_OFFER_SNAPSHOT:
        inside(request->offer_snapshot.snapshot.hash, data, size);
        inside(request->offer_snapshot.snapshot.metadata, data, size);
        break;
    case ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK:
        inside(request->apply_chunk.chunk, data, size);
        inside(request->apply_chunk.sender, data, size);
        break;
    case ASSAY_ABCI_PREPARE_PROPOSAL:
    case ASSAY_ABCI_PROCESS_PROPOSAL:
    case ASSAY_ABCI_EXTEND_VOTE:
    case ASSAY_ABCI_FINALIZE_BLOCK:
        block_check(&request->block, data, size);
        break;
    case ASSAY_ABCI_VERIFY_VOTE_EXTENSION:
        inside(request->verify.hash, data, size);
        inside(request->verify.extension, data, size);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_arena arena;
    assay_abci_request request;
    assay_error err = {0};
    assay_bytes frame = {data, size};
    assay_arena_init(&arena, ASSAY_ABCI_READ_MAX);
    if (assay_abci_request_read(&request, frame, &arena, &err) == ASSAY_OK)
        check(&request, data, size);
    else
        ASSAY_ASSERT(err.text[0]);
    assay_arena_close(&arena);
    return 0;
}
