// SPDX-License-Identifier: Apache-2.0
// The tokenizer in a GGUF file's pairs, as the tokenizer.json that says the same.
#ifndef ASSAY_QUANT_TOKENIZER_GGUF_H
#define ASSAY_QUANT_TOKENIZER_GGUF_H

#include "quant/container/gguf.h"

// Writes the tokenizer.json of `tokenizer.ggml.*`: byte-level with a known `pre`, or
// SentencePiece's with its merges found from the scores. vocab_size: of the model. The text is
// checked by who reads it (assay_tokenizer_open). Errors: MISSING, FORMAT, RANGE, CAPACITY,
// DUPLICATE, NONFINITE (a score), MISMATCH (arrays of other lengths), UNSUPPORTED (model, pre),
// MEMORY. Lives: the caller frees *json [*size]. Spec: F-35.
assay_status assay_tokenizer_gguf(char **json, size_t *size, const assay_gguf *file,
                                  uint32_t vocab_size, assay_error *err);

#endif
