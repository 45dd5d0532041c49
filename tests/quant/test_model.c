// SPDX-License-Identifier: Apache-2.0
// A canonical file is accepted only if it is one (F-5, F-6, F-7).
#include "quant/import/adapter_import.h"
#include "quant/import/import.h"
#include "tests/quant/largest.h"
#include "tests/quant/tiny.h"

typedef struct {
    uint8_t *data; // aligned as malloc aligns
    size_t size;
    assay_hash root;
} image;

static image model_image, adapter_image;

static int group_open(void **state) {
    tiny t;
    assay_error err = {0};
    tiny_open(&t);
    tiny_write(&t);
    if (assay_model_import(&model_image.root, t.folder, t.out, NULL, NULL, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    assert_int_equal(assay_file_read(t.out, 1 << 24, &model_image.data, &model_image.size, &err),
                     ASSAY_OK);
    tiny_close(&t);
    tiny_adapter_open(&t);
    tiny_write(&t);
    if (assay_adapter_import(&adapter_image.root, t.folder, t.out, NULL, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    assert_int_equal(
        assay_file_read(t.out, 1 << 24, &adapter_image.data, &adapter_image.size, &err), ASSAY_OK);
    tiny_close(&t);
    return 0;
}

static int group_close(void **state) {
    free(model_image.data);
    free(adapter_image.data);
    return 0;
}

static assay_status bind(const image *from, const uint8_t *data, size_t size, assay_hash *root,
                         assay_error *err) {
    assay_status status;
    largest_begin();
    if (from == &model_image) {
        assay_model model;
        status = assay_model_bind(&model, data, size, err);
        *root = model.root;
        assay_model_close(&model);
    } else {
        assay_adapter adapter;
        status = assay_adapter_bind(&adapter, data, size, NULL, err);
        *root = adapter.root;
        assay_adapter_close(&adapter);
    }
    largest_end(size);
    return status;
}

// Overwrites part of a tensor in a copy and expects a status.
static void change_expect(const image *from, const char *name, size_t offset, const void *data,
                          size_t size, assay_status expected) {
    assay_safetensors file;
    assay_error err = {0};
    assay_hash root;
    uint8_t *copy = malloc(from->size);
    memcpy(copy, from->data, from->size);
    assert_int_equal(assay_safetensors_open(&file, copy, from->size, &err), ASSAY_OK);
    const assay_tensor *tensor = assay_safetensors_find(&file, name);
    assert_non_null(tensor);
    assert_true(offset + size <= tensor->size);
    memcpy(copy + (file.data - copy) + tensor->begin + offset, data, size);
    assay_safetensors_close(&file);
    assay_status status = bind(from, copy, from->size, &root, &err);
    if (status != expected)
        fail_msg("%s: %s (%s), expected %s", name, assay_status_name(status), err.text,
                 assay_status_name(expected));
    if (status == ASSAY_OK) assert_memory_not_equal(&root, &from->root, sizeof root);
    free(copy);
}

static void change_f32(const image *from, const char *name, float value, assay_status expected) {
    change_expect(from, name, 0, &value, sizeof value, expected);
}

static void change_word(const char *name, size_t index, uint32_t value, assay_status expected) {
    change_expect(&model_image, name, 4 * index, &value, sizeof value, expected);
}

static void numbers_are_checked(void **state) {
    const image *m = &model_image;
    static const float bad[] = {-0.0f, 0x1p-127f, -1, 0.0f / 0.0f, 1.0f / 0.0f, 0x1.000002p20f, 0};
    static const char *const scales[] = {"model.embed_tokens.scales",
                                         "model.layers.0.self_attn.q_proj.scales"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (int k = 0; k < 2; k++)
            change_f32(m, scales[k], bad[i], ASSAY_CANONICAL);
    change_f32(m, scales[0], 0x1p20f, ASSAY_OK);
    static const char *const norms[] = {"model.norm", "model.layers.0.input_layernorm",
                                        "model.layers.0.post_attention_layernorm"};
    for (int k = 0; k < 3; k++) {
        change_f32(m, norms[k], 0.0f / 0.0f, ASSAY_NONFINITE);
        change_f32(m, norms[k], 0x1.000002p20f, ASSAY_NONFINITE);
        change_f32(m, norms[k], -0x1p20f, ASSAY_OK);
    }
    change_expect(m, "model.embed_tokens.q", 9, "\x80", 1, ASSAY_CANONICAL);
    change_expect(m, "model.embed_tokens.q", 9, "\x81", 1, ASSAY_OK);
    // A ratio of 0 wants code 7 throughout its block.
    change_expect(m, "model.layers.0.mlp.down_proj.ratios", 0, "\0", 1, ASSAY_CANONICAL);
    change_f32(m, "config.eps", 0, ASSAY_RANGE);
    change_f32(m, "config.eps", 0.0f / 0.0f, ASSAY_RANGE);
    static const double frequencies[] = {0, -1, 1.5, 0.0 / 0.0, 0x1p-61};
    for (size_t i = 0; i < sizeof frequencies / sizeof *frequencies; i++)
        change_expect(m, "rope.inv_freq", 8, &frequencies[i], 8, ASSAY_RANGE);
    static const double other = 0.25;
    change_expect(m, "rope.inv_freq", 8, &other, 8, ASSAY_MISMATCH); // another table
    change_expect(m, "rope.table_sha256", 31, "x", 1, ASSAY_MISMATCH);
    change_expect(m, "tokenizer.json", 5, "x", 1, ASSAY_OK); // the root tells
}

static void shapes_are_checked(void **state) {
    change_word("config.shape", 0, 2, ASSAY_MISSING); // layers
    change_word("config.shape", 0, 257, ASSAY_RANGE);
    change_word("config.shape", 1, 128, ASSAY_MISMATCH); // width
    change_word("config.shape", 1, 65, ASSAY_RANGE);
    change_word("config.shape", 2, 0x80000000, ASSAY_RANGE); // heads
    change_word("config.shape", 3, 0, ASSAY_RANGE);          // key-value heads
    change_word("config.shape", 3, 2, ASSAY_MISMATCH);
    change_word("config.shape", 4, 0, ASSAY_RANGE); // head size
    change_word("config.shape", 5, 64, ASSAY_MISMATCH);
    change_word("config.shape", 6, 2047, ASSAY_MISMATCH);
    change_word("config.shape", 6, 1 << 21, ASSAY_RANGE);
    change_word("config.shape", 7, 17, ASSAY_MISMATCH); // another rotary table
    change_word("config.shape", 7, 0, ASSAY_RANGE);
    change_word("config.stop_ids", 0, 2048, ASSAY_RANGE);
    change_word("config.stop_ids", 0, 2047, ASSAY_OK);
}

static void adapters_are_checked(void **state) {
    const image *a = &adapter_image;
    change_expect(a, "model.layers.1.mlp.down_proj.lora_A.q", 3, "\x80", 1, ASSAY_CANONICAL);
    change_expect(a, "model.layers.1.mlp.down_proj.lora_B.q", 3, "\x80", 1, ASSAY_CANONICAL);
    change_f32(a, "model.layers.0.self_attn.q_proj.lora_A.scales", 0, ASSAY_CANONICAL);
    change_f32(a, "model.layers.0.self_attn.q_proj.lora_B.scales", -1, ASSAY_CANONICAL);
    change_f32(a, "model.layers.0.self_attn.q_proj.lora_scale", 1.0f / 0.0f, ASSAY_NONFINITE);
    change_f32(a, "model.layers.0.self_attn.q_proj.lora_scale", 3, ASSAY_OK);
}

static void a_model_is_no_adapter(void **state) {
    assay_model model;
    assay_adapter adapter;
    assert_int_equal(assay_model_bind(&model, adapter_image.data, adapter_image.size, NULL),
                     ASSAY_VERSION);
    assert_int_equal(assay_adapter_bind(&adapter, model_image.data, model_image.size, NULL, NULL),
                     ASSAY_VERSION);
}

// Replaces a text in the header by one of the same length, wherever it stands.
static void header_expect(const image *from, const char *old, const char *new,
                          assay_status expected) {
    assay_error err = {0};
    assay_hash root;
    size_t length = strlen(old), changes = 0, header = assay_load_le64(from->data);
    uint8_t *copy = malloc(from->size);
    assert_int_equal(strlen(new), length);
    memcpy(copy, from->data, from->size);
    for (size_t at = 8; at + length <= 8 + header; at++)
        if (memcmp(copy + at, old, length) == 0) {
            memcpy(copy + at, new, length);
            changes++;
        }
    assert_true(changes);
    assay_status status = bind(from, copy, from->size, &root, &err);
    if (status != expected)
        fail_msg("%s: %s (%s), expected %s", new, assay_status_name(status), err.text,
                 assay_status_name(expected));
    free(copy);
}

static void other_headers_are_refused(void **state) {
    const image *m = &model_image;
    header_expect(m, "assay-model-1", "assay-model-2", ASSAY_VERSION);
    header_expect(m, "\"model.norm\"", "\"model.form\"", ASSAY_MISSING);
    header_expect(m, "\"tokenizer.json\"", "\"tokenizer.jsan\"", ASSAY_MISSING);
    header_expect(m, "\"config.eps\"", "\"config.epz\"", ASSAY_MISSING);
    header_expect(m, "\"F64\"", "\"I64\"", ASSAY_MISMATCH);
    header_expect(m, "\"dtype\":\"F64\"", "\"dtyp\\u0065\":", ASSAY_FORMAT);
    header_expect(m, "model.layers.0.self_attn.k_proj.", "model.layers.0.self_attn.x_proj.",
                  ASSAY_MISSING);
    header_expect(m, "self_attn.k_proj", "self_attn.q_proj", ASSAY_DUPLICATE);
    header_expect(m, "gate_proj", "gbte_proj", ASSAY_MISSING);
}

// The same tensors in another container: found by assay_canonical_check's header comparison.
static void one_container_only(void **state) {
    const image *images[] = {&model_image, &adapter_image};
    for (int i = 0; i < 2; i++) {
        const image *from = images[i];
        uint64_t header = assay_load_le64(from->data);
        uint8_t *copy = malloc(from->size + 8);
        assay_hash root;
        for (int spaces = 0; spaces <= 8; spaces += 8) {
            assay_store_le64(copy, header + (uint64_t)spaces);
            memcpy(copy + 8, from->data + 8, header);
            memset(copy + 8 + header, ' ', (size_t)spaces);
            memcpy(copy + 8 + header + spaces, from->data + 8 + header, from->size - 8 - header);
            assert_int_equal(bind(from, copy, from->size + (size_t)spaces, &root, NULL),
                             spaces ? ASSAY_CANONICAL : ASSAY_OK);
        }
        free(copy);
    }
}

static void truncated_and_longer_files_are_refused(void **state) {
    const image *images[] = {&model_image, &adapter_image};
    for (int i = 0; i < 2; i++) {
        const image *from = images[i];
        assay_hash root;
        uint8_t *copy = malloc(from->size + 1);
        memcpy(copy, from->data, from->size);
        copy[from->size] = 0;
        assert_int_equal(bind(from, copy, from->size + 1, &root, NULL), ASSAY_TRAILING);
        free(copy);
        for (size_t cut = 0; cut < from->size; cut += 1 + cut / 16) {
            copy = malloc(cut + 1);
            memcpy(copy, from->data, cut);
            assert_int_equal(bind(from, copy, cut, &root, NULL), ASSAY_TRUNCATED);
            free(copy);
        }
    }
}

// Any single bit: refused, or another root.
static void every_bit_counts(void **state) {
    const image *images[] = {&model_image, &adapter_image};
    uint64_t random = 1;
    for (int i = 0; i < 2; i++) {
        const image *from = images[i];
        uint8_t *copy = malloc(from->size);
        memcpy(copy, from->data, from->size);
        size_t header_bits = 8 * (8 + assay_load_le64(from->data));
        for (int k = 0; k < 1500; k++) {
            assay_hash root;
            random = random * 6364136223846793005u + 1442695040888963407u;
            size_t bit = (random >> 20) % (k % 3 ? 8 * from->size : header_bits);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assay_status status = bind(from, copy, from->size, &root, NULL);
            if (bit < header_bits) assert_int_not_equal(status, ASSAY_OK);
            if (status == ASSAY_OK) assert_memory_not_equal(&root, &from->root, sizeof root);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assay_hash root;
        assert_int_equal(bind(from, copy, from->size, &root, NULL), ASSAY_OK);
        assert_memory_equal(&root, &from->root, sizeof root);
        free(copy);
    }
}

static void operands_are_checked(void **state) {
    int8_t q[4] = {0, 0, 1, 0};
    float scales[2] = {0, 1};
    assay_q8 q8 = {2, 2, q, scales};
    assert_int_equal(assay_q8_check(&q8, "a", NULL), ASSAY_OK);
    scales[0] = 1; // over a row of zeros
    assert_int_equal(assay_q8_check(&q8, "a", NULL), ASSAY_CANONICAL);
    scales[0] = 0, scales[1] = 0; // under a row that is not
    assert_int_equal(assay_q8_check(&q8, "a", NULL), ASSAY_CANONICAL);

    uint8_t codes[64], ratios[2] = {0, 0};
    memset(codes, 0x77, sizeof codes);
    scales[0] = 0;
    assay_q4 q4 = {1, 128, codes, ratios, scales};
    assert_int_equal(assay_q4_check(&q4, "a", NULL), ASSAY_OK);
    codes[63] = 0x78;
    assert_int_equal(assay_q4_check(&q4, "a", NULL), ASSAY_CANONICAL);
    codes[63] = 0x67;
    assert_int_equal(assay_q4_check(&q4, "a", NULL), ASSAY_CANONICAL);
    ratios[1] = 255; // the scale is still 0
    assert_int_equal(assay_q4_check(&q4, "a", NULL), ASSAY_CANONICAL);
    scales[0] = 1;
    assert_int_equal(assay_q4_check(&q4, "a", NULL), ASSAY_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_checked),
        cmocka_unit_test(shapes_are_checked),
        cmocka_unit_test(adapters_are_checked),
        cmocka_unit_test(a_model_is_no_adapter),
        cmocka_unit_test(other_headers_are_refused),
        cmocka_unit_test(one_container_only),
        cmocka_unit_test(truncated_and_longer_files_are_refused),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(operands_are_checked),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
