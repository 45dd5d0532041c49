// SPDX-License-Identifier: Apache-2.0
#include "node/bench/model.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/philox.h"
#include "kernels/float.h"
#include "quant/adapter.h"
#include "quant/inv_freq.h"
#include "quant/layout.h"
#include "quant/rope.h"

enum { CONTEXT = 2048, CHUNK = 1 << 20, MODEL_SEED = 1 };

#define SHAPE(layers, d, heads, kv, size, ff, vocab, context)                                      \
    {                                                                                              \
        .layer_count = layers, .width = d, .head_count = heads, .kv_head_count = kv,               \
        .head_size = size, .ff_width = ff, .vocab_size = vocab, .context_size = context,           \
        .eps = 1e-5f                                                                               \
    }

static const assay_bench_shape shapes[] = {
    {"demo", 10000, true, SHAPE(6, 256, 8, 4, 32, 704, 2048, 512)},
    {"llama-3.2-1b", 500000, true, SHAPE(16, 2048, 32, 8, 64, 8192, 128256, CONTEXT)},
    {"llama-3.2-3b", 500000, true, SHAPE(28, 3072, 24, 8, 128, 8192, 128256, CONTEXT)},
    {"llama-3-8b", 500000, false, SHAPE(32, 4096, 32, 8, 128, 14336, 128256, CONTEXT)},
};

assay_status assay_bench_shape_find(const assay_bench_shape **out, const char *name,
                                    assay_error *err) {
    char known[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < ASSAY_COUNT(shapes); i++) {
        *out = &shapes[i];
        if (strcmp(name, shapes[i].name) == 0) return ASSAY_OK;
        used += (size_t)snprintf(known + used, sizeof known - used, " %s", shapes[i].name);
    }
    *out = NULL;
    return ASSAY_FAIL(err, UNKNOWN, "no shape is called '%.32s', known:%s", name, known);
}

typedef struct {
    assay_tensor_list list;
    assay_canonical_writer writer;
    const char *format;
    uint32_t seed;
    uint8_t *chunk; // [CHUNK]
} maker;

static bool ends(const char *name, const char *suffix) {
    size_t size = strlen(name), length = strlen(suffix);
    return size > length && strcmp(name + size - length, suffix) == 0;
}

// Random bytes [size] of a stream, from byte `offset`, a multiple of 16.
static void chunk_draw(const maker *m, uint32_t stream, uint64_t offset, size_t size) {
    const uint32_t key[2] = {m->seed, 0};
    for (size_t at = 0; at < size; at += 16) {
        uint64_t block = (offset + at) / 16;
        uint32_t words[4];
        assay_philox4x32(words, (uint32_t[4]){(uint32_t)block, (uint32_t)(block >> 32), stream, 0},
                         key);
        memcpy(m->chunk + at, words, sizeof words);
    }
}

// What follows the name of an operand's scales: its codes have two weights a byte.
static uint64_t columns_of(const maker *m, const assay_tensor *scales) {
    char name[ASSAY_TENSOR_NAME_MAX + 1];
    int stem = (int)(strlen(scales->name) - strlen("scales"));
    for (uint32_t i = 0; i < m->list.count; i++) {
        const assay_tensor *tensor = &m->list.tensors[i];
        snprintf(name, sizeof name, "%.*scodes", stem, scales->name);
        if (strcmp(tensor->name, name) == 0) return 2 * tensor->shape[1];
        snprintf(name, sizeof name, "%.*sq", stem, scales->name);
        if (strcmp(tensor->name, name) == 0) return tensor->shape[1];
    }
    ASSAY_ASSERT(!"scales of an operand");
}

// The square root, rounded up.
static float root_of(uint64_t value) {
    uint64_t root = 1;
    while (root * root < value)
        root++;
    return (float)root;
}

// Uniform codes under ratios of 128 to 255 have a width of some 51, uniform bytes of 73.
enum { WIDTH_Q = 64 };

// Random words [count] become numbers around `middle`.
static void floats_shape(uint8_t *chunk, size_t count, float middle) {
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, chunk + 4 * i, sizeof word);
        float value = middle * (0.75f + (float)(word >> 8) * 0x1p-25f);
        memcpy(chunk + 4 * i, &value, sizeof value);
    }
}

// Makes random bytes what may stand in a tensor (F-5).
static void chunk_shape(const maker *m, const assay_tensor *tensor, size_t size) {
    uint8_t *chunk = m->chunk;
    if (ends(tensor->name, ".ratios"))
        for (size_t i = 0; i < size; i++)
            chunk[i] |= 0x80;
    else if (tensor->dtype == ASSAY_DTYPE_I8)
        for (size_t i = 0; i < size; i++)
            chunk[i] = chunk[i] == 0x80 ? 0x81 : chunk[i];
    else if (ends(tensor->name, "scales"))
        floats_shape(chunk, size / 4, 1 / (WIDTH_Q * root_of(columns_of(m, tensor))));
    else if (tensor->dtype == ASSAY_DTYPE_F32)
        floats_shape(chunk, size / 4, 1);
}

static assay_status tensors_draw(maker *m, assay_error *err) {
    for (uint32_t i = 0; i < m->list.count; i++) {
        const assay_tensor *tensor = &m->list.tensors[i];
        bool bytes = tensor->rank == 2, floats = tensor->dtype == ASSAY_DTYPE_F32;
        if ((!bytes && !floats) || strcmp(tensor->name, "config.eps") == 0) continue;
        for (uint64_t at = 0; at < tensor->size; at += CHUNK) {
            size_t size = tensor->size - at < CHUNK ? (size_t)(tensor->size - at) : CHUNK;
            chunk_draw(m, i, at, size);
            chunk_shape(m, tensor, size);
            ASSAY_TRY(assay_canonical_put(&m->writer, tensor, at, m->chunk, size, err));
        }
    }
    return ASSAY_OK;
}

static assay_status put(maker *m, const char *name, const void *data, size_t size,
                        assay_error *err) {
    return assay_canonical_put(&m->writer, assay_tensor_list_find(&m->list, name, ""), 0, data,
                               size, err);
}

static assay_status rope_write(maker *m, const assay_bench_shape *shape, assay_error *err) {
    double inv_freq[ASSAY_MODEL_HEAD_SIZE_MAX / 2];
    uint32_t half = shape->shape.head_size / 2, positions = shape->shape.context_size;
    size_t count = (size_t)positions * half;
    assay_hash digest;
    ASSAY_TRY(assay_inv_freq(inv_freq, shape->shape.head_size, shape->rope_theta, err));
    float *cos = malloc(2 * count * sizeof *cos);
    if (!cos) return ASSAY_FAIL(err, MEMORY, "no memory for a rotary table of %zu entries", count);
    assay_status status = assay_rope_table(cos, cos + count, positions, half, inv_freq, err);
    if (status == ASSAY_OK) assay_rope_digest(&digest, cos, cos + count, positions, half);
    free(cos);
    if (status != ASSAY_OK) return status;
    ASSAY_TRY(put(m, "rope.inv_freq", inv_freq, half * sizeof *inv_freq, err));
    return put(m, "rope.table_sha256", digest.bytes, ASSAY_HASH_SIZE, err);
}

// A token a byte: printable bytes of Latin-1 stand for themselves, the others for 256 and on.
static json_t *vocab_make(void) {
    json_t *vocab = json_object();
    uint32_t next = 256;
    for (uint32_t byte = 0; byte < 256; byte++) {
        bool itself = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
        uint32_t code = itself ? byte : next++;
        char text[3] = {(char)code, 0, 0};
        if (code > 127) {
            text[0] = (char)(0xc0 | code >> 6);
            text[1] = (char)(0x80 | (code & 63));
        }
        json_object_set_new(vocab, text, json_integer((json_int_t)byte));
    }
    return vocab;
}

static char *tokenizer_make(void) {
    json_t *json = json_pack("{s:s,s:{s:s,s:o,s:[]},s:{s:s,s:b,s:b},s:{s:s}}", "version", "1.0",
                             "model", "type", "BPE", "vocab", vocab_make(), "merges",
                             "pre_tokenizer", "type", "ByteLevel", "add_prefix_space", 0,
                             "use_regex", 1, "decoder", "type", "ByteLevel");
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static assay_status config_write(maker *m, const assay_bench_shape *shape, const char *tokenizer,
                                 assay_error *err) {
    uint32_t words[ASSAY_SHAPE_WORDS], at = 0;
#define X(name) words[at++] = shape->shape.name;
    ASSAY_SHAPE_LIST(X)
#undef X
    ASSAY_TRY(put(m, "config.shape", words, sizeof words, err));
    ASSAY_TRY(put(m, "config.eps", &shape->shape.eps, sizeof shape->shape.eps, err));
    ASSAY_TRY(put(m, "tokenizer.json", tokenizer, strlen(tokenizer), err));
    return rope_write(m, shape, err);
}

static assay_status maker_create(maker *m, const char *path, assay_error *err) {
    uint64_t data_size;
    m->writer.fd = -1;
    ASSAY_TRY(assay_canonical_layout(&m->list, &data_size, err));
    m->chunk = malloc(CHUNK);
    if (!m->chunk) return ASSAY_FAIL(err, MEMORY, "no memory for a chunk of %d bytes", CHUNK);
    return assay_canonical_create(&m->writer, path, m->format, &m->list, err);
}

static void maker_close(maker *m) {
    assay_canonical_abort(&m->writer);
    assay_tensor_list_close(&m->list);
    free(m->chunk);
}

static assay_status model_write(maker *m, const char *path, const assay_bench_shape *shape,
                                const char *tokenizer, assay_error *err) {
    ASSAY_TRY(assay_model_shape_check(&shape->shape, err));
    assay_model_tensors(&m->list, &shape->shape, shape->tied, strlen(tokenizer));
    ASSAY_TRY(maker_create(m, path, err));
    ASSAY_TRY(config_write(m, shape, tokenizer, err));
    ASSAY_TRY(tensors_draw(m, err));
    return assay_canonical_commit(&m->writer, path, err);
}

assay_status assay_bench_model_write(const char *path, const assay_bench_shape *shape,
                                     assay_error *err) {
    maker m = {.format = ASSAY_MODEL_FORMAT, .seed = MODEL_SEED, .writer.fd = -1};
    uint64_t former = assay_float_enter();
    char *tokenizer = tokenizer_make();
    assay_status status = tokenizer ? model_write(&m, path, shape, tokenizer, err)
                                    : ASSAY_FAIL(err, MEMORY, "no memory for a tokenizer");
    free(tokenizer);
    maker_close(&m);
    assay_float_leave(former);
    return status;
}

assay_status assay_bench_adapter_write(const char *path, const assay_model_shape *shape,
                                       uint32_t rank, uint32_t seed, assay_error *err) {
    maker m = {.format = ASSAY_ADAPTER_FORMAT, .seed = seed, .writer.fd = -1};
    uint64_t former = assay_float_enter();
    assay_status status = ASSAY_OK;
    for (uint32_t layer = 0; layer < shape->layer_count && status == ASSAY_OK; layer++)
        for (int i = 0; i < ASSAY_LINEAR_COUNT && status == ASSAY_OK; i++) {
            assay_lora_shape pair = {.rank = rank};
            assay_linear_shape(&pair.n, &pair.k, shape, (assay_linear)i);
            status = assay_lora_shape_check(&pair, layer, (assay_linear)i, NULL, err);
            if (status == ASSAY_OK) assay_adapter_tensors(&m.list, layer, (assay_linear)i, &pair);
        }
    if (status == ASSAY_OK) status = maker_create(&m, path, err);
    if (status == ASSAY_OK) status = tensors_draw(&m, err);
    if (status == ASSAY_OK) status = assay_canonical_commit(&m.writer, path, err);
    maker_close(&m);
    assay_float_leave(former);
    return status;
}
