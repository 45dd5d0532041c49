// SPDX-License-Identifier: Apache-2.0
#include "quant/weights.h"

#include <stdlib.h>

#include "kernels/quantise.h"
#include "quant/layout.h"

enum { BLOCK = 64, CHUNK_ROWS = 64 };

// Exact: every f16 is an f32.
static float f16_widen(uint16_t half) {
    uint32_t exponent = half >> 10 & 31, fraction = half & 1023, bits;
    float out;
    if (exponent == 0) { // zero or subnormal
        out = (float)fraction * 0x1p-24f;
        memcpy(&bits, &out, sizeof bits);
    } else if (exponent == 31) {
        bits = 0x7f800000u | fraction << 13;
    } else {
        bits = (exponent + 112) << 23 | fraction << 13;
    }
    bits |= (uint32_t)(half & 0x8000) << 16;
    memcpy(&out, &bits, sizeof out);
    return out;
}

static float element_read(assay_dtype dtype, const uint8_t *at) {
    uint16_t word = (uint16_t)(at[0] | at[1] << 8);
    if (dtype == ASSAY_DTYPE_F16) return f16_widen(word);
    uint32_t bits = dtype == ASSAY_DTYPE_F32 ? assay_load_le32(at) : (uint32_t)word << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

assay_status assay_weights_read(float *out, const assay_tensor *tensor, const uint8_t *data,
                                uint64_t first, uint64_t count, assay_error *err) {
    assay_dtype dtype = tensor->dtype;
    if (dtype != ASSAY_DTYPE_F32 && dtype != ASSAY_DTYPE_F16 && dtype != ASSAY_DTYPE_BF16)
        return ASSAY_FAIL(err, UNSUPPORTED, "tensor \"%s\" is %s, not BF16, F16 or F32",
                          tensor->name, assay_dtype_name(dtype));
    uint32_t size = assay_dtype_size(dtype);
    const uint8_t *at = data + tensor->begin + first * size;
    for (uint64_t i = 0; i < count; i++, at += size) {
        out[i] = element_read(dtype, at);
        if (assay_weight_legal(out[i])) continue;
        if (!__builtin_isfinite(out[i]))
            return ASSAY_FAIL(err, NONFINITE, "tensor \"%s\": element %llu is not finite",
                              tensor->name, (unsigned long long)(first + i));
        return ASSAY_FAIL(err, RANGE, "tensor \"%s\": element %llu is %g, limit 2^20", tensor->name,
                          (unsigned long long)(first + i), (double)out[i]);
    }
    return ASSAY_OK;
}

// The parts of an operand in the target file, and one chunk of rows of each.
typedef struct {
    uint32_t part_count;
    const assay_tensor *tensors[3];
    size_t row_sizes[3]; // bytes
    uint8_t *parts[3];   // [CHUNK_ROWS][row_size]
    float *row;          // [k]
} chunk;

static assay_status chunk_open(chunk *out, const assay_weights_target *target, const char *name,
                               const char *const *parts, uint32_t part_count, uint64_t k,
                               assay_error *err) {
    *out = (chunk){.part_count = part_count, .row = malloc((k + 1) * sizeof(float))};
    bool room = out->row != NULL;
    for (uint32_t i = 0; i < part_count; i++) {
        const assay_tensor *tensor = assay_tensor_list_find(target->list, name, parts[i]);
        out->tensors[i] = tensor;
        out->row_sizes[i] = tensor->shape[0] ? tensor->size / tensor->shape[0] : 0;
        out->parts[i] = malloc(CHUNK_ROWS * out->row_sizes[i] + 1);
        room = room && out->parts[i];
    }
    return room ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "no memory for rows of \"%s\"", name);
}

static void chunk_close(chunk *rows) {
    free(rows->row);
    for (uint32_t i = 0; i < rows->part_count; i++)
        free(rows->parts[i]);
}

typedef bool row_quantise(const chunk *rows, uint64_t at, uint32_t k);

static bool q8_row(const chunk *rows, uint64_t at, uint32_t k) {
    return assay_quantise_q8_ref((int8_t *)rows->parts[0] + at * k, (float *)rows->parts[1] + at,
                                 rows->row, k);
}

static bool q4_row(const chunk *rows, uint64_t at, uint32_t k) {
    return assay_quantise_q4_ref(rows->parts[0] + at * (k / 2), rows->parts[1] + at * (k / BLOCK),
                                 (float *)rows->parts[2] + at, rows->row, k);
}

static assay_status rows_write(chunk *rows, const assay_weights_target *target,
                               row_quantise *quantise, const assay_tensor *source,
                               const uint8_t *data, assay_error *err) {
    uint64_t n = source->shape[0], k = source->shape[1];
    for (uint64_t first = 0; first < n; first += CHUNK_ROWS) {
        uint64_t count = n - first < CHUNK_ROWS ? n - first : CHUNK_ROWS;
        for (uint64_t at = 0; at < count; at++) {
            ASSAY_TRY(assay_weights_read(rows->row, source, data, (first + at) * k, k, err));
            bool legal = quantise(rows, at, (uint32_t)k);
            ASSAY_ASSERT(legal); // the limit on weights is below the quantisers' own
        }
        for (uint32_t i = 0; i < rows->part_count; i++)
            ASSAY_TRY(assay_canonical_put(target->writer, rows->tensors[i],
                                          first * rows->row_sizes[i], rows->parts[i],
                                          count * rows->row_sizes[i], err));
    }
    return ASSAY_OK;
}

static assay_status quantised_write(const assay_weights_target *target, const char *name,
                                    const char *const *parts, uint32_t part_count,
                                    row_quantise *quantise, const assay_tensor *source,
                                    const uint8_t *data, assay_error *err) {
    chunk rows;
    assay_status status = chunk_open(&rows, target, name, parts, part_count, source->shape[1], err);
    if (status == ASSAY_OK) status = rows_write(&rows, target, quantise, source, data, err);
    chunk_close(&rows);
    return status;
}

assay_status assay_weights_write_q8(const assay_weights_target *target, const char *name,
                                    const assay_tensor *source, const uint8_t *data,
                                    assay_error *err) {
    static const char *const parts[] = {".q", ".scales"};
    return quantised_write(target, name, parts, 2, q8_row, source, data, err);
}

assay_status assay_weights_write_q4(const assay_weights_target *target, const char *name,
                                    const assay_tensor *source, const uint8_t *data,
                                    assay_error *err) {
    static const char *const parts[] = {".codes", ".ratios", ".scales"};
    return quantised_write(target, name, parts, 3, q4_row, source, data, err);
}

assay_status assay_weights_write_f32(const assay_weights_target *target, const char *name,
                                     const assay_tensor *source, const uint8_t *data,
                                     assay_error *err) {
    uint64_t count = source->shape[0];
    const assay_tensor *tensor = assay_tensor_list_find(target->list, name, "");
    float *values = malloc((count + 1) * sizeof *values);
    if (!values) return ASSAY_FAIL(err, MEMORY, "no memory for \"%s\"", name);
    assay_status status = assay_weights_read(values, source, data, 0, count, err);
    if (status == ASSAY_OK)
        status = assay_canonical_put(target->writer, tensor, 0, values, tensor->size, err);
    free(values);
    return status;
}
