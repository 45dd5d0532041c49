// SPDX-License-Identifier: Apache-2.0
// Every step is a loop over slices, slice s of S taking a fixed part of the rows (positions) or of
// the columns (output features). A slice writes to places of its own and sums nothing with others,
// so S shows in the time only.
#include "quant/layer.h"

#include "kernels/float.h"

// A step in progress, shared by its slices.
typedef struct step {
    const assay_chunk *chunk;
    uint32_t layer;
    const float *norm; // weights of a norm step
    uint32_t from_row;
    uint32_t row_end;
    assay_linear first_linear; // linears with the same input, side by side in `wide`
    uint32_t linear_count;
    void (*slice)(const struct step *step, uint32_t index);
} step;

static void slice_task(void *context, size_t index) {
    const step *s = context;
    uint64_t former = assay_float_enter();
    s->slice(s, (uint32_t)index);
    assay_float_leave(former);
}

static void step_run(step s, void (*slice)(const step *step, uint32_t index)) {
    s.slice = slice;
    assay_pool_run(s.chunk->forward->engine.pool, s.chunk->forward->slice_count, slice_task, &s);
}

// A step over rows: with fewer rows than threads, waking them costs more than the step.
static void rows_run(step s, void (*slice)(const step *step, uint32_t index)) {
    uint32_t slice_count = s.chunk->forward->slice_count;
    s.slice = slice;
    if (s.row_end - s.from_row >= slice_count) {
        step_run(s, slice);
        return;
    }
    for (uint32_t i = 0; i < slice_count; i++)
        slice_task(&s, i);
}

static uint32_t slice_from(const step *s, uint32_t index, uint32_t count) {
    return (uint32_t)((uint64_t)count * index / s->chunk->forward->slice_count);
}

// The rows of a slice: for (row = begin; row < end; row++).
static uint32_t row_from(const step *s, uint32_t index) {
    return s->from_row + slice_from(s, index, s->row_end - s->from_row);
}

static void embed_slice(const step *s, uint32_t index) {
    const assay_forward *f = s->chunk->forward;
    const assay_q8 *table = &f->engine.model->embedding;
    for (uint32_t row = row_from(s, index); row < row_from(s, index + 1); row++) {
        size_t id = s->chunk->ids[row];
        f->engine.kernels->unfold_q8(f->work.x + (size_t)row * table->k, table->q + id * table->k,
                                     table->scales[id], table->k);
    }
}

static void quantise_row(const assay_forward *f, uint32_t row, const float *x, uint32_t k) {
    bool fine =
        f->engine.kernels->quantise_x16(f->work.q16 + (size_t)row * k, &f->work.scales[row], x, k);
    f->work.faults[row] |= !fine;
}

static void norm_slice(const step *s, uint32_t index) {
    const assay_forward *f = s->chunk->forward;
    const assay_model_shape *shape = &f->engine.model->shape;
    uint32_t d = shape->width;
    for (uint32_t row = row_from(s, index); row < row_from(s, index + 1); row++) {
        float *y = f->work.norm + (size_t)row * d;
        bool fine =
            f->engine.kernels->rmsnorm(y, f->work.x + (size_t)row * d, s->norm, d, shape->eps);
        f->work.faults[row] |= !fine;
        quantise_row(f, row, y, d);
    }
}

static const assay_q4 *weights_of(const step *s, uint32_t linear) {
    return &s->chunk->forward->engine.model->layers[s->layer].linears[linear];
}

// The low-rank pair of a linear, NULL where the adapter has none.
static const assay_lora *lora_of(const step *s, uint32_t linear) {
    const assay_adapter *adapter = s->chunk->forward->adapter;
    if (!adapter || adapter->layers[s->layer][linear].a.n == 0) return NULL;
    return &adapter->layers[s->layer][linear];
}

static assay_x16 input_rows(const step *s, uint32_t k, uint32_t from, uint32_t end) {
    const assay_forward *f = s->chunk->forward;
    return (assay_x16){end - from, k, f->work.q16 + (size_t)from * k, f->work.scales + from};
}

// u = x16(gemm(x, A)) of each linear of the group.
static void rank_slice(const step *s, uint32_t index) {
    const assay_forward *f = s->chunk->forward;
    uint32_t from = row_from(s, index), end = row_from(s, index + 1);
    for (uint32_t i = 0; i < s->linear_count && from < end; i++) {
        const assay_lora *lora = lora_of(s, s->first_linear + i);
        if (!lora) continue;
        uint32_t rank = lora->a.n;
        size_t plane = (size_t)i * f->chunk_max;
        float *u = f->work.rank + plane * ASSAY_LORA_RANK_MAX;
        int16_t *u16 = f->work.rank_q16 + plane * ASSAY_LORA_RANK_MAX;
        assay_x16 x = input_rows(s, lora->a.k, from, end);
        f->engine.kernels->gemm_q8(u + (size_t)from * rank, rank, &x, &lora->a, 0, rank);
        for (uint32_t row = from; row < end; row++) {
            bool fine = f->engine.kernels->quantise_x16(u16 + (size_t)row * rank,
                                                        &f->work.rank_scales[plane + row],
                                                        u + (size_t)row * rank, rank);
            f->work.faults[row] |= !fine;
        }
    }
}

// Output features first .. first + count - 1 of the group's linear i, at column `at` of `wide`.
static void linear_part(const step *s, uint32_t i, uint32_t at, uint32_t first, uint32_t count) {
    const assay_forward *f = s->chunk->forward;
    const assay_q4 *w = weights_of(s, s->first_linear + i);
    const assay_lora *lora = lora_of(s, s->first_linear + i);
    float *y = f->work.wide + at;
    assay_x16 x = input_rows(s, w->k, 0, s->row_end);
    f->engine.kernels->gemm_q4(y, f->wide_stride, &x, w, first, count);
    if (!lora) return;
    size_t plane = (size_t)i * f->chunk_max;
    float *delta = f->work.delta + at;
    assay_x16 u = {s->row_end, lora->a.n, f->work.rank_q16 + plane * ASSAY_LORA_RANK_MAX,
                   f->work.rank_scales + plane};
    f->engine.kernels->gemm_q8(delta, f->wide_stride, &u, &lora->b, first, count);
    for (uint32_t row = 0; row < s->row_end; row++) {
        size_t cell = (size_t)row * f->wide_stride + first;
        f->engine.kernels->add_scaled(y + cell, delta + cell, lora->scale, count);
    }
}

// A slice of the group's columns, all linears end to end.
static void linears_slice(const step *s, uint32_t index) {
    uint32_t columns = 0;
    for (uint32_t i = 0; i < s->linear_count; i++)
        columns += weights_of(s, s->first_linear + i)->n;
    uint32_t from = slice_from(s, index, columns), end = slice_from(s, index + 1, columns);
    for (uint32_t i = 0, at = 0; i < s->linear_count; i++) {
        uint32_t n = weights_of(s, s->first_linear + i)->n;
        uint32_t first = from > at ? from - at : 0;
        uint32_t last = end < at + n ? (end > at ? end - at : 0) : n;
        if (first < last) linear_part(s, i, at, first, last - first);
        at += n;
    }
}

// wide = the linears' outputs for the rows in q16. Spec: N-9.
static void linears_run(step s, assay_linear first, uint32_t count) {
    s.first_linear = first;
    s.linear_count = count;
    if (s.chunk->forward->adapter) rows_run(s, rank_slice);
    step_run(s, linears_slice);
}

static void residual_slice(const step *s, uint32_t index) {
    const assay_forward *f = s->chunk->forward;
    uint32_t d = f->engine.model->shape.width;
    for (uint32_t row = row_from(s, index); row < row_from(s, index + 1); row++)
        f->engine.kernels->add(f->work.x + (size_t)row * d,
                               f->work.wide + (size_t)row * f->wide_stride, d);
}

// Rotates q and k; q becomes x16, k and v become x8 rows of the cache. Spec: N-10, N-13.
static void heads_slice(const step *s, uint32_t index) {
    const assay_forward *f = s->chunk->forward;
    const assay_kernels *kernels = f->engine.kernels;
    const assay_model_shape *shape = &f->engine.model->shape;
    uint32_t hd = shape->head_size, heads = shape->head_count, kv_heads = shape->kv_head_count;
    for (uint32_t row = row_from(s, index); row < row_from(s, index + 1); row++) {
        uint32_t position = s->chunk->first + row;
        const float *cos = f->engine.model->rope_cos + (size_t)position * (hd / 2);
        const float *sin = f->engine.model->rope_sin + (size_t)position * (hd / 2);
        float *q = f->work.wide + (size_t)row * f->wide_stride;
        float *k = q + heads * hd, *v = k + kv_heads * hd, *scale;
        kernels->rope(q, cos, sin, heads + kv_heads, hd / 2); // k lies behind q
        bool fine = true;
        for (uint32_t h = 0; h < heads; h++) {
            size_t head = (size_t)row * heads + h;
            fine &= kernels->quantise_x16(f->work.query_q16 + head * hd,
                                          &f->work.query_scales[head], q + h * hd, hd);
        }
        for (uint32_t h = 0; h < kv_heads; h++) {
            int8_t *codes =
                assay_kv_cache_row(&f->cache, s->layer, h, ASSAY_KV_KEY, position, &scale);
            fine &= kernels->quantise_q8(codes, scale, k + h * hd, hd);
            codes = assay_kv_cache_row(&f->cache, s->layer, h, ASSAY_KV_VALUE, position, &scale);
            fine &= kernels->quantise_q8(codes, scale, v + h * hd, hd);
        }
        f->work.faults[row] |= !fine;
    }
}

// Slice s takes every S-th (position, head): later positions cost more, so runs would be uneven.
static void attention_slice(const step *s, uint32_t index) {
    const assay_forward *f = s->chunk->forward;
    const assay_model_shape *shape = &f->engine.model->shape;
    uint32_t hd = shape->head_size, heads = shape->head_count;
    uint8_t *scratch = f->work.attention + index * assay_attention_scratch_size(f->cache.capacity);
    for (uint32_t item = index; item < s->row_end * heads; item += f->slice_count) {
        uint32_t row = item / heads, head = item % heads;
        uint32_t kv_head = (uint32_t)((uint64_t)head * shape->kv_head_count / heads);
        assay_kv kv = assay_kv_cache_head(&f->cache, s->layer, kv_head);
        f->engine.kernels->attention(
            f->work.norm + (size_t)item * hd, f->work.query_q16 + (size_t)item * hd,
            f->work.query_scales[item], &kv, hd, s->chunk->first + row + 1, scratch);
    }
}

static void heads_out_slice(const step *s, uint32_t index) {
    const assay_forward *f = s->chunk->forward;
    uint32_t k = weights_of(s, ASSAY_LINEAR_O)->k;
    for (uint32_t row = row_from(s, index); row < row_from(s, index + 1); row++)
        quantise_row(f, row, f->work.norm + (size_t)row * k, k);
}

static void gate_slice(const step *s, uint32_t index) {
    const assay_forward *f = s->chunk->forward;
    uint32_t ff = f->engine.model->shape.ff_width;
    for (uint32_t row = row_from(s, index); row < row_from(s, index + 1); row++) {
        float *gate = f->work.wide + (size_t)row * f->wide_stride;
        f->engine.kernels->silu_mul(gate, gate, gate + ff, ff);
        quantise_row(f, row, gate, ff);
    }
}

static void logits_slice(const step *s, uint32_t index) {
    const assay_forward *f = s->chunk->forward;
    const assay_q8 *head = &f->engine.model->head;
    uint32_t from = slice_from(s, index, head->n), end = slice_from(s, index + 1, head->n);
    assay_x16 x = input_rows(s, head->k, s->from_row, s->row_end);
    if (from < end) f->engine.kernels->gemm_q8(f->work.logits, head->n, &x, head, from, end - from);
}

void assay_chunk_embed(const assay_chunk *chunk) {
    rows_run((step){.chunk = chunk, .row_end = chunk->row_count}, embed_slice);
}

void assay_chunk_layer(const assay_chunk *chunk, uint32_t layer) {
    const assay_model_layer *weights = &chunk->forward->engine.model->layers[layer];
    step s = {.chunk = chunk, .layer = layer, .row_end = chunk->row_count};
    s.norm = weights->attention_norm;
    rows_run(s, norm_slice);
    linears_run(s, ASSAY_LINEAR_Q, 3);
    rows_run(s, heads_slice);
    step_run(s, attention_slice);
    rows_run(s, heads_out_slice);
    linears_run(s, ASSAY_LINEAR_O, 1);
    rows_run(s, residual_slice);
    s.norm = weights->ff_norm;
    rows_run(s, norm_slice);
    linears_run(s, ASSAY_LINEAR_GATE, 2);
    rows_run(s, gate_slice);
    linears_run(s, ASSAY_LINEAR_DOWN, 1);
    rows_run(s, residual_slice);
}

void assay_chunk_final_norm(const assay_chunk *chunk, uint32_t from_row) {
    rows_run((step){.chunk = chunk,
                    .norm = chunk->forward->engine.model->final_norm,
                    .from_row = from_row,
                    .row_end = chunk->row_count},
             norm_slice);
}

void assay_chunk_logits(const assay_chunk *chunk, uint32_t from_row, uint32_t row_count) {
    ASSAY_ASSERT(row_count <= ASSAY_LOGIT_ROWS);
    step_run((step){.chunk = chunk, .from_row = from_row, .row_end = from_row + row_count},
             logits_slice);
}
