// SPDX-License-Identifier: Apache-2.0
#include <pb_decode.h>

#include "consensus/abci/abci.pb.h"
#include "consensus/abci/wire.h"

// --- callbacks ---

// A list that grows in the arena, up to its limit.
typedef struct {
    assay_arena *arena;
    void *items;
    size_t item_size;
    uint32_t count, capacity, max;
    const char *what;
    assay_error *err; // set: why it failed
} list;

static list list_of(assay_arena *arena, size_t item_size, uint32_t max, const char *what,
                    assay_error *err) {
    return (list){arena, NULL, item_size, 0, 0, max, what, err};
}

// Room for one more. Returns: NULL if there is none, and why in *err.
static void *list_add(list *l) {
    if (l->count == l->max) {
        ASSAY_FAIL(l->err, CAPACITY, "more than %u %s, the limit", l->max, l->what);
        return NULL;
    }
    if (l->count == l->capacity) {
        void *room;
        uint32_t capacity = l->capacity ? 2 * l->capacity : 16;
        if (assay_arena_get(l->arena, capacity, l->item_size, l->what, &room, l->err) != ASSAY_OK)
            return NULL;
        if (l->count) memcpy(room, l->items, l->count * l->item_size);
        l->items = room;
        l->capacity = capacity;
    }
    void *item = (uint8_t *)l->items + l->count++ * l->item_size;
    memset(item, 0, l->item_size);
    return item;
}

// The rest of a field as a view: nanopb's buffer streams keep their place in `state`.
static bool view_take(pb_istream_t *stream, assay_bytes *out) {
    *out = (assay_bytes){stream->state, stream->bytes_left};
    return pb_read(stream, NULL, stream->bytes_left);
}

static bool bytes_read(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    return view_take(stream, *arg);
}

static bool bytes_add(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    assay_bytes *item = list_add(*arg);
    return item && view_take(stream, item);
}

static pb_callback_t bytes_into(assay_bytes *out) {
    return (pb_callback_t){.funcs.decode = bytes_read, .arg = out};
}

static pb_callback_t entries_into(list *out,
                                  bool (*add)(pb_istream_t *, const pb_field_t *, void **)) {
    return (pb_callback_t){.funcs.decode = add, .arg = out};
}

static bool vote_add(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    assay_abci_vote *vote = list_add(*arg);
    if (!vote) return false;
    tendermint_abci_VoteInfo pb = tendermint_abci_VoteInfo_init_zero;
    pb.validator.address = bytes_into(&vote->address);
    if (!pb_decode(stream, tendermint_abci_VoteInfo_fields, &pb)) return false;
    vote->power = pb.validator.power;
    vote->flag = (uint32_t)pb.block_id_flag;
    return true;
}

static bool extended_vote_add(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    assay_abci_vote *vote = list_add(*arg);
    if (!vote) return false;
    tendermint_abci_ExtendedVoteInfo pb = tendermint_abci_ExtendedVoteInfo_init_zero;
    pb.validator.address = bytes_into(&vote->address);
    if (!pb_decode(stream, tendermint_abci_ExtendedVoteInfo_fields, &pb)) return false;
    vote->power = pb.validator.power;
    vote->flag = (uint32_t)pb.block_id_flag;
    return true;
}

static assay_abci_time time_of(const tendermint_abci_Timestamp *pb) {
    return (assay_abci_time){pb->seconds, pb->nanos};
}

static bool misbehavior_add(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    assay_abci_misbehavior *item = list_add(*arg);
    if (!item) return false;
    tendermint_abci_Misbehavior pb = tendermint_abci_Misbehavior_init_zero;
    pb.validator.address = bytes_into(&item->address);
    if (!pb_decode(stream, tendermint_abci_Misbehavior_fields, &pb)) return false;
    item->type = (uint32_t)pb.type;
    item->power = pb.validator.power;
    item->height = pb.height;
    item->time = time_of(&pb.time);
    item->total_power = pb.total_voting_power;
    return true;
}

static bool update_add(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    assay_abci_validator_update *update = list_add(*arg);
    assay_bytes ed25519 = {NULL, 0}, secp256k1 = {NULL, 0};
    if (!update) return false;
    tendermint_abci_ValidatorUpdate pb = tendermint_abci_ValidatorUpdate_init_zero;
    pb.pub_key.ed25519 = bytes_into(&ed25519);
    pb.pub_key.secp256k1 = bytes_into(&secp256k1);
    if (!pb_decode(stream, tendermint_abci_ValidatorUpdate_fields, &pb)) return false;
    update->power = pb.power;
    update->key_type = ed25519.data     ? ASSAY_ABCI_ED25519
                       : secp256k1.data ? ASSAY_ABCI_SECP256K1
                                        : 0;
    update->key = ed25519.data ? ed25519 : secp256k1;
    return true;
}

// --- requests ---

// What every reader needs. err: its own, so that a callback's reason is told from nanopb's.
typedef struct {
    pb_istream_t *stream;
    assay_abci_request *out;
    assay_arena *arena;
    assay_error *err;
} reading;

// A block's lists; collected while it is read.
typedef struct {
    list txs, votes, misbehaviors;
} block_lists;

static block_lists block_lists_of(const reading *r) {
    return (block_lists){
        list_of(r->arena, sizeof(assay_bytes), ASSAY_ABCI_TXS_MAX, "transactions", r->err),
        list_of(r->arena, sizeof(assay_abci_vote), ASSAY_ABCI_VALIDATORS_MAX, "votes", r->err),
        list_of(r->arena, sizeof(assay_abci_misbehavior), ASSAY_ABCI_MISBEHAVIOR_MAX,
                "misbehaviours", r->err)};
}

static void block_lists_give(assay_abci_block *block, const block_lists *lists) {
    block->txs = lists->txs.items;
    block->tx_count = lists->txs.count;
    block->votes = lists->votes.items;
    block->vote_count = lists->votes.count;
    block->misbehaviors = lists->misbehaviors.items;
    block->misbehavior_count = lists->misbehaviors.count;
}

static bool prepare_read(const reading *r) {
    assay_abci_block *block = &r->out->block;
    block_lists lists = block_lists_of(r);
    tendermint_abci_RequestPrepareProposal pb = tendermint_abci_RequestPrepareProposal_init_zero;
    pb.txs = entries_into(&lists.txs, bytes_add);
    pb.local_last_commit.votes = entries_into(&lists.votes, extended_vote_add);
    pb.misbehavior = entries_into(&lists.misbehaviors, misbehavior_add);
    pb.next_validators_hash = bytes_into(&block->next_validators_hash);
    pb.proposer_address = bytes_into(&block->proposer);
    if (!pb_decode(r->stream, tendermint_abci_RequestPrepareProposal_fields, &pb)) return false;
    block_lists_give(block, &lists);
    block->max_tx_bytes = pb.max_tx_bytes;
    block->commit_round = pb.local_last_commit.round;
    block->height = pb.height;
    block->time = time_of(&pb.time);
    return true;
}

static bool block_read(const reading *r) {
    assay_abci_block *block = &r->out->block;
    block_lists lists = block_lists_of(r);
    tendermint_abci_RequestBlock pb = tendermint_abci_RequestBlock_init_zero;
    pb.txs = entries_into(&lists.txs, bytes_add);
    pb.last_commit.votes = entries_into(&lists.votes, vote_add);
    pb.misbehavior = entries_into(&lists.misbehaviors, misbehavior_add);
    pb.hash = bytes_into(&block->hash);
    pb.next_validators_hash = bytes_into(&block->next_validators_hash);
    pb.proposer_address = bytes_into(&block->proposer);
    if (!pb_decode(r->stream, tendermint_abci_RequestBlock_fields, &pb)) return false;
    block_lists_give(block, &lists);
    block->commit_round = pb.last_commit.round;
    block->height = pb.height;
    block->time = time_of(&pb.time);
    return true;
}

static bool extend_read(const reading *r) {
    assay_abci_block *block = &r->out->block;
    block_lists lists = block_lists_of(r);
    tendermint_abci_RequestExtendVote pb = tendermint_abci_RequestExtendVote_init_zero;
    pb.txs = entries_into(&lists.txs, bytes_add);
    pb.proposed_last_commit.votes = entries_into(&lists.votes, vote_add);
    pb.misbehavior = entries_into(&lists.misbehaviors, misbehavior_add);
    pb.hash = bytes_into(&block->hash);
    pb.next_validators_hash = bytes_into(&block->next_validators_hash);
    pb.proposer_address = bytes_into(&block->proposer);
    if (!pb_decode(r->stream, tendermint_abci_RequestExtendVote_fields, &pb)) return false;
    block_lists_give(block, &lists);
    block->commit_round = pb.proposed_last_commit.round;
    block->height = pb.height;
    block->time = time_of(&pb.time);
    return true;
}

typedef struct {
    uint32_t count;
    bool others;
} key_types;

static bool key_type_add(pb_istream_t *stream, const pb_field_t *field, void **arg) {
    key_types *types = *arg;
    assay_bytes type;
    if (!view_take(stream, &type)) return false;
    types->count++;
    types->others |= type.size != 7 || memcmp(type.data, "ed25519", 7) != 0;
    return true;
}

static void params_give(assay_abci_params *out, const tendermint_abci_ConsensusParams *pb,
                        const key_types *types) {
    *out = (assay_abci_params){.has_block = pb->has_block,
                               .has_evidence = pb->has_evidence,
                               .has_validator = pb->has_validator,
                               .has_version = pb->has_version,
                               .has_abci = pb->has_abci,
                               .block_max_bytes = pb->block.max_bytes,
                               .block_max_gas = pb->block.max_gas,
                               .evidence_max_blocks = pb->evidence.max_age_num_blocks,
                               .evidence_max_seconds = pb->evidence.max_age_duration.seconds,
                               .evidence_max_bytes = pb->evidence.max_bytes,
                               .evidence_max_nanos = pb->evidence.max_age_duration.nanos,
                               .only_ed25519 = types->count && !types->others,
                               .app_version = pb->version.app,
                               .vote_extensions_height = pb->abci.vote_extensions_enable_height};
}

static bool init_chain_read(const reading *r) {
    key_types types = {0, false};
    list validators = list_of(r->arena, sizeof(assay_abci_validator_update),
                              ASSAY_ABCI_VALIDATORS_MAX, "validators", r->err);
    tendermint_abci_RequestInitChain pb = tendermint_abci_RequestInitChain_init_zero;
    pb.chain_id = bytes_into(&r->out->init_chain.chain_id);
    pb.consensus_params.validator.pub_key_types.funcs.decode = key_type_add;
    pb.consensus_params.validator.pub_key_types.arg = &types;
    pb.validators = entries_into(&validators, update_add);
    pb.app_state_bytes = bytes_into(&r->out->init_chain.app_state);
    if (!pb_decode(r->stream, tendermint_abci_RequestInitChain_fields, &pb)) return false;
    params_give(&r->out->init_chain.params, &pb.consensus_params, &types);
    r->out->init_chain.time = time_of(&pb.time);
    r->out->init_chain.initial_height = pb.initial_height;
    r->out->init_chain.validators = validators.items;
    r->out->init_chain.validator_count = validators.count;
    return true;
}

static bool info_read(const reading *r) {
    tendermint_abci_RequestInfo pb = tendermint_abci_RequestInfo_init_zero;
    pb.version = bytes_into(&r->out->info.version);
    pb.abci_version = bytes_into(&r->out->info.abci_version);
    if (!pb_decode(r->stream, tendermint_abci_RequestInfo_fields, &pb)) return false;
    r->out->info.block_version = pb.block_version;
    r->out->info.p2p_version = pb.p2p_version;
    return true;
}

static bool query_read(const reading *r) {
    tendermint_abci_RequestQuery pb = tendermint_abci_RequestQuery_init_zero;
    pb.data = bytes_into(&r->out->query.data);
    pb.path = bytes_into(&r->out->query.path);
    if (!pb_decode(r->stream, tendermint_abci_RequestQuery_fields, &pb)) return false;
    r->out->query.height = pb.height;
    r->out->query.prove = pb.prove;
    return true;
}

static bool check_tx_read(const reading *r) {
    tendermint_abci_RequestCheckTx pb = tendermint_abci_RequestCheckTx_init_zero;
    pb.tx = bytes_into(&r->out->check_tx.tx);
    if (!pb_decode(r->stream, tendermint_abci_RequestCheckTx_fields, &pb)) return false;
    r->out->check_tx.recheck = pb.type == 1;
    return true;
}

static bool offer_read(const reading *r) {
    assay_abci_snapshot *snapshot = &r->out->offer_snapshot.snapshot;
    tendermint_abci_RequestOfferSnapshot pb = tendermint_abci_RequestOfferSnapshot_init_zero;
    pb.snapshot.hash = bytes_into(&snapshot->hash);
    pb.snapshot.metadata = bytes_into(&snapshot->metadata);
    pb.app_hash = bytes_into(&r->out->offer_snapshot.app_hash);
    if (!pb_decode(r->stream, tendermint_abci_RequestOfferSnapshot_fields, &pb)) return false;
    snapshot->height = pb.snapshot.height;
    snapshot->format = pb.snapshot.format;
    snapshot->chunks = pb.snapshot.chunks;
    return true;
}

static bool load_chunk_read(const reading *r) {
    tendermint_abci_RequestLoadSnapshotChunk pb =
        tendermint_abci_RequestLoadSnapshotChunk_init_zero;
    if (!pb_decode(r->stream, tendermint_abci_RequestLoadSnapshotChunk_fields, &pb)) return false;
    r->out->load_chunk.height = pb.height;
    r->out->load_chunk.format = pb.format;
    r->out->load_chunk.chunk = pb.chunk;
    return true;
}

static bool apply_chunk_read(const reading *r) {
    tendermint_abci_RequestApplySnapshotChunk pb =
        tendermint_abci_RequestApplySnapshotChunk_init_zero;
    pb.chunk = bytes_into(&r->out->apply_chunk.chunk);
    pb.sender = bytes_into(&r->out->apply_chunk.sender);
    if (!pb_decode(r->stream, tendermint_abci_RequestApplySnapshotChunk_fields, &pb)) return false;
    r->out->apply_chunk.index = pb.index;
    return true;
}

static bool verify_read(const reading *r) {
    tendermint_abci_RequestVerifyVoteExtension pb =
        tendermint_abci_RequestVerifyVoteExtension_init_zero;
    pb.hash = bytes_into(&r->out->verify.hash);
    pb.validator_address = bytes_into(&r->out->verify.validator);
    pb.vote_extension = bytes_into(&r->out->verify.extension);
    if (!pb_decode(r->stream, tendermint_abci_RequestVerifyVoteExtension_fields, &pb)) return false;
    r->out->verify.height = pb.height;
    return true;
}

static bool echo_read(const reading *r) {
    tendermint_abci_RequestEcho pb = tendermint_abci_RequestEcho_init_zero;
    pb.message = bytes_into(&r->out->echo.message);
    return pb_decode(r->stream, tendermint_abci_RequestEcho_fields, &pb);
}

// Nothing in it that anyone needs.
static bool empty_read(const reading *r) {
    return pb_read(r->stream, NULL, r->stream->bytes_left);
}

typedef bool (*reader)(const reading *r);

static reader reader_of(uint32_t tag) {
    switch (tag) {
    case ASSAY_ABCI_ECHO:
        return echo_read;
    case ASSAY_ABCI_INFO:
        return info_read;
    case ASSAY_ABCI_INIT_CHAIN:
        return init_chain_read;
    case ASSAY_ABCI_QUERY:
        return query_read;
    case ASSAY_ABCI_CHECK_TX:
    case ASSAY_ABCI_INSERT_TX:
        return check_tx_read;
    case ASSAY_ABCI_OFFER_SNAPSHOT:
        return offer_read;
    case ASSAY_ABCI_LOAD_SNAPSHOT_CHUNK:
        return load_chunk_read;
    case ASSAY_ABCI_APPLY_SNAPSHOT_CHUNK:
        return apply_chunk_read;
    case ASSAY_ABCI_PREPARE_PROPOSAL:
        return prepare_read;
    case ASSAY_ABCI_PROCESS_PROPOSAL:
    case ASSAY_ABCI_FINALIZE_BLOCK:
        return block_read;
    case ASSAY_ABCI_EXTEND_VOTE:
        return extend_read;
    case ASSAY_ABCI_VERIFY_VOTE_EXTENSION:
        return verify_read;
    case ASSAY_ABCI_FLUSH:
    case ASSAY_ABCI_COMMIT:
    case ASSAY_ABCI_LIST_SNAPSHOTS:
    case ASSAY_ABCI_REAP_TXS:
        return empty_read;
    default:
        return NULL;
    }
}

// One field of the Request. The last request in it counts, as in any oneof.
static bool field_read(pb_istream_t *stream, assay_abci_request *out, assay_arena *arena,
                       assay_error *err, bool *eof) {
    pb_wire_type_t type;
    uint32_t tag;
    if (!pb_decode_tag(stream, &type, &tag, eof)) return *eof;
    reader read = reader_of(tag);
    if (!read || type != PB_WT_STRING) return pb_skip_field(stream, type);
    pb_istream_t inner;
    if (!pb_make_string_substream(stream, &inner)) return false;
    memset(out, 0, sizeof *out);
    out->kind = (assay_abci_kind)tag;
    const reading r = {&inner, out, arena, err};
    bool done = read(&r);
    if (!done) stream->errmsg = inner.errmsg;
    return pb_close_string_substream(stream, &inner) && done;
}

assay_status assay_abci_request_read(assay_abci_request *out, const uint8_t *data, size_t size,
                                     assay_arena *arena, assay_error *err) {
    assay_error why = {0};
    bool eof = false;
    memset(out, 0, sizeof *out);
    pb_istream_t stream = pb_istream_from_buffer(data, size);
    while (!eof)
        if (!field_read(&stream, out, arena, &why, &eof)) {
            if (why.status != ASSAY_OK) return assay_fail(err, why.status, 0, "%s", why.text);
            return ASSAY_FAIL(err, FORMAT, "a request of %zu bytes is no protobuf: %s", size,
                              PB_GET_ERROR(&stream));
        }
    return ASSAY_OK;
}
