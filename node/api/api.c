// SPDX-License-Identifier: Apache-2.0
#include "node/api/api.h"

assay_status assay_api_slow_begin(assay_api *api, unsigned most, assay_error *err) {
    unsigned before = atomic_fetch_add(&api->turns, 1);
    if (before >= most) {
        atomic_fetch_sub(&api->turns, 1);
        return ASSAY_FAIL(err, BUSY, "%u requests of this kind wait or run, limit %u: try again",
                          before, most);
    }
    pthread_mutex_lock(&api->slow);
    if (!atomic_load(&api->closing)) return ASSAY_OK;
    assay_api_slow_end(api);
    return ASSAY_FAIL(err, STOPPED, "the node is ending");
}

void assay_api_slow_end(assay_api *api) {
    pthread_mutex_unlock(&api->slow);
    atomic_fetch_sub(&api->turns, 1);
}

static assay_status method_fail(const assay_http_request *request, assay_error *err) {
    return ASSAY_FAIL(err, UNSUPPORTED, "paths under /v1/ take GET, and /v1/tx POST; not %.16s",
                      request->method);
}

static assay_status view_answer(assay_api *api, const assay_api_call *call, assay_http_reply *reply,
                                assay_error *err) {
    assay_view view;
    if (strcmp(call->request->method, "GET") != 0) return method_fail(call->request, err);
    // What reads much waits for its turn without a view: one that is held keeps the state's pages.
    bool slow = assay_api_is(call, "claim", 2);
    if (slow) ASSAY_TRY(assay_api_slow_begin(api, ASSAY_API_TURNS_MAX, err));
    assay_status status = assay_view_open(&view, api->app, err);
    if (status == ASSAY_OK) {
        status = assay_api_registry(api, call, &view, reply, err);
        if (status == ASSAY_NOT_FOUND && !err->text[0])
            status = assay_api_node(api, call, &view, reply, err);
        if (status == ASSAY_NOT_FOUND && !err->text[0])
            status = assay_api_work(api, call, &view, reply, err);
        assay_view_close(&view);
    }
    if (slow) assay_api_slow_end(api);
    return status;
}

void assay_api_handle(void *context, const assay_http_request *request, assay_http_reply *reply) {
    assay_api *api = context;
    assay_api_call call;
    assay_error err = {0};
    if (strcmp(request->path, "/metrics") == 0) {
        if (assay_http_method_check(request, "GET", &err) == ASSAY_OK)
            assay_api_metrics(api, reply);
        else
            assay_http_reply_error(reply, &err);
        return;
    }
    if (assay_api_light(api, request, reply)) return;
    assay_status status = assay_api_call_read(&call, request, &err);
    if (status == ASSAY_OK && strcmp(request->method, "GET") != 0 &&
        strcmp(request->method, "POST") != 0)
        status = method_fail(request, &err);
    if (status == ASSAY_OK) {
        status = assay_api_chain(api, &call, reply, &err);
        if (status == ASSAY_NOT_FOUND && !err.text[0])
            status = view_answer(api, &call, reply, &err);
    }
    if (status == ASSAY_OK) return;
    if (!err.text[0])
        ASSAY_FAIL(&err, NOT_FOUND, "no path \"%.60s\", see docs/api.md", request->path);
    assay_http_reply_error(reply, &err);
}
