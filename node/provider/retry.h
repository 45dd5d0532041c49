// SPDX-License-Identifier: Apache-2.0
// When a provider tries again with a batch that was not taken.
#ifndef ASSAY_NODE_PROVIDER_RETRY_H
#define ASSAY_NODE_PROVIDER_RETRY_H

#include "node/provider/provider.h"

enum {
    ASSAY_RETRY_MS = 1000, // doubles after each refusal that cost a fee, up to
    ASSAY_RETRY_MS_MAX = 60000,
    ASSAY_RETRY_NARROWED_MAX = 16, // halvings that find one receipt among 4,096, and some
};

// Plain data; zeroed at the start. Times are ms of one monotonic clock.
typedef struct {
    uint64_t at;         // before it nothing is sent,
    uint64_t at_closing; // or before this where a session closes
    uint64_t pause;      // the last one that followed a fee; 0: there was none since one was taken
    uint32_t narrowed;   // batches that were refused for what is in them, since one was taken
} assay_retry;

// Whether what is due goes now. Spec: F-53, F-54.
bool assay_retry_is_over(const assay_retry *retry, assay_provider_dues due, uint64_t now_ms);

// Takes note of what assay_provider_batch returned. Spec: F-54.
void assay_retry_note(assay_retry *retry, assay_status status, const assay_provider_batched *batch,
                      uint64_t now_ms);

#endif
