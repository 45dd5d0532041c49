// SPDX-License-Identifier: Apache-2.0
#include "consensus/fates.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/sha256.h"

struct assay_fate_entry {
    assay_hash id;
    uint64_t height;
    uint32_t index;
    assay_tx_result result;
    char *text; // owned, NULL: none
};

assay_status assay_fates_open(assay_fates *fates, assay_error *err) {
    *fates = (assay_fates){0};
    fates->ring = calloc(ASSAY_FATES_MAX, sizeof *fates->ring);
    if (!fates->ring)
        return ASSAY_FAIL(err, MEMORY, "no memory to remember %d transactions", ASSAY_FATES_MAX);
    return assay_idtable_reserve(&fates->index, ASSAY_FATES_MAX, err);
}

void assay_fates_clear(assay_fates *fates) {
    // Not the rest: it was never touched, and is no memory yet.
    for (uint32_t i = 0; i < fates->count && i < ASSAY_FATES_MAX; i++) {
        assay_idtable_delete(&fates->index, &fates->ring[i].id);
        free(fates->ring[i].text);
    }
    fates->count = 0;
}

void assay_fates_close(assay_fates *fates) {
    assay_fates_clear(fates);
    free(fates->ring);
    assay_idtable_close(&fates->index);
    *fates = (assay_fates){0};
}

void assay_fates_add(assay_fates *fates, const assay_hash *id, uint64_t height, uint32_t index,
                     const assay_tx_result *result, const char *text) {
    uint32_t place = (uint32_t)(fates->count % ASSAY_FATES_MAX);
    assay_fate_entry *entry = &fates->ring[place];
    if (fates->count++ >= ASSAY_FATES_MAX) {
        // An id that came again since belongs to its newer place.
        const uint32_t *known = assay_idtable_get(&fates->index, &entry->id);
        if (known && *known == place) assay_idtable_delete(&fates->index, &entry->id);
        free(entry->text);
    }
    *entry = (assay_fate_entry){*id, height, index, *result, *text ? strdup(text) : NULL};
    assay_idtable_put(&fates->index, id, place);
}

bool assay_fates_find(const assay_fates *fates, const assay_hash *id, assay_tx_fate *out) {
    const uint32_t *place = assay_idtable_get(&fates->index, id);
    if (!place) return false;
    const assay_fate_entry *entry = &fates->ring[*place];
    *out = (assay_tx_fate){ASSAY_TX_COMMITTED, entry->height, entry->index, entry->result, ""};
    if (entry->text) snprintf(out->text, sizeof out->text, "%s", entry->text);
    return true;
}

static void block_search(assay_tx_fate *out, const assay_block *block, const assay_hash *id) {
    for (uint32_t i = 0; i < block->tx_count; i++) {
        assay_hash other;
        assay_sha256_of(&other, block->txs[i].data, block->txs[i].size);
        if (!assay_hash_equal(&other, id)) continue;
        *out = (assay_tx_fate){ASSAY_TX_COMMITTED, block->header.height, i, block->results[i], ""};
        return;
    }
}

assay_status assay_fate_fetch(assay_tx_fate *out, assay_block_fetch *fetch, void *self,
                              uint64_t height, size_t arena_max, const assay_hash *id,
                              assay_error *err) {
    assay_arena arena;
    assay_block block;
    uint8_t *data;
    assay_arena_init(&arena, arena_max);
    assay_status status = fetch(self, height, &block, &arena, &data, err);
    if (status == ASSAY_OK) block_search(out, &block, id);
    free(data);
    assay_arena_close(&arena);
    return status;
}
