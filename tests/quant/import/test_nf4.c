// SPDX-License-Identifier: Apache-2.0
// Whole folders with NF4 linears (F-14): which files and which second level told of the same
// numbers changes nothing (F-12), and what config.json must have said.
#include "base/philox.h"
#include "base/pool.h"
#include "kernels/nf4.h"
#include "quant/container/nf4_state.h"
#include "quant/import/import.h"
#include "quant/model.h"
#include "tests/quant/checkpoint.h"
#include "tests/quant/tiny.h"

static const char quantization[] =
    "{\"load_in_4bit\":true,\"bnb_4bit_quant_type\":\"nf4\",\"quant_method\":\"bitsandbytes\"}";

static uint32_t draw(uint64_t index) {
    uint32_t words[4];
    assay_philox4x32(words, (const uint32_t[4]){(uint32_t)index, 0, 0, 0}, (uint32_t[2]){7, 0});
    return words[0];
}

// The second level's map, and what it makes of a byte where the nested absmax is 1 and the offset
// 0.
static float map_at(uint32_t q) {
    return (float)(q + 1) * 0x1p-10f;
}

static uint8_t byte_at(uint64_t index) {
    return (uint8_t)draw(index + 1000000);
}

static void part_add(checkpoint *c, const char *name, const char *part, assay_dtype dtype,
                     uint64_t count, const void *content) {
    char full[160];
    snprintf(full, sizeof full, "%s%s", name, part);
    checkpoint_add(c, full, dtype, count, 0, content);
}

// The numbers' seeds are the tensor's sizes, so that all forms of a tensor hold the same.
static void nf4_add(checkpoint *c, const tiny_tensor *t, bool nested) {
    uint32_t bytes = t->rows * t->columns / 2, blocks = bytes / 32;
    uint32_t groups = (blocks + 255) / 256;
    char json[256];
    checkpoint_add(c, t->name, ASSAY_DTYPE_U8, bytes, 1, NULL);
    for (uint32_t i = 0; i < bytes; i++)
        c->contents[c->count - 1][i] = (uint8_t)draw(i);
    part_add(c, t->name, ".quant_map", ASSAY_DTYPE_F32, 16, assay_nf4_levels);
    part_add(c, t->name, ".absmax", nested ? ASSAY_DTYPE_U8 : ASSAY_DTYPE_F32, blocks, NULL);
    uint8_t *absmax = c->contents[c->count - 1];
    for (uint32_t i = 0; i < blocks; i++) {
        float value = map_at(byte_at(i));
        if (nested)
            absmax[i] = byte_at(i);
        else
            memcpy(absmax + 4 * i, &value, 4);
    }
    snprintf(json, sizeof json,
             "{\"quant_type\":\"nf4\",\"blocksize\":64,\"dtype\":\"bfloat16\",\"shape\":[%u,%u]%s}",
             t->rows, t->columns,
             nested ? ",\"nested_blocksize\":256,\"nested_dtype\":\"float32\",\"nested_offset\":0.0"
                    : "");
    part_add(c, t->name, ".quant_state.bitsandbytes__nf4", ASSAY_DTYPE_U8, strlen(json), json);
    if (!nested) return;
    float map[256], ones[64];
    for (uint32_t i = 0; i < 256; i++)
        map[i] = map_at(i);
    for (uint32_t i = 0; i < groups; i++)
        ones[i] = 1;
    part_add(c, t->name, ".nested_quant_map", ASSAY_DTYPE_F32, 256, map);
    part_add(c, t->name, ".nested_absmax", ASSAY_DTYPE_F32, groups, ones);
}

// What the NF4 form of the tensor says, as F32.
static void floats_add(checkpoint *c, const tiny_tensor *t) {
    uint64_t count = (uint64_t)t->rows * (t->columns ? t->columns : 1);
    checkpoint_add(c, t->name, ASSAY_DTYPE_F32, t->rows, t->columns, NULL);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)draw(i / 2);
        float value = assay_nf4_levels[i % 2 ? byte & 15 : byte >> 4] * map_at(byte_at(i / 64));
        memcpy(c->contents[c->count - 1] + 4 * i, &value, 4);
    }
}

typedef enum { FLOATS, PLAIN, NESTED } form;

static bool is_linear(const tiny_tensor *t) {
    return strstr(t->name, "_proj.weight") != NULL;
}

// A folder with its linears in one form and its embedding in another.
static void folder_open(tiny *t, checkpoint *c, form linears, form embedding) {
    memset(c, 0, sizeof *c);
    tiny_open(t);
    tiny_set(t, "quantization_config", quantization);
    tiny_write(t);
    for (uint32_t i = 0; i < t->count; i++) {
        const tiny_tensor *tensor = &t->tensors[i];
        form as = is_linear(tensor) ? linears : tensor->columns ? embedding : FLOATS;
        if (as == FLOATS)
            floats_add(c, tensor);
        else
            nf4_add(c, tensor, as == NESTED);
    }
}

static void shards_write(const tiny *t, const checkpoint *c, uint32_t count) {
    char path[160];
    checkpoint_shards_write(c, t->folder, count);
    tiny_path(path, sizeof path, t, "model.safetensors");
    unlink(path);
}

static void folder_close(tiny *t, checkpoint *c) {
    checkpoint_shards_remove(t->folder, 3);
    checkpoint_close(c);
    tiny_close(t);
}

static void single_write(const tiny *t, const checkpoint *c) {
    char path[160];
    tiny_path(path, sizeof path, t, "model.safetensors");
    checkpoint_write(c, path);
}

// shards 0: one file.
static void root_of(assay_hash *root, form linears, form embedding, uint32_t shards) {
    tiny t;
    checkpoint c;
    assay_pool *pool;
    assay_error err = {0};
    folder_open(&t, &c, linears, embedding);
    if (shards)
        shards_write(&t, &c, shards);
    else
        single_write(&t, &c);
    assert_int_equal(assay_pool_open(&pool, shards + 1, NULL), ASSAY_OK);
    if (assay_model_import(root, t.folder, t.out, NULL, pool, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    assay_pool_close(pool);
    folder_close(&t, &c);
}

static void the_same_numbers_are_the_same_model(void **state) {
    assay_hash first, other;
    root_of(&first, PLAIN, FLOATS, 0);
    root_of(&other, NESTED, FLOATS, 0);
    assert_memory_equal(&first, &other, sizeof first);
    root_of(&other, NESTED, FLOATS, 3);
    assert_memory_equal(&first, &other, sizeof first);
    // An embedding becomes q8 of the numbers, whoever holds them.
    root_of(&other, PLAIN, PLAIN, 2);
    assert_memory_equal(&first, &other, sizeof first);
    root_of(&other, NESTED, NESTED, 0);
    assert_memory_equal(&first, &other, sizeof first);
    // Quantised again, linears are another model: their codes do not stay.
    root_of(&other, FLOATS, FLOATS, 0);
    assert_memory_not_equal(&first, &other, sizeof first);
}

static void codes_stay_as_they_are(void **state) {
    tiny t;
    checkpoint c;
    assay_hash root;
    assay_model model;
    folder_open(&t, &c, NESTED, FLOATS);
    single_write(&t, &c);
    assert_int_equal(assay_model_import(&root, t.folder, t.out, NULL, NULL, NULL), ASSAY_OK);
    assert_int_equal(assay_model_open(&model, t.out, NULL), ASSAY_OK);
    const assay_q4 *down = &model.layers[0].linears[ASSAY_LINEAR_DOWN];
    for (uint32_t i = 0; i < down->n * down->k / 2; i++) {
        uint8_t byte = (uint8_t)draw(i);
        assert_int_equal(down->codes[i], (uint8_t)(byte >> 4 | byte << 4));
    }
    assay_model_close(&model);
    folder_close(&t, &c);
}

static void import_expect(tiny *t, const checkpoint *c, assay_status expected, const char *named) {
    assay_hash root;
    assay_error err = {0};
    single_write(t, c);
    assay_status status = assay_model_import(&root, t->folder, t->out, NULL, NULL, &err);
    if (status != expected || !strstr(err.text, named))
        fail_msg("%s (%s), expected %s naming %s", assay_status_name(status), err.text,
                 assay_status_name(expected), named);
}

static void folders_are_checked(void **state) {
    tiny t;
    checkpoint c;
    char *text;
    // The configuration says nothing of NF4.
    folder_open(&t, &c, PLAIN, FLOATS);
    json_object_del(t.config, "quantization_config");
    text = json_dumps(t.config, 0);
    tiny_file_write(&t, "config.json", text, strlen(text));
    free(text);
    import_expect(&t, &c, ASSAY_MISMATCH, "q_proj.weight");
    folder_close(&t, &c);
    // A linear of a mixed checkpoint may be floats.
    folder_open(&t, &c, FLOATS, FLOATS);
    import_expect(&t, &c, ASSAY_OK, "");
    folder_close(&t, &c);
    // Parts without a quant state have no meaning.
    folder_open(&t, &c, PLAIN, FLOATS);
    checkpoint_remove(&c, checkpoint_find(&c, "k_proj.weight.quant_state.bitsandbytes__nf4"));
    import_expect(&t, &c, ASSAY_MISMATCH, "k_proj.weight");
    folder_close(&t, &c);
    folder_open(&t, &c, FLOATS, FLOATS);
    checkpoint_add(&c, "model.layers.0.mlp.up_proj.weight.absmax", ASSAY_DTYPE_F32, 1, 0, NULL);
    import_expect(&t, &c, ASSAY_UNKNOWN, "up_proj.weight.absmax");
    folder_close(&t, &c);
    // A matrix of another shape than the configuration's.
    folder_open(&t, &c, PLAIN, FLOATS);
    char *shape = strstr((char *)c.contents[checkpoint_find(&c, "gate_proj.weight.quant_state."
                                                                "bitsandbytes__nf4")],
                         "[128,64]");
    memcpy(shape, "[64,128]", 8);
    import_expect(&t, &c, ASSAY_MISMATCH, "gate_proj.weight");
    folder_close(&t, &c);
}

// Two absmaxes are bad; whatever thread is faster, the first one is named.
static void the_first_error_is_told(void **state) {
    tiny t;
    checkpoint c;
    folder_open(&t, &c, PLAIN, FLOATS);
    static const uint32_t nan = 0x7fc00000, negative = 0xbf800000;
    uint8_t *absmax = c.contents[checkpoint_find(&c, "up_proj.weight.absmax")];
    memcpy(absmax + 4 * 100, &nan, 4);
    memcpy(absmax + 4 * 90, &nan, 4);
    memcpy(absmax + 4 * 120, &negative, 4);
    single_write(&t, &c);
    for (unsigned threads = 1; threads <= 4; threads++) {
        assay_hash root;
        assay_error err = {0};
        assay_pool *pool;
        assert_int_equal(assay_pool_open(&pool, threads, NULL), ASSAY_OK);
        assert_int_equal(assay_model_import(&root, t.folder, t.out, NULL, pool, &err),
                         ASSAY_NONFINITE);
        assert_string_equal(err.text, "tensor \"model.layers.0.mlp.up_proj.weight\": absmax 90 is "
                                      "not finite");
        assay_pool_close(pool);
    }
    folder_close(&t, &c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_numbers_are_the_same_model),
        cmocka_unit_test(codes_stay_as_they_are),
        cmocka_unit_test(folders_are_checked),
        cmocka_unit_test(the_first_error_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
