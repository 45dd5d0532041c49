// SPDX-License-Identifier: Apache-2.0
// The state tree's hash rules and proofs (ICS-23 SMT): pure functions, no storage. Anyone checks a
// proof with this file and SHA-256 alone.
//   path  = SHA256(key), read from the most significant bit; 0 goes left
//   leaf  = SHA256(0x00 || path || SHA256(value))
//   inner = SHA256(0x01 || left || right)
//   empty = 32 zero bytes; a subtree with one leaf is that leaf
#ifndef ASSAY_LEDGER_STATE_SMT_H
#define ASSAY_LEDGER_STATE_SMT_H

#include "base/bytes.h"
#include "base/cursor.h"
#include "base/status.h"

enum {
    ASSAY_SMT_DEPTH_MAX = 256,
    // kind, depth, map of siblings that are not empty, siblings, stranger
    ASSAY_SMT_PROOF_MAX = 1 + 2 + 32 + 256 * 32 + 64,
};

// What stands at the end of a key's path.
typedef enum {
    ASSAY_SMT_PRESENT = 0,  // the key's own leaf
    ASSAY_SMT_EMPTY = 1,    // nothing: the key is absent
    ASSAY_SMT_STRANGER = 2, // another key's leaf: the key is absent
} assay_smt_kind;

// One path. Fixed size, owns nothing. For a present key `siblings` is the path of an ICS-23
// existence proof.
typedef struct {
    assay_smt_kind kind;
    uint32_t depth;                           // steps, <= 256
    assay_hash siblings[ASSAY_SMT_DEPTH_MAX]; // [depth], the deepest first; zero = empty
    assay_hash stranger_path;                 // STRANGER: the other leaf's path …
    assay_hash stranger_value;                // … and the SHA-256 of its value
} assay_smt_proof;

// Bit `index` of a path, the most significant first; 1 goes right. index < 256. Spec: P-82.
static inline bool assay_smt_bit(const assay_hash *path, uint32_t index) {
    return path->bytes[index / 8] >> (7 - index % 8) & 1;
}

// Spec: P-82.
void assay_smt_leaf(assay_hash *out, const assay_hash *path, const assay_hash *value_hash);
void assay_smt_node(assay_hash *out, const assay_hash *left, const assay_hash *right);

// Checks that under `root` the key holds exactly this value or, with value NULL, holds nothing.
// Needs no store. Errors: MISMATCH (another root, another kind), RANGE (depth), FORMAT (a stranger
// off the key's path). Spec: P-83.
assay_status assay_smt_check(const assay_hash *root, const void *key, size_t key_size,
                             const void *value, size_t value_size, const assay_smt_proof *proof,
                             assay_error *err);

// The proof's canonical bytes; the writer fails if its buffer is short. Spec: P-84.
void assay_smt_proof_write(assay_writer *writer, const assay_smt_proof *proof);

// Reads what write wrote, and nothing else. Errors: TRUNCATED, RANGE (kind, depth), CANONICAL.
// The caller ends the parse with assay_cursor_finish. Spec: P-84.
assay_status assay_smt_proof_read(assay_smt_proof *out, assay_cursor *cursor, assay_error *err);

#endif
