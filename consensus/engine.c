// SPDX-License-Identifier: Apache-2.0
#include "consensus/engine.h"

#include "base/sha256.h"

assay_status assay_proposal_make(const assay_bytes **txs, uint32_t *tx_count,
                                 const assay_application *app,
                                 const assay_engine_candidates *candidates, assay_arena *arena,
                                 assay_error *err) {
    void *picked_room, *txs_room;
    uint32_t picked_count = 0, at = 0;
    assay_bytes first = {NULL, 0};
    ASSAY_TRY(
        assay_arena_get(arena, candidates->tx_count, sizeof(uint32_t), "picks", &picked_room, err));
    uint32_t *picked = picked_room;
    ASSAY_TRY(app->prepare_proposal(app->self, candidates, picked, &picked_count, &first, err));
    ASSAY_TRY(assay_arena_get(arena, (size_t)picked_count + 1, sizeof(assay_bytes), "transactions",
                              &txs_room, err));
    assay_bytes *out = txs_room;
    if (first.size)
        ASSAY_TRY(
            assay_arena_copy(arena, first.data, first.size, "a transaction", &out[at++], err));
    for (uint32_t i = 0; i < picked_count; i++)
        out[at++] = candidates->txs[picked[i]];
    *txs = out;
    *tx_count = at;
    return ASSAY_OK;
}

assay_status assay_executed_room(assay_executed *out, const assay_bytes *txs, uint32_t count,
                                 assay_arena *arena, assay_error *err) {
    void *ids, *results, *texts;
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(assay_hash), "ids", &ids, err));
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(assay_tx_result), "results", &results, err));
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(char *), "texts", &texts, err));
    *out = (assay_executed){count, ids, results, texts};
    for (uint32_t i = 0; i < count; i++) {
        out->texts[i] = "";
        assay_sha256_of(&out->ids[i], txs[i].data, txs[i].size);
    }
    return ASSAY_OK;
}
