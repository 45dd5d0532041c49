// SPDX-License-Identifier: Apache-2.0
// A request as lines "name value": numbers in decimal, bytes in hexadecimal, lists one entry after
// the other after their count. tests/oracles/cometbft/abci.go writes the same of CometBFT's types.
#ifndef ASSAY_TESTS_CONSENSUS_ABCI_DUMP_H
#define ASSAY_TESTS_CONSENSUS_ABCI_DUMP_H

#include <inttypes.h>
#include <stdio.h>

#include "consensus/abci/message.h"
#include "consensus/abci/wire.h"

// A request's name as ABCI writes it, or "request" for a number that has none.
static inline const char *kind_name(assay_abci_kind kind) {
    static const char *const names[] = {
        [ASSAY_ABCI_ECHO] = "Echo",
        [ASSAY_ABCI_FLUSH] = "Flush",
        [ASSAY_ABCI_INFO] = "Info",
        [ASSAY_ABCI_INIT_CHAIN] = "InitChain",
        [ASSAY_ABCI_QUERY] = "Query",
        [ASSAY_ABCI_CHECK_TX] = "CheckTx",
        [ASSAY_ABCI_COMMIT] = "Commit",
        [ASSAY_ABCI_LIST_SNAPSHOTS] = "ListSnapshots",
        [ASSAY_ABCI_OFFER_SNAPSHOT] = "OfferSnapshot",
        [ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK] = "LoadSnapshotChunk",
        [ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK] = "ApplySnapshotChunk",
        [ASSAY_ABCI_PREPARE_PROPOSAL] = "PrepareProposal",
        [ASSAY_ABCI_PROCESS_PROPOSAL] = "ProcessProposal",
        [ASSAY_ABCI_EXTEND_VOTE] = "ExtendVote",
        [ASSAY_ABCI_VERIFY_VOTE_EXTENSION] = "VerifyVoteExtension",
        [ASSAY_ABCI_FINALIZE_BLOCK] = "FinalizeBlock",
        [ASSAY_ABCI_INSERT_TX] = "InsertTx",
        [ASSAY_ABCI_REAP_TXS] = "ReapTxs",
    };
    return kind < ASSAY_COUNT(names) && names[kind] ? names[kind] : "request";
}

static inline void dump_bytes(FILE *out, const char *name, assay_bytes bytes) {
    fprintf(out, "%s ", name);
    for (size_t i = 0; i < bytes.size; i++)
        fprintf(out, "%02x", bytes.data[i]);
    fprintf(out, "\n");
}

static inline void dump_i64(FILE *out, const char *name, int64_t value) {
    fprintf(out, "%s %" PRId64 "\n", name, value);
}

static inline void dump_u64(FILE *out, const char *name, uint64_t value) {
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static inline void dump_time(FILE *out, assay_abci_time time) {
    dump_i64(out, "seconds", time.seconds);
    dump_i64(out, "nanos", time.nanos);
}

static inline void dump_params(FILE *out, const assay_abci_params *params) {
    dump_u64(out, "has_block", params->has_block);
    dump_u64(out, "has_evidence", params->has_evidence);
    dump_u64(out, "has_validator", params->has_validator);
    dump_u64(out, "has_version", params->has_version);
    dump_u64(out, "has_abci", params->has_abci);
    dump_i64(out, "block_max_bytes", params->block_max_bytes);
    dump_i64(out, "block_max_gas", params->block_max_gas);
    dump_i64(out, "evidence_max_blocks", params->evidence_max_blocks);
    dump_i64(out, "evidence_max_seconds", params->evidence_max_seconds);
    dump_i64(out, "evidence_max_nanos", params->evidence_max_nanos);
    dump_i64(out, "evidence_max_bytes", params->evidence_max_bytes);
    dump_u64(out, "only_ed25519", params->only_ed25519);
    dump_u64(out, "app_version", params->app_version);
    dump_i64(out, "vote_extensions_height", params->vote_extensions_height);
}

static inline void dump_validators(FILE *out, const assay_abci_validator_update *validators,
                                   uint32_t count) {
    dump_u64(out, "validators", count);
    for (uint32_t i = 0; i < count; i++) {
        dump_u64(out, "key_type", validators[i].key_type);
        dump_bytes(out, "key", validators[i].key);
        dump_i64(out, "power", validators[i].power);
    }
}

static inline void dump_block(FILE *out, const assay_abci_block *block) {
    dump_i64(out, "max_tx_bytes", block->max_tx_bytes);
    dump_u64(out, "txs", block->tx_count);
    for (uint32_t i = 0; i < block->tx_count; i++)
        dump_bytes(out, "tx", block->txs[i]);
    dump_i64(out, "round", block->commit_round);
    dump_u64(out, "votes", block->vote_count);
    for (uint32_t i = 0; i < block->vote_count; i++) {
        dump_bytes(out, "address", block->votes[i].address);
        dump_i64(out, "power", block->votes[i].power);
        dump_u64(out, "flag", block->votes[i].flag);
    }
    dump_u64(out, "misbehaviors", block->misbehavior_count);
    for (uint32_t i = 0; i < block->misbehavior_count; i++) {
        const assay_abci_misbehavior *report = &block->misbehaviors[i];
        dump_u64(out, "type", report->type);
        dump_bytes(out, "address", report->address);
        dump_i64(out, "power", report->power);
        dump_i64(out, "height", report->height);
        dump_time(out, report->time);
        dump_i64(out, "total_power", report->total_power);
    }
    dump_bytes(out, "hash", block->hash);
    dump_i64(out, "height", block->height);
    dump_time(out, block->time);
    dump_bytes(out, "next_validators_hash", block->next_validators_hash);
    dump_bytes(out, "proposer", block->proposer);
}

static inline void dump_snapshots(FILE *out, const assay_abci_request *request) {
    const assay_statesync_snapshot *snapshot = &request->offer_snapshot.snapshot;
    switch (request->kind) {
    case ASSAY_ABCI_OFFER_SNAPSHOT:
        dump_u64(out, "height", snapshot->height);
        dump_u64(out, "format", snapshot->format);
        dump_u64(out, "chunks", snapshot->chunks);
        dump_bytes(out, "hash", snapshot->hash);
        dump_bytes(out, "metadata", snapshot->metadata);
        dump_bytes(out, "app_hash", request->offer_snapshot.app_hash);
        break;
    case ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK:
        dump_u64(out, "height", request->load_chunk.height);
        dump_u64(out, "format", request->load_chunk.format);
        dump_u64(out, "chunk", request->load_chunk.chunk);
        break;
    case ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK:
        dump_u64(out, "index", request->apply_chunk.index);
        dump_bytes(out, "chunk", request->apply_chunk.chunk);
        dump_bytes(out, "sender", request->apply_chunk.sender);
        break;
    default: // no fields
        break;
    }
}

static inline void dump_init_chain(FILE *out, const assay_abci_request *request) {
    dump_time(out, request->init_chain.time);
    dump_bytes(out, "chain_id", request->init_chain.chain_id);
    dump_params(out, &request->init_chain.params);
    dump_validators(out, request->init_chain.validators, request->init_chain.validator_count);
    dump_bytes(out, "app_state", request->init_chain.app_state);
    dump_i64(out, "initial_height", request->init_chain.initial_height);
}

static inline void dump_request(FILE *out, const assay_abci_request *request) {
    fprintf(out, "request %s\n", kind_name(request->kind));
    switch (request->kind) {
    case ASSAY_ABCI_ECHO:
        dump_bytes(out, "message", request->echo.message);
        break;
    case ASSAY_ABCI_INFO:
        dump_bytes(out, "version", request->info.version);
        dump_u64(out, "block_version", request->info.block_version);
        dump_u64(out, "p2p_version", request->info.p2p_version);
        dump_bytes(out, "abci_version", request->info.abci_version);
        break;
    case ASSAY_ABCI_INIT_CHAIN:
        dump_init_chain(out, request);
        break;
    case ASSAY_ABCI_QUERY:
        dump_bytes(out, "data", request->query.data);
        dump_bytes(out, "path", request->query.path);
        dump_i64(out, "height", request->query.height);
        dump_u64(out, "prove", request->query.prove);
        break;
    case ASSAY_ABCI_CHECK_TX:
    case ASSAY_ABCI_INSERT_TX:
        dump_bytes(out, "tx", request->check_tx.tx);
        dump_u64(out, "recheck", request->check_tx.recheck);
        break;
    case ASSAY_ABCI_REAP_TXS:
        dump_u64(out, "max_bytes", request->reap_txs.max_bytes);
        dump_u64(out, "max_gas", request->reap_txs.max_gas);
        break;
    case ASSAY_ABCI_PREPARE_PROPOSAL:
    case ASSAY_ABCI_PROCESS_PROPOSAL:
    case ASSAY_ABCI_EXTEND_VOTE:
    case ASSAY_ABCI_FINALIZE_BLOCK:
        dump_block(out, &request->block);
        break;
    case ASSAY_ABCI_VERIFY_VOTE_EXTENSION:
        dump_bytes(out, "hash", request->verify.hash);
        dump_bytes(out, "validator", request->verify.validator);
        dump_i64(out, "height", request->verify.height);
        dump_bytes(out, "extension", request->verify.extension);
        break;
    default:
        dump_snapshots(out, request);
        break;
    }
}

#endif
