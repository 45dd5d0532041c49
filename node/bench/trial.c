// SPDX-License-Identifier: Apache-2.0
#include "node/bench/trial.h"

#include <stdlib.h>
#include <string.h>

#include "base/philox.h"

enum { HEADS = 64, ALIGNMENT = 64 };

// Zeroed memory.
static void *take(assay_trial *t, size_t size) {
    ASSAY_ASSERT(t->taken_count < ASSAY_TRIAL_TAKEN_MAX);
    size = (size + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    void *taken = aligned_alloc(ALIGNMENT, size);
    t->failed = t->failed || !taken;
    if (taken) {
        memset(taken, 0, size);
        t->taken[t->taken_count++] = taken;
    }
    return taken;
}

// Random bytes; NULL if memory is out.
static void *draw(assay_trial *t, size_t size) {
    uint8_t *bytes = take(t, size);
    for (size_t at = 0; bytes && at < size; at += 16) {
        uint32_t words[4];
        assay_philox4x32(words, (const uint32_t[4]){(uint32_t)(at / 16), t->taken_count, 0, 0},
                         (const uint32_t[2]){0, 0});
        memcpy(bytes + at, words, size - at < 16 ? size - at : 16);
    }
    return bytes;
}

// Numbers of -1 to 1; scales are positive and of a size that a model has.
float *assay_trial_floats(assay_trial *t, size_t count, float top, bool positive) {
    float *values = draw(t, count * sizeof *values);
    for (size_t i = 0; values && i < count; i++) {
        uint32_t word;
        memcpy(&word, &values[i], sizeof word);
        float unit = (float)(word >> 8) * 0x1p-24f;
        values[i] = top * (positive ? unit + 0x1p-10f : 2 * unit - 1);
    }
    return values;
}

static int16_t *draw_q16(assay_trial *t, size_t count) {
    int16_t *q = draw(t, count * sizeof *q);
    for (size_t i = 0; q && i < count; i++)
        q[i] = q[i] == INT16_MIN ? 0 : q[i];
    return q;
}

int8_t *assay_trial_q8(assay_trial *t, size_t count) {
    int8_t *q = draw(t, count);
    for (size_t i = 0; q && i < count; i++)
        q[i] = q[i] == INT8_MIN ? 0 : q[i];
    return q;
}

// ---- products ---------------------------------------------------------------------------------

static bool four_bits(const assay_trial *t) {
    return strcmp(t->kind.op, "gemm_q4") == 0;
}

static assay_x16 activations(const assay_trial *t) {
    const uint32_t *shape = t->kind.shape;
    return (assay_x16){shape[0], shape[2], t->q16, t->scales, t->packed};
}

static void pack_slice(assay_trial *t, uint32_t slice) {
    assay_x16 x = activations(t);
    uint32_t begin = assay_trial_begin(t, slice, x.m), end = assay_trial_begin(t, slice + 1, x.m);
    t->set->pack(&x, four_bits(t) ? ASSAY_WEIGHTS_Q4 : ASSAY_WEIGHTS_Q8, begin, end - begin);
}

// As a forward pass does: weight rows are shared out, and activation rows where those are few.
static void gemm_slice(assay_trial *t, uint32_t slice) {
    uint32_t m = t->kind.shape[0], n = t->kind.shape[1], k = t->kind.shape[2];
    assay_x16 x = activations(t);
    assay_gemm_part part = {.y = (float *)t->out,
                            .y_stride = n,
                            .x = &x,
                            .m_count = m,
                            .n_count = n,
                            .scratch = t->scratch + slice * t->scratch_size};
    bool rows = n < 64;
    uint32_t begin = assay_trial_begin(t, slice, rows ? m : n);
    uint32_t count = assay_trial_begin(t, slice + 1, rows ? m : n) - begin;
    *(rows ? &part.m_first : &part.n_first) = begin;
    *(rows ? &part.m_count : &part.n_count) = count;
    if (count == 0) return;
    if (four_bits(t)) {
        assay_q4 w = {n, k, t->codes, t->ratios, t->scales};
        t->set->gemm_q4(&part, &w);
    } else {
        assay_q8 w = {n, k, t->q8, t->scales};
        t->set->gemm_q8(&part, &w);
    }
}

static void gemm_prepare(assay_trial *t) {
    size_t m = t->kind.shape[0], n = t->kind.shape[1], k = t->kind.shape[2];
    size_t weight_bytes = n * k;
    t->q16 = draw_q16(t, m * k);
    t->scales = assay_trial_floats(t, m > n ? m : n, 0x1p-10f, true);
    if (four_bits(t)) {
        t->codes = draw(t, n * k / 2);
        t->ratios = draw(t, n * k / ASSAY_Q4_BLOCK);
        for (size_t i = 0; t->ratios && i < n * k / ASSAY_Q4_BLOCK; i++)
            t->ratios[i] |= 1;
        weight_bytes = n * k / 2 + n * k / ASSAY_Q4_BLOCK;
    } else {
        t->q8 = assay_trial_q8(t, n * k);
    }
    t->first = pack_slice;
    t->second = gemm_slice;
    t->scratch_size = ASSAY_GEMM_SCRATCH;
    t->out_size = m * n * sizeof(float);
    t->macs = (double)m * (double)n * (double)k;
    t->bytes = (double)(weight_bytes + n * sizeof(float) + m * k * 2 + t->out_size);
}

// ---- attention ----------------------------------------------------------------------------------

// HEADS kv heads of one layer, one query position.
static void attention_slice(assay_trial *t, uint32_t slice) {
    uint32_t queries = t->kind.shape[0], count = t->kind.shape[1], size = t->kind.shape[2];
    for (uint32_t head = assay_trial_begin(t, slice, HEADS);
         head < assay_trial_begin(t, slice + 1, HEADS); head++) {
        size_t row = (size_t)head * queries;
        assay_attention_part part = {
            .out = (float *)t->out + row * size,
            .q = t->q16 + row * size,
            .q_scales = t->scales + row,
            .query_count = queries,
            .head_size = size,
            .count = count,
            .kv = {t->page_list, head * assay_kv_block_size(size)},
            .scratch = t->scratch + slice * t->scratch_size,
        };
        t->set->attention(&part);
    }
}

static void attention_prepare(assay_trial *t) {
    size_t queries = t->kind.shape[0], count = t->kind.shape[1], size = t->kind.shape[2];
    size_t block = assay_kv_block_size((uint32_t)size), rows = 2 * ASSAY_KV_PAGE;
    size_t page_count = (count + ASSAY_KV_PAGE - 1) / ASSAY_KV_PAGE;
    t->q16 = draw_q16(t, HEADS * queries * size);
    t->scales = assay_trial_floats(t, HEADS * queries, 0x1p-15f, true);
    t->pages = (uint8_t *)assay_trial_q8(t, page_count * HEADS * block);
    t->page_list = take(t, page_count * sizeof *t->page_list);
    for (size_t i = 0; !t->failed && i < page_count * HEADS; i++)
        for (size_t j = 0; j < rows; j++)
            memcpy(t->pages + i * block + rows * size + j * sizeof(float),
                   &(const float){0x1p-6f + 0x1p-9f * (float)(j % 7)}, sizeof(float));
    for (size_t i = 0; !t->failed && i < page_count; i++)
        t->page_list[i] = t->pages + i * HEADS * block;
    t->second = attention_slice;
    t->scratch_size = assay_attention_scratch_size((uint32_t)queries, (uint32_t)count);
    t->out_size = HEADS * queries * size * sizeof(float);
    t->macs = 2.0 * HEADS * (double)(queries * count * size);
    t->bytes = (double)(HEADS * count * 2 * (size + sizeof(float)));
}

// ---- a trial ------------------------------------------------------------------------------------

static assay_status prepare(assay_trial *t, assay_error *err) {
    if (strncmp(t->kind.op, "gemm_", 5) == 0)
        gemm_prepare(t);
    else if (strcmp(t->kind.op, "attention") == 0)
        attention_prepare(t);
    else if (!assay_trial_elements(t))
        return ASSAY_FAIL(err, UNKNOWN, "no operation is called '%.32s'", t->kind.op);
    t->out = take(t, t->out_size);
    t->scratch_size = (t->scratch_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    t->scratch = take(t, t->slices * t->scratch_size);
    if (t->failed) return ASSAY_FAIL(err, MEMORY, "no memory for a trial of %s", t->kind.op);
    return ASSAY_OK;
}

assay_status assay_trial_open(assay_trial *trial, const assay_trial_kind *kind, uint32_t slices,
                              assay_error *err) {
    *trial = (assay_trial){.kind = *kind, .slices = slices};
    assay_status status = prepare(trial, err);
    if (status != ASSAY_OK) assay_trial_close(trial);
    return status;
}

void assay_trial_close(assay_trial *trial) {
    for (uint32_t i = 0; i < trial->taken_count; i++)
        free(trial->taken[i]);
    *trial = (assay_trial){0};
}
