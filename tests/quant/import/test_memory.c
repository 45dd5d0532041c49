// SPDX-License-Identifier: Apache-2.0
// What an import holds in memory (F-12): a folder or file whose largest matrix is far larger than
// what this process may grow by, measured as the system sees it.
#include "base/pool.h"
#include "kernels/nf4.h"
#include "quant/import/import.h"
#include "quant/model.h"
#include "tests/quant/checkpoint.h"
#include "tests/quant/gguf_family.h"
#include "tests/quant/peak.h"
#include "tests/skip.h"

// A matrix with 128 MiB in F32, 34 in Q8_0 and 16 in NF4; quantised to q8 it has 32. It is read and
// written. The bound asked of an import is 1.5 times the largest; what it takes does not depend on
// it at all, and that of the smallest form already holds the rows, their tasks and the sanitizers'
// own.
enum {
    VOCAB = 1 << 15,
    WIDTH = 1024,
    SMALLEST_KIB = 16 << 10,
    GROWTH_KIB_MAX = SMALLEST_KIB * 3 / 2
};

// Of freed memory little is kept to catch late uses of it.
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "quarantine_size_mb=1:thread_local_quarantine_size_kb=64";
}

static void shape_set(tiny *t) {
    tiny_set(t, "hidden_size", "1024");
    tiny_set(t, "vocab_size", "32768");
    for (uint32_t i = 0; i < t->count; i++) {
        tiny_tensor *tensor = &t->tensors[i];
        if (tensor->rows == 2048) tensor->rows = VOCAB;
        if (tensor->columns == 0) tensor->rows = WIDTH;
        if (tensor->columns == 64) tensor->columns = WIDTH;
    }
    tiny_find(t, "model.layers.0.self_attn.o_proj.weight")->rows = WIDTH;
    tiny_find(t, "model.layers.0.self_attn.o_proj.weight")->columns = 64;
    tiny_find(t, "model.layers.0.mlp.down_proj.weight")->rows = WIDTH;
}

// All numbers are zero: a file has a header and holes, which reading fills with pages as it would
// with any others.
static void floats_add(checkpoint *c, const tiny_tensor *t) {
    checkpoint_hole_add(c, t->name, ASSAY_DTYPE_F32, t->rows, t->columns);
}

static assay_tensor *part_add(checkpoint *c, const char *name, const char *part, assay_dtype dtype,
                              uint64_t count) {
    char full[200];
    snprintf(full, sizeof full, "%s%s", name, part);
    return checkpoint_hole_add(c, full, dtype, count, 0);
}

// As bitsandbytes saves a matrix with double quantisation: all scales are zero.
static void nested_add(checkpoint *c, const tiny_tensor *t) {
    uint32_t bytes = t->rows * t->columns / 2, blocks = bytes / 32;
    char name[200], json[256];
    checkpoint_hole_add(c, t->name, ASSAY_DTYPE_U8, bytes, 1);
    part_add(c, t->name, ".absmax", ASSAY_DTYPE_U8, blocks);
    part_add(c, t->name, ".nested_absmax", ASSAY_DTYPE_F32, (blocks + 255) / 256);
    part_add(c, t->name, ".nested_quant_map", ASSAY_DTYPE_F32, 256);
    snprintf(name, sizeof name, "%s.quant_map", t->name);
    checkpoint_add(c, name, ASSAY_DTYPE_F32, 16, 0, assay_nf4_levels);
    snprintf(json, sizeof json,
             "{\"quant_type\":\"nf4\",\"blocksize\":64,\"dtype\":\"bfloat16\",\"shape\":[%u,%u],"
             "\"nested_blocksize\":256,\"nested_dtype\":\"float32\",\"nested_offset\":0.0}",
             t->rows, t->columns);
    snprintf(name, sizeof name, "%s.quant_state.bitsandbytes__nf4", t->name);
    checkpoint_add(c, name, ASSAY_DTYPE_U8, strlen(json), 0, json);
}

static void weights_write(const tiny *t, bool nested, uint32_t shards) {
    checkpoint c = {0};
    char path[160];
    for (uint32_t i = 0; i < t->count; i++)
        if (nested && t->tensors[i].columns)
            nested_add(&c, &t->tensors[i]);
        else
            floats_add(&c, &t->tensors[i]);
    tiny_path(path, sizeof path, t, "model.safetensors");
    if (shards)
        checkpoint_shards_write(&c, t->folder, shards);
    else
        checkpoint_write(&c, path);
    checkpoint_close(&c);
}

// Matrices in Q8_0, the rest in F32.
static void gguf_zeros_write(const tiny *t) {
    gguf_family family;
    gguf_out out;
    const char *key;
    json_t *value;
    char name[200], path[160];
    uint64_t offset = 0;
    gguf_family_open(&family, t->config);
    json_object_set_new(family.pairs, "tokenizer.ggml.eos_token_id", json_integer(0));
    gguf_start(&out);
    json_object_foreach(family.pairs, key, value) gguf_pair_json(&out, key, value);
    for (uint32_t i = 0; i < t->count; i++) {
        const tiny_tensor *tensor = &t->tensors[i];
        uint64_t columns = tensor->columns;
        gguf_name_make(name, sizeof name, tensor->name);
        gguf_tensor(&out, name, columns ? 8 : 0, tensor->rows, columns, offset);
        offset += tensor->rows * (columns ? columns / 32 * 34 : sizeof(float));
        offset = (offset + 31) / 32 * 32;
    }
    gguf_data(&out, 32, 0);
    tiny_file_write(t, "model.gguf", out.data, out.size);
    tiny_path(path, sizeof path, t, "model.gguf");
    assert_int_equal(truncate(path, (off_t)(out.size + offset)), 0);
    free(out.data);
    gguf_family_close(&family);
}

typedef enum { FLOATS, SHARDS, NESTED, GGUF, FORMS } form;

// Writes the model and imports it. Returns: the root.
static assay_hash form_import(tiny *t, form as) {
    assay_hash root;
    assay_error err = {0};
    assay_pool *pool;
    char path[160], tokenizer[160];
    assay_import_options options = {0};
    tiny tables = *t;
    tables.count = 0; // configuration and tokenizer alone
    tiny_write(&tables);
    tiny_path(path, sizeof path, t, "model.safetensors");
    unlink(path);
    if (as == GGUF)
        gguf_zeros_write(t);
    else
        weights_write(t, as == NESTED, as == SHARDS ? 2 : 0);
    tiny_path(path, sizeof path, t, as == GGUF ? "model.gguf" : "");
    tiny_path(tokenizer, sizeof tokenizer, t, "tokenizer.json");
    if (as == GGUF) options.tokenizer = tokenizer;
    assert_int_equal(assay_pool_open(&pool, 2, NULL), ASSAY_OK);
    assay_status status = assay_model_import(&root, path, t->out, &options, pool, &err);
    assay_pool_close(pool);
    if (status != ASSAY_OK) fail_msg("%s", err.text);
    return root;
}

static void matrices_do_not_stay_in_memory(void **state) {
    static const char *const names[] = {"F32", "two files", "nested NF4", "Q8_0 in GGUF"};
    assay_hash first = {0};
    long before = peak_kib();
    assert_true(before > 0);
    for (form as = 0; as < FORMS; as++) {
        tiny t;
        assay_model model;
        tiny_open(&t);
        shape_set(&t);
        if (as == NESTED)
            tiny_set(&t, "quantization_config",
                     "{\"load_in_4bit\":true,\"bnb_4bit_quant_type\":\"nf4\","
                     "\"quant_method\":\"bitsandbytes\"}");
        assay_hash root = form_import(&t, as);
        if (as == FLOATS) first = root;
        assert_memory_equal(&root, &first, sizeof root); // the same numbers
        long grown = peak_kib() - before;
        print_message("%s: grown by %ld KiB, limit %d\n", names[as], grown, GROWTH_KIB_MAX);
        assert_true(grown <= GROWTH_KIB_MAX);
        // Opening keeps no more of it than it uses.
        assert_int_equal(assay_model_open(&model, t.out, NULL), ASSAY_OK);
        assert_memory_equal(&model.root, &root, sizeof root);
        assert_true(peak_kib() - before <= GROWTH_KIB_MAX);
        assay_model_close(&model);
        checkpoint_shards_remove(t.folder, 2);
        tiny_close(&t);
    }
}

int main(void) {
#if defined(__SANITIZE_THREAD__)
    return assay_test_skip("the thread sanitizer keeps four bytes for each that is read");
#endif
    const struct CMUnitTest tests[] = {cmocka_unit_test(matrices_do_not_stay_in_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
