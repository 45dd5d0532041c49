// SPDX-License-Identifier: Apache-2.0
// Token ids as command lines write them: "1,2,3".
#ifndef ASSAY_NODE_INFERENCE_IDS_H
#define ASSAY_NODE_INFERENCE_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

// Reads decimal ids, each below vocab_size, with commas between. An empty text is no ids.
// Errors: USAGE (something else than numbers and commas), RANGE (an id; names it and its place),
// CAPACITY (over ASSAY_MODEL_CONTEXT_MAX ids), MEMORY. Lives: the caller frees *ids [*count].
// Spec: F-9.
assay_status assay_ids_parse(uint32_t **ids, size_t *count, const char *text, uint32_t vocab_size,
                             assay_error *err);

#endif
