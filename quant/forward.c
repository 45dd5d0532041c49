// SPDX-License-Identifier: Apache-2.0
#include "quant/forward.h"

#include <stdlib.h>

#include "quant/layer.h"

enum { SLICES = 4 }; // of a step for each thread

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
                          (ull)count, (ull)size);
    memcpy(slot, &fresh, sizeof fresh);
    return ASSAY_OK;
}

// What one thread works in: the kernels' scratch, and behind it packed low-rank rows or some
// columns of logits; or a sampler's.
static size_t lane_size(const assay_forward *f) {
    const assay_model_shape *s = &f->engine.model->shape;
    size_t attention = assay_attention_scratch_size(s->head_count / s->kv_head_count, f->capacity);
    size_t ranks =
        f->engine.kernels->packed_size(ASSAY_WEIGHTS_Q8, f->chunk_max, ASSAY_LORA_RANK_MAX);
    size_t best = (size_t)f->chunk_max * ASSAY_BEST_COLUMNS * sizeof(float);
    size_t products = ASSAY_GEMM_SCRATCH + (ranks > best ? ranks : best);
    size_t kernels = attention > products ? attention : products;
    size_t sampler = assay_sampler_scratch_size(s->vocab_size);
    return ((kernels > sampler ? kernels : sampler) + 63) / 64 * 64;
}

// As take, aligned to 64 and not touched.
static assay_status take_aligned(void *slot, size_t size, assay_error *err) {
    void *fresh = aligned_alloc(64, (size + 64) / 64 * 64);
    if (!fresh) return ASSAY_FAIL(err, MEMORY, "no memory for %zu bytes of a forward pass", size);
    memcpy(slot, &fresh, sizeof fresh);
    return ASSAY_OK;
}

static assay_status work_take(assay_forward *f, assay_error *err) {
    const assay_model_shape *s = &f->engine.model->shape;
    uint64_t rows = f->chunk_max, slices = f->slice_count;
    uint32_t queries = s->head_count * s->head_size;
    uint32_t qkv = queries + 2 * s->kv_head_count * s->head_size;
    f->wide_stride = max_u32(max_u32(qkv, 2 * s->ff_width), s->width);
    uint32_t input_max = max_u32(max_u32(queries, s->ff_width), s->width);
    uint64_t ranks = 3 * rows * ASSAY_LORA_RANK_MAX;
    f->lane_size = lane_size(f);
    for (int kind = ASSAY_WEIGHTS_Q4; kind <= ASSAY_WEIGHTS_Q8; kind++)
        ASSAY_TRY(take_aligned(
            &f->work.packed[kind],
            f->engine.kernels->packed_size((assay_weights_kind)kind, f->chunk_max, input_max),
            err));
    ASSAY_TRY(take_aligned(&f->work.lanes, f->lane_count * f->lane_size, err));
    ASSAY_TRY(take(&f->work.rows, rows, sizeof *f->work.rows, err));
    ASSAY_TRY(take(&f->work.wanted, rows, sizeof *f->work.wanted, err));
    ASSAY_TRY(take(&f->work.x, rows * s->width, sizeof(float), err));
    ASSAY_TRY(take(&f->work.norm, rows * max_u32(s->width, queries), sizeof(float), err));
    ASSAY_TRY(take(&f->work.q16, rows * input_max, sizeof(int16_t), err));
    ASSAY_TRY(take(&f->work.scales, rows, sizeof(float), err));
    ASSAY_TRY(take_aligned(&f->work.wide, rows * f->wide_stride * sizeof(float), err));
    ASSAY_TRY(take(&f->work.rank, ranks, sizeof(float), err));
    ASSAY_TRY(take(&f->work.rank_q16, ranks, sizeof(int16_t), err));
    ASSAY_TRY(take(&f->work.rank_scales, 3 * rows, sizeof(float), err));
    ASSAY_TRY(take(&f->work.query_q16, rows * queries, sizeof(int16_t), err));
    ASSAY_TRY(take(&f->work.query_scales, rows * s->head_count, sizeof(float), err));
    ASSAY_TRY(take(&f->work.best, slices * rows, sizeof(float), err));
    ASSAY_TRY(take(&f->work.best_ids, slices * rows, sizeof(uint32_t), err));
    ASSAY_TRY(
        take(&f->work.logits, ASSAY_LOGIT_ROWS * (uint64_t)s->vocab_size, sizeof(float), err));
    return take(&f->work.faults, rows, sizeof(uint8_t), err);
}

assay_status assay_forward_open(assay_forward *forward, const assay_engine *engine,
                                uint32_t capacity, uint64_t position_max, uint32_t chunk_max,
                                assay_error *err) {
    *forward = (assay_forward){.engine = *engine, .capacity = capacity};
    ASSAY_TRY(shape_check(&engine->model->shape, capacity, err));
    uint64_t page_count = position_max / ASSAY_KV_PAGE + (position_max % ASSAY_KV_PAGE > 0);
    if (position_max < capacity || page_count > UINT32_MAX)
        return ASSAY_FAIL(err, RANGE, "%llu positions of all sequences, one may have %u",
                          (ull)position_max, capacity);
    chunk_max = chunk_max ? chunk_max : ASSAY_CHUNK_DEFAULT;
    forward->chunk_max = chunk_max < position_max ? chunk_max : (uint32_t)position_max;
    forward->lane_count = assay_pool_thread_count(engine->pool);
    forward->slice_count = SLICES * forward->lane_count;
    assay_status status =
        assay_kv_pool_open(&forward->pages, &engine->model->shape, (uint32_t)page_count, err);
    if (status == ASSAY_OK) status = work_take(forward, err);
    if (status != ASSAY_OK) assay_forward_close(forward);
    return status;
}

void assay_forward_close(assay_forward *forward) {
    assay_kv_pool_close(&forward->pages);
    free(forward->work.rows);
    free(forward->work.wanted);
    free(forward->work.x);
    free(forward->work.norm);
    free(forward->work.q16);
    free(forward->work.scales);
    free(forward->work.packed[ASSAY_WEIGHTS_Q4]);
    free(forward->work.packed[ASSAY_WEIGHTS_Q8]);
    free(forward->work.wide);
    free(forward->work.rank);
    free(forward->work.rank_q16);
    free(forward->work.rank_scales);
    free(forward->work.query_q16);
    free(forward->work.query_scales);
    free(forward->work.lanes);
    free(forward->work.logits);
    free(forward->work.best);
    free(forward->work.best_ids);
    free(forward->work.faults);
    *forward = (assay_forward){0};
}

assay_status assay_sequence_open(assay_sequence *sequence, assay_forward *forward,
                                 uint32_t capacity, assay_error *err) {
    ASSAY_ASSERT(capacity <= forward->capacity);
    *sequence = (assay_sequence){.fault_position = ASSAY_NO_FAULT};
    return assay_kv_cache_open(&sequence->cache, &forward->pages, capacity, err);
}

void assay_sequence_close(assay_sequence *sequence) {
    assay_kv_cache_close(&sequence->cache);
    *sequence = (assay_sequence){0};
}

void assay_sequence_reset(assay_sequence *sequence, const assay_adapter *adapter) {
    assay_kv_cache_clear(&sequence->cache);
    sequence->adapter = adapter;
    sequence->position_count = 0;
    sequence->fault_position = ASSAY_NO_FAULT;
}

static void faults_note(const assay_chunk *chunk) {
    const assay_forward *f = chunk->forward;
    for (uint32_t row = 0; row < chunk->row_count; row++) {
        assay_sequence *sequence = f->work.rows[row].feed->sequence;
        uint32_t position = f->work.rows[row].position;
        if (f->work.faults[row] && position < sequence->fault_position)
            sequence->fault_position = position;
    }
}

static void residuals_report(const assay_chunk *chunk, uint32_t layer) {
    const assay_forward *f = chunk->forward;
    for (uint32_t row = 0; row < chunk->row_count; row++) {
        const assay_forward_hooks *hooks = f->work.rows[row].feed->hooks;
        if (hooks && hooks->residual)
            hooks->residual(hooks->context, layer, f->work.rows[row].position,
                            f->work.x + (size_t)row * f->engine.model->shape.width);
    }
}

static bool is_greedy(const assay_forward_hooks *hooks) {
    return hooks->sampling && hooks->sampling->temperature_milli == 0;
}

// Appends to `wanted` the rows whose outcome is asked for, those that are chosen in the greedy way
// or those that need all logits.
// Returns: their number, with the `count` that are there.
static uint32_t wanted_add(const assay_chunk *chunk, uint32_t count, bool greedy) {
    const assay_forward *f = chunk->forward;
    for (uint32_t row = 0; row < chunk->row_count; row++) {
        const assay_chunk_row *r = &f->work.rows[row];
        const assay_forward_hooks *hooks = r->feed->hooks;
        if (hooks && hooks->row && is_greedy(hooks) == greedy && r->position >= hooks->rows_from &&
            r->position < r->feed->sequence->fault_position)
            f->work.wanted[count++] = row;
    }
    return count;
}

// Tells the outcome of the i-th wanted row.
static void row_report(const assay_chunk *chunk, uint32_t i, const float *logits) {
    const assay_forward *f = chunk->forward;
    const assay_chunk_row *r = &f->work.rows[f->work.wanted[i]];
    const assay_forward_hooks *hooks = r->feed->hooks;
    if (r->position >= r->feed->sequence->fault_position) return;
    assay_forward_row row = {r->position, f->work.q16 + (size_t)i * f->engine.model->shape.width,
                             f->work.scales[i], hooks->sampling ? NULL : logits,
                             hooks->sampling ? f->work.best_ids[i] : 0};
    hooks->row(hooks->context, &row);
}

static void rows_report(const assay_chunk *chunk) {
    const assay_forward *f = chunk->forward;
    uint32_t greedy = wanted_add(chunk, 0, true), count = wanted_add(chunk, greedy, false);
    if (count == 0) return;
    assay_chunk_final_norm(chunk, count);
    faults_note(chunk);
    if (greedy) assay_chunk_best(chunk, count, greedy);
    for (uint32_t i = 0; i < greedy; i++)
        row_report(chunk, i, NULL);
    for (uint32_t at = greedy; at < count; at += ASSAY_LOGIT_ROWS) {
        uint32_t rows = count - at < ASSAY_LOGIT_ROWS ? count - at : ASSAY_LOGIT_ROWS;
        assay_chunk_logits(chunk, count, at, rows);
        assay_chunk_choose(chunk, at, rows);
        for (uint32_t i = 0; i < rows; i++)
            row_report(chunk, at + i,
                       f->work.logits + (size_t)i * f->engine.model->shape.vocab_size);
    }
}

static void chunk_run(const assay_chunk *chunk) {
    const assay_forward *f = chunk->forward;
    memset(f->work.faults, 0, chunk->row_count);
    assay_chunk_embed(chunk);
    for (uint32_t layer = 0; layer < f->engine.model->shape.layer_count; layer++) {
        assay_chunk_layer(chunk, layer);
        residuals_report(chunk, layer);
    }
    faults_note(chunk);
    rows_report(chunk);
}

// A walk through the feeds, chunk by chunk.
typedef struct {
    const assay_feed *feeds;
    uint32_t feed_count;
    uint32_t feed; // the next token is `at` of this one
    uint32_t at;
} walk;

// Marks the rows that share an adapter.
static void groups_mark(const assay_chunk *chunk) {
    assay_chunk_row *rows = chunk->forward->work.rows;
    for (uint32_t first = 0, end; first < chunk->row_count; first = end) {
        const assay_adapter *adapter = rows[first].feed->sequence->adapter;
        for (end = first; end < chunk->row_count; end++)
            if (rows[end].feed->sequence->adapter != adapter) break;
        for (uint32_t row = first; row < end; row++) {
            rows[row].group = first;
            rows[row].group_end = end;
        }
    }
}

static bool feed_stopped(const assay_feed *feed) {
    return feed->hooks && feed->hooks->stop && atomic_load(feed->hooks->stop);
}

// The next rows; tokens after a fault, and of what is stopped, are counted and passed over. None
// are left: row_count is 0.
static assay_chunk chunk_next(assay_forward *f, walk *w) {
    assay_chunk chunk = {.forward = f};
    while (w->feed < w->feed_count && chunk.row_count < f->chunk_max) {
        const assay_feed *feed = &w->feeds[w->feed];
        assay_sequence *sequence = feed->sequence;
        if (w->at == feed->count) {
            w->feed++;
            w->at = 0;
            continue;
        }
        uint32_t id = feed->ids[w->at++], position = sequence->position_count++;
        if (sequence->fault_position != ASSAY_NO_FAULT || feed_stopped(feed)) continue;
        f->work.rows[chunk.row_count++] =
            (assay_chunk_row){.feed = feed, .id = id, .position = position};
        chunk.adapted |= sequence->adapter != NULL;
    }
    groups_mark(&chunk);
    return chunk;
}

static assay_status feeds_check(const assay_forward *forward, const assay_feed *feeds,
                                uint32_t feed_count, assay_error *err) {
    uint32_t vocab_size = forward->engine.model->shape.vocab_size;
    for (uint32_t i = 0; i < feed_count; i++) {
        const assay_feed *feed = &feeds[i];
        assay_sequence *sequence = feed->sequence;
        if (feed->count > sequence->cache.capacity - sequence->position_count)
            return ASSAY_FAIL(err, CAPACITY, "%u tokens after %u, limit %u", feed->count,
                              sequence->position_count, sequence->cache.capacity);
        for (uint32_t at = 0; at < feed->count; at++)
            if (feed->ids[at] >= vocab_size)
                return ASSAY_FAIL(err, RANGE, "token id %u, vocabulary %u", feed->ids[at],
                                  vocab_size);
        ASSAY_TRY(
            assay_kv_cache_reserve(&sequence->cache, sequence->position_count + feed->count, err));
    }
    return ASSAY_OK;
}

assay_status assay_forward_feed(assay_forward *forward, const assay_feed *feeds,
                                uint32_t feed_count, assay_error *err) {
    ASSAY_TRY(feeds_check(forward, feeds, feed_count, err));
    walk w = {feeds, feed_count, 0, 0};
    for (assay_chunk chunk = chunk_next(forward, &w); chunk.row_count;
         chunk = chunk_next(forward, &w))
        chunk_run(&chunk);
    for (uint32_t i = 0; i < feed_count; i++)
        if (feeds[i].sequence->adapter)
            ASSAY_TRY(assay_adapter_unchanged(feeds[i].sequence->adapter, err));
    return assay_model_unchanged(forward->engine.model, err);
}
