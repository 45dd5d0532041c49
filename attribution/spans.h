// SPDX-License-Identifier: Apache-2.0
// Which tokens of an output follow which data set, and what they are worth.
#ifndef ASSAY_ATTRIBUTION_SPANS_H
#define ASSAY_ATTRIBUTION_SPANS_H

#include "attribution/index.h"
#include "base/bytes.h"
#include "quant/model.h"

enum {
    ASSAY_SPAN_SOURCES_MAX = 32,
    ASSAY_SPAN_REACH_MAX = 256, // one search looks no further; also the greatest span_tokens_min
    ASSAY_SPAN_OUTPUT_MAX = ASSAY_MODEL_CONTEXT_MAX,
};

// A candidate: a data set tokenised for the model. Candidates stand in order of registration, the
// earliest first.
typedef struct {
    assay_hash id;            // the data set's root
    const assay_index *index; // borrowed
    uint32_t lineage_ppm;     // weight that the adapter declares, 0 if none
} assay_span_source;

// Output tokens [start, start + length) belong to a source and stand in it at `position`.
typedef struct {
    uint32_t start;
    uint32_t length;
    uint32_t source;   // place in sources
    uint32_t position; // in the source's tokens
    uint64_t credit;   // 1/256 bits
} assay_span;

// Lives: until assay_spans_close; a zeroed struct holds no spans and is safe to close.
typedef struct {
    assay_span *items; // [count], by start
    uint32_t count;
    uint64_t credits[ASSAY_SPAN_SOURCES_MAX]; // of each source, 1/256 bits, below 2^31
    uint32_t owned_count;                     // output tokens that belong to a source
    uint32_t echo_count;                      // output tokens that stand in the prompt
} assay_spans;

// Finds the spans of output[output_count], given prompt[prompt_count], in sources[source_count].
// Token ids of any value are allowed in the output. Time O((prompt + sources * output) * (256 +
// log n)). Errors: RANGE (span_tokens_min outside 1 .. 256), CAPACITY (over 32 sources or 2^17
// tokens), DUPLICATE (a source named twice), RANGE (a prompt id over 2^20), MEMORY.
// Spec.
assay_status assay_spans_open(assay_spans *spans, const assay_span_source *sources,
                              uint32_t source_count, const uint32_t *prompt, size_t prompt_count,
                              const uint32_t *output, size_t output_count, uint32_t span_tokens_min,
                              assay_error *err);
void assay_spans_close(assay_spans *spans);

#endif
