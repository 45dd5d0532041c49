// SPDX-License-Identifier: Apache-2.0
// Checkpoints of bitsandbytes (F-14): what it saved and what it makes of that, recorded by
// tests/oracles/bitsandbytes_nf4.py, and what is refused.
#include "base/pool.h"
#include "base/sha256.h"
#include "kernels/nf4.h"
#include "kernels/quantise.h"
#include "quant/container/nf4_state.h"
#include "quant/import/bnb_config.h"
#include "quant/import/source_safetensors.h"
#include "quant/import/weights.h"
#include "tests/folder.h"
#include "tests/quant/checkpoint.h"
#include "tests/quant/largest.h"

enum { ROWS = 40, COLUMNS = 448 };

static char folder[] = "/tmp/assay_nf4_XXXXXX";
static char path[64], out_path[64];
static json_t *vectors;

static int folder_open(void **state) {
    test_folder_make(folder);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    snprintf(out_path, sizeof out_path, "%s/out", folder);
    vectors = vectors_read("bitsandbytes_nf4.json");
    return 0;
}

static int folder_close(void **state) {
    json_decref(vectors);
    return 0;
}

static json_t *recorded(const char *name) {
    return json_object_get(vectors_at(vectors, "checkpoints"), name);
}

static void recorded_read(checkpoint *c, const char *name) {
    size_t size;
    uint8_t *file = vectors_bytes(recorded(name), "file", &size);
    checkpoint_read(c, file, size);
    free(file);
}

static const assay_source_tensor *linear_open(assay_source **source) {
    assay_error err = {0};
    if (assay_source_safetensors_file(source, path, &err) != ASSAY_OK) fail_msg("%s", err.text);
    assert_int_equal((*source)->count, 1);
    const assay_source_tensor *linear = assay_source_find(*source, "linear.weight");
    assert_non_null(linear);
    assert_int_equal(linear->kind, ASSAY_SOURCE_NF4);
    assert_int_equal(linear->shape[0], ROWS);
    assert_int_equal(linear->shape[1], COLUMNS);
    return linear;
}

static const char *const variants[] = {"plain", "nested", "stored_as_bf16"};

// Bit for bit, whatever rows are asked for at once.
static void numbers_are_those_of_bitsandbytes(void **state) {
    static float numbers[ROWS * COLUMNS], product[COLUMNS], absmax[COLUMNS / 64];
    uint8_t codes[COLUMNS / 2];
    static const uint64_t steps[] = {1, 7, ROWS};
    for (int v = 0; v < 3; v++) {
        checkpoint c;
        assay_source *source;
        assay_hash hash;
        recorded_read(&c, variants[v]);
        checkpoint_write(&c, path);
        checkpoint_close(&c);
        const assay_source_tensor *linear = linear_open(&source);
        for (int s = 0; s < 3; s++) {
            memset(numbers, 0xff, sizeof numbers);
            for (uint64_t row = 0; row < ROWS; row += steps[s]) {
                uint64_t count = ROWS - row < steps[s] ? ROWS - row : steps[s];
                assert_int_equal(
                    assay_source_rows(numbers + row * COLUMNS, source, linear, row, count, NULL),
                    ASSAY_OK);
                assay_source_drop(source, linear, row, count);
            }
            assay_sha256_of(&hash, numbers, sizeof numbers);
            vectors_expect_sha256(recorded(variants[v]), "dequantised_sha256", &hash);
        }
        for (uint64_t row = 0; row < ROWS; row++) {
            assert_int_equal(assay_source_nf4_rows(codes, absmax, source, linear, row, 1, NULL),
                             ASSAY_OK);
            for (int i = 0; i < COLUMNS; i++)
                product[i] = assay_nf4_levels[codes[i / 2] >> i % 2 * 4 & 15] * absmax[i / 64];
            assert_memory_equal(product, numbers + row * COLUMNS, sizeof product);
        }
        assay_source_close(source);
    }
}

static void part_expect(const char *variant, const char *member, const assay_safetensors *file,
                        const char *name) {
    assay_hash hash;
    const assay_tensor *tensor = assay_safetensors_find(file, name);
    assert_non_null(tensor);
    assay_sha256_of(&hash, file->data + tensor->begin, tensor->size);
    vectors_expect_sha256(recorded(variant), member, &hash);
}

// N-5 with the codes kept, on any number of threads.
static void operands_keep_the_codes(void **state) {
    static const unsigned threads[] = {1, 3};
    for (int i = 0; i < 6; i++) {
        const char *variant = variants[i / 2];
        checkpoint c;
        assay_source *source;
        assay_pool *pool;
        assay_tensor_list list = {0};
        assay_canonical_writer writer;
        assay_safetensors file;
        uint8_t *data;
        size_t size;
        uint64_t data_size;
        recorded_read(&c, variant);
        checkpoint_write(&c, path);
        checkpoint_close(&c);
        const assay_source_tensor *linear = linear_open(&source);
        assay_tensor_list_add(&list, ASSAY_DTYPE_U8, ROWS, COLUMNS / 2, "a.codes");
        assay_tensor_list_add(&list, ASSAY_DTYPE_U8, ROWS, COLUMNS / 64, "a.ratios");
        assay_tensor_list_add(&list, ASSAY_DTYPE_F32, ROWS, 0, "a.scales");
        assert_int_equal(assay_canonical_layout(&list, &data_size, NULL), ASSAY_OK);
        assert_int_equal(assay_canonical_create(&writer, out_path, "test", &list, NULL), ASSAY_OK);
        assert_int_equal(assay_pool_open(&pool, threads[i % 2], NULL), ASSAY_OK);
        const assay_weights_target target = {&writer, &list, pool, NULL, NULL};
        assert_int_equal(assay_weights_write_q4(&target, "a", source, linear, NULL), ASSAY_OK);
        assert_int_equal(assay_file_read(writer.temporary, 1 << 20, &data, &size, NULL), ASSAY_OK);
        assert_int_equal(assay_safetensors_open(&file, data, size, NULL), ASSAY_OK);
        part_expect(variant, "codes_sha256", &file, "a.codes");
        part_expect(variant, "ratios_sha256", &file, "a.ratios");
        part_expect(variant, "scales_sha256", &file, "a.scales");
        assay_safetensors_close(&file);
        free(data);
        assay_pool_close(pool);
        assay_canonical_abort(&writer);
        assay_tensor_list_close(&list);
        assay_source_close(source);
    }
}

// N-3 and N-5 at the edges, where codes are given.
static void rows_at_the_edges(void **state) {
    static const float cases[][2] = {
        {0, 0}, {1, 0}, {1, 0x1p-30f}, {0x1p-97f, 0x1p-98f}, {0x1p-96f, 0}, {0x1p20f, 0x1p20f}};
    static const uint8_t ratios[][2] = {{0, 0}, {255, 0}, {255, 1}, {0, 0}, {255, 0}, {255, 255}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t codes[64], found[2];
        float scale;
        memset(codes, 0x3c, sizeof codes);
        assert_true(assay_requantise_q4_ref(codes, found, &scale, cases[i], 128));
        assert_memory_equal(found, ratios[i], 2);
        assert_true(scale == (ratios[i][0] ? cases[i][0] / 127 : 0));
        for (int j = 0; j < 64; j++)
            assert_int_equal(codes[j], ratios[i][j / 32] ? 0x3c : 0x77);
    }
    static const float bad[] = {0x1p41f, __builtin_inff(), -__builtin_inff(), __builtin_nanf("")};
    for (int i = 0; i < 4; i++) {
        uint8_t codes[32], ratio = 1;
        float scale = 1;
        assert_false(assay_requantise_q4_ref(codes, &ratio, &scale, &bad[i], 64));
        assert_true(ratio == 0 && scale == 0 && codes[31] == 0x77);
    }
}

// Each takes the place of the nested checkpoint's quant state.
static const struct {
    const char *json;
    assay_status status;
} states[] = {
#define REST   "\"blocksize\":64,\"dtype\":\"float32\""
#define NESTED "\"nested_blocksize\":256,\"nested_dtype\":\"float32\",\"nested_offset\":"
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448]," NESTED "0.25}", ASSAY_OK},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448]," NESTED "1}", ASSAY_OK},
    {"{\"quant_type\":\"fp4\"," REST ",\"shape\":[40,448]," NESTED "0.25}", ASSAY_UNSUPPORTED},
    {"{" REST ",\"shape\":[40,448]," NESTED "0.25}", ASSAY_MISSING},
    {"{\"quant_type\":\"nf4\",\"blocksize\":128,\"dtype\":\"float32\",\"shape\":[40,448]," NESTED
     "0.25}",
     ASSAY_UNSUPPORTED},
    {"{\"quant_type\":\"nf4\",\"blocksize\":64,\"dtype\":\"float64\",\"shape\":[40,448]," NESTED
     "0.25}",
     ASSAY_UNSUPPORTED},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[448,40]," NESTED "0.25}", ASSAY_RANGE},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[41,448]," NESTED "0.25}", ASSAY_MISMATCH},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[17920]," NESTED "0.25}", ASSAY_UNSUPPORTED},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[1,40,448]," NESTED "0.25}", ASSAY_CAPACITY},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[0,448]," NESTED "0.25}", ASSAY_RANGE},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[-40,448]," NESTED "0.25}", ASSAY_RANGE},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40.0,448]," NESTED "0.25}", ASSAY_RANGE},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[4294967295,4294967232]," NESTED "0.25}",
     ASSAY_MISMATCH},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[4294967296,64]," NESTED "0.25}", ASSAY_RANGE},
    {"{\"quant_type\":\"nf4\"," REST "," NESTED "0.25}", ASSAY_MISSING},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448]," NESTED "1e39}", ASSAY_NONFINITE},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448]," NESTED "1e999}", ASSAY_FORMAT},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448]," NESTED "NaN}", ASSAY_FORMAT},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448]," NESTED "\"0.25\"}", ASSAY_FORMAT},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448]," NESTED "null}", ASSAY_FORMAT},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448]," NESTED "0.25,\"k\":1}", ASSAY_UNKNOWN},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448],\"nested_offset\":0.25}", ASSAY_UNKNOWN},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448],\"nested_blocksize\":256}",
     ASSAY_MISSING},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448],\"nested_blocksize\":128,"
     "\"nested_dtype\":\"float32\",\"nested_offset\":0.25}",
     ASSAY_UNSUPPORTED},
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448],\"nested_blocksize\":256,"
     "\"nested_dtype\":\"bfloat16\",\"nested_offset\":0.25}",
     ASSAY_UNSUPPORTED},
    // Not quantised twice: the absmax should then be F32.
    {"{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448]}", ASSAY_MISMATCH},
    {"{\"quant_type\":\"nf4\",\"quant_type\":\"nf4\"}", ASSAY_DUPLICATE},
    {"[]", ASSAY_FORMAT},
    {"", ASSAY_FORMAT},
    {"{} x", ASSAY_TRAILING},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", ASSAY_DEPTH},
};

static void source_expect(const checkpoint *c, const char *what, assay_status expected) {
    assay_source *source;
    assay_error err = {0};
    size_t size = 0; // less than the file's, which has names too
    for (uint32_t i = 0; i < c->count; i++)
        size += c->tensors[i].size;
    checkpoint_write(c, path);
    largest_begin();
    assay_status status = assay_source_safetensors_file(&source, path, &err);
    largest_end(size);
    if (status != expected)
        fail_msg("%s: %s (%s), expected %s", what, assay_status_name(status), err.text,
                 assay_status_name(expected));
    if (status != ASSAY_OK) assert_non_null(strstr(err.text, "linear.weight"));
    assay_source_close(source);
}

static void quant_states_are_checked(void **state) {
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        checkpoint c;
        recorded_read(&c, "nested");
        checkpoint_remove(&c, checkpoint_find(&c, "__nf4"));
        checkpoint_add(&c, "linear.weight.quant_state.bitsandbytes__nf4", ASSAY_DTYPE_U8,
                       strlen(states[i].json), 0, states[i].json);
        source_expect(&c, states[i].json, states[i].status);
        checkpoint_close(&c);
    }
    assay_nf4_state read;
    static uint8_t spaces[ASSAY_NF4_STATE_MAX + 1];
    assert_int_equal(assay_nf4_state_read(&read, spaces, sizeof spaces, NULL), ASSAY_CAPACITY);
}

// Each part is missing, of another dtype, or one element longer.
static void parts_are_checked(void **state) {
    static const char *const parts[] = {"linear.weight", ".absmax", ".quant_map", ".nested_absmax",
                                        ".nested_quant_map"};
    for (int i = 0; i < 5; i++) {
        for (int spoiled = 0; spoiled < 3; spoiled++) {
            checkpoint c;
            recorded_read(&c, "nested");
            uint32_t at = checkpoint_find(&c, parts[i]);
            assay_tensor tensor = c.tensors[at];
            checkpoint_remove(&c, at);
            if (spoiled)
                checkpoint_add(&c, tensor.name, spoiled == 1 ? ASSAY_DTYPE_I8 : tensor.dtype,
                               tensor.shape[0] + (spoiled == 2), tensor.shape[1], NULL);
            source_expect(&c, parts[i], spoiled ? ASSAY_MISMATCH : ASSAY_MISSING);
            checkpoint_close(&c);
        }
    }
}

static void the_codebook_is_nf4_s(void **state) {
    for (int i = 0; i < 64; i += 9) {
        checkpoint c;
        recorded_read(&c, "plain");
        c.contents[checkpoint_find(&c, ".quant_map")][i] ^= 1;
        source_expect(&c, "a codebook", ASSAY_MISMATCH);
        checkpoint_close(&c);
    }
}

static void one_quant_state_of_one_kind(void **state) {
    static const char fp4[] = "linear.weight.quant_state.bitsandbytes__fp4";
    for (int both = 0; both < 2; both++) {
        checkpoint c;
        recorded_read(&c, "nested");
        uint32_t at = checkpoint_find(&c, "__nf4");
        if (both)
            checkpoint_add(&c, fp4, ASSAY_DTYPE_U8, 2, 0, "{}");
        else
            snprintf(c.tensors[at].name, sizeof c.tensors[at].name, "%s", fp4);
        source_expect(&c, fp4, both ? ASSAY_DUPLICATE : ASSAY_UNSUPPORTED);
        checkpoint_close(&c);
    }
    // A tensor that is another's part cannot be quantised itself.
    checkpoint c;
    static const char json[] = "{\"quant_type\":\"nf4\"," REST ",\"shape\":[1,64]}";
    recorded_read(&c, "plain");
    checkpoint_add(&c, "linear.weight.absmax.quant_state.bitsandbytes__nf4", ASSAY_DTYPE_U8,
                   sizeof json - 1, 0, json);
    checkpoint_add(&c, "linear.weight.absmax.quant_map", ASSAY_DTYPE_F32, 16, 0, assay_nf4_levels);
    checkpoint_add(&c, "linear.weight.absmax.absmax", ASSAY_DTYPE_F32, 1, 0, NULL);
    source_expect(&c, "a part", ASSAY_MISMATCH);
    uint32_t at = checkpoint_find(&c, "t.absmax");
    checkpoint_remove(&c, at);
    checkpoint_add(&c, "linear.weight.absmax", ASSAY_DTYPE_U8, 32, 1, NULL);
    source_expect(&c, "a part", ASSAY_DUPLICATE);
    checkpoint_close(&c);
}

// An absmax that is no magnitude is found where its row is read, as numbers or as codes.
static void absmaxes_are_checked(void **state) {
    static const struct {
        uint32_t bits;
        assay_status status;
    } cases[] = {{0x7fc00000, ASSAY_NONFINITE}, {0x7f800000, ASSAY_NONFINITE},
                 {0x49800000, ASSAY_OK},        {0x49800001, ASSAY_RANGE},
                 {0x80000000, ASSAY_OK},        {0xb3800000, ASSAY_RANGE}};
    static float numbers[ROWS * COLUMNS], absmax[ROWS * COLUMNS / 64];
    static uint8_t codes[ROWS * COLUMNS / 2];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        checkpoint c;
        assay_source *source;
        assay_error err = {0};
        recorded_read(&c, "plain");
        assay_store_le32(c.contents[checkpoint_find(&c, "t.absmax")] + 4 * 70, cases[i].bits);
        checkpoint_write(&c, path);
        checkpoint_close(&c);
        const assay_source_tensor *linear = linear_open(&source);
        assert_int_equal(assay_source_nf4_rows(codes, absmax, source, linear, 0, ROWS, &err),
                         cases[i].status);
        if (cases[i].status != ASSAY_OK) assert_non_null(strstr(err.text, "absmax 70"));
        assert_int_equal(assay_source_rows(numbers, source, linear, 0, ROWS, NULL),
                         cases[i].status);
        assert_int_equal(assay_source_rows(numbers, source, linear, 0, 10, NULL), ASSAY_OK);
        assay_source_close(source);
    }
    // The second level: an offset that takes every absmax below zero.
    checkpoint c;
    assay_source *source;
    static const char json[] = "{\"quant_type\":\"nf4\"," REST ",\"shape\":[40,448]," NESTED "-9}";
    recorded_read(&c, "nested");
    checkpoint_remove(&c, checkpoint_find(&c, "__nf4"));
    checkpoint_add(&c, "linear.weight.quant_state.bitsandbytes__nf4", ASSAY_DTYPE_U8,
                   sizeof json - 1, 0, json);
    checkpoint_write(&c, path);
    checkpoint_close(&c);
    const assay_source_tensor *linear = linear_open(&source);
    assert_int_equal(assay_source_nf4_rows(codes, absmax, source, linear, 5, 1, NULL), ASSAY_RANGE);
    assay_source_close(source);
}

static const struct {
    const char *json;
    bool nf4;
    assay_status status;
} configs[] = {
    {"null", false, ASSAY_OK},
    {"{}", false, ASSAY_OK},
    {"{\"load_in_4bit\":true,\"bnb_4bit_quant_type\":\"nf4\"}", true, ASSAY_OK},
    {"{\"_load_in_4bit\":true,\"_load_in_8bit\":false,\"bnb_4bit_compute_dtype\":\"bfloat16\","
     "\"bnb_4bit_quant_storage\":\"uint8\",\"bnb_4bit_quant_type\":\"nf4\","
     "\"bnb_4bit_use_double_quant\":true,\"llm_int8_enable_fp32_cpu_offload\":false,"
     "\"llm_int8_has_fp16_weight\":false,\"llm_int8_skip_modules\":[\"lm_head\"],"
     "\"llm_int8_threshold\":6.0,\"load_in_4bit\":true,\"load_in_8bit\":false,"
     "\"quant_method\":\"bitsandbytes\"}",
     true, ASSAY_OK},
    {"{\"load_in_4bit\":true,\"bnb_4bit_quant_type\":\"fp4\"}", false, ASSAY_UNSUPPORTED},
    {"{\"load_in_4bit\":true}", false, ASSAY_UNSUPPORTED},
    {"{\"load_in_4bit\":1,\"bnb_4bit_quant_type\":\"nf4\"}", false, ASSAY_UNSUPPORTED},
    {"{\"load_in_4bit\":true,\"bnb_4bit_quant_type\":4}", false, ASSAY_FORMAT},
    {"{\"load_in_8bit\":true,\"quant_method\":\"bitsandbytes\"}", false, ASSAY_UNSUPPORTED},
    {"{\"load_in_4bit\":true,\"load_in_8bit\":true,\"bnb_4bit_quant_type\":\"nf4\"}", false,
     ASSAY_UNSUPPORTED},
    {"{\"quant_method\":\"gptq\",\"bits\":4}", false, ASSAY_UNSUPPORTED},
    {"{\"load_in_4bit\":true,\"bnb_4bit_quant_type\":\"nf4\",\"bits\":4}", false, ASSAY_UNKNOWN},
    {"[4]", false, ASSAY_FORMAT},
    {"true", false, ASSAY_FORMAT},
};

static void configurations_are_checked(void **state) {
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        bool nf4 = true;
        assay_error err = {0};
        json_t *config = json_object();
        json_object_set_new(config, "quantization_config",
                            json_loads(configs[i].json, JSON_DECODE_ANY, NULL));
        assay_status status = assay_bnb_config_read(&nf4, config, &err);
        if (status != configs[i].status || (status == ASSAY_OK && nf4 != configs[i].nf4))
            fail_msg("%s: %s (%s)", configs[i].json, assay_status_name(status), err.text);
        json_decref(config);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_bitsandbytes),
        cmocka_unit_test(operands_keep_the_codes),
        cmocka_unit_test(rows_at_the_edges),
        cmocka_unit_test(quant_states_are_checked),
        cmocka_unit_test(parts_are_checked),
        cmocka_unit_test(the_codebook_is_nf4_s),
        cmocka_unit_test(one_quant_state_of_one_kind),
        cmocka_unit_test(absmaxes_are_checked),
        cmocka_unit_test(configurations_are_checked),
    };
    return cmocka_run_group_tests(tests, folder_open, folder_close);
}
