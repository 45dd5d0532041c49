// SPDX-License-Identifier: Apache-2.0
// Hugging Face Llama folders to canonical 4-bit model files.
#ifndef ASSAY_QUANT_IMPORT_H
#define ASSAY_QUANT_IMPORT_H

#include "base/bytes.h"
#include "base/status.h"

// Called as source bytes are done; the last call has done == total.
typedef void assay_import_progress(void *context, uint64_t done, uint64_t total);

// Reads config.json, model.safetensors (BF16, F16 or F32) and tokenizer.json of `folder`, quantises
// and writes a canonical model file to `path`, replacing one that is there. The bytes written are a
// function of the folder's content alone. Memory: some rows, whatever the model's size.
// root: what assay_model_open will say. progress may be NULL.
// Errors: those of the readers; MISSING, UNKNOWN, MISMATCH (tensors against the configuration),
// UNSUPPORTED (dtype), NONFINITE, RANGE (a weight over 2^20), DISK_FULL, IO, PERMISSION. On failure
// nothing is left behind and an older file stays. Spec: F-5, F-10.
assay_status assay_model_import(assay_hash *root, const char *folder, const char *path,
                                assay_import_progress *progress, void *context, assay_error *err);

#endif
