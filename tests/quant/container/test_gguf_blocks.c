// SPDX-License-Identifier: Apache-2.0
// Blocks of GGUF tensors against gguf's own Python package (F-21, tests/oracles/gguf_blocks.py).
#include "quant/container/gguf_blocks.h"

#include "kernels/float.h"
#include "tests/vectors.h"

static void blocks_match_the_package(void **state) {
    json_t *root = vectors_read("gguf_blocks.json"), *row;
    const char *name;
    int types = 0;
    json_object_foreach(vectors_at(root, "types"), name, row) {
        assay_gguf_block type;
        size_t size, wanted_size;
        uint8_t *blocks = vectors_bytes(row, "blocks", &size);
        float *wanted = vectors_bytes(row, "f32", &wanted_size);
        float *out = malloc(wanted_size);
        uint32_t number = (uint32_t)json_integer_value(json_object_get(row, "number"));
        assert_int_equal(assay_gguf_block_find(&type, number, NULL), ASSAY_OK);
        assert_int_equal(assay_gguf_block_elements(type),
                         json_integer_value(json_object_get(row, "elements")));
        assert_int_equal(assay_gguf_block_bytes(type),
                         json_integer_value(json_object_get(row, "bytes")));
        uint64_t count = size / assay_gguf_block_bytes(type);
        assert_int_equal(wanted_size, count * assay_gguf_block_elements(type) * sizeof(float));
        uint64_t former = assay_float_enter();
        assay_gguf_block_read(out, type, blocks, count);
        assay_float_leave(former);
        for (size_t i = 0; i < wanted_size / sizeof(float); i++)
            if (memcmp(&out[i], &wanted[i], sizeof(float)) != 0)
                fail_msg("%s: element %zu is %a, not %a", name, i, (double)out[i],
                         (double)wanted[i]);
        free(blocks);
        free(wanted);
        free(out);
        types++;
    }
    assert_int_equal(types, ASSAY_GGUF_BLOCK_COUNT);
    json_decref(root);
}

// So that N-3's check of the elements refuses the block, whatever its codes are.
static void a_scale_that_is_not_finite_spoils_its_block(void **state) {
    static const struct {
        assay_gguf_block type;
        size_t at; // of the scale
    } scales[] = {
        {ASSAY_GGUF_BLOCK_Q4_0, 0}, {ASSAY_GGUF_BLOCK_Q8_0, 0}, {ASSAY_GGUF_BLOCK_IQ4_NL, 0},
        {ASSAY_GGUF_BLOCK_Q4_K, 0}, {ASSAY_GGUF_BLOCK_Q4_K, 2}, {ASSAY_GGUF_BLOCK_Q6_K, 208},
        {ASSAY_GGUF_BLOCK_Q4_1, 0}, {ASSAY_GGUF_BLOCK_Q4_1, 2}, {ASSAY_GGUF_BLOCK_Q5_0, 0},
        {ASSAY_GGUF_BLOCK_Q5_1, 0}, {ASSAY_GGUF_BLOCK_Q5_1, 2}, {ASSAY_GGUF_BLOCK_Q5_K, 0},
        {ASSAY_GGUF_BLOCK_Q5_K, 2},
    };
    static const uint16_t halves[] = {0x7c00, 0xfc00, 0x7c01, 0x7e00, 0xffff};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        for (size_t j = 0; j < sizeof halves / sizeof *halves; j++)
            for (int fill = 0; fill < 256; fill += 85) {
                uint8_t block[256];
                float out[256];
                memset(block, fill, sizeof block);
                // The other scale, where there are two, stays finite.
                if (scales[i].at < 4) memset(block, 0, 4);
                block[scales[i].at] = (uint8_t)halves[j];
                block[scales[i].at + 1] = (uint8_t)(halves[j] >> 8);
                assay_gguf_block_read(out, scales[i].type, block, 1);
                for (uint32_t k = 0; k < assay_gguf_block_elements(scales[i].type); k++)
                    assert_false(__builtin_isfinite(out[k]));
            }
}

static void other_types_are_refused_by_name(void **state) {
    assay_gguf_block type;
    assay_error err = {0};
    assert_int_equal(assay_gguf_block_find(&type, 10, &err), ASSAY_UNSUPPORTED);
    assert_non_null(strstr(err.text, "Q2_K"));
    int read = 0, named = 0;
    for (uint32_t number = 0; number < 100; number++) {
        assay_status status = assay_gguf_block_find(&type, number, &err);
        read += status == ASSAY_OK;
        named += status == ASSAY_UNSUPPORTED;
        if (status != ASSAY_OK && status != ASSAY_UNSUPPORTED)
            assert_int_equal(status, ASSAY_UNKNOWN);
    }
    assert_int_equal(read, 12);
    assert_int_equal(named, 21);
    assert_int_equal(assay_gguf_block_find(&type, UINT32_MAX, &err), ASSAY_UNKNOWN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_match_the_package),
        cmocka_unit_test(a_scale_that_is_not_finite_spoils_its_block),
        cmocka_unit_test(other_types_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
