// SPDX-License-Identifier: Apache-2.0
// State proofs made elsewhere, in the form of ICS-23: checked, tampered with, written and read.
#ifndef ASSAY_TESTS_LEDGER_SMT_VECTORS_H
#define ASSAY_TESTS_LEDGER_SMT_VECTORS_H

#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/sha256.h"
#include "ledger/state/smt.h"
#include "tests/test.h"

enum { DATA_MAX = 256 };

// One existence proof as ICS-23 lists it.
typedef struct {
    bool given;
    assay_hash path, value_hash;
    uint32_t depth;
    assay_hash siblings[ASSAY_SMT_DEPTH_MAX];
} existence;

typedef struct {
    assay_hash root;
    uint8_t key[DATA_MAX], value[DATA_MAX];
    size_t key_size, value_size;
    bool present;
    existence proofs[2]; // present: [0]; absent: the neighbours to the left and to the right
} vector;

static inline size_t hex_field(uint8_t *out, const json_t *object, const char *name) {
    const char *text;
    assert_int_equal(assay_json_text(&text, object, name, 2 * DATA_MAX, NULL), ASSAY_OK);
    size_t size = strlen(text) / 2;
    assert_int_equal(assay_json_hex(out, size, object, name, NULL), ASSAY_OK);
    return size;
}

static inline void existence_read(existence *out, const json_t *object) {
    uint8_t data[DATA_MAX];
    const json_t *siblings;
    *out = (existence){.given = true};
    assay_sha256_of(&out->path, data, hex_field(data, object, "key"));
    assay_sha256_of(&out->value_hash, data, hex_field(data, object, "value"));
    assert_int_equal(assay_json_array(&siblings, object, "siblings", 256, NULL), ASSAY_OK);
    out->depth = (uint32_t)json_array_size(siblings);
    for (uint32_t i = 0; i < out->depth; i++)
        assert_int_equal(assay_hex_decode(out->siblings[i].bytes, 32,
                                          json_string_value(json_array_get(siblings, i)), NULL),
                         ASSAY_OK);
}

static inline void vector_read(vector *out, const json_t *object) {
    const json_t *proofs;
    *out = (vector){.present = !json_is_null(json_object_get(object, "value"))};
    assert_int_equal(assay_json_hash(&out->root, object, "root", NULL), ASSAY_OK);
    out->key_size = hex_field(out->key, object, "key");
    if (out->present) out->value_size = hex_field(out->value, object, "value");
    assert_int_equal(assay_json_array(&proofs, object, "proofs", 2, NULL), ASSAY_OK);
    for (size_t i = 0; i < json_array_size(proofs); i++)
        if (!json_is_null(json_array_get(proofs, i)))
            existence_read(&out->proofs[i], json_array_get(proofs, i));
}

static inline uint32_t common_bits(const assay_hash *a, const assay_hash *b) {
    uint32_t count = 0;
    while (count < 256 && assay_smt_bit(a, count) == assay_smt_bit(b, count))
        count++;
    return count;
}

// Our single path out of an absent key's neighbours: the nearer one's, up to where it leaves.
static inline void neighbour_path(assay_smt_proof *out, const assay_hash *path,
                                  const existence proofs[2]) {
    uint32_t common[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        if (proofs[i].given) common[i] = common_bits(path, &proofs[i].path);
    const existence *near = &proofs[!proofs[0].given || (proofs[1].given && common[1] > common[0])];
    uint32_t shared = common_bits(path, &near->path);
    *out = (assay_smt_proof){.kind = ASSAY_SMT_STRANGER, .depth = near->depth};
    out->stranger_path = near->path;
    out->stranger_value = near->value_hash;
    memcpy(out->siblings, near->siblings, near->depth * sizeof near->siblings[0]);
    if (near->depth <= shared) return;
    // The key's own side is empty where the paths part; the neighbour's side becomes the sibling.
    assay_hash side;
    uint32_t below = near->depth - 1 - shared;
    assert_true(assay_hash_is_zero(&near->siblings[below]));
    assay_smt_leaf(&side, &near->path, &near->value_hash);
    for (uint32_t i = 0; i < below; i++) {
        bool right = assay_smt_bit(&near->path, near->depth - 1 - i);
        assay_smt_node(&side, right ? &near->siblings[i] : &side,
                       right ? &side : &near->siblings[i]);
    }
    *out = (assay_smt_proof){.kind = ASSAY_SMT_EMPTY, .depth = shared + 1};
    out->siblings[0] = side;
    memcpy(out->siblings + 1, near->siblings + below + 1, shared * sizeof side);
}

static inline void vector_proof(assay_smt_proof *out, const vector *v) {
    assay_hash path;
    assay_sha256_of(&path, v->key, v->key_size);
    if (!v->present) {
        neighbour_path(out, &path, v->proofs);
        return;
    }
    *out = (assay_smt_proof){.kind = ASSAY_SMT_PRESENT, .depth = v->proofs[0].depth};
    memcpy(out->siblings, v->proofs[0].siblings, sizeof out->siblings);
}

static inline assay_status vector_check(const vector *v, const assay_smt_proof *proof) {
    return assay_smt_check(&v->root, v->key, v->key_size, v->present ? v->value : NULL,
                           v->value_size, proof, NULL);
}

// Bytes out and in again; then every cut, and bytes that are not canonical. P-84
static inline void encoding_check(const assay_smt_proof *proof) {
    uint8_t data[ASSAY_SMT_PROOF_MAX];
    assay_writer writer;
    assay_writer_init(&writer, data, sizeof data);
    assay_smt_proof_write(&writer, proof);
    assert_false(writer.failed);
    assay_smt_proof *back = malloc(sizeof *back);
    assert_non_null(back);
    assay_cursor cursor;
    for (size_t cut = 0; cut <= writer.size; cut++) {
        assay_cursor_init(&cursor, data, cut);
        assay_status status = assay_smt_proof_read(back, &cursor, NULL);
        assert_int_equal(status, cut < writer.size ? ASSAY_TRUNCATED : ASSAY_OK);
    }
    assert_int_equal(assay_cursor_left(&cursor), 0);
    assert_int_equal(back->kind, proof->kind);
    assert_int_equal(back->depth, proof->depth);
    assert_memory_equal(back->siblings, proof->siblings, sizeof back->siblings);
    assert_memory_equal(&back->stranger_path, &proof->stranger_path, 32);
    assert_memory_equal(&back->stranger_value, &proof->stranger_value, 32);
    free(back);
}

// One bit anywhere in what is checked, and the check fails.
static inline void tampering_check(const vector *v, const assay_smt_proof *proof) {
    vector *other = malloc(sizeof *other);
    assay_smt_proof *bad = malloc(sizeof *bad);
    assert_true(other && bad);
    for (uint32_t i = 0; i < proof->depth; i++) {
        *bad = *proof;
        bad->siblings[i].bytes[i % 32] ^= 0x10;
        assert_int_equal(vector_check(v, bad), ASSAY_MISMATCH);
    }
    for (uint32_t depth = 0; depth < 257; depth++) {
        if (depth == proof->depth) continue;
        *bad = *proof;
        bad->depth = depth;
        assert_int_not_equal(vector_check(v, bad), ASSAY_OK);
    }
    for (assay_smt_kind kind = ASSAY_SMT_PRESENT; kind <= ASSAY_SMT_STRANGER; kind++) {
        *bad = *proof;
        bad->kind = kind;
        if (kind != proof->kind) assert_int_not_equal(vector_check(v, bad), ASSAY_OK);
    }
    *other = *v;
    other->root.bytes[31] ^= 1;
    assert_int_equal(vector_check(other, proof), ASSAY_MISMATCH);
    *other = *v;
    other->value[0] ^= 1;
    if (v->present) assert_int_equal(vector_check(other, proof), ASSAY_MISMATCH);
    *other = *v;
    other->present = !v->present;
    assert_int_equal(vector_check(other, proof), ASSAY_MISMATCH);
    free(bad);
    free(other);
}

static inline void smt_vectors_run(const char *path) {
    json_t *file;
    const json_t *cases;
    vector *v = malloc(sizeof *v);
    assay_smt_proof *proof = malloc(sizeof *proof);
    assert_true(v && proof);
    assert_int_equal(assay_json_read_many(&file, path, 1 << 20, SIZE_MAX, NULL), ASSAY_OK);
    assert_int_equal(assay_json_array(&cases, file, "cases", 1000, NULL), ASSAY_OK);
    assert_true(json_array_size(cases) >= 6);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        vector_read(v, json_array_get(cases, i));
        vector_proof(proof, v);
        assert_int_equal(vector_check(v, proof), ASSAY_OK);
        tampering_check(v, proof);
        encoding_check(proof);
    }
    json_decref(file);
    free(proof);
    free(v);
}

#endif
