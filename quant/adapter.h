// SPDX-License-Identifier: Apache-2.0
// Which tensors a canonical adapter file has, by name and shape; shared by its writer and its
// reader.
#ifndef ASSAY_QUANT_ADAPTER_H
#define ASSAY_QUANT_ADAPTER_H

#include "quant/canonical.h"
#include "quant/model.h"

#define ASSAY_ADAPTER_FORMAT "assay-adapter-1"

// The sizes of one low-rank pair: A [rank][k], B [n][rank]. rank 0: absent.
typedef struct {
    uint32_t rank, k, n;
} assay_lora_shape;

// Appends the five tensors of a pair. Errors: in list->status. Spec: F-7.
void assay_adapter_tensors(assay_tensor_list *list, uint32_t layer, assay_linear linear,
                           const assay_lora_shape *shape);

// Checks a pair's sizes, and against the base model unless that is NULL. Errors: RANGE, MISMATCH.
// Spec: F-7.
assay_status assay_lora_shape_check(const assay_lora_shape *shape, uint32_t layer,
                                    assay_linear linear, const assay_model *base, assay_error *err);

#endif
