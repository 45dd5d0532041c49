// SPDX-License-Identifier: Apache-2.0
#include "node/workshop/batch_table.h"

#include <stdlib.h>

static assay_status sum_add(uint64_t *sum, uint64_t fee, assay_error *err) {
    if (__builtin_add_overflow(*sum, fee, sum))
        return ASSAY_FAIL(err, RANGE, "fees of a batch add up to more than 2^64-1");
    return ASSAY_OK;
}

// Receipts stand by session already: one pass.
static assay_status sessions_make(assay_session_list *out, const assay_receipt *receipts,
                                  uint32_t count, assay_arena *arena, assay_error *err) {
    void *room;
    uint32_t used = 0;
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(assay_session_row), "session rows", &room, err));
    assay_session_row *rows = room;
    for (uint32_t i = 0; i < count; i++) {
        const assay_request *request = &receipts[i].request;
        assay_session_row *row = used ? &rows[used - 1] : NULL;
        if (!row || !assay_hash_equal(&row->session, &request->session)) {
            if (row && memcmp(row->session.bytes, request->session.bytes, ASSAY_HASH_SIZE) > 0)
                return ASSAY_FAIL(err, ORDER, "receipt %u is of a session before the last one's",
                                  i);
            row = &rows[used++];
            *row = (assay_session_row){request->session, request->sequence, 0, 0};
        } else if (request->sequence != row->first_sequence + row->count) {
            return ASSAY_FAIL(err, ORDER, "receipt %u has sequence %llu, expected %llu", i,
                              (ull)request->sequence, (ull)(row->first_sequence + row->count));
        }
        row->count++;
        ASSAY_TRY(sum_add(&row->fee_sum, receipts[i].fee, err));
    }
    *out = (assay_session_list){rows, used};
    return ASSAY_OK;
}

static int model_order(const void *a, const void *b) {
    return memcmp(a, b, 2 * ASSAY_HASH_SIZE);
}

static assay_status models_make(assay_model_list *out, const assay_receipt *receipts,
                                uint32_t count, assay_arena *arena, assay_error *err) {
    void *room;
    uint32_t used = 0;
    ASSAY_TRY(assay_arena_get(arena, count, sizeof(assay_model_row), "model rows", &room, err));
    assay_model_row *rows = room;
    for (uint32_t i = 0; i < count; i++)
        rows[i] = (assay_model_row){receipts[i].request.model, receipts[i].request.adapter,
                                    receipts[i].fee};
    qsort(rows, count, sizeof *rows, model_order);
    for (uint32_t i = 0; i < count; i++) {
        if (used && model_order(&rows[used - 1], &rows[i]) == 0)
            ASSAY_TRY(sum_add(&rows[used - 1].fee_sum, rows[i].fee_sum, err));
        else
            rows[used++] = rows[i];
    }
    *out = (assay_model_list){rows, used};
    return ASSAY_OK;
}

static int dataset_order(const void *a, const void *b) {
    return memcmp(((const assay_dataset_row *)a)->dataset.bytes,
                  ((const assay_dataset_row *)b)->dataset.bytes, ASSAY_HASH_SIZE);
}

static assay_status datasets_make(assay_dataset_list *out, const assay_receipt *receipts,
                                  uint32_t count, assay_arena *arena, assay_error *err) {
    void *room;
    size_t total = 0;
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++)
        total += receipts[i].attribution_count;
    ASSAY_TRY(
        assay_arena_get(arena, total, sizeof(assay_dataset_row), "data set rows", &room, err));
    assay_dataset_row *rows = room;
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < receipts[i].attribution_count; j++) {
            const assay_attribution_row *row = &receipts[i].attribution[j];
            rows[at++] = (assay_dataset_row){row->dataset, (assay_u128)receipts[i].fee * row->ppm};
        }
    qsort(rows, total, sizeof *rows, dataset_order);
    // Fees add up below 2^64 and shares to 10^6 each: no sum of weights can leave 128 bits.
    for (size_t i = 0; i < total; i++) {
        if (used && dataset_order(&rows[used - 1], &rows[i]) == 0)
            rows[used - 1].weight += rows[i].weight;
        else
            rows[used++] = rows[i];
    }
    *out = (assay_dataset_list){rows, used};
    return ASSAY_OK;
}

assay_status assay_table_make(assay_batch_tables *out, const assay_receipt *receipts,
                              uint32_t count, assay_arena *arena, assay_error *err) {
    ASSAY_TRY(sessions_make(&out->sessions, receipts, count, arena, err));
    ASSAY_TRY(models_make(&out->models, receipts, count, arena, err));
    return datasets_make(&out->datasets, receipts, count, arena, err);
}

bool assay_table_equal(const assay_batch_tables *a, const assay_batch_tables *b) {
    if (a->sessions.count != b->sessions.count || a->models.count != b->models.count ||
        a->datasets.count != b->datasets.count)
        return false;
    for (uint32_t i = 0; i < a->sessions.count; i++) {
        const assay_session_row *x = &a->sessions.items[i], *y = &b->sessions.items[i];
        if (!assay_hash_equal(&x->session, &y->session) || x->first_sequence != y->first_sequence ||
            x->count != y->count || x->fee_sum != y->fee_sum)
            return false;
    }
    for (uint32_t i = 0; i < a->models.count; i++)
        if (model_order(&a->models.items[i], &b->models.items[i]) != 0 ||
            a->models.items[i].fee_sum != b->models.items[i].fee_sum)
            return false;
    for (uint32_t i = 0; i < a->datasets.count; i++)
        if (dataset_order(&a->datasets.items[i], &b->datasets.items[i]) != 0 ||
            a->datasets.items[i].weight != b->datasets.items[i].weight)
            return false;
    return true;
}
