// SPDX-License-Identifier: Apache-2.0
// Every step is a loop over slices, slice s of S taking a fixed part of the rows (positions) or of
// the columns (output features). A slice writes to places of its own and sums nothing with others,
// so S shows in the time only. There are more slices than threads, and a thread that is done with
// one takes the next: no two processors run equally fast all the time.
#include "quant/layer.h"

#include <assert.h>
#include <stdatomic.h>

#include "kernels/float.h"

static_assert((int)ASSAY_MODEL_CONTEXT_MAX <= (int)ASSAY_ATTENTION_COUNT_MAX, "all positions");

// A step in progress, shared by its slices.
typedef struct {
    const assay_chunk *chunk;
    uint32_t layer;
    const float *norm;      // weights of a norm step
    const uint32_t *wanted; // rows of a final norm; NULL: all
    uint32_t from_row;
    uint32_t row_end;
    uint32_t head_rows;        // of a head step: rows that were packed for it
    assay_linear first_linear; // linears with the same input, side by side in `wide`
    uint32_t linear_count;
    bool residual; // of a single linear: what comes out of it is added to x
} step;

// One slice of a step, by the thread that owns `lane`.
typedef void slice_fn(const step *s, uint32_t index, uint8_t *lane);

// A step that the pool's threads work on.
typedef struct {
    const step *step;
    slice_fn *slice;
    atomic_uint next;
} run;

static void lane_run(void *context, size_t index) {
    run *r = context;
    const assay_forward *f = r->step->chunk->forward;
    uint8_t *lane = f->work.lanes + index * f->lane_size;
    uint64_t former = assay_float_enter();
    for (uint32_t i; (i = atomic_fetch_add(&r->next, 1)) < f->slice_count;)
        r->slice(r->step, i, lane);
    assay_float_leave(former);
}

static void step_run(step s, slice_fn *slice) {
    run r = {.step = &s, .slice = slice};
    assay_pool_run(s.chunk->forward->engine.pool, s.chunk->forward->lane_count, lane_run, &r);
}

// A step over rows of so many columns. Few and short ones cost less than waking the threads: 16,384
// elements some 20 us. Longer ones would also send the threads to sleep before the next step.
static void rows_run(step s, uint32_t columns, slice_fn *slice) {
    enum { WORTH = 16384 };
    run r = {.step = &s, .slice = slice};
    uint32_t rows = s.row_end - s.from_row;
    bool worth = rows > 1 && (uint64_t)rows * columns >= WORTH;
    if (worth || rows >= s.chunk->forward->lane_count)
        step_run(s, slice);
    else
        lane_run(&r, 0);
}

static uint32_t slice_from(const step *s, uint32_t index, uint32_t count) {
    return (uint32_t)((uint64_t)count * index / s->chunk->forward->slice_count);
}

// The rows of a slice: for (row = begin; row < end; row++).
static uint32_t row_from(const step *s, uint32_t index) {
    return s->from_row + slice_from(s, index, s->row_end - s->from_row);
}

// What embedding and head are kept as.
static assay_weights_kind vocab_kind(const assay_forward *f) {
    return f->engine.model->shape.vocab_q4 ? ASSAY_WEIGHTS_Q4 : ASSAY_WEIGHTS_Q8;
}

static void embed_slice(const step *s, uint32_t index, uint8_t *lane) {
    const assay_forward *f = s->chunk->forward;
    const assay_kernels *kernels = f->engine.kernels;
    const assay_q8 *q8 = &f->engine.model->embedding;
    const assay_q4 *q4 = &f->engine.model->embedding_q4;
    size_t d = f->engine.model->shape.width;
    for (uint32_t row = row_from(s, index); row < row_from(s, index + 1); row++) {
        size_t id = f->work.rows[row].id;
        float *x = f->work.x + row * d;
        if (vocab_kind(f) == ASSAY_WEIGHTS_Q4)
            kernels->unfold_q4(x, q4->codes + id * (d / 2), q4->ratios + id * (d / ASSAY_Q4_BLOCK),
                               q4->scales[id], (uint32_t)d);
        else
            kernels->unfold_q8(x, q8->q + id * d, q8->scales[id], (uint32_t)d);
    }
}

// The inputs of linears with `k` columns, `rows` of them.
static assay_x16 input_of(const assay_forward *f, uint32_t k, uint32_t rows,
                          assay_weights_kind kind) {
    return (assay_x16){rows, k, f->work.q16, f->work.scales, f->work.packed[kind]};
}

// Row `row` of slice `index`: f32 to x16. Packed are some rows at a time, because tiles hold
// several side by side, for the weights they will meet.
static void quantise_row(const step *s, uint32_t index, uint32_t row, const float *x, uint32_t k) {
    enum { TOGETHER = 16 };
    const assay_forward *f = s->chunk->forward;
    const assay_kernels *kernels = f->engine.kernels;
    bool fine = kernels->quantise_x16(f->work.q16 + (size_t)row * k, &f->work.scales[row], x, k);
    f->work.faults[s->wanted ? s->wanted[row] : row] |= !fine;
    if ((row + 1) % TOGETHER != 0 && row + 1 != row_from(s, index + 1)) return;
    uint32_t begin = row_from(s, index), first = row / TOGETHER * TOGETHER;
    if (first < begin) first = begin;
    for (int kind = ASSAY_WEIGHTS_Q4; kind <= ASSAY_WEIGHTS_Q8; kind++) {
        bool met =
            s->wanted ? kind == (int)vocab_kind(f) : kind == ASSAY_WEIGHTS_Q4 || s->chunk->adapted;
        assay_x16 input = input_of(f, k, s->row_end, (assay_weights_kind)kind);
        if (met) kernels->pack(&input, (assay_weights_kind)kind, first, row + 1 - first);
    }
}

static void norm_slice(const step *s, uint32_t index, uint8_t *lane) {
    const assay_forward *f = s->chunk->forward;
    const assay_model_shape *shape = &f->engine.model->shape;
    uint32_t d = shape->width;
    for (uint32_t row = row_from(s, index); row < row_from(s, index + 1); row++) {
        uint32_t from = s->wanted ? s->wanted[row] : row;
        float *y = f->work.norm + (size_t)row * d;
        bool fine =
            f->engine.kernels->rmsnorm(y, f->work.x + (size_t)from * d, s->norm, d, shape->eps);
        f->work.faults[from] |= !fine;
        quantise_row(s, index, row, y, d);
    }
}

static const assay_q4 *weights_of(const step *s, uint32_t linear) {
    return &s->chunk->forward->engine.model->layers[s->layer].linears[linear];
}

// The low-rank pair that a row's adapter has for a linear, NULL where there is none.
static const assay_lora *lora_of(const step *s, uint32_t row, uint32_t linear) {
    const assay_adapter *adapter = s->chunk->forward->work.rows[row].feed->sequence->adapter;
    if (!adapter || adapter->layers[s->layer][linear].a.n == 0) return NULL;
    return &adapter->layers[s->layer][linear];
}

// Between the factors of linear i for the rows that share row's adapter: x16 [..][rank].
static assay_x16 rank_rows(const step *s, uint32_t i, uint32_t row, uint32_t rank) {
    const assay_forward *f = s->chunk->forward;
    const assay_chunk_row *r = &f->work.rows[row];
    size_t at = (size_t)i * f->chunk_max + r->group;
    return (assay_x16){r->group_end - r->group, rank, f->work.rank_q16 + at * ASSAY_LORA_RANK_MAX,
                       f->work.rank_scales + at, NULL};
}

// u = x16(gemm(x, A)) of rows from .. end - 1, which share an adapter.
static void rank_fill(const step *s, uint32_t i, uint32_t from, uint32_t end, uint8_t *lane) {
    const assay_forward *f = s->chunk->forward;
    const assay_lora *lora = lora_of(s, from, s->first_linear + i);
    if (!lora) return;
    uint32_t rank = lora->a.n, group = f->work.rows[from].group;
    assay_x16 x = input_of(f, lora->a.k, s->row_end, ASSAY_WEIGHTS_Q8);
    size_t at = (size_t)i * f->chunk_max + group;
    float *u = f->work.rank + at * ASSAY_LORA_RANK_MAX;
    int16_t *u16 = f->work.rank_q16 + at * ASSAY_LORA_RANK_MAX;
    assay_gemm_part part = {
        u - (size_t)group * rank, rank, &x, from, end - from, 0, rank, NULL, lane};
    f->engine.kernels->gemm_q8(&part, &lora->a);
    for (uint32_t row = from; row < end; row++) {
        size_t cell = (size_t)(row - group) * rank;
        bool fine = f->engine.kernels->quantise_x16(
            u16 + cell, &f->work.rank_scales[at + row - group], u + cell, rank);
        f->work.faults[row] |= !fine;
    }
}

static void rank_slice(const step *s, uint32_t index, uint8_t *lane) {
    const assay_chunk_row *rows = s->chunk->forward->work.rows;
    uint32_t end = row_from(s, index + 1);
    for (uint32_t i = 0; i < s->linear_count; i++)
        for (uint32_t row = row_from(s, index), next; row < end; row = next) {
            next = rows[row].group_end < end ? rows[row].group_end : end;
            rank_fill(s, i, row, next, lane);
        }
}

// The low-rank part of linear i for the rows that share the adapter of `row`. Each slice packs the
// rows between the factors for itself: they are short.
static void lora_part(const step *s, uint32_t i, uint32_t row, assay_gemm_part part,
                      uint8_t *lane) {
    const assay_kernels *kernels = s->chunk->forward->engine.kernels;
    const assay_lora *lora = lora_of(s, row, s->first_linear + i);
    if (!lora) return;
    assay_x16 u = rank_rows(s, i, row, lora->a.n);
    u.packed = lane + ASSAY_GEMM_SCRATCH;
    kernels->pack(&u, ASSAY_WEIGHTS_Q8, 0, u.m);
    part.y += (size_t)row * part.y_stride;
    part.x = &u;
    part.m_count = u.m;
    part.add_scale = &lora->scale;
    kernels->gemm_q8(&part, &lora->b);
}

// The bias of linear i, added last of all. Spec: N-9.
static void bias_part(const step *s, uint32_t i, const assay_gemm_part *part) {
    const assay_forward *f = s->chunk->forward;
    const float *bias = f->engine.model->layers[s->layer].biases[s->first_linear + i];
    for (uint32_t row = 0; bias && row < s->row_end; row++)
        f->engine.kernels->add(part->y + row * part->y_stride + part->n_first, bias + part->n_first,
                               part->n_count);
}

// The linear's outputs in wide are added to x while they are near. Spec: N-15.
static void residual_part(const step *s, const assay_gemm_part *part) {
    const assay_forward *f = s->chunk->forward;
    float *x = f->work.x + part->n_first;
    for (uint32_t row = 0; row < s->row_end; row++, x += f->engine.model->shape.width)
        f->engine.kernels->add(x, part->y + row * part->y_stride + part->n_first, part->n_count);
}

// Output features first .. first + count - 1 of the group's linear i, at column `at` of `wide`.
static void linear_part(const step *s, uint32_t i, uint32_t at, uint32_t first, uint32_t count,
                        uint8_t *lane) {
    const assay_forward *f = s->chunk->forward;
    const assay_q4 *w = weights_of(s, s->first_linear + i);
    assay_x16 x = input_of(f, w->k, s->row_end, ASSAY_WEIGHTS_Q4);
    assay_gemm_part part = {
        f->work.wide + at, f->wide_stride, &x, 0, s->row_end, first, count, NULL, lane};
    f->engine.kernels->gemm_q4(&part, w);
    for (uint32_t row = 0; s->chunk->adapted && row < s->row_end; row = f->work.rows[row].group_end)
        lora_part(s, i, row, part, lane);
    bias_part(s, i, &part);
    if (s->residual) residual_part(s, &part);
}

// A slice of the group's columns, all linears end to end.
static void linears_slice(const step *s, uint32_t index, uint8_t *lane) {
    uint32_t columns = 0;
    for (uint32_t i = 0; i < s->linear_count; i++)
        columns += weights_of(s, s->first_linear + i)->n;
    uint32_t from = slice_from(s, index, columns), end = slice_from(s, index + 1, columns);
    for (uint32_t i = 0, at = 0; i < s->linear_count; i++) {
        uint32_t n = weights_of(s, s->first_linear + i)->n;
        uint32_t first = from > at ? from - at : 0;
        uint32_t last = end < at + n ? (end > at ? end - at : 0) : n;
        if (first < last) linear_part(s, i, at, first, last - first, lane);
        at += n;
    }
}

// wide = the linears' outputs for the rows in q16. Spec: N-9.
static void linears_run(step s, assay_linear first, uint32_t count) {
    s.first_linear = first;
    s.linear_count = count;
    if (s.chunk->adapted) rows_run(s, count * weights_of(&s, first)->k, rank_slice);
    step_run(s, linears_slice);
}

// x += wide, which holds what the linear makes of the rows in q16.
static void residual_run(step s, assay_linear linear) {
    s.residual = true;
    linears_run(s, linear, 1);
}

// Norms each head of q and of k, where the architecture does. Spec: N-21.
static bool head_norms_row(const step *s, float *q) {
    const assay_model *model = s->chunk->forward->engine.model;
    const float *const *norms = model->layers[s->layer].head_norms;
    uint32_t hd = model->shape.head_size, heads = model->shape.head_count;
    bool fine = true;
    for (uint32_t h = 0; norms[0] && h < heads + model->shape.kv_head_count; h++, q += hd)
        fine &= s->chunk->forward->engine.kernels->rmsnorm(q, q, norms[h >= heads], hd,
                                                           model->shape.eps);
    return fine;
}

// Rotates q and k; q becomes x16, k and v become x8 rows of the cache. Spec: N-10, N-13.
static void heads_row(const step *s, uint32_t row) {
    const assay_forward *f = s->chunk->forward;
    const assay_kernels *kernels = f->engine.kernels;
    const assay_model_shape *shape = &f->engine.model->shape;
    const assay_chunk_row *r = &f->work.rows[row];
    const assay_kv_cache *cache = &r->feed->sequence->cache;
    uint32_t hd = shape->head_size, heads = shape->head_count, kv_heads = shape->kv_head_count;
    const float *cos = f->engine.model->rope_cos + (size_t)r->position * (hd / 2);
    const float *sin = f->engine.model->rope_sin + (size_t)r->position * (hd / 2);
    float *q = f->work.wide + (size_t)row * f->wide_stride;
    float *k = q + heads * hd, *v = k + kv_heads * hd, *scale;
    bool fine = head_norms_row(s, q);
    kernels->rope(q, cos, sin, heads + kv_heads, hd / 2); // k lies behind q
    for (uint32_t h = 0; h < heads; h++) {
        size_t head = (size_t)row * heads + h;
        fine &= kernels->quantise_x16(f->work.query_q16 + head * hd, &f->work.query_scales[head],
                                      q + h * hd, hd);
    }
    for (uint32_t h = 0; h < kv_heads; h++) {
        int8_t *codes = assay_kv_cache_row(cache, s->layer, h, ASSAY_KV_KEY, r->position, &scale);
        fine &= kernels->quantise_q8(codes, scale, k + h * hd, hd);
        codes = assay_kv_cache_row(cache, s->layer, h, ASSAY_KV_VALUE, r->position, &scale);
        fine &= kernels->quantise_q8(codes, scale, v + h * hd, hd);
    }
    f->work.faults[row] |= !fine;
}

static void heads_slice(const step *s, uint32_t index, uint8_t *lane) {
    for (uint32_t row = row_from(s, index); row < row_from(s, index + 1); row++)
        heads_row(s, row);
}

// Slice s takes every S-th (position, kv head, part of its queries): later positions cost more, so
// runs would be uneven. Queries that share a kv head unfold it together, and are parted only where
// threads would have nothing to do.
static void attention_slice(const step *s, uint32_t index, uint8_t *lane) {
    const assay_forward *f = s->chunk->forward;
    const assay_model_shape *shape = &f->engine.model->shape;
    uint32_t hd = shape->head_size, kv_heads = shape->kv_head_count;
    uint32_t queries = shape->head_count / kv_heads;
    uint32_t heads = s->row_end * kv_heads; // kv heads of all rows
    uint32_t parts = (f->lane_count + heads - 1) / heads;
    if (parts > queries) parts = queries;
    for (uint32_t item = index; item < heads * parts; item += f->slice_count) {
        uint32_t kv_head = item / parts, i = item % parts;
        uint32_t first = queries * i / parts, end = queries * (i + 1) / parts;
        const assay_chunk_row *r = &f->work.rows[kv_head / kv_heads];
        size_t head = (size_t)kv_head * queries + first; // kv heads lie in the order of queries
        assay_attention_part part = {
            .out = f->work.norm + head * hd,
            .q = f->work.query_q16 + head * hd,
            .q_scales = f->work.query_scales + head,
            .query_count = end - first,
            .head_size = hd,
            .count = r->position + 1,
            .kv = assay_kv_cache_head(&r->feed->sequence->cache, s->layer, kv_head % kv_heads),
            .scratch = lane};
        f->engine.kernels->attention(&part);
    }
}

static void heads_out_slice(const step *s, uint32_t index, uint8_t *lane) {
    const assay_forward *f = s->chunk->forward;
    uint32_t k = weights_of(s, ASSAY_LINEAR_O)->k;
    for (uint32_t row = row_from(s, index); row < row_from(s, index + 1); row++)
        quantise_row(s, index, row, f->work.norm + (size_t)row * k, k);
}

static void gate_slice(const step *s, uint32_t index, uint8_t *lane) {
    const assay_forward *f = s->chunk->forward;
    uint32_t ff = f->engine.model->shape.ff_width;
    for (uint32_t row = row_from(s, index); row < row_from(s, index + 1); row++) {
        float *gate = f->work.wide + (size_t)row * f->wide_stride;
        f->engine.kernels->silu_mul(gate, gate, gate + ff, ff);
        quantise_row(s, index, row, gate, ff);
    }
}

// Columns first .. first + count - 1 of the head, for rows from_row .. row_end - 1 of head_rows.
static void head_part(const step *s, float *y, size_t y_stride, uint32_t first, uint32_t count,
                      void *scratch) {
    const assay_forward *f = s->chunk->forward;
    const assay_model *model = f->engine.model;
    assay_x16 x = input_of(f, model->shape.width, s->head_rows, vocab_kind(f));
    assay_gemm_part part = {y - (size_t)s->from_row * y_stride - first,
                            y_stride,
                            &x,
                            s->from_row,
                            s->row_end - s->from_row,
                            first,
                            count,
                            NULL,
                            scratch};
    if (vocab_kind(f) == ASSAY_WEIGHTS_Q4)
        f->engine.kernels->gemm_q4(&part, &model->head_q4);
    else
        f->engine.kernels->gemm_q8(&part, &model->head);
}

static void logits_slice(const step *s, uint32_t index, uint8_t *lane) {
    const assay_forward *f = s->chunk->forward;
    uint32_t columns = f->engine.model->shape.vocab_size;
    uint32_t from = slice_from(s, index, columns), end = slice_from(s, index + 1, columns);
    if (from < end) head_part(s, f->work.logits + from, columns, from, end - from, lane);
}

// The choices of a slice of the rows whose logits are stored.
static void choose_slice(const step *s, uint32_t index, uint8_t *lane) {
    const assay_forward *f = s->chunk->forward;
    uint32_t vocab_size = f->engine.model->shape.vocab_size;
    assay_sampler sampler = assay_sampler_in(lane, f->engine.kernels, vocab_size);
    for (uint32_t row = row_from(s, index); row < row_from(s, index + 1); row++) {
        const assay_chunk_row *r = &f->work.rows[f->work.wanted[row]];
        const assay_sampling *sampling = r->feed->hooks->sampling;
        const float *logits = f->work.logits + (size_t)(row - s->from_row) * vocab_size;
        if (!sampling || r->position >= r->feed->sequence->fault_position) continue;
        f->work.best_ids[row] =
            assay_sampler_choose(&sampler, logits, sampling, (uint64_t)r->position + 1);
    }
}

// The best of a slice's columns, some at a time. Ascending ids, so the first of equals stays.
static void best_slice(const step *s, uint32_t index, uint8_t *lane) {
    const assay_forward *f = s->chunk->forward;
    uint32_t columns = f->engine.model->shape.vocab_size;
    uint32_t from = slice_from(s, index, columns), end = slice_from(s, index + 1, columns);
    float *logits = (float *)(lane + ASSAY_GEMM_SCRATCH);
    float *best = f->work.best + (size_t)index * f->chunk_max;
    uint32_t *ids = f->work.best_ids + (size_t)index * f->chunk_max;
    for (uint32_t row = 0; row < s->row_end; row++)
        best[row] = -__builtin_inff();
    for (uint32_t at = from; at < end; at += ASSAY_BEST_COLUMNS) {
        uint32_t count = end - at < ASSAY_BEST_COLUMNS ? end - at : ASSAY_BEST_COLUMNS;
        head_part(s, logits, ASSAY_BEST_COLUMNS, at, count, lane);
        for (uint32_t row = 0; row < s->row_end; row++)
            for (uint32_t i = 0; i < count; i++) {
                float logit = logits[row * ASSAY_BEST_COLUMNS + i];
                if (logit <= best[row]) continue;
                best[row] = logit;
                ids[row] = at + i;
            }
    }
}

void assay_chunk_embed(const assay_chunk *chunk) {
    rows_run((step){.chunk = chunk, .row_end = chunk->row_count},
             chunk->forward->engine.model->shape.width, embed_slice);
}

void assay_chunk_layer(const assay_chunk *chunk, uint32_t layer) {
    const assay_model_layer *weights = &chunk->forward->engine.model->layers[layer];
    const assay_model_shape *shape = &chunk->forward->engine.model->shape;
    uint32_t heads = shape->head_count * shape->head_size;
    step s = {.chunk = chunk, .layer = layer, .row_end = chunk->row_count};
    s.norm = weights->attention_norm;
    rows_run(s, shape->width, norm_slice);
    linears_run(s, ASSAY_LINEAR_Q, 3);
    rows_run(s, heads, heads_slice);
    step_run(s, attention_slice);
    rows_run(s, heads, heads_out_slice);
    residual_run(s, ASSAY_LINEAR_O);
    s.norm = weights->ff_norm;
    rows_run(s, shape->width, norm_slice);
    linears_run(s, ASSAY_LINEAR_GATE, 2);
    rows_run(s, shape->ff_width, gate_slice);
    residual_run(s, ASSAY_LINEAR_DOWN);
}

void assay_chunk_final_norm(const assay_chunk *chunk, uint32_t count) {
    rows_run((step){.chunk = chunk,
                    .norm = chunk->forward->engine.model->final_norm,
                    .wanted = chunk->forward->work.wanted,
                    .row_end = count},
             chunk->forward->engine.model->shape.width, norm_slice);
}

void assay_chunk_logits(const assay_chunk *chunk, uint32_t count, uint32_t from,
                        uint32_t row_count) {
    ASSAY_ASSERT(row_count <= ASSAY_LOGIT_ROWS);
    step_run(
        (step){.chunk = chunk, .from_row = from, .row_end = from + row_count, .head_rows = count},
        logits_slice);
}

void assay_chunk_choose(const assay_chunk *chunk, uint32_t from, uint32_t row_count) {
    rows_run((step){.chunk = chunk, .from_row = from, .row_end = from + row_count},
             chunk->forward->engine.model->shape.vocab_size, choose_slice);
}

// Into the first slice's best those of the others.
static void best_merge(const assay_forward *f, uint32_t row_count) {
    for (uint32_t slice = 1; slice < f->slice_count; slice++)
        for (uint32_t row = 0; row < row_count; row++) {
            size_t at = (size_t)slice * f->chunk_max + row;
            if (f->work.best[at] <= f->work.best[row]) continue;
            f->work.best[row] = f->work.best[at];
            f->work.best_ids[row] = f->work.best_ids[at];
        }
}

void assay_chunk_best(const assay_chunk *chunk, uint32_t count, uint32_t row_count) {
    step_run((step){.chunk = chunk, .row_end = row_count, .head_rows = count}, best_slice);
    uint64_t former = assay_float_enter(); // else subnormal logits may be equal
    best_merge(chunk->forward, row_count);
    assay_float_leave(former);
}
