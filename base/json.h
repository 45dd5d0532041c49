// SPDX-License-Identifier: Apache-2.0
// JSON from strangers, by jansson: bounded in size, depth and count, duplicate names refused, and
// every field fetched with its type, its range and its name in the sentence.
#ifndef ASSAY_BASE_JSON_H
#define ASSAY_BASE_JSON_H

#include <jansson.h>

#include "base/bytes.h"
#include "base/status.h"

enum {
    ASSAY_JSON_DEPTH_MAX = 32,
    ASSAY_JSON_VALUES_MAX = 4096, // about 1 MiB at worst, once parsed
};

// Parses one JSON text of at most ASSAY_JSON_VALUES_MAX values and names (objects, lists, texts,
// numbers and words, each counts). what: names the text in errors. Errors: CAPACITY (size_max, or
// the count), DEPTH, DUPLICATE, FORMAT, TRAILING. Lives: the caller releases *out with json_decref.
// Spec: F-3.
assay_status assay_json_parse(json_t **out, const void *data, size_t size, size_t size_max,
                              const char *what, assay_error *err);

// The same for what may honestly be larger: each value costs up to 250 bytes of memory, so that a
// stranger's text gets the count that its kind can need and no more. Errors, Lives: as above.
// Spec: F-3.
assay_status assay_json_parse_many(json_t **out, const void *data, size_t size, size_t size_max,
                                   size_t values_max, const char *what, assay_error *err);

// Reads and parses a file. Errors: as assay_file_read and assay_json_parse. Spec: F-3.
assay_status assay_json_read(json_t **out, const char *path, size_t size_max, assay_error *err);
assay_status assay_json_read_many(json_t **out, const char *path, size_t size_max,
                                  size_t values_max, assay_error *err);

// Fetch a required member of an object. Errors: MISSING, FORMAT (type), RANGE (outside min..max).
// u64 and u128 take a JSON integer or a decimal string (values past 2^53 are strings, F-3).
// Borrowed results live as long as the object. Spec: F-3.
assay_status assay_json_u64(uint64_t *out, const json_t *object, const char *name, uint64_t min,
                            uint64_t max, assay_error *err);
assay_status assay_json_u128(assay_u128 *out, const json_t *object, const char *name,
                             assay_error *err);
assay_status assay_json_text(const char **out, const json_t *object, const char *name,
                             size_t size_max, assay_error *err);
assay_status assay_json_hex(uint8_t *out, size_t size, const json_t *object, const char *name,
                            assay_error *err);
assay_status assay_json_hash(assay_hash *out, const json_t *object, const char *name,
                             assay_error *err);
assay_status assay_json_address(assay_address *out, const json_t *object, const char *name,
                                assay_error *err);
// Hex of any length up to capacity bytes. Errors: also CAPACITY.
assay_status assay_json_bytes(uint8_t *out, size_t *size, size_t capacity, const json_t *object,
                              const char *name, assay_error *err);
assay_status assay_json_array(const json_t **out, const json_t *object, const char *name,
                              size_t count_max, assay_error *err);
assay_status assay_json_object(const json_t **out, const json_t *object, const char *name,
                               assay_error *err);

// An entry of a list; name is the list's. Errors: FORMAT, MISSING. Spec: F-3.
assay_status assay_json_item_hash(assay_hash *out, const json_t *list, size_t index,
                                  const char *name, assay_error *err);

// Refuses members whose name is not in the NULL-terminated list. Errors: UNKNOWN, FORMAT (not an
// object). Spec: F-3.
assay_status assay_json_names(const json_t *object, const char *const *names, const char *what,
                              assay_error *err);

// A u64 as JSON: an integer below 2^53, else a decimal string; hex values with "0x". Each returns a
// new reference, NULL if memory is out (jansson's setters then fail too). Spec: F-3.
json_t *assay_json_from_u64(uint64_t value);
json_t *assay_json_from_hash(const assay_hash *hash);
json_t *assay_json_from_address(const assay_address *address);
json_t *assay_json_from_hex(const uint8_t *data, size_t size);

#endif
