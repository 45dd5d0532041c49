// SPDX-License-Identifier: Apache-2.0
#include "node/error_json.h"

#include <stdbool.h>
#include <string.h>

uint32_t assay_error_code(const assay_error *err) {
    return err->status == ASSAY_REJECTED ? err->reject : (uint32_t)err->status;
}

json_t *assay_error_to_json(const assay_error *err, const char *next) {
    return json_pack("{s:I,s:s,s:I,s:s,s:s*}", "code", (json_int_t)assay_error_code(err), "name",
                     assay_status_name(err->status), "reject", (json_int_t)err->reject, "text",
                     err->text, "next", next);
}

static assay_status status_named(const char *name) {
#define X(id, number)                                                                              \
    if (name && number && strcmp(name, #id) == 0) return ASSAY_##id;
    ASSAY_STATUS_LIST(X)
#undef X
    return ASSAY_NETWORK;
}

assay_status assay_error_from_json(assay_error *err, const json_t *error, const char *from) {
    const char *text = json_string_value(json_object_get(error, "text"));
    json_int_t reject = json_integer_value(json_object_get(error, "reject"));
    assay_status status = status_named(json_string_value(json_object_get(error, "name")));
    bool has_number = reject > 0 && reject <= UINT32_MAX;
    // Error 0 would be none.
    if (status == ASSAY_REJECTED && !has_number) status = ASSAY_NETWORK;
    return assay_fail(err, status, status == ASSAY_REJECTED ? (uint32_t)reject : 0, "%s",
                      text && *text ? text : from);
}
