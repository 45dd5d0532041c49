// SPDX-License-Identifier: Apache-2.0
#include "quant/import/import.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "kernels/float.h"
#include "quant/import/gguf_config.h"
#include "quant/import/hf_tokenizer.h"
#include "quant/import/source_gguf.h"
#include "quant/import/source_safetensors.h"
#include "quant/import/weights.h"
#include "quant/inv_freq.h"
#include "quant/layout.h"
#include "quant/rope.h"
#include "quant/tokenizer/gguf.h"
#include "quant/tokenizer/tokenizer.h"

enum { CONFIG_MAX = 1 << 20, CONFIG_VALUES_MAX = 1 << 16 };

typedef struct {
    assay_hf_config config;
    assay_gguf gguf; // of the source, where it is one
    assay_source *source;
    bool *used; // [source->count]
    uint8_t *tokenizer;
    size_t tokenizer_size;
    assay_tensor_list list;
    assay_canonical_writer writer;
    assay_pool *pool;
    assay_import_options options;
    uint64_t done, total; // bytes read, and checked as written
} importer;

// The file keeps the text, a GGUF file's own where path is NULL; that it can be read is checked
// before it is kept, and that nothing in its folder, where it is a folder's, changes it.
static assay_status tokenizer_open(importer *im, const char *path, const char *folder,
                                   assay_error *err) {
    assay_tokenizer *tokenizer;
    if (path)
        ASSAY_TRY(assay_file_read(path, ASSAY_MODEL_TOKENIZER_MAX, &im->tokenizer,
                                  &im->tokenizer_size, err));
    else
        ASSAY_TRY(assay_tokenizer_gguf((char **)&im->tokenizer, &im->tokenizer_size, &im->gguf,
                                       im->config.shape.vocab_size, err));
    ASSAY_TRY(assay_tokenizer_open(&tokenizer, im->tokenizer, im->tokenizer_size,
                                   im->config.shape.vocab_size, err));
    assay_status status = folder ? assay_hf_tokenizer_check(tokenizer, folder, err) : ASSAY_OK;
    assay_tokenizer_close(tokenizer);
    return status;
}

// What the library's generate() stops at, where the folder says it apart.
static assay_status generation_read(importer *im, const char *folder, assay_error *err) {
    char path[PATH_MAX];
    json_t *generation;
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "generation_config.json", err));
    assay_status status = assay_json_read(&generation, path, CONFIG_MAX, err);
    if (status == ASSAY_NOT_FOUND) return ASSAY_OK;
    if (status == ASSAY_OK) status = assay_hf_generation_read(&im->config.shape, generation, err);
    json_decref(generation);
    return status;
}

static assay_status folder_open(importer *im, const char *folder, assay_error *err) {
    char path[PATH_MAX];
    json_t *config;
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "config.json", err));
    ASSAY_TRY(assay_json_read_many(&config, path, CONFIG_MAX, CONFIG_VALUES_MAX, err));
    assay_status status = assay_hf_config_read(&im->config, config, im->options.context_size, err);
    json_decref(config);
    if (status != ASSAY_OK) return status;
    ASSAY_TRY(generation_read(im, folder, err));
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "tokenizer.json", err));
    const char *own = im->options.tokenizer; // what lies in the folder is not for it
    ASSAY_TRY(tokenizer_open(im, own ? own : path, own ? NULL : folder, err));
    return assay_source_safetensors_folder(&im->source, folder, err);
}

static assay_status gguf_open(importer *im, const char *path, assay_error *err) {
    bool paired;
    ASSAY_TRY(assay_gguf_open(&im->gguf, path, err));
    ASSAY_TRY(assay_gguf_paired(&paired, &im->gguf, err));
    ASSAY_TRY(assay_gguf_config_read(&im->config, &im->gguf, im->options.context_size, err));
    ASSAY_TRY(tokenizer_open(im, im->options.tokenizer, NULL, err));
    return assay_source_gguf_open(&im->source, &im->gguf, ASSAY_GGUF_MODEL,
                                  paired ? im->config.shape.head_size : 0, err);
}

static assay_status source_open(importer *im, const char *path, assay_error *err) {
    bool gguf;
    ASSAY_TRY(assay_source_is_gguf(&gguf, path, err));
    ASSAY_TRY(gguf ? gguf_open(im, path, err) : folder_open(im, path, err));
    im->config.shape.vocab_q4 = im->options.vocab_q4;
    im->used = calloc((size_t)im->source->count + 1, sizeof *im->used);
    if (!im->used) return ASSAY_FAIL(err, MEMORY, "no memory for %u marks", im->source->count);
    return ASSAY_OK;
}

typedef assay_status weights_write(const assay_weights_target *target, const char *name,
                                   const assay_source *source, const assay_source_tensor *tensor,
                                   assay_error *err);

static void advance(void *context, uint64_t bytes) {
    importer *im = context;
    im->done += bytes;
    if (im->options.progress && bytes)
        im->options.progress(im->options.context, im->done, im->total);
}

// Converts the source's "<from>" of shape [rows] (columns 0) or [rows][columns].
static assay_status convert_from(importer *im, weights_write *write, uint64_t rows,
                                 uint64_t columns, const char *from, const char *name,
                                 assay_error *err) {
    assay_weights_target target = {&im->writer, &im->list, im->pool, advance, im};
    const assay_source_tensor *tensor = assay_source_find(im->source, from);
    if (!tensor) return ASSAY_FAIL(err, MISSING, "tensor \"%s\" is missing", from);
    ASSAY_TRY(assay_source_shape_check(tensor, rows, columns, err));
    if (tensor->kind == ASSAY_SOURCE_NF4 && !im->config.nf4)
        return ASSAY_FAIL(err, MISMATCH,
                          "tensor \"%s\" is NF4, quantization_config says nothing of it", from);
    im->used[tensor - im->source->tensors] = true;
    return write(&target, name, im->source, tensor, err);
}

// The same of "<name>.weight".
static assay_status convert(importer *im, weights_write *write, uint64_t rows, uint64_t columns,
                            const char *name, assay_error *err) {
    char full[ASSAY_TENSOR_NAME_MAX + sizeof ".weight"];
    snprintf(full, sizeof full, "%s.weight", name);
    return convert_from(im, write, rows, columns, full, name, err);
}

static assay_status layer_convert(importer *im, uint32_t layer, assay_error *err) {
    const assay_model_shape *shape = &im->config.shape;
    char name[ASSAY_TENSOR_NAME_MAX + 1];
    snprintf(name, sizeof name, "model.layers.%u.input_layernorm", layer);
    ASSAY_TRY(convert(im, assay_weights_write_f32, shape->width, 0, name, err));
    snprintf(name, sizeof name, "model.layers.%u.post_attention_layernorm", layer);
    ASSAY_TRY(convert(im, assay_weights_write_f32, shape->width, 0, name, err));
    for (int i = 0; i < ASSAY_LINEAR_COUNT; i++) {
        uint32_t n, k;
        assay_linear_shape(&n, &k, shape, (assay_linear)i);
        snprintf(name, sizeof name, "model.layers.%u.%s", layer, assay_linear_names[i]);
        ASSAY_TRY(convert(im, assay_weights_write_q4, n, k, name, err));
        if (!shape->biases || !assay_linear_biased((assay_linear)i)) continue;
        snprintf(name, sizeof name, "model.layers.%u.%s.bias", layer, assay_linear_names[i]);
        ASSAY_TRY(convert_from(im, assay_weights_write_f32, n, 0, name, name, err));
    }
    for (int i = 0; shape->head_norms && i < 2; i++) {
        snprintf(name, sizeof name, "model.layers.%u.self_attn.%s", layer,
                 assay_head_norm_names[i]);
        ASSAY_TRY(convert(im, assay_weights_write_f32, shape->head_size, 0, name, err));
    }
    return ASSAY_OK;
}

// Some files of tied models keep the embedding a second time, as the head; another head would be
// passed over by other programs, and is not by this one.
static assay_status tied_head_check(importer *im, assay_error *err) {
    const assay_source_tensor *head = assay_source_find(im->source, "lm_head.weight");
    if (!head) return ASSAY_OK;
    const assay_source_tensor *embedding =
        assay_source_find(im->source, "model.embed_tokens.weight");
    uint64_t n = im->config.shape.vocab_size, k = im->config.shape.width;
    ASSAY_TRY(assay_source_shape_check(head, n, k, err));
    float *rows = malloc(2 * k * sizeof *rows);
    if (!rows) return ASSAY_FAIL(err, MEMORY, "no memory for rows of %llu", (ull)k);
    assay_status status = ASSAY_OK;
    for (uint64_t i = 0; i < n && status == ASSAY_OK; i++) {
        status = assay_source_rows(rows, im->source, head, i, 1, err);
        if (status == ASSAY_OK)
            status = assay_source_rows(rows + k, im->source, embedding, i, 1, err);
        if (status == ASSAY_OK && memcmp(rows, rows + k, k * sizeof *rows) != 0)
            status = ASSAY_FAIL(err, MISMATCH,
                                "row %llu of lm_head.weight is not the embedding's, to which the "
                                "configuration ties the head",
                                (ull)i);
    }
    free(rows);
    im->used[head - im->source->tensors] = true;
    assay_source_drop(im->source, head, 0, n);
    assay_source_drop(im->source, embedding, 0, n);
    return status;
}

static assay_status vocab_convert(importer *im, assay_error *err) {
    const assay_model_shape *shape = &im->config.shape;
    weights_write *write = shape->vocab_q4 ? assay_weights_write_q4 : assay_weights_write_q8;
    ASSAY_TRY(convert(im, write, shape->vocab_size, shape->width, "model.embed_tokens", err));
    if (im->config.tied) return tied_head_check(im, err);
    return convert(im, write, shape->vocab_size, shape->width, "lm_head", err);
}

// Old checkpoints carry the rotary frequencies of each layer; the configuration is what counts.
static bool redundant(const char *name) {
    static const char suffix[] = ".self_attn.rotary_emb.inv_freq";
    size_t size = strlen(name);
    return size >= sizeof suffix && strcmp(name + size - (sizeof suffix - 1), suffix) == 0;
}

static assay_status weights_convert(importer *im, assay_error *err) {
    const assay_model_shape *shape = &im->config.shape;
    ASSAY_TRY(vocab_convert(im, err));
    ASSAY_TRY(convert(im, assay_weights_write_f32, shape->width, 0, "model.norm", err));
    for (uint32_t layer = 0; layer < shape->layer_count; layer++)
        ASSAY_TRY(layer_convert(im, layer, err));
    for (uint32_t i = 0; i < im->source->count; i++)
        if (!im->used[i] && !redundant(im->source->tensors[i].name))
            return ASSAY_FAIL(err, UNKNOWN, "tensor \"%s\" has no place in such a model",
                              im->source->tensors[i].name);
    return ASSAY_OK;
}

static assay_status put(importer *im, const char *name, const void *data, size_t size,
                        assay_error *err) {
    return assay_canonical_put(&im->writer, assay_tensor_list_find(&im->list, name, ""), 0, data,
                               size, err);
}

static assay_status rope_write(importer *im, assay_error *err) {
    const assay_model_shape *shape = &im->config.shape;
    double inv_freq[ASSAY_MODEL_HEAD_SIZE_MAX / 2];
    uint32_t half = shape->head_size / 2;
    ASSAY_TRY(assay_inv_freq(inv_freq, shape->head_size, im->config.rope_theta, err));
    ASSAY_TRY(assay_inv_freq_scale(inv_freq, half, &im->config.rope_scaling, err));
    size_t count = (size_t)shape->context_size * half;
    float *cos = malloc(2 * count * sizeof *cos);
    if (!cos) return ASSAY_FAIL(err, MEMORY, "no memory for a rotary table of %zu entries", count);
    assay_hash digest;
    assay_status status =
        assay_rope_table(cos, cos + count, shape->context_size, half, inv_freq, err);
    if (status == ASSAY_OK) assay_rope_digest(&digest, cos, cos + count, shape->context_size, half);
    free(cos);
    if (status != ASSAY_OK) return status;
    ASSAY_TRY(put(im, "rope.inv_freq", inv_freq, half * sizeof *inv_freq, err));
    return put(im, "rope.table_sha256", digest.bytes, ASSAY_HASH_SIZE, err);
}

static assay_status config_write(importer *im, assay_error *err) {
    const assay_model_shape *shape = &im->config.shape;
    uint32_t words[ASSAY_SHAPE_WORDS], at = 0;
#define X(name) words[at++] = shape->name;
    ASSAY_SHAPE_LIST(X)
#undef X
    ASSAY_TRY(put(im, "config.shape", words, sizeof words, err));
    ASSAY_TRY(put(im, "config.eps", &shape->eps, sizeof shape->eps, err));
    ASSAY_TRY(put(im, "config.stop_ids", shape->stop_ids,
                  shape->stop_count * sizeof shape->stop_ids[0], err));
    return put(im, "tokenizer.json", im->tokenizer, im->tokenizer_size, err);
}

static assay_status file_write(importer *im, assay_hash *root, const char *path, assay_error *err) {
    uint64_t data_size;
    assay_model model;
    assay_model_tensors(&im->list, &im->config.shape, im->config.tied, im->tokenizer_size);
    ASSAY_TRY(assay_canonical_layout(&im->list, &data_size, err));
    ASSAY_TRY(assay_canonical_create(&im->writer, path, ASSAY_MODEL_FORMAT, &im->list, err));
    im->total = im->source->size + data_size;
    ASSAY_TRY(config_write(im, err));
    ASSAY_TRY(rope_write(im, err));
    ASSAY_TRY(weights_convert(im, err));
    // What is published is what opens: the reader's checks, and the root it will report.
    ASSAY_TRY(assay_model_open(&model, im->writer.temporary, err));
    *root = model.root;
    assay_model_close(&model);
    advance(im, im->total - im->done);
    return assay_canonical_commit(&im->writer, path, err);
}

assay_status assay_model_import(assay_hash *root, const char *from, const char *path,
                                const assay_import_options *options, assay_pool *pool,
                                assay_error *err) {
    importer im = {.pool = pool, .writer.fd = -1};
    if (options) im.options = *options;
    uint64_t former = assay_float_enter();
    assay_status status = source_open(&im, from, err);
    if (status == ASSAY_OK) status = file_write(&im, root, path, err);
    assay_float_leave(former);
    assay_canonical_abort(&im.writer);
    assay_tensor_list_close(&im.list);
    assay_source_close(im.source);
    assay_gguf_close(&im.gguf);
    free(im.used);
    free(im.tokenizer);
    return status;
}
