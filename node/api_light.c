// SPDX-License-Identifier: Apache-2.0
// What light clients ask of CometBFT's RPC, answered for either engine: commit, validators and
// status, as GET paths and as JSON-RPC by POST to /, which is how CometBFT's own client asks.
#include <stdio.h>

#include "base/json.h"
#include "node/api.h"
#include "node/options.h"

enum { QUESTION_SIZE_MAX = 4096, INTERNAL_ERROR = -32603 }; // as JSON-RPC 2.0 numbers it

typedef struct {
    const char *method;
    uint64_t height;  // 0: the last one
    json_t *document; // the JSON-RPC question that the method's name is in; NULL: a GET
} question;

static bool known(const char *method) {
    return strcmp(method, "commit") == 0 || strcmp(method, "validators") == 0 ||
           strcmp(method, "status") == 0;
}

static assay_status get_read(question *out, const assay_http_request *request, assay_error *err) {
    const char *height = assay_http_argument(request, "height");
    out->method = request->path + 1;
    return height ? assay_number_parse(&out->height, height, "height", 0, INT64_MAX, err)
                  : ASSAY_OK;
}

// page and per_page are passed over: one page holds them all.
static assay_status post_read(question *out, const assay_bytes *body, assay_error *err) {
    static const char *const names[] = {"jsonrpc", "id", "method", "params", NULL};
    static const char *const params_names[] = {"height", "page", "per_page", NULL};
    ASSAY_TRY(assay_json_parse(&out->document, body->data, body->size, QUESTION_SIZE_MAX,
                               "question", err));
    const json_t *params = json_object_get(out->document, "params");
    ASSAY_TRY(assay_json_names(out->document, names, "question", err));
    ASSAY_TRY(assay_json_text(&out->method, out->document, "method", 64, err));
    if (!known(out->method))
        return ASSAY_FAIL(err, UNSUPPORTED,
                          "no method \"%.64s\": there are commit, validators and status",
                          out->method);
    if (!params) return ASSAY_OK;
    ASSAY_TRY(assay_json_names(params, params_names, "params", err));
    if (!json_object_get(params, "height") || json_is_null(json_object_get(params, "height")))
        return ASSAY_OK;
    return assay_json_u64(&out->height, params, "height", 0, INT64_MAX, err);
}

static json_t *commit_json(json_t *document) {
    return json_pack("{s:O,s:b}", "signed_header", json_object_get(document, "signed_header"),
                     "canonical", 1);
}

static json_t *header_get(const json_t *document) {
    return json_object_get(json_object_get(document, "signed_header"), "header");
}

// Of whose turn it is to propose nothing is known here, and nothing depends on it.
static json_t *validators_json(const json_t *document) {
    char count[24];
    json_t *list = json_array(), *one;
    size_t i;
    json_array_foreach(json_object_get(document, "validators"), i, one) {
        json_t *copy = json_copy(one);
        json_object_set_new(copy, "proposer_priority", json_string("0"));
        json_array_append_new(list, copy);
    }
    snprintf(count, sizeof count, "%zu", json_array_size(list));
    return json_pack("{s:O,s:o,s:s,s:s}", "block_height",
                     json_object_get(header_get(document), "height"), "validators", list, "count",
                     count, "total", count);
}

static json_t *status_json(const json_t *document) {
    const json_t *header = header_get(document);
    const json_t *commit = json_object_get(json_object_get(document, "signed_header"), "commit");
    return json_pack("{s:{s:O,s:s},s:{s:O,s:O,s:O,s:O,s:b}}", "node_info", "network",
                     json_object_get(header, "chain_id"), "version", ASSAY_PROGRAM_VERSION,
                     "sync_info", "latest_block_hash",
                     json_object_get(json_object_get(commit, "block_id"), "hash"),
                     "latest_app_hash", json_object_get(header, "app_hash"), "latest_block_height",
                     json_object_get(header, "height"), "latest_block_time",
                     json_object_get(header, "time"), "catching_up", 0);
}

static assay_status answer_make(json_t **out, const assay_api *api, const question *q,
                                assay_error *err) {
    json_t *document;
    uint64_t last = api->engine->height(api->engine->self);
    // CometBFT's words, by which its light client tells a height to come from a lost one.
    if (q->height > last)
        return ASSAY_FAIL(err, NOT_FOUND,
                          "height %llu must be less than or equal to the current blockchain "
                          "height %llu",
                          (unsigned long long)q->height, (unsigned long long)last);
    ASSAY_TRY(api->engine->light_block(api->engine->self, q->height, &document, err));
    *out = strcmp(q->method, "commit") == 0   ? commit_json(document)
           : strcmp(q->method, "status") == 0 ? status_json(document)
                                              : validators_json(document);
    json_decref(document);
    return *out ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "no memory for an answer");
}

// A 404 would say that there is no such path.
static void answer_send(assay_http_reply *reply, const question *q, assay_status status,
                        json_t *result, const assay_error *err) {
    json_t *id = json_object_get(q->document, "id");
    id = id ? json_incref(id) : json_integer(-1);
    unsigned code = status == ASSAY_NOT_FOUND ? 400 : assay_http_code(status);
    json_t *answer = json_pack("{s:s,s:o}", "jsonrpc", "2.0", "id", id);
    if (status == ASSAY_OK)
        json_object_set_new(answer, "result", result);
    else
        json_object_set_new(answer, "error",
                            json_pack("{s:i,s:s,s:s}", "code", INTERNAL_ERROR, "message",
                                      "Internal error", "data", err->text));
    assay_http_reply_json(reply, code, answer);
}

bool assay_api_light(const assay_api *api, const assay_http_request *request,
                     assay_http_reply *reply) {
    question q = {0};
    assay_error err = {0};
    json_t *result = NULL;
    bool post = strcmp(request->method, "POST") == 0 && strcmp(request->path, "/") == 0;
    bool get =
        strcmp(request->method, "GET") == 0 && request->path[0] == '/' && known(request->path + 1);
    if (!api->engine || (!post && !get)) return false;
    assay_status status = post ? post_read(&q, &request->body, &err) : get_read(&q, request, &err);
    if (status == ASSAY_OK) status = answer_make(&result, api, &q, &err);
    answer_send(reply, &q, status, result, &err);
    json_decref(q.document);
    return true;
}
