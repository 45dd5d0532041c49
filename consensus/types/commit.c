// SPDX-License-Identifier: Apache-2.0
#include "consensus/types/commit.h"

#include "base/merkle.h"
#include "consensus/types/protobuf.h"

enum { PRECOMMIT = 2, FLAG_COMMIT = 2 };

size_t assay_precommit_sign_bytes(uint8_t *out, const assay_precommit *vote, assay_bytes chain_id) {
    static const assay_block_id none;
    uint8_t bytes[ASSAY_VOTE_BYTES_MAX], id_bytes[96], time_bytes[24];
    assay_writer message, id, time, whole;
    assay_writer_init(&id, id_bytes, sizeof id_bytes);
    assay_block_id_protobuf(&id, &vote->block);
    assay_writer_init(&time, time_bytes, sizeof time_bytes);
    assay_time_protobuf(&time, &vote->time);
    assay_writer_init(&message, bytes, sizeof bytes);
    assay_protobuf_u64(&message, 1, PRECOMMIT);
    assay_protobuf_sfixed64(&message, 2, vote->height);
    assay_protobuf_sfixed64(&message, 3, vote->round);
    if (memcmp(&vote->block, &none, sizeof none) != 0) assay_protobuf_message(&message, 4, &id);
    assay_protobuf_message(&message, 5, &time);
    assay_protobuf_bytes(&message, 6, chain_id.data, chain_id.size);
    assay_writer_init(&whole, out, ASSAY_VOTE_BYTES_MAX);
    assay_protobuf_varint(&whole, message.size);
    assay_writer_copy(&whole, bytes, message.size);
    ASSAY_ASSERT(!message.failed && !whole.failed);
    return whole.size;
}

size_t assay_commit_sign_bytes(uint8_t *out, const assay_commit *commit, const char *chain_id) {
    const assay_precommit vote = {commit->height, 0, commit->block, commit->time};
    return assay_precommit_sign_bytes(out, &vote, assay_text_bytes(chain_id));
}

assay_status assay_commit_sign(assay_commit *commit, const char *chain_id, const uint8_t *seed,
                               assay_error *err) {
    uint8_t message[ASSAY_VOTE_BYTES_MAX], public_key[ASSAY_ED25519_KEY_SIZE];
    ASSAY_TRY(assay_ed25519_public(public_key, seed, err));
    assay_ed25519_address(&commit->validator, public_key);
    size_t size = assay_commit_sign_bytes(message, commit, chain_id);
    return assay_ed25519_sign(commit->signature, seed, message, size, err);
}

static void signature_protobuf(assay_writer *writer, uint32_t flag, const assay_commit *commit) {
    uint8_t time_bytes[24]; // 17 are needed for a vote of before 1970
    assay_writer time;
    assay_writer_init(&time, time_bytes, sizeof time_bytes);
    assay_time_protobuf(&time, &commit->time);
    assay_protobuf_u64(writer, 1, flag);
    assay_protobuf_bytes(writer, 2, commit->validator.bytes, ASSAY_ADDRESS_SIZE);
    assay_protobuf_message(writer, 3, &time);
    assay_protobuf_bytes(writer, 4, commit->signature, sizeof commit->signature);
}

void assay_commit_vote_leaf(assay_hash *out, uint32_t flag, const assay_commit *commit) {
    uint8_t bytes[160];
    assay_writer signature;
    assay_writer_init(&signature, bytes, sizeof bytes);
    signature_protobuf(&signature, flag, commit);
    ASSAY_ASSERT(!signature.failed);
    assay_merkle_leaf(out, bytes, signature.size);
}

void assay_commit_hash(assay_hash *out, const assay_commit *commit) {
    if (commit)
        assay_commit_vote_leaf(out, FLAG_COMMIT, commit);
    else
        assay_merkle_root(out, NULL, 0);
}

void assay_commit_protobuf(assay_writer *writer, const assay_commit *commit) {
    uint8_t id_bytes[96], signature_bytes[160];
    assay_writer id, signature;
    assay_writer_init(&id, id_bytes, sizeof id_bytes);
    assay_block_id_protobuf(&id, &commit->block);
    assay_writer_init(&signature, signature_bytes, sizeof signature_bytes);
    signature_protobuf(&signature, FLAG_COMMIT, commit);
    assay_protobuf_u64(writer, 1, commit->height);
    assay_protobuf_message(writer, 3, &id);
    assay_protobuf_message(writer, 4, &signature);
}

void assay_commit_write(assay_writer *writer, const assay_commit *commit) {
    assay_writer_u64(writer, commit->height);
    assay_block_id_write(writer, &commit->block);
    assay_writer_address(writer, &commit->validator);
    assay_time_write(writer, &commit->time);
    assay_writer_copy(writer, commit->signature, sizeof commit->signature);
}

void assay_commit_read(assay_cursor *cursor, assay_commit *commit) {
    commit->height = assay_cursor_u64(cursor);
    assay_block_id_read(cursor, &commit->block);
    assay_cursor_address(cursor, &commit->validator);
    assay_time_read(cursor, &commit->time);
    assay_cursor_copy(cursor, commit->signature, sizeof commit->signature);
}
