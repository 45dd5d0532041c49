// SPDX-License-Identifier: Apache-2.0
#include "node/provider/request_body.h"

#include <stdlib.h>

#include "base/json.h"
#include "ledger/tx/tx_json.h"

// Without the ids: two members and a request's fields, hashes in hexadecimal among them. An id: see
// the header; one more byte for a reader's space.
enum { REQUEST_VALUES = 64, REQUEST_BYTES = 8 << 10, ID_BYTES = 12 };

static assay_status body_read(assay_request_body *out, const json_t *body, uint32_t prompt_max,
                              assay_error *err) {
    static const char *const names[] = {"request", "prompt_ids", NULL};
    const json_t *object, *list;
    ASSAY_TRY(assay_json_names(body, names, "body", err));
    ASSAY_TRY(assay_json_object(&object, body, "request", err));
    ASSAY_TRY(assay_request_from_json(&out->request, object, err));
    ASSAY_TRY(assay_json_array(&list, body, "prompt_ids", prompt_max, err));
    uint32_t count = (uint32_t)json_array_size(list);
    out->prompt = malloc(((size_t)count + 1) * sizeof *out->prompt);
    if (!out->prompt) return ASSAY_FAIL(err, MEMORY, "no memory for a prompt of %u ids", count);
    for (; out->prompt_count < count; out->prompt_count++) {
        const json_t *id = json_array_get(list, out->prompt_count);
        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) > UINT32_MAX)
            return ASSAY_FAIL(err, FORMAT, "prompt_ids has no token id at place %u",
                              out->prompt_count);
        out->prompt[out->prompt_count] = (uint32_t)json_integer_value(id);
    }
    return ASSAY_OK;
}

size_t assay_request_body_max(uint32_t prompt_max) {
    return REQUEST_BYTES + (size_t)ID_BYTES * prompt_max;
}

assay_status assay_request_body_read(assay_request_body *out, const void *data, size_t size,
                                     uint32_t prompt_max, assay_error *err) {
    json_t *body;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_json_parse_many(&body, data, size, assay_request_body_max(prompt_max),
                                    (size_t)prompt_max + REQUEST_VALUES, "body", err));
    assay_status status = body_read(out, body, prompt_max, err);
    json_decref(body);
    return status;
}

void assay_request_body_close(assay_request_body *body) {
    free(body->prompt);
    memset(body, 0, sizeof *body);
}
