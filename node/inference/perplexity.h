// SPDX-License-Identifier: Apache-2.0
// How well a model foretells a text. A measure for people: it takes logarithms, and no result of
// the chain rests on it.
#ifndef ASSAY_NODE_INFERENCE_PERPLEXITY_H
#define ASSAY_NODE_INFERENCE_PERPLEXITY_H

#include "quant/forward.h"

typedef struct {
    uint64_t token_count; // foretold: all of a window but its first
    double perplexity;    // exp of their mean negative log likelihood
    double seconds;
} assay_perplexity;

// Over ids[count] in windows of `window` tokens, each from an empty context; a last window of one
// token foretells nothing. progress may be NULL.
// Errors: RANGE (fewer than 2 ids, a window under 2 or over the context, an id), NONFINITE (a
// fault), MEMORY. Spec: F-28.
assay_status assay_perplexity_measure(assay_perplexity *out, const assay_engine *engine,
                                      const assay_adapter *adapter, const uint32_t *ids,
                                      size_t count, uint32_t window,
                                      void (*progress)(uint64_t done, uint64_t total),
                                      assay_error *err);

#endif
