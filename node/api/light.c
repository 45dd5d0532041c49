// SPDX-License-Identifier: Apache-2.0
// What light clients ask of CometBFT's RPC, answered for either engine: commit, validators and
// status, as GET paths and as JSON-RPC by POST to /, which is how CometBFT's own client asks.
#include <stdio.h>

#include "base/json.h"
#include "node/api/api.h"
#include "node/options.h"

enum {
    QUESTION_SIZE_MAX = 4096,
    PAGE_MAX = 100,          // of validators, as CometBFT has it
    INTERNAL_ERROR = -32603, // as JSON-RPC 2.0 numbers it
};

typedef struct {
    const char *method;
    uint64_t height;   // 0: the last one
    uint64_t page;     // of per_page validators, from 1
    uint64_t per_page; // 0: all of them
    json_t *document;  // the JSON-RPC question that the method's name is in; NULL: a GET
} question;

static bool known(const char *method) {
    return strcmp(method, "commit") == 0 || strcmp(method, "validators") == 0 ||
           strcmp(method, "status") == 0;
}

// The numbers a question may have, as an argument or a member.
static const struct {
    const char *name;
    size_t offset;
} numbers[] = {{"height", offsetof(question, height)},
               {"page", offsetof(question, page)},
               {"per_page", offsetof(question, per_page)}};
enum { NUMBERS = ASSAY_COUNT(numbers) };

static uint64_t *number_at(question *q, int i) {
    return (uint64_t *)((char *)q + numbers[i].offset);
}

static assay_status get_read(question *out, const assay_http_request *request, assay_error *err) {
    out->method = request->path + 1;
    for (int i = 0; i < NUMBERS; i++) {
        const char *text = assay_http_argument(request, numbers[i].name);
        if (text)
            ASSAY_TRY(
                assay_number_parse(number_at(out, i), text, numbers[i].name, 0, INT64_MAX, err));
    }
    return ASSAY_OK;
}

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
    for (int i = 0; i < NUMBERS; i++) {
        const json_t *number = json_object_get(params, numbers[i].name);
        if (number && !json_is_null(number))
            ASSAY_TRY(
                assay_json_u64(number_at(out, i), params, numbers[i].name, 0, INT64_MAX, err));
    }
    return ASSAY_OK;
}

static json_t *commit_json(json_t *document) {
    return json_pack("{s:O,s:b}", "signed_header", json_object_get(document, "signed_header"),
                     "canonical", 1);
}

static json_t *header_get(const json_t *document) {
    return json_object_get(json_object_get(document, "signed_header"), "header");
}

// Whose turn it is to propose is CometBFT's to say: its light client compares it between nodes.
// Where one validator makes every block there is nothing to it.
static assay_status validators_json(json_t **out, const json_t *document, const question *q,
                                    assay_error *err) {
    char count[24], total[24];
    const json_t *all = json_object_get(document, "validators");
    uint64_t size = json_array_size(all);
    uint64_t most = !q->per_page || size == 0 ? size
                    : q->per_page < PAGE_MAX  ? q->per_page
                                              : PAGE_MAX;
    uint64_t pages = most ? (size + most - 1) / most : 1, page = q->page ? q->page : 1;
    if (page > pages)
        return ASSAY_FAIL(err, RANGE, "page should be within [1, %llu] range, given %llu",
                          (ull)pages, (ull)page);
    json_t *list = json_array();
    for (uint64_t i = (page - 1) * most; i < size && i < page * most; i++) {
        json_t *copy = json_copy(json_array_get(all, i));
        if (!json_object_get(copy, "proposer_priority"))
            json_object_set_new(copy, "proposer_priority", json_string("0"));
        json_array_append_new(list, copy);
    }
    snprintf(count, sizeof count, "%zu", json_array_size(list));
    snprintf(total, sizeof total, "%llu", (ull)size);
    *out = json_pack("{s:O,s:o,s:s,s:s}", "block_height",
                     json_object_get(header_get(document), "height"), "validators", list, "count",
                     count, "total", total);
    return ASSAY_OK;
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

static assay_status answer_make(json_t **out, assay_api *api, const question *q, assay_error *err) {
    json_t *document;
    uint64_t last = api->engine->height(api->engine->self);
    // CometBFT's words, by which its light client tells a height to come from a lost one.
    if (q->height > last)
        return ASSAY_FAIL(err, NOT_FOUND,
                          "height %llu must be less than or equal to the current blockchain "
                          "height %llu",
                          (ull)q->height, (ull)last);
    // A whole block is read for it, or CometBFT waited for.
    ASSAY_TRY(assay_api_slow_begin(api, ASSAY_API_TURNS_MAX, err));
    assay_status status = api->engine->light_block(api->engine->self, q->height, &document, err);
    assay_api_slow_end(api);
    ASSAY_TRY(status);
    if (strcmp(q->method, "validators") == 0)
        status = validators_json(out, document, q, err);
    else
        *out = strcmp(q->method, "commit") == 0 ? commit_json(document) : status_json(document);
    json_decref(document);
    if (status != ASSAY_OK) return status;
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

bool assay_api_light(assay_api *api, const assay_http_request *request, assay_http_reply *reply) {
    question q = {0};
    assay_error err = {0};
    json_t *result = NULL;
    bool post = strcmp(request->path, "/") == 0;
    bool get = request->path[0] == '/' && known(request->path + 1);
    if (!api->engine || (!post && !get)) return false;
    assay_status status = assay_http_method_check(request, post ? "POST" : "GET", &err);
    if (status == ASSAY_OK)
        status = post ? post_read(&q, &request->body, &err) : get_read(&q, request, &err);
    if (status == ASSAY_OK) status = answer_make(&result, api, &q, &err);
    answer_send(reply, &q, status, result, &err);
    json_decref(q.document);
    return true;
}
