// SPDX-License-Identifier: Apache-2.0
// Models and adapters of known shapes with random weights: what a bench needs where only speed and
// memory count. The same shape, number and seed give the same file on every machine.
#ifndef ASSAY_NODE_BENCH_MODEL_H
#define ASSAY_NODE_BENCH_MODEL_H

#include "quant/model.h"

typedef struct {
    const char *name;
    double rope_theta;
    bool tied; // the head is the embedding
    assay_model_shape shape;
} assay_bench_shape;

// The shapes by name: "demo", "llama-3.2-1b", "llama-3.2-3b", "llama-3-8b". Errors: UNKNOWN (lists
// the names). Lives: for ever. Spec: F-5.
assay_status assay_bench_shape_find(const assay_bench_shape **out, const char *name,
                                    assay_error *err);

// Writes a canonical model file with weights of width 1 / sqrt(k), so that activations keep their
// size from layer to layer, no stop ids, and a tokenizer of bytes. Memory: one chunk.
// Errors: RANGE (the shape), DISK_FULL, PERMISSION, IO, MEMORY; nothing is left behind then.
// Spec: F-5, F-8.
assay_status assay_bench_model_write(const char *path, const assay_bench_shape *shape,
                                     assay_error *err);

// Writes a canonical adapter file of that rank over all linears of a model's shape; another seed
// gives another adapter. Errors: as above. Spec: F-7.
assay_status assay_bench_adapter_write(const char *path, const assay_model_shape *shape,
                                       uint32_t rank, uint32_t seed, assay_error *err);

#endif
