// SPDX-License-Identifier: Apache-2.0
// PEFT LoRA folders and GGUF LoRA files to canonical 8-bit adapter files.
#ifndef ASSAY_QUANT_IMPORT_ADAPTER_IMPORT_H
#define ASSAY_QUANT_IMPORT_ADAPTER_IMPORT_H

#include "quant/model.h"

// Reads a GGUF file, or adapter_config.json and adapter_model.safetensors (BF16, F16 or F32) of a
// folder, quantises and writes a canonical adapter file to `path`, replacing one that is there. The
// bytes written are a function of the numbers alone.
// root: what assay_adapter_open will say. base: NULL, or a model whose shapes it must have; a GGUF
// file of a llama needs one.
// Errors: those of the readers; UNSUPPORTED (a feature), UNKNOWN (a member, a tensor), MISSING (a
// member, half of a pair, a targeted module), MISMATCH (rank, shape), RANGE (rank, scale, a
// weight), NONFINITE, DISK_FULL, IO, PERMISSION. On failure nothing is left behind and an older
// file stays. Spec: F-7, F-11, F-25.
assay_status assay_adapter_import(assay_hash *root, const char *from, const char *path,
                                  const assay_model *base, assay_error *err);

#endif
