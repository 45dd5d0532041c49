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
    ASSAY_MODEL_HEAD_SIZE_MAX = 256,
    ASSAY_MODEL_TOKENIZER_MAX = 32 << 20, // bytes of tokenizer.json
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
    uint32_t head_size;     // hd, even; head_count * hd is a multiple of 64
    uint32_t ff_width;      // a multiple of 64
    uint32_t vocab_size;
    uint32_t context_size; // positions
    float eps;
    uint32_t stop_count;
    uint32_t stop_ids[ASSAY_MODEL_STOPS_MAX]; // ascending
    bool biases;                              // the q, k and v linears have one (N-9)
    bool head_norms;                          // q and k are normed head by head (N-21)
    bool vocab_q4;                            // embedding and head are q4 instead of q8 (N-23)
} assay_model_shape;

typedef struct {
    const float *attention_norm; // [width]
    const float *ff_norm;        // [width]
    assay_q4 linears[ASSAY_LINEAR_COUNT];
    const float *biases[ASSAY_LINEAR_COUNT]; // [n] of a linear that has one, else NULL
    const float *head_norms[2];              // [head_size] of q and of k, or both NULL
} assay_model_layer;

// Lives: from assay_model_open to assay_model_close; read-only and shareable between threads.
typedef struct {
    assay_mapping file;
    assay_model_shape shape;
    assay_model_layer *layers; // [layer_count]
    assay_q8 embedding;        // [vocab][width], unless shape.vocab_q4
    assay_q8 head;             // the embedding again when tied
    assay_q4 embedding_q4;     // if shape.vocab_q4
    assay_q4 head_q4;
    bool tied;
    const float *final_norm; // [width]
    const double *inv_freq;  // [head_size / 2]
    float *rope_cos;         // [context][head_size / 2], made at open, checked by SHA-256 (N-10)
    float *rope_sin;
    assay_bytes tokenizer; // tokenizer.json, in the mapping
    assay_hash root;       // over the tensors' content (F-6)
} assay_model;

// Maps and checks a canonical model file. Errors: those of assay_safetensors_open and
// assay_canonical_check; RANGE (a count, an id, a number), CANONICAL (an operand), MISMATCH (rotary
// table), CORRUPT (the file changes meanwhile); nothing is left open on failure.
// Spec: F-5, F-6.
assay_status assay_model_open(assay_model *model, const char *path, assay_error *err);
void assay_model_close(assay_model *model);

// As open, over bytes in memory, aligned to 8, that outlive the model. Errors: as open but for the
// file. Spec: F-5, F-6.
assay_status assay_model_bind(assay_model *model, const uint8_t *data, size_t size,
                              assay_error *err);

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
    assay_hash root;                          // over the tensors' content (F-6)
} assay_adapter;

// Maps and checks a canonical adapter file, and its shapes against a base model; which base it
// belongs to is the ledger's registration. base may be NULL: the layers are then those it names.
// Errors: as assay_model_open; MISMATCH if a shape is not the base's. Spec: F-6, F-7.
assay_status assay_adapter_open(assay_adapter *adapter, const char *path, const assay_model *base,
                                assay_error *err);
void assay_adapter_close(assay_adapter *adapter);

// As open, over bytes in memory, aligned to 8, that outlive the adapter. Errors: as open but for
// the file. Spec: F-6, F-7.
assay_status assay_adapter_bind(assay_adapter *adapter, const uint8_t *data, size_t size,
                                const assay_model *base, assay_error *err);

// Whether what was computed with a model, or an adapter, was computed with what its root names.
// Errors: CORRUPT (the file was written to), IO. Spec: F-5, F-6.
assay_status assay_model_unchanged(const assay_model *model, assay_error *err);
assay_status assay_adapter_unchanged(const assay_adapter *adapter, assay_error *err);

#endif
