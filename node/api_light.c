// SPDX-License-Identifier: Apache-2.0
// What light clients ask of CometBFT's RPC, answered for either engine: /commit and /validators.
#include <stdio.h>

#include "base/json.h"
#include "node/api.h"
#include "node/options.h"

static assay_status height_get(uint64_t *out, const assay_http_request *request, assay_error *err) {
    *out = 0;
    for (uint32_t i = 0; i < request->argument_count; i++)
        if (strcmp(request->arguments[i].name, "height") == 0)
            return assay_number_parse(out, request->arguments[i].value, "height", 0, INT64_MAX,
                                      err);
    return ASSAY_OK;
}

static json_t *commit_json(json_t *document) {
    return json_pack("{s:O,s:b}", "signed_header", json_object_get(document, "signed_header"),
                     "canonical", 1);
}

// One page holds them all: it says how many there are.
static json_t *validators_json(const json_t *document) {
    char count[24];
    const json_t *signed_header = json_object_get(document, "signed_header");
    json_t *validators = json_object_get(document, "validators");
    json_t *height = json_object_get(json_object_get(signed_header, "header"), "height");
    snprintf(count, sizeof count, "%zu", json_array_size(validators));
    return json_pack("{s:O,s:O,s:s,s:s}", "block_height", height, "validators", validators, "count",
                     count, "total", count);
}

assay_status assay_api_light(const assay_api *api, const assay_http_request *request,
                             assay_http_reply *reply, assay_error *err) {
    bool commit = strcmp(request->path, "/commit") == 0;
    uint64_t height;
    json_t *document;
    if (!commit && strcmp(request->path, "/validators") != 0) return ASSAY_NOT_FOUND;
    if (!api->engine) return ASSAY_NOT_FOUND;
    ASSAY_TRY(height_get(&height, request, err));
    ASSAY_TRY(api->engine->light_block(api->engine->self, height, &document, err));
    assay_http_reply_json(reply, 200,
                          json_pack("{s:s,s:i,s:o}", "jsonrpc", "2.0", "id", -1, "result",
                                    commit ? commit_json(document) : validators_json(document)));
    json_decref(document);
    return ASSAY_OK;
}
