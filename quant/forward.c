// SPDX-License-Identifier: Apache-2.0
#include "quant/forward.h"

#include <stdlib.h>

#include "quant/layer.h"

static uint32_t max_u32(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static assay_status shape_check(const assay_model_shape *s, uint32_t capacity, assay_error *err) {
    if (capacity < 1 || capacity > s->context_size)
        return ASSAY_FAIL(err, RANGE, "%u positions, limits 1 and %u", capacity, s->context_size);
    if (s->head_size > ASSAY_HEAD_SIZE_MAX)
        return ASSAY_FAIL(err, UNSUPPORTED, "heads of %u, limit %d", s->head_size,
                          ASSAY_HEAD_SIZE_MAX);
    return ASSAY_OK;
}

// Fresh zeroed memory at *slot. Errors: MEMORY.
static assay_status take(void *slot, uint64_t count, uint64_t size, assay_error *err) {
    void *fresh = calloc(count, size);
    if (!fresh)
        return ASSAY_FAIL(err, MEMORY, "no memory for %llu x %llu bytes of a forward pass",
                          (unsigned long long)count, (unsigned long long)size);
    memcpy(slot, &fresh, sizeof fresh);
    return ASSAY_OK;
}

static assay_status work_take(assay_forward *f, assay_error *err) {
    const assay_model_shape *s = &f->engine.model->shape;
    uint64_t rows = f->chunk_max;
    uint32_t queries = s->head_count * s->head_size;
    uint32_t qkv = queries + 2 * s->kv_head_count * s->head_size;
    f->wide_stride = max_u32(max_u32(qkv, 2 * s->ff_width), s->width);
    uint32_t input_max = max_u32(max_u32(queries, s->ff_width), s->width);
    uint64_t ranks = 3 * rows * ASSAY_LORA_RANK_MAX;
    size_t attention = assay_attention_scratch_size(f->cache.capacity);
    ASSAY_TRY(take(&f->work.x, rows * s->width, sizeof(float), err));
    ASSAY_TRY(take(&f->work.norm, rows * max_u32(s->width, queries), sizeof(float), err));
    ASSAY_TRY(take(&f->work.q16, rows * input_max, sizeof(int16_t), err));
    ASSAY_TRY(take(&f->work.scales, rows, sizeof(float), err));
    ASSAY_TRY(take(&f->work.wide, rows * f->wide_stride, sizeof(float), err));
    ASSAY_TRY(take(&f->work.delta, rows * f->wide_stride, sizeof(float), err));
    ASSAY_TRY(take(&f->work.rank, ranks, sizeof(float), err));
    ASSAY_TRY(take(&f->work.rank_q16, ranks, sizeof(int16_t), err));
    ASSAY_TRY(take(&f->work.rank_scales, 3 * rows, sizeof(float), err));
    ASSAY_TRY(take(&f->work.query_q16, rows * queries, sizeof(int16_t), err));
    ASSAY_TRY(take(&f->work.query_scales, rows * s->head_count, sizeof(float), err));
    ASSAY_TRY(take(&f->work.attention, f->slice_count, attention, err));
    ASSAY_TRY(
        take(&f->work.logits, ASSAY_LOGIT_ROWS * (uint64_t)s->vocab_size, sizeof(float), err));
    return take(&f->work.faults, rows, sizeof(uint8_t), err);
}

assay_status assay_forward_open(assay_forward *forward, const assay_engine *engine,
                                uint32_t capacity, uint32_t chunk_max, assay_error *err) {
    *forward = (assay_forward){.engine = *engine, .fault_position = ASSAY_NO_FAULT};
    ASSAY_TRY(shape_check(&engine->model->shape, capacity, err));
    chunk_max = chunk_max ? chunk_max : ASSAY_CHUNK_DEFAULT;
    forward->chunk_max = chunk_max < capacity ? chunk_max : capacity;
    forward->slice_count = assay_pool_thread_count(engine->pool);
    assay_status status =
        assay_kv_cache_open(&forward->cache, &engine->model->shape, capacity, err);
    if (status == ASSAY_OK) status = work_take(forward, err);
    if (status != ASSAY_OK) assay_forward_close(forward);
    return status;
}

void assay_forward_close(assay_forward *forward) {
    assay_kv_cache_close(&forward->cache);
    free(forward->work.x);
    free(forward->work.norm);
    free(forward->work.q16);
    free(forward->work.scales);
    free(forward->work.wide);
    free(forward->work.delta);
    free(forward->work.rank);
    free(forward->work.rank_q16);
    free(forward->work.rank_scales);
    free(forward->work.query_q16);
    free(forward->work.query_scales);
    free(forward->work.attention);
    free(forward->work.logits);
    free(forward->work.faults);
    *forward = (assay_forward){0};
}

void assay_forward_reset(assay_forward *forward, const assay_adapter *adapter) {
    ASSAY_ASSERT(!adapter || adapter->layer_count == forward->engine.model->shape.layer_count);
    forward->adapter = adapter;
    forward->position_count = 0;
    forward->fault_position = ASSAY_NO_FAULT;
}

static void faults_note(const assay_chunk *chunk) {
    assay_forward *f = chunk->forward;
    for (uint32_t row = 0; row < chunk->row_count; row++)
        if (f->work.faults[row] && chunk->first + row < f->fault_position)
            f->fault_position = chunk->first + row;
}

static void residuals_report(const assay_chunk *chunk, const assay_forward_hooks *hooks,
                             uint32_t layer) {
    const assay_forward *f = chunk->forward;
    for (uint32_t row = 0; row < chunk->row_count; row++)
        hooks->residual(hooks->context, layer, chunk->first + row,
                        f->work.x + (size_t)row * f->engine.model->shape.width);
}

static void rows_report(const assay_chunk *chunk, const assay_forward_hooks *hooks) {
    assay_forward *f = chunk->forward;
    const assay_model_shape *shape = &f->engine.model->shape;
    uint32_t from = hooks->rows_from > chunk->first ? hooks->rows_from - chunk->first : 0;
    if (from >= chunk->row_count) return;
    assay_chunk_final_norm(chunk, from);
    faults_note(chunk);
    for (uint32_t at = from; at < chunk->row_count; at += ASSAY_LOGIT_ROWS) {
        uint32_t left = chunk->row_count - at;
        uint32_t count = left < ASSAY_LOGIT_ROWS ? left : ASSAY_LOGIT_ROWS;
        if (chunk->first + at >= f->fault_position) return;
        assay_chunk_logits(chunk, at, count);
        for (uint32_t i = 0; i < count && chunk->first + at + i < f->fault_position; i++) {
            assay_forward_row row = {
                chunk->first + at + i, f->work.q16 + (size_t)(at + i) * shape->width,
                f->work.scales[at + i], f->work.logits + (size_t)i * shape->vocab_size};
            hooks->row(hooks->context, &row);
        }
    }
}

static void chunk_run(const assay_chunk *chunk, const assay_forward_hooks *hooks) {
    assay_forward *f = chunk->forward;
    memset(f->work.faults, 0, chunk->row_count);
    assay_chunk_embed(chunk);
    for (uint32_t layer = 0; layer < f->engine.model->shape.layer_count; layer++) {
        assay_chunk_layer(chunk, layer);
        if (hooks && hooks->residual) residuals_report(chunk, hooks, layer);
    }
    faults_note(chunk);
    if (hooks && hooks->row) rows_report(chunk, hooks);
}

assay_status assay_forward_feed(assay_forward *forward, const uint32_t *ids, uint32_t count,
                                const assay_forward_hooks *hooks, assay_error *err) {
    uint32_t vocab_size = forward->engine.model->shape.vocab_size;
    if (count > forward->cache.capacity - forward->position_count)
        return ASSAY_FAIL(err, CAPACITY, "%u tokens after %u, limit %u", count,
                          forward->position_count, forward->cache.capacity);
    for (uint32_t i = 0; i < count; i++)
        if (ids[i] >= vocab_size)
            return ASSAY_FAIL(err, RANGE, "token id %u, vocabulary %u", ids[i], vocab_size);
    for (uint32_t at = 0; at < count; at += forward->chunk_max) {
        uint32_t left = count - at;
        assay_chunk chunk = {forward, ids + at, forward->position_count,
                             left < forward->chunk_max ? left : forward->chunk_max};
        if (forward->fault_position == ASSAY_NO_FAULT) chunk_run(&chunk, hooks);
        forward->position_count += chunk.row_count;
    }
    return ASSAY_OK;
}
