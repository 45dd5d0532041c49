// SPDX-License-Identifier: Apache-2.0
// The metadata of a GGUF model or adapter.
#ifndef ASSAY_QUANT_IMPORT_GGUF_CONFIG_H
#define ASSAY_QUANT_IMPORT_GGUF_CONFIG_H

#include "quant/container/gguf.h"
#include "quant/import/hf_config.h"

// Whether files of this architecture hold the rows of queries' and keys' heads in rotary pairs.
// Errors: MISSING, FORMAT, UNSUPPORTED (another than llama). Spec: F-22.
assay_status assay_gguf_paired(bool *out, const assay_gguf *file, assay_error *err);

// Reads a model's metadata as what the configuration of the same model in Hugging Face's form is
// read as. Every key of the architecture counts: one that is not known is refused by name; keys
// beside it cannot change the result and are passed over. context: as assay_context_choose.
// Errors: MISSING, FORMAT, RANGE (counts, eps, theta), MISMATCH (two keys, or a key and a tensor,
// that disagree), UNSUPPORTED (a feature, a key, an architecture, one part of a split model).
// Spec: F-23, F-24.
assay_status assay_gguf_config_read(assay_hf_config *out, const assay_gguf *file, uint32_t context,
                                    assay_error *err);

// Reads what an adapter says of itself: the alpha that its scales are made from, over their ranks.
// The file cannot say that a scale is meant to be over the root of the rank (rsLoRA).
// Errors: MISSING, FORMAT, UNSUPPORTED (another kind of adapter), RANGE (0, or over 2^20),
// NONFINITE. Spec: F-25.
assay_status assay_gguf_lora_read(double *alpha, const assay_gguf *file, assay_error *err);

#endif
