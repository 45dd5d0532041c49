// SPDX-License-Identifier: Apache-2.0
// The safetensors reader against the known attacks (F-4).
#include "quant/container/safetensors.h"
#include "tests/quant/largest.h"
#include "tests/vectors.h"

// A file of a header text and data_size zero bytes; header_size as given.
static assay_status open_raw(uint64_t header_size, const char *header, size_t length,
                             size_t data_size) {
    size_t size = 8 + length + data_size;
    uint8_t *file = calloc(size, 1);
    assay_safetensors out;
    assay_error err = {0};
    assay_store_le64(file, header_size);
    memcpy(file + 8, header, length);
    largest_begin();
    assay_status status = assay_safetensors_open(&out, file, size, &err);
    largest_end(size);
    assert_int_equal(err.status, status);
    if (status != ASSAY_OK) {
        assert_null(out.tensors);
        assert_true(err.text[0]);
    }
    assay_safetensors_close(&out);
    free(file);
    return status;
}

static assay_status open_text(const char *header, size_t data_size) {
    return open_raw(strlen(header), header, strlen(header), data_size);
}

#define ONE(name) "\"" name "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}"
#define ENTRY(dtype, shape, offsets)                                                               \
    "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define TWO(a, b)                                                                                  \
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" a "},"                              \
    "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" b "}}"

typedef struct {
    const char *header;
    size_t data_size;
    assay_status status;
} example;

static void examples_run(const example *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assay_status status = open_text(cases[i].header, cases[i].data_size);
        if (status != cases[i].status)
            fail_msg("%s: %s, expected %s", cases[i].header, assay_status_name(status),
                     assay_status_name(cases[i].status));
    }
}

static void legal_files_open(void **state) {
    static const example cases[] = {
        {"{}", 0, ASSAY_OK},
        {"{\"__metadata__\":{}}", 0, ASSAY_OK},
        {"{" ONE("a") "}", 4, ASSAY_OK},
        // The reference reader takes white space on both sides; so does import.
        {" \n{" ONE("a") "}   ", 4, ASSAY_OK},
        // Rank 0 has one element, a zero dimension none.
        {ENTRY("\"U8\"", "[]", "[0,1]"), 1, ASSAY_OK},
        {ENTRY("\"F64\"", "[0,9]", "[0,0]"), 0, ASSAY_OK},
        // The order of the header is free.
        {TWO("[4,8]", "[0,4]"), 8, ASSAY_OK},
        // So is alignment.
        {"{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
         5, ASSAY_OK},
    };
    examples_run(cases, sizeof cases / sizeof *cases);
}

static void lengths_are_checked(void **state) {
    static const uint8_t zeros[8];
    assay_safetensors out;
    for (size_t size = 0; size < 8; size++)
        assert_int_equal(assay_safetensors_open(&out, zeros, size, NULL), ASSAY_TRUNCATED);
    assert_int_equal(open_raw(2, "", 0, 0), ASSAY_TRUNCATED);
    assert_int_equal(open_raw(3, "{}", 2, 0), ASSAY_TRUNCATED);
    assert_int_equal(open_raw(0, "{}", 2, 0), ASSAY_FORMAT);
    assert_int_equal(open_raw(1, "{}", 2, 0), ASSAY_FORMAT);
    assert_int_equal(open_raw(UINT64_MAX, "{}", 2, 0), ASSAY_CAPACITY);
    assert_int_equal(open_raw(UINT64_MAX - 7, "{}", 2, 0), ASSAY_CAPACITY);
    assert_int_equal(open_raw(100000000, "{}", 2, 0), ASSAY_CAPACITY);
}

static void headers_that_are_not_json_objects(void **state) {
    static const example cases[] = {
        {"[]", 0, ASSAY_FORMAT},
        {"1", 0, ASSAY_FORMAT},
        {"\"a\"", 0, ASSAY_FORMAT},
        {"null", 0, ASSAY_FORMAT},
        {"{", 0, ASSAY_FORMAT},
        {"{]", 0, ASSAY_FORMAT},
        {"{\"a\"}", 0, ASSAY_FORMAT},
        {"nonsense", 0, ASSAY_FORMAT},
        {" ", 0, ASSAY_FORMAT},
        {"{\"a\xff\":{}}", 0, ASSAY_FORMAT}, // not UTF-8
        {"{\"a\\u0000b\":{}}", 0, ASSAY_FORMAT},
        {"{}{}", 0, ASSAY_TRAILING},
    };
    examples_run(cases, sizeof cases / sizeof *cases);
    assert_int_equal(open_raw(5, "{}\0\0\0", 5, 0), ASSAY_FORMAT);
    char *deep = calloc(1, 20001);
    memset(deep, '[', 10000);
    memset(deep + 10000, ']', 10000);
    assert_int_equal(open_text(deep, 0), ASSAY_DEPTH);
    free(deep);
}

static void names_are_unique_and_bounded(void **state) {
    static const example cases[] = {
        {"{" ONE("a") "," ONE("a") "}", 4, ASSAY_DUPLICATE},
        {"{" ONE("a") "," ONE("\\u0061") "}", 4, ASSAY_DUPLICATE},
        {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         ASSAY_DUPLICATE},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, ASSAY_DUPLICATE},
        {"{" ONE("") "}", 4, ASSAY_CAPACITY},
    };
    examples_run(cases, sizeof cases / sizeof *cases);
    char header[400], name[ASSAY_TENSOR_NAME_MAX + 2] = {0};
    for (int over = 0; over < 2; over++) {
        memset(name, 'n', (size_t)(ASSAY_TENSOR_NAME_MAX + over));
        snprintf(header, sizeof header,
                 "{\"%s\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", name);
        assert_int_equal(open_text(header, 1), over ? ASSAY_CAPACITY : ASSAY_OK);
    }
}

static void entries_are_checked(void **state) {
    static const example cases[] = {
        {"{\"a\":1}", 4, ASSAY_FORMAT},
        {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, ASSAY_MISSING},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, ASSAY_MISSING},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, ASSAY_MISSING},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"b\":0}}", 4,
         ASSAY_UNKNOWN},
        {ENTRY("\"F33\"", "[1]", "[0,4]"), 4, ASSAY_UNKNOWN},
        {ENTRY("\"f32\"", "[1]", "[0,4]"), 4, ASSAY_UNKNOWN},
        {ENTRY("\"F4\"", "[8]", "[0,4]"), 4, ASSAY_UNKNOWN},      // below a byte
        {ENTRY("\"F4\"", "[7]", "[0,4]"), 4, ASSAY_UNKNOWN},      // and misaligned
        {ENTRY("\"F6_E2M3\"", "[3]", "[0,4]"), 4, ASSAY_UNKNOWN}, // likewise
        {ENTRY("7", "[1]", "[0,4]"), 4, ASSAY_FORMAT},
        {ENTRY("\"F32\"", "1", "[0,4]"), 4, ASSAY_FORMAT},
        {ENTRY("\"F32\"", "[1.0]", "[0,4]"), 4, ASSAY_FORMAT},
        {ENTRY("\"F32\"", "[1e0]", "[0,4]"), 4, ASSAY_FORMAT},
        {ENTRY("\"F32\"", "[-1]", "[0,4]"), 4, ASSAY_FORMAT},
        {ENTRY("\"F32\"", "[\"1\"]", "[0,4]"), 4, ASSAY_FORMAT},
        {ENTRY("\"F32\"", "[true]", "[0,4]"), 4, ASSAY_FORMAT},
        {ENTRY("\"F32\"", "[1,1,1,1,1]", "[0,4]"), 4, ASSAY_CAPACITY},
        {ENTRY("\"F32\"", "[2,18446744073709551614]", "[0,4]"), 4, ASSAY_FORMAT},
        {ENTRY("\"F32\"", "[2,9223372036854775807]", "[0,4]"), 4, ASSAY_RANGE},
        {ENTRY("\"U8\"", "[4294967296,4294967297]", "[0,4]"), 4, ASSAY_RANGE},
        {ENTRY("\"F32\"", "[1]", "[0,4,4]"), 4, ASSAY_CAPACITY},
        {ENTRY("\"F32\"", "[1]", "[4]"), 4, ASSAY_FORMAT},
        {ENTRY("\"F32\"", "[1]", "[0,-4]"), 4, ASSAY_FORMAT},
        {ENTRY("\"F32\"", "[1]", "[0,4.0]"), 4, ASSAY_FORMAT},
        {ENTRY("\"F32\"", "[1]", "[4,0]"), 4, ASSAY_LAYOUT},
        {ENTRY("\"F32\"", "[2]", "[0,4]"), 4, ASSAY_MISMATCH},
        {ENTRY("\"F32\"", "[1]", "[0,3]"), 4, ASSAY_MISMATCH},
        {"{\"__metadata__\":7}", 0, ASSAY_FORMAT},
        {"{\"__metadata__\":{\"a\":7}}", 0, ASSAY_FORMAT},
        {"{\"__metadata__\":{\"a\":{}}}", 0, ASSAY_FORMAT},
    };
    examples_run(cases, sizeof cases / sizeof *cases);
}

static void tensors_tile_the_data(void **state) {
    static const example cases[] = {
        {TWO("[0,4]", "[4,8]"), 8, ASSAY_OK},
        {TWO("[0,4]", "[4,8]"), 6, ASSAY_TRUNCATED},
        {TWO("[0,4]", "[4,8]"), 9, ASSAY_TRAILING},
        {TWO("[0,4]", "[3,7]"), 7, ASSAY_LAYOUT}, // overlap
        {TWO("[0,4]", "[0,4]"), 4, ASSAY_LAYOUT}, // the same bytes twice
        {TWO("[0,4]", "[5,9]"), 9, ASSAY_LAYOUT}, // hole
        {TWO("[1,5]", "[5,9]"), 9, ASSAY_LAYOUT}, // hole before the first
        {"{}", 4, ASSAY_TRAILING},
        {ENTRY("\"F32\"", "[0]", "[0,0]"), 4, ASSAY_TRAILING},
        {ENTRY("\"F32\"", "[2]", "[0,8]"), 4, ASSAY_TRUNCATED},
    };
    examples_run(cases, sizeof cases / sizeof *cases);
    // Ten tensors on one range: the "json attack" of the reference's tests.
    char header[2000] = "{";
    size_t at = 1;
    for (int i = 0; i < 10; i++)
        at += (size_t)snprintf(header + at, sizeof header - at,
                               "%s\"t%d\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}",
                               i ? "," : "", i);
    header[at] = '}';
    assert_int_equal(open_text(header, 4), ASSAY_LAYOUT);
}

static void headers_are_bounded(void **state) {
    // Within the limit of the header, but with more entries than any model has.
    size_t room = ASSAY_TENSOR_HEADER_MAX, at = 1;
    char *header = malloc(room);
    header[0] = '{';
    for (int i = 0; i <= ASSAY_TENSOR_COUNT_MAX; i++)
        at += (size_t)snprintf(header + at, room - at,
                               "%s\"t%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                               i ? "," : "", i);
    header[at++] = '}';
    assert_int_equal(open_raw(at, header, at, 0), ASSAY_CAPACITY);
    free(header);
}

static void any_truncation_is_refused(void **state) {
    static const char header[] = "{" ONE("a") "}";
    enum { LENGTH = sizeof header - 1, SIZE = 8 + LENGTH + 4 };
    uint8_t file[SIZE] = {0};
    assay_store_le64(file, LENGTH);
    memcpy(file + 8, header, LENGTH);
    assay_safetensors out;
    for (size_t cut = 0; cut < SIZE; cut++) {
        uint8_t *part = malloc(cut + 1);
        memcpy(part, file, cut);
        assert_int_equal(assay_safetensors_open(&out, part, cut, NULL), ASSAY_TRUNCATED);
        free(part);
    }
}

static void content_is_found_by_name_and_shape(void **state) {
    static const char header[] = TWO("[0,4]", "[4,8]");
    uint8_t file[8 + sizeof header - 1 + 8] = {0};
    assay_safetensors opened;
    assay_error err = {0};
    const uint8_t *content;
    assay_store_le64(file, sizeof header - 1);
    memcpy(file + 8, header, sizeof header - 1);
    assert_int_equal(assay_safetensors_open(&opened, file, sizeof file, &err), ASSAY_OK);
    assay_tensor wanted = {.name = "b", .dtype = ASSAY_DTYPE_U8, .rank = 1, .shape = {4}};
    assert_int_equal(assay_safetensors_get(&content, &opened, &wanted, &err), ASSAY_OK);
    assert_ptr_equal(content, file + sizeof file - 4);
    wanted.shape[0] = 5;
    assert_int_equal(assay_safetensors_get(&content, &opened, &wanted, NULL), ASSAY_MISMATCH);
    wanted.rank = 2;
    assert_int_equal(assay_safetensors_get(&content, &opened, &wanted, NULL), ASSAY_MISMATCH);
    wanted.dtype = ASSAY_DTYPE_I8;
    assert_int_equal(assay_safetensors_get(&content, &opened, &wanted, NULL), ASSAY_MISMATCH);
    wanted.name[0] = 'c';
    assert_int_equal(assay_safetensors_get(&content, &opened, &wanted, NULL), ASSAY_MISSING);
    assay_safetensors_close(&opened);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(legal_files_open),
        cmocka_unit_test(lengths_are_checked),
        cmocka_unit_test(headers_that_are_not_json_objects),
        cmocka_unit_test(names_are_unique_and_bounded),
        cmocka_unit_test(entries_are_checked),
        cmocka_unit_test(tensors_tile_the_data),
        cmocka_unit_test(headers_are_bounded),
        cmocka_unit_test(any_truncation_is_refused),
        cmocka_unit_test(content_is_found_by_name_and_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
