// SPDX-License-Identifier: Apache-2.0
// Request's oneof is taken apart by hand: nanopb would have to be told of a message's lists between
// its tag and its content. Each message is then read by its generated descriptor.
#include <assert.h>

#include "consensus/abci/lists.h"
#include "consensus/abci/wire.h"

enum { KEY_TYPES_MAX = 16 };

static bool transaction_read(pb_istream_t *stream, void *item) {
    return assay_abci_field_bytes(stream, item);
}

static bool vote_read(pb_istream_t *stream, void *item) {
    abci_Vote wire = {0};
    if (!ASSAY_ABCI_DECODE(stream, abci_Vote, &wire)) return false;
    *(assay_abci_vote *)item =
        (assay_abci_vote){wire.validator.address, wire.validator.power, (uint32_t)wire.flag};
    return true;
}

static bool extended_vote_read(pb_istream_t *stream, void *item) {
    abci_ExtendedVote wire = {0};
    if (!ASSAY_ABCI_DECODE(stream, abci_ExtendedVote, &wire)) return false;
    *(assay_abci_vote *)item =
        (assay_abci_vote){wire.validator.address, wire.validator.power, (uint32_t)wire.flag};
    return true;
}

static assay_abci_time time_of(const abci_Timestamp *wire) {
    return (assay_abci_time){wire->seconds, wire->nanos};
}

static bool misbehavior_read(pb_istream_t *stream, void *item) {
    abci_Misbehavior wire = {0};
    if (!ASSAY_ABCI_DECODE(stream, abci_Misbehavior, &wire)) return false;
    *(assay_abci_misbehavior *)item = (assay_abci_misbehavior){.type = (uint32_t)wire.type,
                                                               .address = wire.validator.address,
                                                               .power = wire.validator.power,
                                                               .height = wire.height,
                                                               .time = time_of(&wire.time),
                                                               .total_power = wire.total_power};
    return true;
}

static const assay_abci_list_kind transactions = {"transactions", ASSAY_ABCI_TXS_MAX,
                                                  sizeof(assay_bytes), transaction_read, NULL};
static const assay_abci_list_kind votes = {"votes", ASSAY_ABCI_VALIDATORS_MAX,
                                           sizeof(assay_abci_vote), vote_read, NULL};
static const assay_abci_list_kind extended_votes = {
    "votes", ASSAY_ABCI_VALIDATORS_MAX, sizeof(assay_abci_vote), extended_vote_read, NULL};
static const assay_abci_list_kind misbehaviors = {
    "reports of misbehavior", ASSAY_ABCI_MISBEHAVIOR_MAX, sizeof(assay_abci_misbehavior),
    misbehavior_read, NULL};
static const assay_abci_list_kind key_types = {"key types", KEY_TYPES_MAX, sizeof(assay_bytes),
                                               transaction_read, NULL};

// Every list doubled into the arena, and its alignment.
static_assert(2 * (ASSAY_ABCI_TXS_MAX * sizeof(assay_bytes) +
                   ASSAY_ABCI_VALIDATORS_MAX * sizeof(assay_abci_vote) +
                   ASSAY_ABCI_MISBEHAVIOR_MAX * sizeof(assay_abci_misbehavior)) <
                  ASSAY_ABCI_READ_MAX,
              "lists of one request");

static bool echo_read(pb_istream_t *in, assay_abci_request *out) {
    abci_Text wire = {0};
    if (!ASSAY_ABCI_DECODE(in, abci_Text, &wire)) return false;
    out->echo.message = wire.text;
    return true;
}

static bool empty_read(pb_istream_t *in, assay_abci_request *out) {
    abci_Empty wire = {0};
    return ASSAY_ABCI_DECODE(in, abci_Empty, &wire);
}

static bool info_read(pb_istream_t *in, assay_abci_request *out) {
    abci_RequestInfo wire = {0};
    if (!ASSAY_ABCI_DECODE(in, abci_RequestInfo, &wire)) return false;
    out->info.version = wire.version;
    out->info.abci_version = wire.abci_version;
    out->info.block_version = wire.block_version;
    out->info.p2p_version = wire.p2p_version;
    return true;
}

static void params_of(assay_abci_params *out, const abci_Params *wire) {
    static const char ed25519[] = "ed25519";
    const assay_bytes *types = wire->validator.key_types.items;
    *out = (assay_abci_params){
        .has_block = wire->has_block,
        .has_evidence = wire->has_evidence,
        .has_validator = wire->has_validator,
        .has_version = wire->has_version,
        .has_abci = wire->has_abci,
        .block_max_bytes = wire->block.max_bytes,
        .block_max_gas = wire->block.max_gas,
        .evidence_max_blocks = wire->evidence.max_blocks,
        .evidence_max_seconds = wire->evidence.max_age.seconds,
        .evidence_max_nanos = wire->evidence.max_age.nanos,
        .evidence_max_bytes = wire->evidence.max_bytes,
        .app_version = wire->version.app,
        .vote_extensions_height = wire->abci.vote_extensions_height,
    };
    out->only_ed25519 = wire->validator.key_types.count == 1 &&
                        types[0].size == sizeof ed25519 - 1 &&
                        memcmp(types[0].data, ed25519, sizeof ed25519 - 1) == 0;
}

static bool init_chain_read(pb_istream_t *in, assay_abci_request *out) {
    abci_RequestInitChain wire = {.validators.kind = &assay_abci_list_validators,
                                  .params.validator.key_types.kind = &key_types};
    if (!ASSAY_ABCI_DECODE(in, abci_RequestInitChain, &wire)) return false;
    out->init_chain.time = time_of(&wire.time);
    out->init_chain.chain_id = wire.chain_id;
    params_of(&out->init_chain.params, &wire.params);
    out->init_chain.validators = wire.validators.items;
    out->init_chain.validator_count = wire.validators.count;
    out->init_chain.app_state = wire.app_state;
    out->init_chain.initial_height = wire.initial_height;
    return true;
}

static bool query_read(pb_istream_t *in, assay_abci_request *out) {
    abci_RequestQuery wire = {0};
    if (!ASSAY_ABCI_DECODE(in, abci_RequestQuery, &wire)) return false;
    out->query.data = wire.data;
    out->query.path = wire.path;
    out->query.height = wire.height;
    out->query.prove = wire.prove;
    return true;
}

static bool check_tx_read(pb_istream_t *in, assay_abci_request *out) {
    abci_RequestCheckTx wire = {0};
    if (!ASSAY_ABCI_DECODE(in, abci_RequestCheckTx, &wire)) return false;
    out->check_tx.tx = wire.tx;
    out->check_tx.recheck = wire.type == 1;
    return true;
}

static bool reap_txs_read(pb_istream_t *in, assay_abci_request *out) {
    abci_RequestReapTxs wire = {0};
    if (!ASSAY_ABCI_DECODE(in, abci_RequestReapTxs, &wire)) return false;
    out->reap_txs.max_bytes = wire.max_bytes;
    out->reap_txs.max_gas = wire.max_gas;
    return true;
}

static bool offer_snapshot_read(pb_istream_t *in, assay_abci_request *out) {
    abci_RequestOfferSnapshot wire = {0};
    if (!ASSAY_ABCI_DECODE(in, abci_RequestOfferSnapshot, &wire)) return false;
    out->offer_snapshot.snapshot = assay_abci_snapshot_of(&wire.snapshot);
    out->offer_snapshot.app_hash = wire.app_hash;
    return true;
}

static bool load_chunk_read(pb_istream_t *in, assay_abci_request *out) {
    abci_RequestLoadSnapshotChunk wire = {0};
    if (!ASSAY_ABCI_DECODE(in, abci_RequestLoadSnapshotChunk, &wire)) return false;
    out->load_chunk.height = wire.height;
    out->load_chunk.format = wire.format;
    out->load_chunk.chunk = wire.chunk;
    return true;
}

static bool apply_chunk_read(pb_istream_t *in, assay_abci_request *out) {
    abci_RequestApplySnapshotChunk wire = {0};
    if (!ASSAY_ABCI_DECODE(in, abci_RequestApplySnapshotChunk, &wire)) return false;
    out->apply_chunk.index = wire.index;
    out->apply_chunk.chunk = wire.chunk;
    out->apply_chunk.sender = wire.sender;
    return true;
}

static void lists_set(assay_abci_block *block, const assay_abci_list *txs,
                      const assay_abci_list *last_votes, const assay_abci_list *reports) {
    block->txs = txs->items;
    block->tx_count = txs->count;
    block->votes = last_votes->items;
    block->vote_count = last_votes->count;
    block->misbehaviors = reports->items;
    block->misbehavior_count = reports->count;
    block->overfull = txs->overfull || last_votes->overfull || reports->overfull;
}

static bool prepare_read(pb_istream_t *in, assay_abci_request *out) {
    abci_RequestPrepareProposal wire = {.txs.kind = &transactions,
                                        .txs.drops = true, // those are not proposed
                                        .commit.votes.kind = &extended_votes,
                                        .misbehaviors.kind = &misbehaviors};
    if (!ASSAY_ABCI_DECODE(in, abci_RequestPrepareProposal, &wire)) return false;
    out->block = (assay_abci_block){.max_tx_bytes = wire.max_tx_bytes,
                                    .commit_round = wire.commit.round,
                                    .height = wire.height,
                                    .time = time_of(&wire.time),
                                    .next_validators_hash = wire.next_validators_hash,
                                    .proposer = wire.proposer};
    lists_set(&out->block, &wire.txs, &wire.commit.votes, &wire.misbehaviors);
    return true;
}

static bool block_read(pb_istream_t *in, assay_abci_request *out, bool drops) {
    abci_RequestBlock wire = {.txs = {.kind = &transactions, .drops = drops},
                              .commit.votes = {.kind = &votes, .drops = drops},
                              .misbehaviors = {.kind = &misbehaviors, .drops = drops}};
    if (!ASSAY_ABCI_DECODE(in, abci_RequestBlock, &wire)) return false;
    out->block = (assay_abci_block){.commit_round = wire.commit.round,
                                    .hash = wire.hash,
                                    .height = wire.height,
                                    .time = time_of(&wire.time),
                                    .next_validators_hash = wire.next_validators_hash,
                                    .proposer = wire.proposer};
    lists_set(&out->block, &wire.txs, &wire.commit.votes, &wire.misbehaviors);
    return true;
}

// Any validator may have made it: what is too much is for the verdict, and no reason to end. E-25
static bool process_read(pb_istream_t *in, assay_abci_request *out) {
    return block_read(in, out, true);
}

static bool finalize_read(pb_istream_t *in, assay_abci_request *out) {
    return block_read(in, out, false);
}

static bool extend_read(pb_istream_t *in, assay_abci_request *out) {
    abci_RequestExtendVote wire = {
        .txs.kind = &transactions, .commit.votes.kind = &votes, .misbehaviors.kind = &misbehaviors};
    if (!ASSAY_ABCI_DECODE(in, abci_RequestExtendVote, &wire)) return false;
    out->block = (assay_abci_block){.commit_round = wire.commit.round,
                                    .hash = wire.hash,
                                    .height = wire.height,
                                    .time = time_of(&wire.time),
                                    .next_validators_hash = wire.next_validators_hash,
                                    .proposer = wire.proposer};
    lists_set(&out->block, &wire.txs, &wire.commit.votes, &wire.misbehaviors);
    return true;
}

static bool verify_read(pb_istream_t *in, assay_abci_request *out) {
    abci_RequestVerifyVoteExtension wire = {0};
    if (!ASSAY_ABCI_DECODE(in, abci_RequestVerifyVoteExtension, &wire)) return false;
    out->verify.hash = wire.hash;
    out->verify.validator = wire.validator;
    out->verify.extension = wire.extension;
    out->verify.height = wire.height;
    return true;
}

typedef struct {
    const char *name;
    bool (*read)(pb_istream_t *in, assay_abci_request *out);
} request_kind;

static const request_kind kinds[] = {
    [ASSAY_ABCI_ECHO] = {"Echo", echo_read},
    [ASSAY_ABCI_FLUSH] = {"Flush", empty_read},
    [ASSAY_ABCI_INFO] = {"Info", info_read},
    [ASSAY_ABCI_INIT_CHAIN] = {"InitChain", init_chain_read},
    [ASSAY_ABCI_QUERY] = {"Query", query_read},
    [ASSAY_ABCI_CHECK_TX] = {"CheckTx", check_tx_read},
    [ASSAY_ABCI_COMMIT] = {"Commit", empty_read},
    [ASSAY_ABCI_LIST_SNAPSHOTS] = {"ListSnapshots", empty_read},
    [ASSAY_ABCI_OFFER_SNAPSHOT] = {"OfferSnapshot", offer_snapshot_read},
    [ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK] = {"LoadSnapshotChunk", load_chunk_read},
    [ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK] = {"ApplySnapshotChunk", apply_chunk_read},
    [ASSAY_ABCI_PREPARE_PROPOSAL] = {"PrepareProposal", prepare_read},
    [ASSAY_ABCI_PROCESS_PROPOSAL] = {"ProcessProposal", process_read},
    [ASSAY_ABCI_EXTEND_VOTE] = {"ExtendVote", extend_read},
    [ASSAY_ABCI_VERIFY_VOTE_EXTENSION] = {"VerifyVoteExtension", verify_read},
    [ASSAY_ABCI_FINALIZE_BLOCK] = {"FinalizeBlock", finalize_read},
    [ASSAY_ABCI_INSERT_TX] = {"InsertTx", check_tx_read},
    [ASSAY_ABCI_REAP_TXS] = {"ReapTxs", reap_txs_read},
};

static const request_kind *kind_find(uint32_t number) {
    if (number >= ASSAY_COUNT(kinds) || !kinds[number].read) return NULL;
    return &kinds[number];
}

// The last known field of the frame. *unknown: a field that is not, else 0.
static bool content_find(pb_istream_t *in, assay_abci_source *source, assay_bytes *content,
                         uint32_t *number, uint32_t *unknown) {
    pb_wire_type_t wire;
    uint32_t tag;
    bool end;
    while (pb_decode_tag(in, &wire, &tag, &end)) {
        pb_istream_t inner;
        if (tag == 0) PB_RETURN_ERROR(in, "field 0");
        if (!kind_find(tag)) {
            *unknown = tag;
            if (!pb_skip_field(in, wire)) return false;
            continue;
        }
        if (wire != PB_WT_STRING) PB_RETURN_ERROR(in, "wrong wire type");
        if (!pb_make_string_substream(in, &inner)) return false;
        *content = (assay_bytes){source->at, inner.bytes_left};
        source->at += inner.bytes_left;
        *number = tag;
    }
    return end;
}

assay_status assay_abci_request_read(assay_abci_request *out, assay_bytes frame, assay_arena *arena,
                                     assay_error *err) {
    static const uint8_t nothing[1];
    assay_error inner = {0};
    assay_abci_source source = {frame.data ? frame.data : nothing, arena, &inner};
    pb_istream_t stream = assay_abci_stream(&source, frame.size);
    assay_bytes content = {0};
    uint32_t number = 0, unknown = 0;
    memset(out, 0, sizeof *out);
    if (!content_find(&stream, &source, &content, &number, &unknown))
        return ASSAY_FAIL(err, FORMAT, "a request of %zu bytes: %s", frame.size,
                          PB_GET_ERROR(&stream));
    if (!number && unknown)
        return ASSAY_FAIL(err, UNKNOWN, "request %u is not of ABCI 2.0", unknown);
    if (!number) return ASSAY_FAIL(err, UNKNOWN, "an empty request");
    out->kind = (assay_abci_kind)number;
    source.at = content.data;
    stream = assay_abci_stream(&source, content.size);
    if (kind_find(number)->read(&stream, out)) return ASSAY_OK;
    const char *name = kind_find(number)->name;
    if (inner.status == ASSAY_CAPACITY || inner.status == ASSAY_MEMORY)
        return assay_fail(err, inner.status, 0, "%s: %s", name, inner.text);
    // nanopb drops the reason only where our field function refused a number for bytes.
    return ASSAY_FAIL(err, FORMAT, "%s: %s", name,
                      stream.errmsg ? stream.errmsg : "wrong wire type");
}
