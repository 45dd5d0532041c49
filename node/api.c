// SPDX-License-Identifier: Apache-2.0
#include "node/api.h"

#include <stdio.h>

#include "base/hex.h"
#include "node/options.h"

bool assay_api_is(const assay_api_call *call, const char *word, uint32_t count) {
    return call->count == count && strcmp(call->segments[0], word) == 0;
}

assay_status assay_api_number(uint64_t *out, const assay_api_call *call, uint32_t index,
                              assay_error *err) {
    return assay_number_parse(out, call->segments[index], "number in the path", 0, UINT64_MAX, err);
}

assay_status assay_api_hash(assay_hash *out, const assay_api_call *call, uint32_t index,
                            assay_error *err) {
    return assay_hex_decode(out->bytes, ASSAY_HASH_SIZE, call->segments[index], err);
}

assay_status assay_api_address(assay_address *out, const assay_api_call *call, uint32_t index,
                               assay_error *err) {
    return assay_hex_decode(out->bytes, ASSAY_ADDRESS_SIZE, call->segments[index], err);
}

assay_status assay_api_query_number(uint64_t *out, const assay_api_call *call, const char *name,
                                    uint64_t absent, uint64_t max, assay_error *err) {
    const char *text = assay_http_argument(call->request, name);
    *out = absent;
    return text ? assay_number_parse(out, text, name, 0, max, err) : ASSAY_OK;
}

assay_status assay_api_query_hash(assay_hash *out, const assay_api_call *call, const char *name,
                                  assay_error *err) {
    const char *text = assay_http_argument(call->request, name);
    memset(out, 0, sizeof *out);
    return text ? assay_hex_decode(out->bytes, ASSAY_HASH_SIZE, text, err) : ASSAY_OK;
}

// Cuts "/v1/a/b" into "a", "b". Errors: NOT_FOUND.
static assay_status path_cut(assay_api_call *call, const assay_http_request *request,
                             assay_error *err) {
    call->request = request;
    call->count = 0;
    if (strncmp(request->path, "/v1/", 4) != 0 || strlen(request->path + 4) >= sizeof call->text ||
        !request->path[4])
        return ASSAY_FAIL(err, NOT_FOUND, "no such path, see docs/api.md");
    snprintf(call->text, sizeof call->text, "%s", request->path + 4);
    char *at = call->text;
    while (at) {
        if (call->count == ASSAY_API_SEGMENTS_MAX)
            return ASSAY_FAIL(err, NOT_FOUND, "path has more than %d parts",
                              ASSAY_API_SEGMENTS_MAX);
        call->segments[call->count++] = at;
        at = strchr(at, '/');
        if (at) *at++ = 0;
    }
    return ASSAY_OK;
}

static assay_status view_answer(const assay_api *api, const assay_api_call *call,
                                assay_http_reply *reply, assay_error *err) {
    assay_view view;
    if (strcmp(call->request->method, "GET") != 0)
        return ASSAY_FAIL(err, USAGE, "this path takes GET, not %.16s", call->request->method);
    ASSAY_TRY(assay_view_open(&view, api->app, err));
    assay_status status = assay_api_registry(api, call, &view, reply, err);
    if (status == ASSAY_NOT_FOUND && !err->text[0])
        status = assay_api_work(api, call, &view, reply, err);
    assay_view_close(&view);
    return status;
}

void assay_api_handle(void *context, const assay_http_request *request, assay_http_reply *reply) {
    const assay_api *api = context;
    assay_api_call call;
    assay_error err = {0};
    assay_status status = path_cut(&call, request, &err);
    if (status == ASSAY_OK) {
        status = assay_api_chain(api, &call, reply, &err);
        if (status == ASSAY_NOT_FOUND && !err.text[0])
            status = view_answer(api, &call, reply, &err);
    }
    if (status == ASSAY_OK) return;
    if (!err.text[0]) ASSAY_FAIL(&err, NOT_FOUND, "no such path, see docs/api.md");
    assay_http_reply_error(reply, &err);
}
