// SPDX-License-Identifier: Apache-2.0
#include "consensus/types/header.h"

#include <assert.h>
#include <time.h>

#include "base/ed25519.h"
#include "base/merkle.h"
#include "base/sha256.h"
#include "consensus/types/protobuf.h"

enum { FIELD_COUNT = 14, FIELD_SIZE_MAX = 128 };
enum { STEP_NANOS = 1000000, SECOND_NANOS = 1000000000 };

assay_time assay_time_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec < 0) now = (struct timespec){0, 0};
    return (assay_time){(uint64_t)now.tv_sec, (uint32_t)now.tv_nsec};
}

bool assay_time_is_later(const assay_time *a, const assay_time *b) {
    return a->seconds != b->seconds ? a->seconds > b->seconds : a->nanos > b->nanos;
}

assay_time assay_time_next(const assay_time *last) {
    uint32_t nanos = last->nanos + STEP_NANOS;
    return (assay_time){last->seconds + nanos / SECOND_NANOS, nanos % SECOND_NANOS};
}

void assay_time_protobuf(assay_writer *writer, const assay_time *time) {
    assay_protobuf_u64(writer, 1, time->seconds);
    assay_protobuf_u64(writer, 2, time->nanos);
}

// A hash of zeros stands for CometBFT's empty one; in a block id alone, since no other can be it.
static void id_hash_protobuf(assay_writer *writer, uint32_t field, const assay_hash *hash) {
    assay_protobuf_bytes(writer, field, hash->bytes,
                         assay_hash_is_zero(hash) ? 0 : ASSAY_HASH_SIZE);
}

void assay_block_id_protobuf(assay_writer *writer, const assay_block_id *id) {
    uint8_t bytes[48];
    assay_writer parts;
    assay_writer_init(&parts, bytes, sizeof bytes);
    assay_protobuf_u64(&parts, 1, id->part_count);
    id_hash_protobuf(&parts, 2, &id->part_root);
    id_hash_protobuf(writer, 1, &id->hash);
    assay_protobuf_message(writer, 2, &parts);
}

// The hashes in C-3's order. Who has a constant header only reads them.
static void hashes_of(assay_hash *out[ASSAY_HEADER_HASHES], const assay_header *header) {
    assay_header *h = (assay_header *)header;
    assay_hash *const all[] = {&h->last_commit_hash,     &h->data_hash,      &h->validators_hash,
                               &h->next_validators_hash, &h->consensus_hash, &h->app_hash,
                               &h->last_results_hash,    &h->evidence_hash};
    static_assert(sizeof all == ASSAY_HEADER_HASHES * sizeof all[0], "each of them");
    memcpy(out, all, sizeof all);
}

void assay_header_view_of(assay_header_view *out, const assay_header *header) {
    assay_hash *hashes[ASSAY_HEADER_HASHES];
    hashes_of(hashes, header);
    *out = (assay_header_view){.block_version = ASSAY_BLOCK_PROTOCOL,
                               .app_version = ASSAY_APP_PROTOCOL,
                               .chain_id = assay_text_bytes(header->chain_id),
                               .height = header->height,
                               .time = header->time,
                               .last_block = header->last_block,
                               .proposer = {header->proposer.bytes, ASSAY_ADDRESS_SIZE}};
    for (int i = 0; i < ASSAY_HEADER_HASHES; i++)
        out->hashes[i] = (assay_bytes){hashes[i]->bytes, ASSAY_HASH_SIZE};
}

assay_status assay_header_of_view(assay_header *out, const assay_header_view *view,
                                  assay_error *err) {
    assay_hash *hashes[ASSAY_HEADER_HASHES];
    hashes_of(hashes, out);
    if (view->block_version != ASSAY_BLOCK_PROTOCOL || view->app_version != ASSAY_APP_PROTOCOL)
        return ASSAY_FAIL(err, VERSION, "a header of block version %llu and app version %llu",
                          (ull)view->block_version, (ull)view->app_version);
    if (view->chain_id.size > ASSAY_CHAIN_ID_MAX)
        return ASSAY_FAIL(err, CAPACITY, "a chain id of %zu characters, limit %d",
                          view->chain_id.size, ASSAY_CHAIN_ID_MAX);
    if (view->proposer.size != ASSAY_ADDRESS_SIZE)
        return ASSAY_FAIL(err, FORMAT, "a proposer's address of %zu bytes, not %d",
                          view->proposer.size, ASSAY_ADDRESS_SIZE);
    *out =
        (assay_header){.height = view->height, .time = view->time, .last_block = view->last_block};
    memcpy(out->chain_id, view->chain_id.data, view->chain_id.size);
    memcpy(out->proposer.bytes, view->proposer.data, ASSAY_ADDRESS_SIZE);
    for (int i = 0; i < ASSAY_HEADER_HASHES; i++) {
        if (view->hashes[i].size != ASSAY_HASH_SIZE)
            return ASSAY_FAIL(err, FORMAT, "hash %d of a header has %zu bytes, not %d", i,
                              view->hashes[i].size, ASSAY_HASH_SIZE);
        memcpy(hashes[i]->bytes, view->hashes[i].data, ASSAY_HASH_SIZE);
    }
    return ASSAY_OK;
}

// The fields in header order, without tags: hashes and numbers as their wrapper messages.
static void field_write(assay_writer *out, const assay_header_view *view, int field) {
    const assay_bytes *bytes = field == 1    ? &view->chain_id
                               : field == 13 ? &view->proposer
                                             : &view->hashes[field < 5 ? 0 : field - 5];
    switch (field) {
    case 0:
        assay_protobuf_u64(out, 1, view->block_version);
        assay_protobuf_u64(out, 2, view->app_version);
        break;
    case 2:
        assay_protobuf_u64(out, 1, view->height);
        break;
    case 3:
        assay_time_protobuf(out, &view->time);
        break;
    case 4:
        assay_block_id_protobuf(out, &view->last_block);
        break;
    default:
        assay_protobuf_bytes(out, 1, bytes->data, bytes->size);
        break;
    }
}

void assay_header_view_hash(assay_hash *out, const assay_header_view *view) {
    assay_hash leaves[FIELD_COUNT];
    for (int i = 0; i < FIELD_COUNT; i++) {
        uint8_t bytes[FIELD_SIZE_MAX];
        assay_writer field;
        assay_writer_init(&field, bytes, sizeof bytes);
        field_write(&field, view, i);
        ASSAY_ASSERT(!field.failed);
        assay_merkle_leaf(&leaves[i], bytes, field.size);
    }
    assay_merkle_root(out, leaves, FIELD_COUNT);
}

void assay_header_hash(assay_hash *out, const assay_header *header) {
    assay_header_view view;
    assay_header_view_of(&view, header);
    assay_header_view_hash(out, &view);
}

void assay_header_protobuf(assay_writer *writer, const assay_header *header) {
    assay_header_view view;
    assay_header_view_of(&view, header);
    for (int i = 0; i < FIELD_COUNT; i++) {
        uint8_t bytes[FIELD_SIZE_MAX];
        assay_writer field;
        assay_writer_init(&field, bytes, sizeof bytes);
        if (i == 2) {
            assay_protobuf_u64(writer, 3, header->height);
            continue;
        }
        field_write(&field, &view, i);
        // Wrapped values sit in the message directly: the wrapper's tag (one byte, field 1) becomes
        // the header's own.
        bool wrapped = i == 1 || i >= 5;
        if (wrapped && field.size)
            assay_protobuf_bytes(writer, (uint32_t)i + 1, bytes + 2, field.size - 2);
        else if (!wrapped)
            assay_protobuf_message(writer, (uint32_t)i + 1, &field);
    }
}

void assay_time_write(assay_writer *writer, const assay_time *time) {
    assay_writer_u64(writer, time->seconds);
    assay_writer_u32(writer, time->nanos);
}

void assay_time_read(assay_cursor *cursor, assay_time *time) {
    time->seconds = assay_cursor_u64(cursor);
    time->nanos = assay_cursor_u32(cursor);
    if (time->seconds > ASSAY_TIME_SECONDS_MAX || time->nanos >= SECOND_NANOS)
        cursor->failed = true;
}

void assay_block_id_write(assay_writer *writer, const assay_block_id *id) {
    assay_writer_hash(writer, &id->hash);
    assay_writer_u32(writer, id->part_count);
    assay_writer_hash(writer, &id->part_root);
}

void assay_block_id_read(assay_cursor *cursor, assay_block_id *id) {
    assay_cursor_hash(cursor, &id->hash);
    id->part_count = assay_cursor_u32(cursor);
    assay_cursor_hash(cursor, &id->part_root);
}

void assay_header_write(assay_writer *writer, const assay_header *header) {
    assay_hash *hashes[ASSAY_HEADER_HASHES];
    hashes_of(hashes, header);
    assay_writer_blob(writer, header->chain_id, (uint32_t)strlen(header->chain_id));
    assay_writer_u64(writer, header->height);
    assay_time_write(writer, &header->time);
    assay_block_id_write(writer, &header->last_block);
    for (int i = 0; i < ASSAY_HEADER_HASHES; i++)
        assay_writer_hash(writer, hashes[i]);
    assay_writer_address(writer, &header->proposer);
}

void assay_header_read(assay_cursor *cursor, assay_header *header) {
    assay_hash *hashes[ASSAY_HEADER_HASHES];
    hashes_of(hashes, header);
    memset(header, 0, sizeof *header);
    assay_bytes chain_id = assay_cursor_blob(cursor, ASSAY_CHAIN_ID_MAX);
    memcpy(header->chain_id, chain_id.data, chain_id.size);
    for (size_t i = 0; i < chain_id.size; i++)
        if (chain_id.data[i] < 0x21 || chain_id.data[i] > 0x7e) cursor->failed = true;
    header->height = assay_cursor_u64(cursor);
    assay_time_read(cursor, &header->time);
    assay_block_id_read(cursor, &header->last_block);
    for (int i = 0; i < ASSAY_HEADER_HASHES; i++)
        assay_cursor_hash(cursor, hashes[i]);
    assay_cursor_address(cursor, &header->proposer);
}

// HashedParams {block_max_bytes = 1, block_max_gas = 2 (-1: no limit)}.
void assay_consensus_hash(assay_hash *out, uint64_t block_bytes_max) {
    uint8_t bytes[32];
    assay_writer writer;
    assay_writer_init(&writer, bytes, sizeof bytes);
    assay_protobuf_u64(&writer, 1, block_bytes_max);
    assay_protobuf_u64(&writer, 2, UINT64_MAX);
    ASSAY_ASSERT(!writer.failed);
    assay_sha256_of(out, bytes, writer.size);
}

void assay_validator_leaf(assay_hash *out, const uint8_t *public_key, uint64_t power) {
    uint8_t key_bytes[40], bytes[64];
    assay_writer key, validator;
    assay_writer_init(&key, key_bytes, sizeof key_bytes);
    assay_protobuf_bytes(&key, 1, public_key, ASSAY_ED25519_KEY_SIZE);
    assay_writer_init(&validator, bytes, sizeof bytes);
    assay_protobuf_message(&validator, 1, &key);
    assay_protobuf_u64(&validator, 2, power);
    assay_merkle_leaf(out, bytes, validator.size);
}
