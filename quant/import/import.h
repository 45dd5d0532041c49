// SPDX-License-Identifier: Apache-2.0
// Hugging Face folders of Llama, Mistral, Qwen2 and Qwen3, and GGUF files, to canonical 4-bit model
// files.
#ifndef ASSAY_QUANT_IMPORT_IMPORT_H
#define ASSAY_QUANT_IMPORT_IMPORT_H

#include "base/bytes.h"
#include "base/pool.h"
#include "base/status.h"

// A zeroed struct, or NULL in its place, asks for nothing special.
typedef struct {
    // Called on the caller's thread as bytes are done; the last call of an import that succeeds has
    // done == total. Those of the source count, and those that are written, when they are checked.
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
    const char *tokenizer; // a tokenizer.json in place of the folder's or the file's own
    bool vocab_q4;         // embedding and head become q4, for memory (N-23)
    uint32_t context_size; // positions, at most those that the model states; 0: all of them
} assay_import_options;

// Reads a GGUF file, or config.json, generation_config.json where it is there, tokenizer.json and
// model.safetensors, single or in shards, of a folder, quantises and writes a canonical model file
// to `path`, replacing one that is there. The bytes written are a function of the numbers alone: of
// no container, and of no number of threads.
// Memory: some rows for each thread, the rotary table and the tokenizer, whatever the model's size.
// root: what assay_model_open will say. pool may be NULL.
// Errors: those of the readers; MISSING, UNKNOWN, MISMATCH (tensors against the configuration),
// UNSUPPORTED (dtype; a folder that changes its tokenizer.json), NONFINITE, RANGE (a weight over
// 2^20), DISK_FULL, IO, PERMISSION. On failure nothing is left behind and an older file stays.
// Spec: F-5, F-8, F-10, F-12, F-23, F-27.
assay_status assay_model_import(assay_hash *root, const char *from, const char *path,
                                const assay_import_options *options, assay_pool *pool,
                                assay_error *err);

#endif
