// SPDX-License-Identifier: Apache-2.0
#include "consensus/idtable.h"

#include <stdlib.h>
#include <sys/random.h>

enum { SLOTS_MIN = 256 };

static uint32_t slot_home(const assay_idtable *table, const assay_hash *id) {
    assay_u128 product = (assay_u128)(assay_load_le64(id->bytes) ^ table->seed) *
                         ((assay_load_le64(id->bytes + 8) ^ (table->seed >> 7)) | 1);
    return (uint32_t)(product >> 48) & table->mask;
}

// Where the id is, or the free slot where it would go.
static uint32_t slot_find(const assay_idtable *table, const assay_hash *id) {
    uint32_t at = slot_home(table, id);
    while (table->slots[at].used && !assay_hash_equal(&table->slots[at].id, id))
        at = (at + 1) & table->mask;
    return at;
}

assay_status assay_idtable_reserve(assay_idtable *table, uint32_t count, assay_error *err) {
    if (table->slots && count <= (table->mask + 1) / 2) return ASSAY_OK;
    uint32_t slot_count = SLOTS_MIN;
    while (slot_count / 2 < count)
        slot_count *= 2;
    assay_idtable larger = {.mask = slot_count - 1, .seed = table->seed};
    // Without entropy the table still works; only its worst case is then somebody's choice.
    if (!table->slots && getrandom(&larger.seed, sizeof larger.seed, GRND_NONBLOCK) < 0)
        larger.seed = (uint64_t)(uintptr_t)table;
    larger.slots = calloc(slot_count, sizeof *larger.slots);
    if (!larger.slots) return ASSAY_FAIL(err, MEMORY, "no memory for %u transaction ids", count);
    for (uint32_t i = 0; table->slots && i <= table->mask; i++)
        if (table->slots[i].used)
            assay_idtable_put(&larger, &table->slots[i].id, table->slots[i].value);
    free(table->slots);
    *table = larger;
    return ASSAY_OK;
}

void assay_idtable_put(assay_idtable *table, const assay_hash *id, uint32_t value) {
    ASSAY_ASSERT(table->slots);
    assay_idtable_slot *slot = &table->slots[slot_find(table, id)];
    if (!slot->used) {
        ASSAY_ASSERT(table->count < (table->mask + 1) / 2);
        table->count++;
    }
    *slot = (assay_idtable_slot){*id, value, true};
}

const uint32_t *assay_idtable_get(const assay_idtable *table, const assay_hash *id) {
    if (!table->slots) return NULL;
    const assay_idtable_slot *slot = &table->slots[slot_find(table, id)];
    return slot->used ? &slot->value : NULL;
}

void assay_idtable_delete(assay_idtable *table, const assay_hash *id) {
    if (!table->slots) return;
    uint32_t hole = slot_find(table, id);
    if (!table->slots[hole].used) return;
    table->count--;
    // Those behind the hole that may not stand behind a free slot move into it, one by one.
    for (uint32_t at = (hole + 1) & table->mask; table->slots[at].used;
         at = (at + 1) & table->mask) {
        uint32_t home = slot_home(table, &table->slots[at].id);
        if (((at - home) & table->mask) < ((at - hole) & table->mask)) continue;
        table->slots[hole] = table->slots[at];
        hole = at;
    }
    table->slots[hole].used = false;
}

void assay_idtable_clear(assay_idtable *table) {
    if (table->slots) memset(table->slots, 0, ((size_t)table->mask + 1) * sizeof *table->slots);
    table->count = 0;
}

void assay_idtable_close(assay_idtable *table) {
    free(table->slots);
    *table = (assay_idtable){0};
}
