// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file of tensors, NF4 ones among them (F-12, F-14): each row of what opens can be
// read, and what is read is bounded.
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "quant/import/source_safetensors.h"
#include "quant/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tensor_read(const assay_source *source, const assay_source_tensor *tensor) {
    if (assay_source_find(source, tensor->name) != tensor) abort();
    if (tensor->rank != 1 && tensor->rank != 2) return;
    uint64_t rows = assay_source_row_count(tensor), size = assay_source_row_size(tensor);
    if (rows == 0 || size == 0) return;
    // No dtype has more elements than two a byte.
    float *out = malloc(size * sizeof *out);
    uint8_t *codes = malloc(size);
    for (uint64_t row = 0; row < rows; row++) {
        assay_status status = assay_source_rows(out, source, tensor, row, 1, NULL);
        for (uint64_t i = 0; status == ASSAY_OK && i < size; i++)
            if (!assay_weight_legal(out[i])) abort();
        if (tensor->kind == ASSAY_SOURCE_NF4 &&
            assay_source_nf4_rows(codes, out, source, tensor, row, 1, NULL) != status)
            abort();
        assay_source_drop(source, tensor, row, 1);
    }
    free(out);
    free(codes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    assay_source *source;
    int fd = memfd_create("source", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (assay_source_safetensors_file(&source, path, NULL) == ASSAY_OK)
        for (uint32_t i = 0; i < source->count; i++)
            tensor_read(source, &source->tensors[i]);
    assay_source_close(source);
    close(fd);
    return 0;
}
