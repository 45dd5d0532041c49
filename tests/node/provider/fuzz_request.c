// SPDX-License-Identifier: Apache-2.0
// Bodies of POST /v1/request: whatever is accepted has ids within the limit, and a request with a
// binary form. Rules F-3, P-11.
#include "node/provider/request_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONTEXT = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_request_body body;
    assay_error err = {0};
    uint8_t bytes[ASSAY_REQUEST_SIZE];
    assay_status status = assay_request_body_read(&body, data, size, CONTEXT, &err);
    if (status == ASSAY_OK) {
        ASSAY_ASSERT(body.prompt_count <= CONTEXT);
        uint32_t sum = 0;
        for (uint32_t i = 0; i < body.prompt_count; i++)
            sum += body.prompt[i];
        (void)sum;
        assay_request_encode(&body.request, bytes);
        (void)assay_request_check(&body.request, 4096, &err);
    } else {
        ASSAY_ASSERT(err.status == status && *err.text);
    }
    assay_request_body_close(&body);
    return 0;
}
