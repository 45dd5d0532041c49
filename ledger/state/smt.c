// SPDX-License-Identifier: Apache-2.0
#include "ledger/state/smt.h"

#include "base/sha256.h"

static void tagged_hash(assay_hash *out, uint8_t tag, const assay_hash *a, const assay_hash *b) {
    uint8_t data[1 + 2 * ASSAY_HASH_SIZE];
    data[0] = tag;
    memcpy(data + 1, a->bytes, ASSAY_HASH_SIZE);
    memcpy(data + 1 + ASSAY_HASH_SIZE, b->bytes, ASSAY_HASH_SIZE);
    assay_sha256_of(out, data, sizeof data);
}

void assay_smt_leaf(assay_hash *out, const assay_hash *path, const assay_hash *value_hash) {
    tagged_hash(out, 0, path, value_hash);
}

void assay_smt_node(assay_hash *out, const assay_hash *left, const assay_hash *right) {
    tagged_hash(out, 1, left, right);
}

static bool prefix_equal(const assay_hash *a, const assay_hash *b, uint32_t bit_count) {
    uint32_t whole = bit_count / 8, rest = bit_count % 8;
    if (memcmp(a->bytes, b->bytes, whole) != 0) return false;
    return rest == 0 || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

// What stands at the end of the path, as a hash.
static assay_status end_hash(assay_hash *out, const assay_hash *path, const void *value,
                             size_t value_size, const assay_smt_proof *proof, assay_error *err) {
    bool wants_value = value != NULL;
    if (wants_value != (proof->kind == ASSAY_SMT_PRESENT))
        return ASSAY_FAIL(err, MISMATCH, "the proof shows the key %s, not %s",
                          wants_value ? "absent" : "present", wants_value ? "present" : "absent");
    *out = (assay_hash){{0}};
    if (proof->kind == ASSAY_SMT_EMPTY) return ASSAY_OK;
    if (proof->kind == ASSAY_SMT_PRESENT) {
        assay_hash value_hash;
        assay_sha256_of(&value_hash, value, value_size);
        assay_smt_leaf(out, path, &value_hash);
        return ASSAY_OK;
    }
    if (assay_hash_equal(path, &proof->stranger_path) ||
        !prefix_equal(path, &proof->stranger_path, proof->depth))
        return ASSAY_FAIL(err, FORMAT, "the other leaf does not stand %u steps down the key's path",
                          proof->depth);
    assay_smt_leaf(out, &proof->stranger_path, &proof->stranger_value);
    return ASSAY_OK;
}

assay_status assay_smt_check(const assay_hash *root, const void *key, size_t key_size,
                             const void *value, size_t value_size, const assay_smt_proof *proof,
                             assay_error *err) {
    if (proof->depth > ASSAY_SMT_DEPTH_MAX)
        return ASSAY_FAIL(err, RANGE, "proof of %u steps, limit %d", proof->depth,
                          ASSAY_SMT_DEPTH_MAX);
    if (proof->kind > ASSAY_SMT_STRANGER)
        return ASSAY_FAIL(err, RANGE, "proof of kind %u, limit %d", (unsigned)proof->kind,
                          ASSAY_SMT_STRANGER);
    assay_hash path, hash;
    assay_sha256_of(&path, key, key_size);
    ASSAY_TRY(end_hash(&hash, &path, value, value_size, proof, err));
    for (uint32_t i = 0; i < proof->depth; i++) {
        if (assay_smt_bit(&path, proof->depth - 1 - i))
            assay_smt_node(&hash, &proof->siblings[i], &hash);
        else
            assay_smt_node(&hash, &hash, &proof->siblings[i]);
    }
    if (!assay_hash_equal(&hash, root))
        return ASSAY_FAIL(err, MISMATCH, "proof of %u steps leads to another root", proof->depth);
    return ASSAY_OK;
}

void assay_smt_proof_write(assay_writer *writer, const assay_smt_proof *proof) {
    ASSAY_ASSERT(proof->depth <= ASSAY_SMT_DEPTH_MAX);
    uint8_t map[ASSAY_SMT_DEPTH_MAX / 8] = {0};
    for (uint32_t i = 0; i < proof->depth; i++)
        if (!assay_hash_is_zero(&proof->siblings[i])) map[i / 8] |= (uint8_t)(0x80 >> i % 8);
    assay_writer_u8(writer, (uint8_t)proof->kind);
    assay_writer_u16(writer, (uint16_t)proof->depth);
    assay_writer_copy(writer, map, (proof->depth + 7) / 8);
    for (uint32_t i = 0; i < proof->depth; i++)
        if (map[i / 8] & 0x80 >> i % 8) assay_writer_hash(writer, &proof->siblings[i]);
    if (proof->kind == ASSAY_SMT_STRANGER) {
        assay_writer_hash(writer, &proof->stranger_path);
        assay_writer_hash(writer, &proof->stranger_value);
    }
}

assay_status assay_smt_proof_read(assay_smt_proof *out, assay_cursor *cursor, assay_error *err) {
    *out = (assay_smt_proof){0};
    uint8_t kind = assay_cursor_u8(cursor);
    uint32_t depth = assay_cursor_u16(cursor);
    if (kind > ASSAY_SMT_STRANGER)
        return ASSAY_FAIL(err, RANGE, "proof of kind %u, limit %d", kind, ASSAY_SMT_STRANGER);
    if (depth > ASSAY_SMT_DEPTH_MAX)
        return ASSAY_FAIL(err, RANGE, "proof of %u steps, limit %d", depth, ASSAY_SMT_DEPTH_MAX);
    uint8_t map[ASSAY_SMT_DEPTH_MAX / 8] = {0};
    assay_cursor_copy(cursor, map, (depth + 7) / 8);
    for (uint32_t i = depth; i < (depth + 7) / 8 * 8; i++)
        if (map[i / 8] & 0x80 >> i % 8)
            return ASSAY_FAIL(err, CANONICAL, "proof of %u steps marks step %u", depth, i);
    bool zero_listed = false;
    for (uint32_t i = 0; i < depth; i++) {
        if (!(map[i / 8] & 0x80 >> i % 8)) continue;
        assay_cursor_hash(cursor, &out->siblings[i]);
        zero_listed |= assay_hash_is_zero(&out->siblings[i]);
    }
    if (kind == ASSAY_SMT_STRANGER) {
        assay_cursor_hash(cursor, &out->stranger_path);
        assay_cursor_hash(cursor, &out->stranger_value);
    }
    if (cursor->failed) return ASSAY_FAIL(err, TRUNCATED, "proof of %u steps is cut short", depth);
    if (zero_listed) return ASSAY_FAIL(err, CANONICAL, "proof lists an empty sibling");
    out->kind = (assay_smt_kind)kind;
    out->depth = depth;
    return ASSAY_OK;
}
