// SPDX-License-Identifier: Apache-2.0
#include "quant/import/gguf_rope.h"

#include <stdio.h>

#include "base/bytes.h"
#include "quant/model.h"

// What Llama 3.1 and its successors have; converters keep nothing but the divisors they lead to.
static const assay_rope_scaling llama3 = {.type = ASSAY_ROPE_LLAMA3,
                                          .low_freq_factor = 1,
                                          .high_freq_factor = 4,
                                          .original_context = 8192};

static float divisor_at(const assay_gguf *file, const assay_gguf_tensor *tensor, uint32_t i) {
    uint32_t bits = assay_load_le32(file->data + tensor->begin + 4 * (size_t)i);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// Whether the divisors are llama3's for the factor that the longest wave is divided by. Converters
// compute them in f32 with a power of their own, so the last bits differ; the candidate's divisors
// are a factor apart or on a line between, and nothing else comes within 2^-16 of all of them.
static assay_status divisors_read(assay_rope_scaling *scaling, const assay_gguf *file,
                                  const assay_gguf_tensor *tensor, uint32_t head_size, double theta,
                                  assay_error *err) {
    double plain[ASSAY_MODEL_HEAD_SIZE_MAX / 2], scaled[ASSAY_MODEL_HEAD_SIZE_MAX / 2];
    uint32_t count = head_size / 2;
    if (tensor->type != ASSAY_GGUF_BLOCK_F32 || tensor->rank != 1 || tensor->dims[0] != count)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"rope_freqs.weight\" is not %u numbers in F32",
                          count);
    ASSAY_TRY(assay_inv_freq(plain, head_size, theta, err));
    *scaling = llama3;
    scaling->factor = divisor_at(file, tensor, count - 1);
    memcpy(scaled, plain, count * sizeof *plain);
    ASSAY_TRY(assay_inv_freq_scale(scaled, count, scaling, err));
    for (uint32_t i = 0; i < count; i++) {
        double wanted = plain[i] / scaled[i], ratio = divisor_at(file, tensor, i) / wanted;
        if (!(ratio > 1 - 0x1p-16 && ratio < 1 + 0x1p-16))
            return ASSAY_FAIL(err, UNSUPPORTED,
                              "tensor \"rope_freqs.weight\" element %u is %g, llama3's is %g", i,
                              (double)divisor_at(file, tensor, i), wanted);
    }
    return ASSAY_OK;
}

static assay_status scaling_read(assay_rope_scaling *scaling, const assay_gguf *file,
                                 const char *architecture, assay_error *err) {
    char key[64], factor_key[64];
    assay_bytes type;
    snprintf(key, sizeof key, "%.32s.rope.scaling.type", architecture);
    snprintf(factor_key, sizeof factor_key, "%.32s.rope.scaling.factor", architecture);
    // Other programs take a factor alone for a linear one.
    if (!assay_gguf_find(file, key) && !assay_gguf_find(file, factor_key)) return ASSAY_OK;
    ASSAY_TRY(assay_gguf_text(&type, file, key, err));
    if (assay_gguf_text_is(type, "none")) return ASSAY_OK;
    if (!assay_gguf_text_is(type, "linear"))
        return ASSAY_FAIL(err, UNSUPPORTED, "%s is \"%.*s\", not \"none\" or \"linear\"", key,
                          (int)(type.size < 64 ? type.size : 64), type.data);
    float factor;
    ASSAY_TRY(assay_gguf_f32(&factor, file, factor_key, err));
    *scaling = (assay_rope_scaling){.type = ASSAY_ROPE_LINEAR, .factor = factor};
    return ASSAY_OK;
}

assay_status assay_gguf_rope_read(double *theta, assay_rope_scaling *scaling,
                                  const assay_gguf *file, const char *architecture,
                                  uint32_t head_size, assay_error *err) {
    char key[64];
    float base = 10000;
    snprintf(key, sizeof key, "%.32s.rope.freq_base", architecture);
    if (assay_gguf_find(file, key)) ASSAY_TRY(assay_gguf_f32(&base, file, key, err));
    if (!(base >= 1 && base <= 0x1p40f))
        return ASSAY_FAIL(err, RANGE, "%s is %g, limits 1 to 2^40", key, (double)base);
    *theta = base;
    *scaling = (assay_rope_scaling){0};
    ASSAY_TRY(scaling_read(scaling, file, architecture, err));
    const assay_gguf_tensor *divisors = assay_gguf_tensor_find(file, "rope_freqs.weight");
    if (!divisors) return ASSAY_OK;
    if (scaling->type != ASSAY_ROPE_DEFAULT)
        return ASSAY_FAIL(err, UNSUPPORTED, "tensor \"rope_freqs.weight\" beside %s scaling",
                          "linear");
    return divisors_read(scaling, file, divisors, head_size, base, err);
}
