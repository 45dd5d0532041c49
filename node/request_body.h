// SPDX-License-Identifier: Apache-2.0
// The body of POST /v1/request: {"request": a signed request, "prompt_ids": [u32 …]}.
#ifndef ASSAY_NODE_REQUEST_BODY_H
#define ASSAY_NODE_REQUEST_BODY_H

#include "ledger/request.h"

enum { ASSAY_REQUEST_BODY_MAX = 16 << 20 };

// A zeroed struct is safe to close.
typedef struct {
    assay_request request;
    uint32_t *prompt; // [prompt_count], owned
    uint32_t prompt_count;
} assay_request_body;

// Reads a body from a stranger; ids are any u32, at most prompt_max of them. Errors: those of JSON
// (CAPACITY, DEPTH, DUPLICATE, FORMAT, MISSING, RANGE, TRAILING, UNKNOWN), MEMORY. Lives: until
// close, after errors too. Spec: F-3, P-16.
assay_status assay_request_body_read(assay_request_body *out, const void *data, size_t size,
                                     uint32_t prompt_max, assay_error *err);
void assay_request_body_close(assay_request_body *body);

#endif
