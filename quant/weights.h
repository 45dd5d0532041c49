// SPDX-License-Identifier: Apache-2.0
// Floating-point tensors of strangers' files, checked and written as canonical operands, some rows
// at a time.
#ifndef ASSAY_QUANT_WEIGHTS_H
#define ASSAY_QUANT_WEIGHTS_H

#include "quant/canonical.h"

// Reads `count` elements of a BF16, F16 or F32 tensor, from element `first`, as f32; exact.
// data: the data part. Errors: UNSUPPORTED (dtype), NONFINITE, RANGE (magnitude over 2^20).
// Spec: N-3, F-10.
assay_status assay_weights_read(float *out, const assay_tensor *tensor, const uint8_t *data,
                                uint64_t first, uint64_t count, assay_error *err);

// Where converted tensors go: an open file and its laid-out list.
typedef struct {
    assay_canonical_writer *writer;
    const assay_tensor_list *list;
} assay_weights_target;

// Converts a whole tensor and writes it as `name` (F32), as `name`.q and .scales, or as `name`
// .codes, .ratios and .scales; the shapes agree. Errors: as read; MEMORY, DISK_FULL, IO.
// Spec: N-5, N-6, F-5.
assay_status assay_weights_write_f32(const assay_weights_target *target, const char *name,
                                     const assay_tensor *source, const uint8_t *data,
                                     assay_error *err);
assay_status assay_weights_write_q8(const assay_weights_target *target, const char *name,
                                    const assay_tensor *source, const uint8_t *data,
                                    assay_error *err);
assay_status assay_weights_write_q4(const assay_weights_target *target, const char *name,
                                    const assay_tensor *source, const uint8_t *data,
                                    assay_error *err);

#endif
