// SPDX-License-Identifier: Apache-2.0
// Transactions from strangers: whatever decodes encodes to the same bytes, survives the way through
// JSON, and has a digest; whatever does not gets a number.
#include <stdlib.h>

#include "ledger/tx/reject.h"
#include "ledger/tx/tx_json.h"
#include "ledger/tx/typed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_bytes(const assay_tx *tx, const uint8_t *data, size_t size) {
    size_t again_size = 0;
    uint8_t *again = malloc(size);
    ASSAY_ASSERT(again);
    ASSAY_ASSERT(assay_tx_encode(tx, again, size, &again_size, NULL) == ASSAY_OK);
    ASSAY_ASSERT(again_size == size && memcmp(again, data, size) == 0);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_arena arena;
    assay_tx tx, back;
    assay_error err = {0};
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX);
    assay_status status = assay_tx_decode(&tx, data, size, &arena, &err);
    if (status != ASSAY_OK) {
        ASSAY_ASSERT(status == ASSAY_REJECTED && err.reject >= 100 && err.reject < 140);
        assay_arena_close(&arena);
        return 0;
    }
    same_bytes(&tx, data, size);

    assay_domain domain;
    assay_hash digest;
    assay_domain_init(&domain, tx.chain_id, &(assay_hash){{0}});
    assay_tx_digest(&digest, &tx, &domain);
    json_decref(assay_tx_typed_json(&tx, &domain));

    assay_arena other;
    assay_arena_init(&other, ASSAY_TX_ARENA_MAX);
    json_t *json = assay_tx_to_json(&tx);
    ASSAY_ASSERT(json);
    ASSAY_ASSERT(assay_tx_from_json(&back, NULL, json, &other, NULL) == ASSAY_OK);
    same_bytes(&back, data, size);
    json_decref(json);
    assay_arena_close(&other);
    assay_arena_close(&arena);
    return 0;
}
