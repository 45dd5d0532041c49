// SPDX-License-Identifier: Apache-2.0
// A GGUF file as a source: its tensors by their Hugging Face names, with their rows in Hugging
// Face's order.
#ifndef ASSAY_QUANT_IMPORT_SOURCE_GGUF_H
#define ASSAY_QUANT_IMPORT_SOURCE_GGUF_H

#include "quant/container/gguf.h"
#include "quant/import/source.h"

// What the names of a file's tensors stand for.
typedef enum { ASSAY_GGUF_MODEL, ASSAY_GGUF_ADAPTER } assay_gguf_content;

// Opens a source over a file that outlives it. A model's rope_freqs.weight belongs to the
// configuration and is no tensor of it.
// head_size: of queries and keys, where the file holds their rows in rotary pairs, as llama's do;
// 0 where it does not. Errors: UNKNOWN (a name), UNSUPPORTED (more than two dimensions, a bias in
// pairs), MISMATCH
// (rotated rows that are no whole heads), MEMORY. Lives: until assay_source_close. Spec: F-22,
// F-25.
assay_status assay_source_gguf_open(assay_source **out, const assay_gguf *file,
                                    assay_gguf_content content, uint32_t head_size,
                                    assay_error *err);

#endif
