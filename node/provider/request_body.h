// SPDX-License-Identifier: Apache-2.0
// The body of POST /v1/request: {"request": a signed request, "prompt_ids": [u32 …]}.
#ifndef ASSAY_NODE_PROVIDER_REQUEST_BODY_H
#define ASSAY_NODE_PROVIDER_REQUEST_BODY_H

#include "ledger/tx/request.h"

// A zeroed struct is safe to close.
typedef struct {
    assay_request request;
    uint32_t *prompt; // [prompt_count], owned
    uint32_t prompt_count;
} assay_request_body;

// How many bytes a body with a prompt of prompt_max ids can need: ids of ten digits and a comma,
// the request itself and some white space.
size_t assay_request_body_max(uint32_t prompt_max);

// Reads a body from a stranger; ids are any u32, at most prompt_max of them. Errors: those of JSON
// (CAPACITY, DEPTH, DUPLICATE, FORMAT, MISSING, RANGE, TRAILING, UNKNOWN), MEMORY. Lives: until
// close, after errors too. Spec: F-3, P-16.
assay_status assay_request_body_read(assay_request_body *out, const void *data, size_t size,
                                     uint32_t prompt_max, assay_error *err);
void assay_request_body_close(assay_request_body *body);

#endif
