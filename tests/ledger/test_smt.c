// SPDX-License-Identifier: Apache-2.0
// State proofs checked offline: vectors made elsewhere, tampering, and the canonical bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/sha256.h"
#include "ledger/smt.h"

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

static size_t hex_field(uint8_t *out, const json_t *object, const char *name) {
    const char *text;
    assert_int_equal(assay_json_text(&text, object, name, 2 * DATA_MAX, NULL), ASSAY_OK);
    size_t size = strlen(text) / 2;
    assert_int_equal(assay_json_hex(out, size, object, name, NULL), ASSAY_OK);
    return size;
}

static void existence_read(existence *out, const json_t *object) {
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

static void vector_read(vector *out, const json_t *object) {
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

static uint32_t common_bits(const assay_hash *a, const assay_hash *b) {
    uint32_t count = 0;
    while (count < 256 && assay_smt_bit(a, count) == assay_smt_bit(b, count))
        count++;
    return count;
}

// Our single path out of an absent key's neighbours: the nearer one's, up to where it leaves.
static void neighbour_path(assay_smt_proof *out, const assay_hash *path,
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

static void vector_proof(assay_smt_proof *out, const vector *v) {
    assay_hash path;
    assay_sha256_of(&path, v->key, v->key_size);
    if (!v->present) {
        neighbour_path(out, &path, v->proofs);
        return;
    }
    *out = (assay_smt_proof){.kind = ASSAY_SMT_PRESENT, .depth = v->proofs[0].depth};
    memcpy(out->siblings, v->proofs[0].siblings, sizeof out->siblings);
}

static assay_status vector_check(const vector *v, const assay_smt_proof *proof) {
    return assay_smt_check(&v->root, v->key, v->key_size, v->present ? v->value : NULL,
                           v->value_size, proof, NULL);
}

// Bytes out and in again; then every cut, and bytes that are not canonical. P-84
static void encoding_check(const assay_smt_proof *proof) {
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
static void tampering_check(const vector *v, const assay_smt_proof *proof) {
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

static void file_run(const char *path) {
    json_t *file;
    const json_t *cases;
    vector *v = malloc(sizeof *v);
    assay_smt_proof *proof = malloc(sizeof *proof);
    assert_true(v && proof);
    assert_int_equal(assay_json_read(&file, path, 1 << 20, NULL), ASSAY_OK);
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

static void vectors_of_another_implementation(void **state) { // P-82, P-83
    file_run(ASSAY_SOURCE_DIR "/tests/vectors/smt.json");
}

// Made by tests/oracles/smt_vectors.py from a checkout of cosmos/ics23.
static void published_ics23_vectors(void **state) { // P-82, P-83
    const char *path = ASSAY_SOURCE_DIR "/tests/vectors/ics23_smt.json";
    if (access(path, R_OK) != 0) skip();
    file_run(path);
}

static void strangers_must_be_on_the_path(void **state) { // P-83
    assay_smt_proof proof = {.kind = ASSAY_SMT_STRANGER};
    assay_hash root, value_hash;
    assay_sha256_of(&value_hash, "v", 1);
    assay_sha256_of(&proof.stranger_path, "present", 7);
    proof.stranger_value = value_hash;
    assay_smt_leaf(&root, &proof.stranger_path, &value_hash);
    // The only leaf of the tree: any other key is absent, itself it is not.
    assert_int_equal(assay_smt_check(&root, "absent", 6, NULL, 0, &proof, NULL), ASSAY_OK);
    assert_int_equal(assay_smt_check(&root, "present", 7, NULL, 0, &proof, NULL), ASSAY_FORMAT);
    // A leaf on the other side of the root says nothing about this one.
    assay_hash path;
    uint8_t key = 0;
    do {
        key++;
        assay_sha256_of(&path, &key, 1);
    } while (assay_smt_bit(&path, 0) == assay_smt_bit(&proof.stranger_path, 0));
    bool right = assay_smt_bit(&path, 0);
    assay_hash leaf = root;
    assay_smt_leaf(&proof.siblings[0], &path, &value_hash);
    assay_smt_node(&root, right ? &leaf : &proof.siblings[0], right ? &proof.siblings[0] : &leaf);
    proof.siblings[0] = leaf;
    proof.depth = 1;
    assert_int_equal(assay_smt_check(&root, &key, 1, NULL, 0, &proof, NULL), ASSAY_FORMAT);
}

static assay_status bytes_read(const uint8_t *data, size_t size) {
    assay_smt_proof *proof = malloc(sizeof *proof);
    assert_non_null(proof);
    assay_cursor cursor;
    assay_cursor_init(&cursor, data, size);
    assay_status status = assay_smt_proof_read(proof, &cursor, NULL);
    if (status == ASSAY_OK) status = assay_cursor_finish(&cursor, "proof", NULL);
    free(proof);
    return status;
}

static void other_bytes_are_refused(void **state) { // P-84
    uint8_t data[64] = {0};
    assert_int_equal(bytes_read(data, 3), ASSAY_OK); // present, no steps
    assert_int_equal(bytes_read(data, 4), ASSAY_TRAILING);
    data[0] = 3; // kind
    assert_int_equal(bytes_read(data, 3), ASSAY_RANGE);
    data[0] = 1;
    data[1] = 1, data[2] = 1; // 257 steps
    assert_int_equal(bytes_read(data, 64), ASSAY_RANGE);
    data[1] = 0, data[2] = 3, data[3] = 0x10; // three steps, the map marks a fourth
    assert_int_equal(bytes_read(data, 36), ASSAY_CANONICAL);
    data[3] = 0x20; // the third sibling is listed, and empty
    assert_int_equal(bytes_read(data, 36), ASSAY_CANONICAL);
    data[4] = 1;
    assert_int_equal(bytes_read(data, 36), ASSAY_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_another_implementation),
        cmocka_unit_test(published_ics23_vectors),
        cmocka_unit_test(strangers_must_be_on_the_path),
        cmocka_unit_test(other_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
