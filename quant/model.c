// SPDX-License-Identifier: Apache-2.0
#include "quant/model.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernels/float.h"
#include "quant/layout.h"
#include "quant/rope.h"

// Half a terabyte: more than the other limits let a model have.
#define MODEL_FILE_MAX ((uint64_t)1 << 39)

// Elements of an operand that are checked before their pages are dropped.
enum { CHECK_STEP = 4 << 20 };

// Copies a small tensor out of a file whose form is not yet known to be canonical, so whose content
// may be misaligned. size: of one element. Returns the element count in *count.
static assay_status words_read(void *out, uint32_t *count, uint32_t count_max, assay_dtype dtype,
                               const assay_safetensors *file, const char *name, assay_error *err) {
    const assay_tensor *tensor = assay_safetensors_find(file, name);
    if (!tensor) return ASSAY_FAIL(err, MISSING, "tensor \"%s\" is missing", name);
    if (tensor->dtype != dtype || tensor->rank != 1 || tensor->shape[0] > count_max)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\" is not %s of at most %u elements", name,
                          assay_dtype_name(dtype), count_max);
    memcpy(out, file->data + tensor->begin, tensor->size);
    *count = (uint32_t)tensor->shape[0];
    return ASSAY_OK;
}

static assay_status shape_read(assay_model_shape *shape, const assay_safetensors *file,
                               assay_error *err) {
    uint32_t words[ASSAY_SHAPE_WORDS] = {0}, count, at = 0;
    shape->eps = 0;
    ASSAY_TRY(
        words_read(words, &count, ASSAY_SHAPE_WORDS, ASSAY_DTYPE_U32, file, "config.shape", err));
    ASSAY_TRY(words_read(&shape->eps, &count, 1, ASSAY_DTYPE_F32, file, "config.eps", err));
    ASSAY_TRY(words_read(shape->stop_ids, &shape->stop_count, ASSAY_MODEL_STOPS_MAX,
                         ASSAY_DTYPE_U32, file, "config.stop_ids", err));
#define X(name) shape->name = words[at++];
    ASSAY_SHAPE_LIST(X)
#undef X
    return assay_model_shape_check(shape, err);
}

// What the architecture has besides the rest is what the file has of it in its first layer: the
// list that follows from these must be the file's, tensor for tensor.
static void parts_read(assay_model *model, const assay_safetensors *file) {
    assay_model_shape *shape = &model->shape;
    shape->biases = assay_safetensors_find(file, "model.layers.0.self_attn.q_proj.bias");
    shape->head_norms = assay_safetensors_find(file, "model.layers.0.self_attn.q_norm");
    shape->vocab_q4 = assay_safetensors_find(file, "model.embed_tokens.codes");
    model->tied = !assay_safetensors_find(file, shape->vocab_q4 ? "lm_head.codes" : "lm_head.q");
}

static assay_status values_check(const float *values, uint32_t count, const char *what,
                                 assay_error *err) {
    for (uint32_t i = 0; i < count; i++)
        if (!assay_weight_legal(values[i]))
            return ASSAY_FAIL(err, NONFINITE, "%s element %u is not finite and at most 2^20", what,
                              i);
    return ASSAY_OK;
}

// Checks an operand some rows at a time, whose pages then leave memory: what a model file holds is
// read once here, and again only where it is used. The sentence of a failure counts rows from 0.
static assay_status q4_check(const assay_model *model, const assay_q4 *q4, const char *what,
                             assay_error *err) {
    uint32_t step = 1 + CHECK_STEP / q4->k;
    for (uint32_t row = 0; row < q4->n; row += step) {
        uint32_t count = q4->n - row < step ? q4->n - row : step;
        size_t codes = q4->k / 2, ratios = q4->k / ASSAY_Q4_BLOCK;
        assay_q4 part = {count, q4->k, q4->codes + row * codes, q4->ratios + row * ratios,
                         q4->scales + row};
        if (assay_q4_check(&part, what, NULL) != ASSAY_OK) return assay_q4_check(q4, what, err);
        assay_mapping_drop(&model->file, part.codes, count * codes);
        assay_mapping_drop(&model->file, part.ratios, count * ratios);
    }
    return ASSAY_OK;
}

static assay_status q8_check(const assay_model *model, const assay_q8 *q8, const char *what,
                             assay_error *err) {
    uint32_t step = 1 + CHECK_STEP / q8->k;
    for (uint32_t row = 0; row < q8->n; row += step) {
        uint32_t count = q8->n - row < step ? q8->n - row : step;
        assay_q8 part = {count, q8->k, q8->q + (size_t)row * q8->k, q8->scales + row};
        if (assay_q8_check(&part, what, NULL) != ASSAY_OK) return assay_q8_check(q8, what, err);
        assay_mapping_drop(&model->file, part.q, (size_t)count * q8->k);
    }
    return ASSAY_OK;
}

static assay_status q4_bind(assay_q4 *q4, const assay_model *model, uint32_t n, uint32_t k,
                            const assay_safetensors *file, const char *name, assay_error *err) {
    *q4 = (assay_q4){n, k, assay_tensor_data(file, "%s.codes", name),
                     assay_tensor_data(file, "%s.ratios", name),
                     assay_tensor_data(file, "%s.scales", name)};
    return q4_check(model, q4, name, err);
}

static assay_status head_norms_bind(assay_model_layer *layer, uint32_t index, uint32_t head_size,
                                    const assay_safetensors *file, assay_error *err) {
    char what[ASSAY_TENSOR_NAME_MAX + 1];
    for (int i = 0; i < 2; i++) {
        snprintf(what, sizeof what, "model.layers.%u.self_attn.%s", index,
                 assay_head_norm_names[i]);
        layer->head_norms[i] = assay_tensor_data(file, "%s", what);
        ASSAY_TRY(values_check(layer->head_norms[i], head_size, what, err));
    }
    return ASSAY_OK;
}

static assay_status layer_bind(assay_model *model, uint32_t index, const assay_safetensors *file,
                               assay_error *err) {
    const assay_model_shape *shape = &model->shape;
    assay_model_layer *layer = &model->layers[index];
    char what[ASSAY_TENSOR_NAME_MAX + 1];
    layer->attention_norm = assay_tensor_data(file, "model.layers.%u.input_layernorm", index);
    layer->ff_norm = assay_tensor_data(file, "model.layers.%u.post_attention_layernorm", index);
    snprintf(what, sizeof what, "norms of layer %u", index);
    ASSAY_TRY(values_check(layer->attention_norm, shape->width, what, err));
    ASSAY_TRY(values_check(layer->ff_norm, shape->width, what, err));
    for (int i = 0; i < ASSAY_LINEAR_COUNT; i++) {
        assay_q4 *q4 = &layer->linears[i];
        snprintf(what, sizeof what, "model.layers.%u.%s", index, assay_linear_names[i]);
        assay_linear_shape(&q4->n, &q4->k, shape, (assay_linear)i);
        ASSAY_TRY(q4_bind(q4, model, q4->n, q4->k, file, what, err));
        if (!shape->biases || !assay_linear_biased((assay_linear)i)) continue;
        snprintf(what, sizeof what, "model.layers.%u.%s.bias", index, assay_linear_names[i]);
        layer->biases[i] = assay_tensor_data(file, "%s", what);
        ASSAY_TRY(values_check(layer->biases[i], q4->n, what, err));
    }
    return shape->head_norms ? head_norms_bind(layer, index, shape->head_size, file, err)
                             : ASSAY_OK;
}

// One of q8 and q4, as the shape says.
static assay_status vocab_bind(assay_q8 *q8, assay_q4 *q4, const assay_model *model,
                               const assay_safetensors *file, const char *name, assay_error *err) {
    uint32_t n = model->shape.vocab_size, k = model->shape.width;
    if (model->shape.vocab_q4) return q4_bind(q4, model, n, k, file, name, err);
    *q8 = (assay_q8){n, k, assay_tensor_data(file, "%s.q", name),
                     assay_tensor_data(file, "%s.scales", name)};
    return q8_check(model, q8, name, err);
}

// Makes the rotary table and compares it with what the importer made: a machine whose arithmetic
// differs finds out here and not in a receipt (N-10).
static assay_status rope_bind(assay_model *model, const assay_safetensors *file, assay_error *err) {
    const assay_model_shape *shape = &model->shape;
    uint32_t half = shape->head_size / 2;
    size_t count = (size_t)shape->context_size * half;
    model->inv_freq = assay_tensor_data(file, "rope.inv_freq");
    for (uint32_t i = 0; i < half; i++)
        if (!(model->inv_freq[i] >= 0x1p-60 && model->inv_freq[i] <= 1))
            return ASSAY_FAIL(err, RANGE, "rope.inv_freq element %u is %g, limits 2^-60 to 1", i,
                              model->inv_freq[i]);
    model->rope_cos = malloc(count * sizeof(float));
    model->rope_sin = malloc(count * sizeof(float));
    if (!model->rope_cos || !model->rope_sin)
        return ASSAY_FAIL(err, MEMORY, "no memory for a rotary table of %zu entries", count);
    uint64_t former = assay_float_enter();
    assay_status status = assay_rope_table(model->rope_cos, model->rope_sin, shape->context_size,
                                           half, model->inv_freq, err);
    assay_float_leave(former);
    ASSAY_TRY(status);
    assay_hash digest;
    assay_rope_digest(&digest, model->rope_cos, model->rope_sin, shape->context_size, half);
    if (memcmp(digest.bytes, assay_tensor_data(file, "rope.table_sha256"), ASSAY_HASH_SIZE) != 0)
        return ASSAY_FAIL(err, MISMATCH, "rotary table differs from the file's rope.table_sha256");
    return ASSAY_OK;
}

static assay_status tensors_bind(assay_model *model, const assay_safetensors *file,
                                 assay_error *err) {
    const assay_model_shape *shape = &model->shape;
    model->layers = calloc(shape->layer_count, sizeof *model->layers);
    if (!model->layers)
        return ASSAY_FAIL(err, MEMORY, "no memory for %u layers", shape->layer_count);
    model->final_norm = assay_tensor_data(file, "model.norm");
    ASSAY_TRY(values_check(model->final_norm, shape->width, "model.norm", err));
    ASSAY_TRY(vocab_bind(&model->embedding, &model->embedding_q4, model, file, "model.embed_tokens",
                         err));
    model->head = model->embedding;
    model->head_q4 = model->embedding_q4;
    if (!model->tied)
        ASSAY_TRY(vocab_bind(&model->head, &model->head_q4, model, file, "lm_head", err));
    for (uint32_t i = 0; i < shape->layer_count; i++)
        ASSAY_TRY(layer_bind(model, i, file, err));
    return rope_bind(model, file, err);
}

static assay_status file_bind(assay_model *model, const assay_safetensors *file,
                              assay_tensor_list *list, const uint8_t *data, size_t size,
                              assay_error *err) {
    ASSAY_TRY(assay_canonical_format_check(file, ASSAY_MODEL_FORMAT, err));
    ASSAY_TRY(shape_read(&model->shape, file, err));
    const assay_tensor *tokenizer = assay_safetensors_find(file, "tokenizer.json");
    uint64_t tokenizer_size = tokenizer ? tokenizer->size : 0;
    if (tokenizer_size > ASSAY_MODEL_TOKENIZER_MAX)
        return ASSAY_FAIL(err, CAPACITY, "tokenizer.json has %llu bytes, limit %d",
                          (ull)tokenizer_size, ASSAY_MODEL_TOKENIZER_MAX);
    uint64_t data_size;
    parts_read(model, file);
    assay_model_tensors(list, &model->shape, model->tied, tokenizer_size);
    ASSAY_TRY(assay_canonical_layout(list, &data_size, err));
    ASSAY_TRY(assay_canonical_check(file, data, size, ASSAY_MODEL_FORMAT, list, err));
    model->tokenizer = (assay_bytes){assay_tensor_data(file, "tokenizer.json"), tokenizer_size};
    ASSAY_TRY(tensors_bind(model, file, err));
    return assay_canonical_root(&model->root, ASSAY_MODEL_FORMAT, list, file->data, &model->file,
                                err);
}

static assay_status data_bind(assay_model *model, const uint8_t *data, size_t size,
                              assay_error *err) {
    assay_safetensors file;
    assay_tensor_list list = {0};
    ASSAY_TRY(assay_safetensors_open(&file, data, size, err));
    assay_status status = file_bind(model, &file, &list, data, size, err);
    assay_tensor_list_close(&list);
    assay_safetensors_close(&file);
    return status;
}

assay_status assay_model_bind(assay_model *model, const uint8_t *data, size_t size,
                              assay_error *err) {
    *model = (assay_model){0};
    assay_status status = data_bind(model, data, size, err);
    if (status != ASSAY_OK) assay_model_close(model);
    return status;
}

assay_status assay_model_open(assay_model *model, const char *path, assay_error *err) {
    *model = (assay_model){0};
    assay_status status = assay_mapping_open(&model->file, path, MODEL_FILE_MAX, err);
    if (status == ASSAY_OK)
        status =
            assay_fail_in(err, data_bind(model, model->file.data, model->file.size, err), path);
    if (status == ASSAY_OK) status = assay_mapping_unchanged(&model->file, path, err);
    if (status != ASSAY_OK) assay_model_close(model);
    return status;
}

void assay_model_close(assay_model *model) {
    free(model->layers);
    free(model->rope_cos);
    free(model->rope_sin);
    assay_mapping_close(&model->file);
    *model = (assay_model){0};
}

assay_status assay_model_unchanged(const assay_model *model, assay_error *err) {
    return assay_mapping_unchanged(&model->file, "the model's file", err);
}
