// SPDX-License-Identifier: Apache-2.0
// A canonical 4-bit base model and canonical 8-bit LoRA adapters, mapped from their files and
// never merged: one resident base serves many adapters.
#ifndef ASSAY_QUANT_MODEL_H
#define ASSAY_QUANT_MODEL_H

#include "base/bytes.h"
#include "base/file.h"
#include "base/status.h"
#include "kernels/types.h"

// Limits on what an importer or a reader accepts; every count is checked against them first.
enum {
    ASSAY_MODEL_LAYERS_MAX = 256,
    ASSAY_MODEL_WIDTH_MAX = 65536,
    ASSAY_MODEL_VOCAB_MAX = 1 << 20,
    ASSAY_MODEL_CONTEXT_MAX = 1 << 17,
    ASSAY_MODEL_STOPS_MAX = 16,
    ASSAY_LORA_RANK_MAX = 1024,
};

// The seven linears of a layer, in file and adapter order.
typedef enum {
    ASSAY_LINEAR_Q,
    ASSAY_LINEAR_K,
    ASSAY_LINEAR_V,
    ASSAY_LINEAR_O,
    ASSAY_LINEAR_GATE,
    ASSAY_LINEAR_UP,
    ASSAY_LINEAR_DOWN,
    ASSAY_LINEAR_COUNT
} assay_linear;

typedef struct {
    uint32_t layer_count;
    uint32_t width;         // d, a multiple of 64
    uint32_t head_count;    // query heads
    uint32_t kv_head_count; // divides head_count
    uint32_t head_size;     // hd, even
    uint32_t ff_width;      // a multiple of 64
    uint32_t vocab_size;
    uint32_t context_size; // positions
    float eps;
    uint32_t stop_count;
    uint32_t stop_ids[ASSAY_MODEL_STOPS_MAX]; // ascending
} assay_model_shape;

typedef struct {
    const float *attention_norm; // [width]
    const float *ff_norm;        // [width]
    assay_q4 linears[ASSAY_LINEAR_COUNT];
} assay_model_layer;

// Lives: from assay_model_open to assay_model_close; read-only and shareable between threads.
typedef struct {
    assay_mapping file;
    assay_model_shape shape;
    assay_model_layer *layers; // [layer_count]
    assay_q8 embedding;        // [vocab][width]
    assay_q8 head;             // the embedding again when tied
    const float *final_norm;   // [width]
    const double *inv_freq;    // [head_size / 2]
    float *rope_cos;           // [context][head_size / 2], made at open, checked by SHA-256 (N-10)
    float *rope_sin;
    assay_hash root; // over the tensors' content (F-6)
} assay_model;

// Maps and checks a canonical model file. Errors: every F- rule by name; nothing is left open on
// failure. Spec: F-5, F-6.
assay_status assay_model_open(assay_model *model, const char *path, assay_error *err);
void assay_model_close(assay_model *model);

// One low-rank pair: y += gemm(x16(gemm(x16, a)), b) * scale. a.n == b.k == rank; rank 0: absent.
typedef struct {
    assay_q8 a; // [rank][in]
    assay_q8 b; // [out][rank]
    float scale;
} assay_lora;

typedef struct {
    assay_mapping file;
    uint32_t layer_count;
    assay_lora (*layers)[ASSAY_LINEAR_COUNT]; // [layer_count]
    assay_hash base_root;                     // the model it was trained over
    assay_hash root;
} assay_adapter;

// Maps and checks a canonical adapter file against its base model. Errors: every F- rule by name;
// MISMATCH if base is not the adapter's. Spec: F-7.
assay_status assay_adapter_open(assay_adapter *adapter, const char *path, const assay_model *base,
                                assay_error *err);
void assay_adapter_close(assay_adapter *adapter);

#endif
