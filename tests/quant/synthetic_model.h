// SPDX-License-Identifier: Apache-2.0
// A small model in memory, made from a seed: for properties that must hold for every model. Values
// are checked elsewhere, on the demo model. It needs no library, so that it can be cross-compiled.
#ifndef ASSAY_TESTS_QUANT_SYNTHETIC_MODEL_H
#define ASSAY_TESTS_QUANT_SYNTHETIC_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/philox.h"
#include "kernels/table.h"
#include "quant/model.h"
#include "quant/rope.h"

enum {
    SYNTHETIC_VOCAB = 150,
    SYNTHETIC_CONTEXT = 96,
    SYNTHETIC_WIDTH = 128,
    SYNTHETIC_FAULTING_ID = 99, // see synthetic_open
};

typedef struct {
    assay_arena arena;
    uint32_t seed;
    uint32_t drawn;
    assay_model model;
    assay_adapter adapters[2]; // ranks 8 and 5, the second on some linears only
} synthetic;

// Bell-shaped, of width about 1.
static inline float synthetic_draw(synthetic *s) {
    uint32_t words[4];
    assay_philox4x32(words, (const uint32_t[4]){s->drawn++, 0, 0, 0},
                     (const uint32_t[2]){s->seed, 0});
    float sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (float)(words[i] >> 8) * 0x1p-24f - 0.5f;
    return sum * 1.7f;
}

static inline void *synthetic_take(synthetic *s, size_t count, size_t size) {
    void *taken = assay_arena_take(&s->arena, count, size);
    ASSAY_ASSERT(taken);
    return taken;
}

static inline float *synthetic_row(synthetic *s, uint32_t k, float width) {
    float *row = synthetic_take(s, k, sizeof *row);
    for (uint32_t i = 0; i < k; i++)
        row[i] = synthetic_draw(s) * width;
    return row;
}

static inline assay_q4 synthetic_q4(synthetic *s, uint32_t n, uint32_t k) {
    uint8_t *codes = synthetic_take(s, n, k / 2), *ratios = synthetic_take(s, n, k / 64);
    float *scales = synthetic_take(s, n, sizeof *scales);
    for (uint32_t i = 0; i < n; i++)
        assay_quantise_q4_ref(codes + i * (k / 2), ratios + i * (k / 64), &scales[i],
                              synthetic_row(s, k, 0.08f), k);
    return (assay_q4){n, k, codes, ratios, scales};
}

static inline assay_q8 synthetic_q8(synthetic *s, uint32_t n, uint32_t k, float width) {
    int8_t *q = synthetic_take(s, n, k);
    float *scales = synthetic_take(s, n, sizeof *scales);
    for (uint32_t i = 0; i < n; i++)
        assay_quantise_q8_ref(q + i * k, &scales[i], synthetic_row(s, k, width), k);
    return (assay_q8){n, k, q, scales};
}

static inline float *synthetic_norm(synthetic *s, uint32_t d) {
    float *w = synthetic_row(s, d, 0.1f);
    for (uint32_t i = 0; i < d; i++)
        w[i] += 1.0f;
    return w;
}

static inline void synthetic_adapter(synthetic *s, assay_adapter *adapter, uint32_t rank,
                                     unsigned mask) {
    const assay_model *m = &s->model;
    adapter->layer_count = m->shape.layer_count;
    adapter->layers = synthetic_take(s, m->shape.layer_count, sizeof *adapter->layers);
    for (uint32_t l = 0; l < m->shape.layer_count; l++)
        for (int i = 0; i < ASSAY_LINEAR_COUNT; i++) {
            const assay_q4 *w = &m->layers[l].linears[i];
            assay_lora *lora = &adapter->layers[l][i];
            if (!(mask >> i & 1)) continue;
            lora->a = synthetic_q8(s, rank, w->k, 0.1f);
            lora->b = synthetic_q8(s, w->n, rank, 0.1f);
            lora->scale = 2.0f;
        }
}

// Three layers, four heads of 32 over two kv heads. Feature 0 of the embedding is zero but for
// SYNTHETIC_FAULTING_ID, whose key in the first layer passes 2^40.
static inline void synthetic_open(synthetic *s, uint32_t seed) {
    *s = (synthetic){.seed = seed};
    assay_arena_init(&s->arena, 64 << 20);
    assay_model *m = &s->model;
    m->shape = (assay_model_shape){.layer_count = 3,
                                   .width = SYNTHETIC_WIDTH,
                                   .head_count = 4,
                                   .kv_head_count = 2,
                                   .head_size = 32,
                                   .ff_width = 192,
                                   .vocab_size = SYNTHETIC_VOCAB,
                                   .context_size = SYNTHETIC_CONTEXT,
                                   .eps = 1e-5f,
                                   .stop_count = 2,
                                   .stop_ids = {3, 77}};
    uint32_t kv = m->shape.kv_head_count * m->shape.head_size, half = m->shape.head_size / 2;
    const uint32_t n[] = {SYNTHETIC_WIDTH, kv, kv, SYNTHETIC_WIDTH, 192, 192, SYNTHETIC_WIDTH};
    m->layers = synthetic_take(s, m->shape.layer_count, sizeof *m->layers);
    for (uint32_t l = 0; l < m->shape.layer_count; l++) {
        m->layers[l].attention_norm = synthetic_norm(s, SYNTHETIC_WIDTH);
        m->layers[l].ff_norm = synthetic_norm(s, SYNTHETIC_WIDTH);
        for (int i = 0; i < ASSAY_LINEAR_COUNT; i++)
            m->layers[l].linears[i] =
                synthetic_q4(s, n[i], i == ASSAY_LINEAR_DOWN ? m->shape.ff_width : SYNTHETIC_WIDTH);
    }
    m->embedding = synthetic_q8(s, SYNTHETIC_VOCAB, SYNTHETIC_WIDTH, 1.0f);
    for (uint32_t i = 0; i < SYNTHETIC_VOCAB; i++)
        ((int8_t *)m->embedding.q)[i * SYNTHETIC_WIDTH] = i == SYNTHETIC_FAULTING_ID ? 127 : 0;
    ((float *)m->layers[0].attention_norm)[0] = 0x1p20f;
    float *spike = synthetic_take(s, SYNTHETIC_WIDTH, sizeof *spike);
    spike[0] = 0x1p20f;
    const assay_q4 *keys = &m->layers[0].linears[ASSAY_LINEAR_K];
    assay_quantise_q4_ref((uint8_t *)keys->codes, (uint8_t *)keys->ratios, (float *)keys->scales,
                          spike, SYNTHETIC_WIDTH);
    m->head = m->embedding;
    m->final_norm = synthetic_norm(s, SYNTHETIC_WIDTH);
    double *inv_freq = synthetic_take(s, half, sizeof *inv_freq);
    for (uint32_t i = 0; i < half; i++)
        inv_freq[i] = i ? inv_freq[i - 1] * 0.56 : 1.0;
    m->inv_freq = inv_freq;
    m->rope_cos = synthetic_take(s, SYNTHETIC_CONTEXT * half, sizeof(float));
    m->rope_sin = synthetic_take(s, SYNTHETIC_CONTEXT * half, sizeof(float));
    assay_status status =
        assay_rope_table(m->rope_cos, m->rope_sin, SYNTHETIC_CONTEXT, half, inv_freq, NULL);
    ASSAY_ASSERT(status == ASSAY_OK);
    synthetic_adapter(s, &s->adapters[0], 8, 0x7f);
    synthetic_adapter(s, &s->adapters[1], 5, 0x2b);
}

static inline void synthetic_close(synthetic *s) {
    assay_arena_close(&s->arena);
}

// ids[count] below the vocabulary, none of them faulting.
static inline void synthetic_ids(synthetic *s, uint32_t *ids, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t words[4];
        assay_philox4x32(words, (const uint32_t[4]){i, 1, 0, 0}, (const uint32_t[2]){s->seed, 0});
        ids[i] = words[0] % (SYNTHETIC_VOCAB - 1);
        ids[i] += ids[i] >= SYNTHETIC_FAULTING_ID;
    }
}

#endif
