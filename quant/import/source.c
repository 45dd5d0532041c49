// SPDX-License-Identifier: Apache-2.0
#include "quant/import/source.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "quant/container/gguf.h"
#include "quant/layout.h"

enum { BLOCK = 64 };

static int name_compare(const void *left, const void *right) {
    return strcmp(((const assay_source_tensor *)left)->name,
                  ((const assay_source_tensor *)right)->name);
}

assay_status assay_source_finish(assay_source *source, assay_error *err) {
    if (source->count) qsort(source->tensors, source->count, sizeof *source->tensors, name_compare);
    source->size = 0;
    for (uint32_t i = 0; i < source->count; i++) {
        if (i && name_compare(&source->tensors[i - 1], &source->tensors[i]) == 0)
            return ASSAY_FAIL(err, DUPLICATE, "tensor \"%s\" is there twice",
                              source->tensors[i].name);
        source->size += source->tensors[i].size;
    }
    return ASSAY_OK;
}

assay_status assay_source_is_gguf(bool *is, const char *path, assay_error *err) {
    struct stat info;
    *is = assay_gguf_is(path);
    if (!*is && stat(path, &info) == 0 && !S_ISDIR(info.st_mode))
        return ASSAY_FAIL(err, FORMAT, "%s is neither a folder nor a GGUF file", path);
    return ASSAY_OK;
}

void assay_source_close(assay_source *source) {
    if (source) source->methods->close(source);
}

static int name_find(const void *name, const void *tensor) {
    return strcmp(name, ((const assay_source_tensor *)tensor)->name);
}

const assay_source_tensor *assay_source_find(const assay_source *source, const char *name) {
    return bsearch(name, source->tensors, source->count, sizeof *source->tensors, name_find);
}

uint64_t assay_source_row_count(const assay_source_tensor *tensor) {
    return tensor->rank == 2 ? tensor->shape[0] : 1;
}

uint64_t assay_source_row_size(const assay_source_tensor *tensor) {
    ASSAY_ASSERT(tensor->rank == 1 || tensor->rank == 2);
    return tensor->shape[tensor->rank - 1];
}

assay_status assay_source_shape_check(const assay_source_tensor *tensor, uint64_t rows,
                                      uint64_t columns, assay_error *err) {
    const uint64_t wanted[] = {rows, columns};
    uint32_t rank = columns ? 2 : 1;
    if (tensor->rank != rank)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\" has %u dimensions, needs %u", tensor->name,
                          tensor->rank, rank);
    for (uint32_t i = 0; i < rank; i++)
        if (tensor->shape[i] != wanted[i])
            return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\": dimension %u is %llu, needs %llu",
                              tensor->name, i, (ull)tensor->shape[i], (ull)wanted[i]);
    return ASSAY_OK;
}

// N-3 over a run of numbers; the largest bit pattern decides, so that the usual case is one pass.
static assay_status bounds_check(const float *values, uint64_t count, uint64_t first,
                                 const assay_source_tensor *tensor, const char *what,
                                 assay_error *err) {
    int32_t worst = 0;
    for (uint64_t i = 0; i < count; i++) {
        int32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits &= 0x7fffffff;
        worst = bits > worst ? bits : worst;
    }
    float value;
    memcpy(&value, &worst, sizeof value);
    if (assay_weight_legal(value)) return ASSAY_OK;
    uint64_t at = 0;
    while (assay_weight_legal(values[at]))
        at++;
    if (!__builtin_isfinite(values[at]))
        return ASSAY_FAIL(err, NONFINITE, "tensor \"%s\": %s %llu is not finite", tensor->name,
                          what, (ull)(first + at));
    return ASSAY_FAIL(err, RANGE, "tensor \"%s\": %s %llu is %g, limit 2^20", tensor->name, what,
                      (ull)(first + at), (double)values[at]);
}

static void rows_assert(const assay_source_tensor *tensor, uint64_t first, uint64_t count) {
    uint64_t rows = assay_source_row_count(tensor);
    ASSAY_ASSERT(first < rows && count >= 1 && count <= rows - first);
}

assay_status assay_source_rows(float *out, const assay_source *source,
                               const assay_source_tensor *tensor, uint64_t first, uint64_t count,
                               assay_error *err) {
    uint64_t size = assay_source_row_size(tensor);
    rows_assert(tensor, first, count);
    ASSAY_TRY(source->methods->rows(out, source, tensor, first, count, err));
    return bounds_check(out, count * size, first * size, tensor, "element", err);
}

assay_status assay_source_nf4_rows(uint8_t *codes, float *absmax, const assay_source *source,
                                   const assay_source_tensor *tensor, uint64_t first,
                                   uint64_t count, assay_error *err) {
    ASSAY_ASSERT(tensor->kind == ASSAY_SOURCE_NF4);
    uint64_t blocks = assay_source_row_size(tensor) / BLOCK;
    rows_assert(tensor, first, count);
    ASSAY_TRY(source->methods->nf4_rows(codes, absmax, source, tensor, first, count, err));
    ASSAY_TRY(bounds_check(absmax, count * blocks, first * blocks, tensor, "absmax", err));
    for (uint64_t i = 0; i < count * blocks; i++)
        if (absmax[i] < 0)
            return ASSAY_FAIL(err, RANGE, "tensor \"%s\": absmax %llu is %g, below 0", tensor->name,
                              (ull)(first * blocks + i), (double)absmax[i]);
    return ASSAY_OK;
}

void assay_source_drop(const assay_source *source, const assay_source_tensor *tensor,
                       uint64_t first, uint64_t count) {
    rows_assert(tensor, first, count);
    source->methods->drop(source, tensor, first, count);
}
