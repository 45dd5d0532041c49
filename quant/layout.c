// SPDX-License-Identifier: Apache-2.0
#include "quant/layout.h"

#include <stdio.h>

// 64 weights share a ratio, so rows of q4 weights come in whole blocks (N-4).
enum { BLOCK = 64 };

const char *const assay_linear_names[ASSAY_LINEAR_COUNT] = {
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj"};

const char *const assay_head_norm_names[2] = {"q_norm", "k_norm"};

bool assay_linear_biased(assay_linear linear) {
    return linear == ASSAY_LINEAR_Q || linear == ASSAY_LINEAR_K || linear == ASSAY_LINEAR_V;
}

void assay_linear_shape(uint32_t *n, uint32_t *k, const assay_model_shape *shape,
                        assay_linear linear) {
    uint32_t query = shape->head_count * shape->head_size;
    uint32_t key = shape->kv_head_count * shape->head_size;
    switch (linear) {
    case ASSAY_LINEAR_Q:
        *n = query, *k = shape->width;
        return;
    case ASSAY_LINEAR_K:
    case ASSAY_LINEAR_V:
        *n = key, *k = shape->width;
        return;
    case ASSAY_LINEAR_O:
        *n = shape->width, *k = query;
        return;
    case ASSAY_LINEAR_GATE:
    case ASSAY_LINEAR_UP:
        *n = shape->ff_width, *k = shape->width;
        return;
    case ASSAY_LINEAR_DOWN:
        *n = shape->width, *k = shape->ff_width;
        return;
    case ASSAY_LINEAR_COUNT:
        break;
    }
    ASSAY_ASSERT(!"a linear");
}

static assay_status count_check(uint64_t value, uint64_t max, uint32_t multiple, const char *what,
                                assay_error *err) {
    if (value == 0 || value > max || value % multiple != 0)
        return ASSAY_FAIL(err, RANGE, "%s is %llu, limits 1 to %llu in steps of %u", what,
                          (ull)value, (ull)max, multiple);
    return ASSAY_OK;
}

assay_status assay_model_shape_check(const assay_model_shape *shape, assay_error *err) {
    ASSAY_TRY(count_check(shape->layer_count, ASSAY_MODEL_LAYERS_MAX, 1, "layer count", err));
    ASSAY_TRY(count_check(shape->width, ASSAY_MODEL_WIDTH_MAX, BLOCK, "width", err));
    ASSAY_TRY(count_check(shape->head_size, ASSAY_MODEL_HEAD_SIZE_MAX, 2, "size of a head", err));
    ASSAY_TRY(count_check((uint64_t)shape->head_count * shape->head_size, ASSAY_MODEL_WIDTH_MAX,
                          BLOCK, "width of all heads", err));
    ASSAY_TRY(
        count_check(shape->kv_head_count, shape->head_count, 1, "count of key-value heads", err));
    if (shape->head_count % shape->kv_head_count)
        return ASSAY_FAIL(err, RANGE, "%u heads over %u key-value heads", shape->head_count,
                          shape->kv_head_count);
    ASSAY_TRY(
        count_check(shape->ff_width, ASSAY_MODEL_WIDTH_MAX, BLOCK, "feed-forward width", err));
    ASSAY_TRY(count_check(shape->vocab_size, ASSAY_MODEL_VOCAB_MAX, 1, "vocabulary", err));
    ASSAY_TRY(count_check(shape->context_size, ASSAY_MODEL_CONTEXT_MAX, 1, "context", err));
    if (!(shape->eps >= 0x1p-40f && shape->eps <= 1))
        return ASSAY_FAIL(err, RANGE, "eps is %g, limits 2^-40 to 1", (double)shape->eps);
    if (shape->stop_count > ASSAY_MODEL_STOPS_MAX)
        return ASSAY_FAIL(err, RANGE, "%u stop ids, limit %d", shape->stop_count,
                          ASSAY_MODEL_STOPS_MAX);
    for (uint32_t i = 0; i < shape->stop_count; i++) {
        if (shape->stop_ids[i] >= shape->vocab_size)
            return ASSAY_FAIL(err, RANGE, "stop id %u in a vocabulary of %u", shape->stop_ids[i],
                              shape->vocab_size);
        if (i && shape->stop_ids[i] <= shape->stop_ids[i - 1])
            return ASSAY_FAIL(err, ORDER, "stop id %u after %u", shape->stop_ids[i],
                              shape->stop_ids[i - 1]);
    }
    return ASSAY_OK;
}

static void q4_tensors(assay_tensor_list *list, uint32_t n, uint32_t k, const char *name) {
    assay_tensor_list_add(list, ASSAY_DTYPE_F32, n, 0, "%s.scales", name);
    assay_tensor_list_add(list, ASSAY_DTYPE_U8, n, k / 2, "%s.codes", name);
    assay_tensor_list_add(list, ASSAY_DTYPE_U8, n, k / BLOCK, "%s.ratios", name);
}

static void layer_tensors(assay_tensor_list *list, const assay_model_shape *shape, uint32_t layer) {
    static const char *const norms[] = {"input_layernorm", "post_attention_layernorm"};
    for (int i = 0; i < 2; i++)
        assay_tensor_list_add(list, ASSAY_DTYPE_F32, shape->width, 0, "model.layers.%u.%s", layer,
                              norms[i]);
    for (int i = 0; i < ASSAY_LINEAR_COUNT; i++) {
        char name[ASSAY_TENSOR_NAME_MAX + 1];
        uint32_t n, k;
        snprintf(name, sizeof name, "model.layers.%u.%s", layer, assay_linear_names[i]);
        assay_linear_shape(&n, &k, shape, (assay_linear)i);
        q4_tensors(list, n, k, name);
        if (shape->biases && assay_linear_biased((assay_linear)i))
            assay_tensor_list_add(list, ASSAY_DTYPE_F32, n, 0, "%s.bias", name);
    }
    for (int i = 0; shape->head_norms && i < 2; i++)
        assay_tensor_list_add(list, ASSAY_DTYPE_F32, shape->head_size, 0,
                              "model.layers.%u.self_attn.%s", layer, assay_head_norm_names[i]);
}

void assay_model_tensors(assay_tensor_list *list, const assay_model_shape *shape, bool tied,
                         uint64_t tokenizer_size) {
    assay_tensor_list_add(list, ASSAY_DTYPE_U32, ASSAY_SHAPE_WORDS, 0, "config.shape");
    assay_tensor_list_add(list, ASSAY_DTYPE_U32, shape->stop_count, 0, "config.stop_ids");
    assay_tensor_list_add(list, ASSAY_DTYPE_F32, 1, 0, "config.eps");
    assay_tensor_list_add(list, ASSAY_DTYPE_F64, shape->head_size / 2, 0, "rope.inv_freq");
    assay_tensor_list_add(list, ASSAY_DTYPE_U8, ASSAY_HASH_SIZE, 0, "rope.table_sha256");
    assay_tensor_list_add(list, ASSAY_DTYPE_U8, tokenizer_size, 0, "tokenizer.json");
    assay_tensor_list_add(list, ASSAY_DTYPE_F32, shape->width, 0, "model.norm");
    for (int i = 0; i < (tied ? 1 : 2); i++) {
        const char *name = i ? "lm_head" : "model.embed_tokens";
        if (shape->vocab_q4) {
            q4_tensors(list, shape->vocab_size, shape->width, name);
            continue;
        }
        assay_tensor_list_add(list, ASSAY_DTYPE_I8, shape->vocab_size, shape->width, "%s.q", name);
        assay_tensor_list_add(list, ASSAY_DTYPE_F32, shape->vocab_size, 0, "%s.scales", name);
    }
    for (uint32_t layer = 0; layer < shape->layer_count; layer++)
        layer_tensors(list, shape, layer);
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

enum { SIGN_MASK = 0x7fffffff, NORMAL_MIN = 0x00800000, WEIGHT_MAX = 0x49800000 }; // 2^20

bool assay_weight_legal(float value) {
    return (bits_of(value) & SIGN_MASK) <= WEIGHT_MAX;
}

// By its bits, so that -0, subnormals and NaN fall out.
static bool scale_legal(float scale) {
    uint32_t bits = bits_of(scale);
    return bits == 0 || (bits >= NORMAL_MIN && bits <= WEIGHT_MAX);
}

static assay_status scale_check(float scale, bool zero_row, const char *what, uint32_t row,
                                assay_error *err) {
    if (!scale_legal(scale))
        return ASSAY_FAIL(err, CANONICAL,
                          "%s row %u: scale %g is neither +0 nor normal and at most 2^20", what,
                          row, (double)scale);
    if ((scale == 0) != zero_row)
        return ASSAY_FAIL(err, CANONICAL, "%s row %u: scale %g over a row that is %s", what, row,
                          (double)scale, zero_row ? "all zero" : "not all zero");
    return ASSAY_OK;
}

assay_status assay_q4_check(const assay_q4 *q4, const char *what, assay_error *err) {
    uint32_t blocks = q4->k / BLOCK;
    for (uint32_t row = 0; row < q4->n; row++) {
        const uint8_t *codes = q4->codes + (size_t)row * (q4->k / 2);
        const uint8_t *ratios = q4->ratios + (size_t)row * blocks;
        uint8_t any = 0;
        for (uint32_t block = 0; block < blocks; block++) {
            any |= ratios[block];
            for (uint32_t i = 0; ratios[block] == 0 && i < BLOCK / 2; i++)
                if (codes[block * (BLOCK / 2) + i] != 0x77)
                    return ASSAY_FAIL(err, CANONICAL,
                                      "%s row %u: block %u has ratio 0 and a code other than 7",
                                      what, row, block);
        }
        ASSAY_TRY(scale_check(q4->scales[row], any == 0, what, row, err));
    }
    return ASSAY_OK;
}

assay_status assay_q8_check(const assay_q8 *q8, const char *what, assay_error *err) {
    for (uint32_t row = 0; row < q8->n; row++) {
        const int8_t *q = q8->q + (size_t)row * q8->k;
        int8_t any = 0, bad = 0;
        for (uint32_t i = 0; i < q8->k; i++) {
            any |= q[i];
            bad |= q[i] == INT8_MIN;
        }
        if (bad) return ASSAY_FAIL(err, CANONICAL, "%s row %u: holds -128", what, row);
        ASSAY_TRY(scale_check(q8->scales[row], any == 0, what, row, err));
    }
    return ASSAY_OK;
}
