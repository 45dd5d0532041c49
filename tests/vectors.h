// SPDX-License-Identifier: Apache-2.0
// Recorded answers: tests/vectors/*.json, read as hex strings into arrays.
#ifndef ASSAY_TESTS_VECTORS_H
#define ASSAY_TESTS_VECTORS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "tests/test.h"

// The parsed file tests/vectors/<name>; the caller releases it with json_decref.
static inline json_t *vectors_read(const char *name) {
    char path[512];
    json_t *root = NULL;
    assay_error err = {0};
    snprintf(path, sizeof path, "%s/tests/vectors/%s", ASSAY_SOURCE_DIR, name);
    if (assay_json_read_many(&root, path, 16 << 20, SIZE_MAX, &err) != ASSAY_OK)
        fail_msg("%s: %s", path, err.text);
    return root;
}

// The member at a path such as "ops.exp.x".
static inline json_t *vectors_at(json_t *root, const char *path) {
    char part[64];
    while (root && *path) {
        size_t size = strcspn(path, ".");
        snprintf(part, sizeof part, "%.*s", (int)size, path);
        root = json_object_get(root, part);
        path += size + (path[size] == '.');
    }
    assert_non_null(root);
    return root;
}

// The bytes of a hex member, in fresh memory; *size gets their number.
static inline void *vectors_bytes(json_t *root, const char *path, size_t *size) {
    const char *hex = json_string_value(vectors_at(root, path));
    assert_non_null(hex);
    *size = strlen(hex) / 2;
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(assay_hex_decode(bytes, *size, hex, NULL), ASSAY_OK);
    return bytes;
}

static inline void vectors_expect_sha256(json_t *root, const char *path, const assay_hash *hash) {
    char text[2 * ASSAY_HASH_SIZE + 1];
    assay_hex_encode(text, hash->bytes, ASSAY_HASH_SIZE);
    assert_string_equal(text, json_string_value(vectors_at(root, path)));
}

#endif
