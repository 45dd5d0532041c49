// SPDX-License-Identifier: Apache-2.0
// JSON from strangers (F-3): the parser's own checks against the value it lets through.
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"

enum { SIZE_MAX_JSON = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned depth_of(const json_t *value) {
    unsigned deepest = 0;
    const char *key;
    json_t *child;
    size_t i;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, child) {
            unsigned depth = depth_of(child);
            deepest = depth > deepest ? depth : deepest;
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, child) {
            unsigned depth = depth_of(child);
            deepest = depth > deepest ? depth : deepest;
        }
    } else {
        return 0;
    }
    return deepest + 1;
}

// Values and names, as F-3 counts them.
static size_t count_of(const json_t *value) {
    size_t count = 1, i;
    const char *key;
    json_t *child;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, child) count += 1 + count_of(child);
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, child) count += count_of(child);
    }
    return count;
}

static void members_fetch(const json_t *object) {
    static const char *const names[] = {"a", "n", "t", "h", NULL};
    uint64_t number;
    const char *text;
    const json_t *inner;
    assay_hash hash;
    assay_error err = {0};
    assay_json_names(object, names, "fuzz", &err);
    for (const char *const *name = names; *name; name++) {
        if (assay_json_u64(&number, object, *name, 3, 1000, &err) == ASSAY_OK)
            ASSAY_ASSERT(number >= 3 && number <= 1000);
        if (assay_json_text(&text, object, *name, 8, &err) == ASSAY_OK)
            ASSAY_ASSERT(strlen(text) <= 8);
        if (assay_json_array(&inner, object, *name, 2, &err) == ASSAY_OK)
            ASSAY_ASSERT(json_array_size(inner) <= 2);
        assay_json_hash(&hash, object, *name, &err);
        assay_json_object(&inner, object, *name, &err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *value = NULL, *again = NULL;
    assay_error err = {0};
    assay_status status = assay_json_parse(&value, data, size, SIZE_MAX_JSON, "fuzz", &err);
    ASSAY_ASSERT((status == ASSAY_OK) == (value != NULL));
    ASSAY_ASSERT(err.status == status);
    if (!value) return 0;
    ASSAY_ASSERT(size <= SIZE_MAX_JSON && depth_of(value) <= ASSAY_JSON_DEPTH_MAX);
    // One fewer, and it would not have been let through.
    size_t count = count_of(value);
    ASSAY_ASSERT(count <= ASSAY_JSON_VALUES_MAX);
    status = assay_json_parse_many(&again, data, size, size, count - 1, "fewer", &err);
    ASSAY_ASSERT(status == ASSAY_CAPACITY && !again);
    if (json_is_object(value)) members_fetch(value);
    // What was let through is well-formed, so its own text is let through too.
    char *text = json_dumps(value, JSON_COMPACT);
    if (text) {
        status = assay_json_parse(&again, text, strlen(text), 8 * SIZE_MAX_JSON, "again", &err);
        ASSAY_ASSERT(status == ASSAY_OK && json_equal(value, again));
        free(text);
    }
    json_decref(again);
    json_decref(value);
    return 0;
}
