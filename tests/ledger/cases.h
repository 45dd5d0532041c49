// SPDX-License-Identifier: Apache-2.0
// The transactions of tests/vectors/eip712.json, made and signed by ethers: four of every kind, two
// with random fields and one each with all fields at their least and most.
#ifndef ASSAY_TESTS_LEDGER_CASES_H
#define ASSAY_TESTS_LEDGER_CASES_H

#include "ledger/tx/tx_json.h"
#include "ledger/tx/typed.h"
#include "tests/vectors.h"

typedef struct {
    json_t *root;
    assay_arena arena;
} cases;

// ASSAY_EIP712_VECTORS names another file of the same form (the live oracle's fresh one).
static inline void cases_open(cases *out) {
    const char *path = getenv("ASSAY_EIP712_VECTORS");
    assay_error err = {0};
    out->root = NULL;
    assay_arena_init(&out->arena, 64 * ASSAY_TX_ARENA_MAX);
    if (!path) {
        out->root = vectors_read("eip712.json");
    } else if (assay_json_read_many(&out->root, path, 16 << 20, SIZE_MAX, &err) != ASSAY_OK) {
        fail_msg("%s: %s", path, err.text);
    }
}

static inline void cases_close(cases *in) {
    json_decref(in->root);
    assay_arena_close(&in->arena);
}

static inline size_t cases_count(const cases *in) {
    return json_array_size(json_object_get(in->root, "transactions"));
}

static inline json_t *cases_at(const cases *in, size_t index) {
    return json_array_get(json_object_get(in->root, "transactions"), index);
}

// The transaction of one case and its domain; genesis and domain may be NULL.
static inline void cases_tx(cases *in, size_t index, assay_tx *tx, assay_domain *domain) {
    assay_error err = {0};
    assay_hash genesis;
    json_t *json = json_object_get(cases_at(in, index), "json");
    if (assay_tx_from_json(tx, &genesis, json, &in->arena, &err) != ASSAY_OK)
        fail_msg("case %zu: %s", index, err.text);
    if (domain) assay_domain_init(domain, tx->chain_id, &genesis);
}

// The first case of a kind: random fields, none of them zero by accident.
static inline void cases_tx_of(cases *in, assay_tx_kind kind, assay_tx *tx) {
    for (size_t i = 0; i < cases_count(in); i++) {
        cases_tx(in, i, tx, NULL);
        if (tx->kind == kind) return;
    }
    fail_msg("no case of kind %u", (unsigned)kind);
}

// Encodes into fresh memory of exactly the right size; the caller frees it.
static inline uint8_t *cases_encode(const assay_tx *tx, size_t *size) {
    assay_error err = {0};
    uint8_t *data = malloc(assay_tx_size(tx));
    assert_non_null(data);
    if (assay_tx_encode(tx, data, assay_tx_size(tx), size, &err) != ASSAY_OK)
        fail_msg("%s: %s", assay_tx_kind_name(tx->kind), err.text);
    assert_int_equal(*size, assay_tx_size(tx));
    return data;
}

#endif
