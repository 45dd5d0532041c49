// SPDX-License-Identifier: Apache-2.0
// GGUF files as sources: whose rows lie in pairs (F-22), and N-3 over what blocks stand for (F-21).
#include "quant/import/source_gguf.h"

#include "kernels/float.h"
#include "tests/quant/gguf_write.h"

// A source over two tensors of which one is wrong.
static void sources_are_checked(void **state) {
    static const struct {
        const char *name;
        uint64_t rows, columns;
        uint32_t head_size;
        assay_status status;
    } cases[] = {
        {"blk.0.attn_q.weight", 64, 4, 32, ASSAY_OK},
        {"blk.0.attn_q.weight", 48, 4, 32, ASSAY_MISMATCH},
        {"blk.0.attn_q.weight", 48, 4, 0, ASSAY_OK},
        {"blk.0.attn_v.weight", 48, 4, 32, ASSAY_OK},
        {"blk.0.attn_q.bias", 64, 0, 32, ASSAY_UNSUPPORTED},
        {"blk.0.attn_q.bias", 64, 0, 0, ASSAY_OK},
        {"blk.0.rope_freqs.weight", 16, 0, 0, ASSAY_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_out out;
        assay_gguf file;
        assay_source *source;
        gguf_start(&out);
        gguf_tensor(&out, cases[i].name, 0, cases[i].rows, cases[i].columns, 0);
        uint64_t size = cases[i].rows * (cases[i].columns ? cases[i].columns : 1) * 4;
        gguf_tensor(&out, "rope_freqs.weight", 0, 8, 0, size);
        gguf_data(&out, 32, size + 32);
        assert_int_equal(assay_gguf_bind(&file, out.data, out.size, NULL), ASSAY_OK);
        assert_int_equal(
            assay_source_gguf_open(&source, &file, ASSAY_GGUF_MODEL, cases[i].head_size, NULL),
            cases[i].status);
        if (source) assert_int_equal(source->count, 1);
        assay_source_close(source);
        assay_gguf_close(&file);
        free(out.data);
    }
}

// N-3 holds for what blocks stand for.
static void elements_are_bounded(void **state) {
    static const struct {
        uint16_t half; // scale of a Q8_0 block
        int8_t code;
        assay_status status;
    } cases[] = {
        {0x7bff, 16, ASSAY_OK},       {0x7bff, 17, ASSAY_RANGE},    {0xfbff, -17, ASSAY_RANGE},
        {0x7c00, 0, ASSAY_NONFINITE}, {0x7e00, 1, ASSAY_NONFINITE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_out out;
        assay_gguf file;
        assay_source *source;
        float values[32];
        gguf_start(&out);
        gguf_tensor(&out, "output.weight", 8, 1, 32, 0);
        gguf_data(&out, 32, 34);
        uint8_t *block = out.data + out.size - 34;
        block[0] = (uint8_t)cases[i].half;
        block[1] = (uint8_t)(cases[i].half >> 8);
        block[2 + 31] = (uint8_t)cases[i].code;
        assert_int_equal(assay_gguf_bind(&file, out.data, out.size, NULL), ASSAY_OK);
        assert_int_equal(assay_source_gguf_open(&source, &file, ASSAY_GGUF_MODEL, 0, NULL),
                         ASSAY_OK);
        uint64_t former = assay_float_enter();
        assert_int_equal(assay_source_rows(values, source, &source->tensors[0], 0, 1, NULL),
                         cases[i].status);
        assay_float_leave(former);
        assay_source_close(source);
        assay_gguf_close(&file);
        free(out.data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_are_checked),
        cmocka_unit_test(elements_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
