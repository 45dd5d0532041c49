// SPDX-License-Identifier: Apache-2.0
// The GGUF reader against the known attacks on such readers (F-20), and its types (F-21).
#include "quant/container/gguf.h"

#include <unistd.h>

#include "tests/quant/gguf_write.h"
#include "tests/quant/largest.h"

enum { F32 = 0, Q8_0 = 8 };

// Opens a copy that ends where the file does, and releases the file. Counts that
// a file merely says cost no memory.
static void expect(gguf_out *out, const char *what, assay_status wanted) {
    uint8_t *copy = malloc(out->size + 1);
    assay_gguf file;
    assay_error err = {0};
    memcpy(copy, out->data, out->size);
    largest_begin();
    assay_status status = assay_gguf_bind(&file, copy, out->size, &err);
    largest_end(out->size);
    if (status != wanted)
        fail_msg("%s: %s (%s), expected %s", what, assay_status_name(status), err.text,
                 assay_status_name(wanted));
    if (status != ASSAY_OK) {
        assert_null(file.pairs);
        assert_null(file.tensors);
        assert_true(err.text[0]);
    }
    assert_int_equal(err.status, status);
    assay_gguf_close(&file);
    free(copy);
    free(out->data);
    *out = (gguf_out){0};
}

static void legal_make(gguf_out *out) {
    gguf_start(out);
    gguf_pair_text(out, "general.architecture", "llama");
    gguf_pair_u32(out, "a.u32", 7);
    gguf_key(out, "a.i8", ASSAY_GGUF_TYPE_I8);
    gguf_put(out, "\xff", 1);
    gguf_key(out, "a.u64", ASSAY_GGUF_TYPE_U64);
    gguf_u64(out, UINT64_MAX);
    gguf_key(out, "a.bool", ASSAY_GGUF_TYPE_BOOL);
    gguf_put(out, "\1", 1);
    gguf_pair_f32(out, "a.f32", 0.5f);
    gguf_array(out, "a.texts", ASSAY_GGUF_TYPE_TEXT, 3);
    gguf_text(out, "x");
    gguf_text(out, "");
    gguf_text(out, "yz");
    gguf_array(out, "a.none", ASSAY_GGUF_TYPE_I32, 0);
    gguf_tensor(out, "b", F32, 2, 3, 0);
    gguf_tensor(out, "a", Q8_0, 1, 32, 32);
    gguf_data(out, 32, 32 + 34);
}

static void legal_open(assay_gguf *file, const gguf_out *out) {
    assay_error err = {0};
    if (assay_gguf_bind(file, out->data, out->size, &err) != ASSAY_OK) fail_msg("%s", err.text);
}

static void numbers_are_found(void **state) {
    gguf_out out;
    assay_gguf file;
    assay_error err = {0};
    uint64_t integer;
    float number;
    legal_make(&out);
    legal_open(&file, &out);
    assert_int_equal(assay_gguf_u64(&integer, &file, "a.u32", 0, 7, &err), ASSAY_OK);
    assert_int_equal(integer, 7);
    assert_int_equal(assay_gguf_u64(&integer, &file, "a.u32", 0, 6, NULL), ASSAY_RANGE);
    assert_int_equal(assay_gguf_u64(&integer, &file, "a.u32", 8, 9, NULL), ASSAY_RANGE);
    assert_int_equal(assay_gguf_u64(&integer, &file, "a.i8", 0, UINT64_MAX, &err), ASSAY_RANGE);
    assert_string_equal(err.text, "a.i8 is -1, limits 0 to 18446744073709551615");
    assert_int_equal(assay_gguf_u64(&integer, &file, "a.u64", 0, UINT64_MAX, NULL), ASSAY_OK);
    assert_true(integer == UINT64_MAX);
    assert_int_equal(assay_gguf_u64(&integer, &file, "a.bool", 0, 9, NULL), ASSAY_FORMAT);
    assert_int_equal(assay_gguf_u64(&integer, &file, "a.f32", 0, 9, NULL), ASSAY_FORMAT);
    assert_int_equal(assay_gguf_u64(&integer, &file, "a.none", 0, 9, NULL), ASSAY_FORMAT);
    assert_int_equal(assay_gguf_u64(&integer, &file, "a", 0, 9, NULL), ASSAY_MISSING);
    assert_int_equal(assay_gguf_f32(&number, &file, "a.f32", NULL), ASSAY_OK);
    assert_true(number == 0.5f);
    assert_int_equal(assay_gguf_f32(&number, &file, "a.u32", NULL), ASSAY_FORMAT);
    assay_gguf_close(&file);
    free(out.data);
}

static void texts_and_tensors_are_found(void **state) {
    gguf_out out;
    assay_gguf file;
    assay_bytes text;
    const assay_gguf_pair *pair;
    legal_make(&out);
    legal_open(&file, &out);
    assert_int_equal(assay_gguf_text(&text, &file, "general.architecture", NULL), ASSAY_OK);
    assert_true(assay_gguf_text_is(text, "llama"));
    assert_false(assay_gguf_text_is(text, "llam"));
    assert_int_equal(assay_gguf_text(&text, &file, "a.texts", NULL), ASSAY_FORMAT);
    assert_int_equal(assay_gguf_array(&pair, &file, "a.texts", ASSAY_GGUF_TYPE_I32, NULL),
                     ASSAY_FORMAT);
    assert_int_equal(assay_gguf_array(&pair, &file, "a.texts", ASSAY_GGUF_TYPE_TEXT, NULL),
                     ASSAY_OK);
    assert_int_equal(pair->count, 3);
    assay_cursor at;
    static const char *const texts[] = {"x", "", "yz"};
    assay_cursor_init(&at, pair->data.data, pair->data.size);
    for (int i = 0; i < 3; i++)
        assert_true(assay_gguf_text_is(assay_gguf_text_next(&at), texts[i]));
    assert_int_equal(assay_cursor_left(&at), 0);
    const assay_gguf_tensor *tensor = assay_gguf_tensor_find(&file, "b");
    assert_non_null(tensor);
    assert_int_equal(tensor->dims[0], 3);
    assert_int_equal(tensor->dims[1], 2);
    assert_int_equal(tensor->size, 24);
    assert_int_equal(assay_gguf_tensor_find(&file, "a")->begin, 32);
    assert_null(assay_gguf_tensor_find(&file, "c"));
    assert_ptr_equal(file.data + file.data_size, out.data + out.size);
    assay_gguf_close(&file);
    free(out.data);
}

static void files_are_mapped(void **state) {
    gguf_out out;
    assay_gguf file;
    assay_error err = {0};
    char path[] = "/tmp/assay_gguf_XXXXXX";
    legal_make(&out);
    int fd = mkstemp(path);
    assert_int_equal(write(fd, out.data, out.size), out.size);
    close(fd);
    assert_true(assay_gguf_is(path));
    assert_int_equal(assay_gguf_open(&file, path, &err), ASSAY_OK);
    assert_int_equal(file.tensor_count, 2);
    assay_gguf_close(&file);
    assert_int_equal(truncate(path, 3), 0);
    assert_false(assay_gguf_is(path));
    assert_int_equal(assay_gguf_open(&file, path, NULL), ASSAY_TRUNCATED);
    unlink(path);
    assert_false(assay_gguf_is(path));
    assert_false(assay_gguf_is("/tmp"));
    assert_int_equal(assay_gguf_open(&file, path, NULL), ASSAY_NOT_FOUND);
    free(out.data);
}

static void heads_are_checked(void **state) {
    static const struct {
        uint32_t version;
        uint64_t tensors, pairs;
        assay_status status;
    } cases[] = {
        {3, 0, 0, ASSAY_OK},
        {1, 0, 0, ASSAY_VERSION},
        {2, 0, 0, ASSAY_VERSION},
        {4, 0, 0, ASSAY_VERSION},
        {0x03000000, 0, 0, ASSAY_VERSION}, // big-endian
        {3, 1, 0, ASSAY_TRUNCATED},
        {3, 0, 1, ASSAY_TRUNCATED},
        {3, ASSAY_GGUF_TENSORS_MAX, 0, ASSAY_TRUNCATED},
        {3, ASSAY_GGUF_TENSORS_MAX + 1, 0, ASSAY_CAPACITY},
        {3, 0, ASSAY_GGUF_PAIRS_MAX, ASSAY_TRUNCATED},
        {3, 0, ASSAY_GGUF_PAIRS_MAX + 1, ASSAY_CAPACITY},
        {3, UINT64_MAX, 0, ASSAY_CAPACITY},
        {3, 0, UINT64_MAX, ASSAY_CAPACITY},
        {3, UINT64_MAX / 368 + 1, 0, ASSAY_CAPACITY}, // times the size of a tensor's struct
        {3, 0, (uint64_t)1 << 63, ASSAY_CAPACITY},
    };
    gguf_out out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_start(&out);
        assay_store_le32(out.data + 4, cases[i].version);
        assay_store_le64(out.data + 8, cases[i].tensors);
        assay_store_le64(out.data + 16, cases[i].pairs);
        expect(&out, "head", cases[i].status);
    }
    gguf_start(&out);
    out.data[0] = 'g';
    expect(&out, "magic", ASSAY_FORMAT);
    gguf_start(&out);
    out.size = 3;
    expect(&out, "three bytes", ASSAY_TRUNCATED);
}

static void keys_are_checked(void **state) {
    static const struct {
        const char *key;
        assay_status status;
    } cases[] = {
        {"a", ASSAY_OK},           {"", ASSAY_FORMAT},         {"a b", ASSAY_FORMAT},
        {"a\n", ASSAY_FORMAT},     {"\xc3\xa9", ASSAY_FORMAT}, {"a\x7f", ASSAY_FORMAT},
        {"\x1b[2J", ASSAY_FORMAT},
    };
    gguf_out out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_start(&out);
        gguf_pair_u32(&out, cases[i].key, 1);
        expect(&out, cases[i].key, cases[i].status);
    }
    gguf_start(&out);
    gguf_key(&out, "a", ASSAY_GGUF_TYPE_U8);
    out.data[24 + 8] = 0; // U+0000 in a key
    gguf_put(&out, "\1", 1);
    expect(&out, "zero byte", ASSAY_FORMAT);
    char key[ASSAY_GGUF_KEY_MAX + 2] = {0};
    for (int over = 0; over < 2; over++) {
        memset(key, 'k', (size_t)(ASSAY_GGUF_KEY_MAX + over));
        gguf_start(&out);
        gguf_pair_u32(&out, key, 1);
        expect(&out, "long key", over ? ASSAY_CAPACITY : ASSAY_OK);
    }
    static const uint64_t lengths[] = {(uint64_t)1 << 63, UINT64_MAX, UINT64_MAX - 7, 65536};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        gguf_start(&out);
        gguf_pair_u32(&out, "key", 1);
        assay_store_le64(out.data + 24, lengths[i]);
        expect(&out, "key's length", ASSAY_CAPACITY);
    }
    gguf_start(&out);
    gguf_pair_u32(&out, "key", 1);
    assay_store_le64(out.data + 24, 12); // one more than is left
    expect(&out, "key beyond the end", ASSAY_TRUNCATED);
    gguf_start(&out);
    gguf_pair_u32(&out, "key", 1);
    gguf_pair_u32(&out, "other", 1);
    gguf_pair_f32(&out, "key", 1);
    expect(&out, "one key twice", ASSAY_DUPLICATE);
    // A key that begins another is not the same.
    gguf_start(&out);
    gguf_pair_u32(&out, "key", 1);
    gguf_pair_u32(&out, "keys", 1);
    expect(&out, "two keys", ASSAY_OK);
}

static void values_are_checked(void **state) {
    gguf_out out;
    static const uint32_t unknown[] = {13, 255, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        gguf_start(&out);
        gguf_key(&out, "a", unknown[i]);
        gguf_u64(&out, 0);
        expect(&out, "type", ASSAY_UNKNOWN);
        gguf_start(&out);
        gguf_array(&out, "a", unknown[i], 0);
        expect(&out, "type of items", ASSAY_UNKNOWN);
    }
    for (int value = 0; value < 4; value++) {
        uint8_t byte = value == 3 ? 255 : (uint8_t)value;
        gguf_start(&out);
        gguf_key(&out, "a", ASSAY_GGUF_TYPE_BOOL);
        gguf_put(&out, &byte, 1);
        expect(&out, "bool", value < 2 ? ASSAY_OK : ASSAY_FORMAT);
        gguf_start(&out);
        gguf_array(&out, "a", ASSAY_GGUF_TYPE_BOOL, 2);
        gguf_put(&out, "\1", 1);
        gguf_put(&out, &byte, 1);
        expect(&out, "bools", value < 2 ? ASSAY_OK : ASSAY_FORMAT);
    }
    static const struct {
        uint64_t length;
        assay_status status;
    } texts[] = {
        {4, ASSAY_OK},
        {5, ASSAY_TRUNCATED},
        {ASSAY_GGUF_TEXT_MAX, ASSAY_TRUNCATED},
        {ASSAY_GGUF_TEXT_MAX + 1, ASSAY_CAPACITY},
        {(uint64_t)1 << 63, ASSAY_CAPACITY},
        {UINT64_MAX, ASSAY_CAPACITY}, // plus one for a terminator: 0
        {UINT64_MAX - 8, ASSAY_CAPACITY},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        gguf_start(&out);
        gguf_pair_text(&out, "a", "text");
        assay_store_le64(out.data + out.size - 12, texts[i].length);
        expect(&out, "text", texts[i].status);
        gguf_start(&out);
        gguf_array(&out, "a", ASSAY_GGUF_TYPE_TEXT, 1);
        gguf_text(&out, "text");
        assay_store_le64(out.data + out.size - 12, texts[i].length);
        expect(&out, "text in an array", texts[i].status);
    }
}

static void arrays_are_checked(void **state) {
    static const struct {
        uint32_t type;
        uint64_t count; // of 16 bytes that are there
        assay_status status;
    } cases[] = {
        {ASSAY_GGUF_TYPE_U8, 16, ASSAY_OK},
        {ASSAY_GGUF_TYPE_U8, 17, ASSAY_TRUNCATED},
        {ASSAY_GGUF_TYPE_F64, 2, ASSAY_OK},
        {ASSAY_GGUF_TYPE_F64, 3, ASSAY_TRUNCATED},
        {ASSAY_GGUF_TYPE_TEXT, 2, ASSAY_OK},
        {ASSAY_GGUF_TYPE_TEXT, 3, ASSAY_TRUNCATED},
        {ASSAY_GGUF_TYPE_U32, ASSAY_GGUF_ITEMS_MAX, ASSAY_TRUNCATED},
        {ASSAY_GGUF_TYPE_U32, ASSAY_GGUF_ITEMS_MAX + 1, ASSAY_CAPACITY},
        {ASSAY_GGUF_TYPE_U32, (uint64_t)1 << 62, ASSAY_CAPACITY}, // times 4: 0
        {ASSAY_GGUF_TYPE_U8, (uint64_t)1 << 63, ASSAY_CAPACITY},
        {ASSAY_GGUF_TYPE_TEXT, (uint64_t)1 << 63, ASSAY_CAPACITY},
        {ASSAY_GGUF_TYPE_U16, UINT64_MAX, ASSAY_CAPACITY},
        {ASSAY_GGUF_TYPE_ARRAY, 1, ASSAY_DEPTH},
    };
    gguf_out out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_start(&out);
        gguf_array(&out, "a", cases[i].type, cases[i].count);
        gguf_zeros(&out, 16);
        expect(&out, "array", cases[i].status);
    }
    // 10,000 arrays within each other, each of one item.
    gguf_start(&out);
    gguf_key(&out, "a", ASSAY_GGUF_TYPE_ARRAY);
    for (int i = 0; i < 10000; i++) {
        gguf_u32(&out, ASSAY_GGUF_TYPE_ARRAY);
        gguf_u64(&out, 1);
    }
    expect(&out, "deep", ASSAY_DEPTH);
    // 43 bytes in all, which say 2^63 items: readers have looped over them.
    gguf_start(&out);
    gguf_array(&out, "k", ASSAY_GGUF_TYPE_U8, (uint64_t)1 << 63);
    out.size = 43;
    expect(&out, "43 bytes", ASSAY_TRUNCATED);
}

static void alignment_is_checked(void **state) {
    static const struct {
        uint32_t type, value;
        assay_status status;
    } cases[] = {
        {ASSAY_GGUF_TYPE_U32, 8, ASSAY_OK},
        {ASSAY_GGUF_TYPE_U32, 65536, ASSAY_OK},
        {ASSAY_GGUF_TYPE_U32, 0, ASSAY_RANGE},
        {ASSAY_GGUF_TYPE_U32, 1, ASSAY_RANGE},
        {ASSAY_GGUF_TYPE_U32, 4, ASSAY_RANGE},
        {ASSAY_GGUF_TYPE_U32, 9, ASSAY_RANGE},
        {ASSAY_GGUF_TYPE_U32, 24, ASSAY_RANGE},
        {ASSAY_GGUF_TYPE_U32, 131072, ASSAY_RANGE},
        {ASSAY_GGUF_TYPE_U32, 0x80000000, ASSAY_RANGE},
        {ASSAY_GGUF_TYPE_U32, UINT32_MAX, ASSAY_RANGE},
        {ASSAY_GGUF_TYPE_I32, 32, ASSAY_FORMAT},
        {ASSAY_GGUF_TYPE_F32, 32, ASSAY_FORMAT},
    };
    gguf_out out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_start(&out);
        gguf_key(&out, "general.alignment", cases[i].type);
        gguf_u32(&out, cases[i].value);
        gguf_tensor(&out, "t", F32, 1, 0, 0);
        gguf_data(&out, cases[i].status == ASSAY_OK ? cases[i].value : 32, 4);
        expect(&out, "alignment", cases[i].status);
    }
    gguf_start(&out);
    gguf_pair_text(&out, "general.alignment", "32");
    expect(&out, "text", ASSAY_FORMAT);
    gguf_start(&out);
    gguf_array(&out, "general.alignment", ASSAY_GGUF_TYPE_U32, 0);
    expect(&out, "array", ASSAY_FORMAT);
}

static void tensors_are_checked(void **state) {
    static const uint64_t huge = (uint64_t)1 << 42;
    static const struct {
        const char *what, *name;
        uint32_t type;
        uint64_t rows, columns, offset;
        assay_status status;
    } cases[] = {
        {"one", "t", F32, 2, 2, 0, ASSAY_OK},
        {"empty name", "", F32, 2, 2, 0, ASSAY_FORMAT},
        {"a name with a line", "a\nb", F32, 2, 2, 0, ASSAY_FORMAT},
        {"no rows", "t", F32, 0, 2, 0, ASSAY_RANGE},
        {"a dimension of 2^42 + 1", "t", F32, huge + 1, 0, 0, ASSAY_TRUNCATED},
        {"two of them", "t", F32, huge + 1, huge + 1, 0, ASSAY_RANGE},
        {"SIZE_MAX / 4, padded to 0", "t", F32, UINT64_MAX / 4, 0, 0, ASSAY_TRUNCATED},
        {"2^62 of four bytes", "t", F32, (uint64_t)1 << 62, 0, 0, ASSAY_RANGE},
        {"a product of 2^64", "t", F32, (uint64_t)1 << 32, (uint64_t)1 << 32, 0, ASSAY_RANGE},
        {"a negative dimension", "t", F32, UINT64_MAX, 0, 0, ASSAY_RANGE},
        {"type F64", "t", 28, 2, 0, 0, ASSAY_UNSUPPORTED},
        {"type Q2_K", "t", 10, 1, 256, 0, ASSAY_UNSUPPORTED},
        {"type MXFP4", "t", 39, 1, 32, 0, ASSAY_UNSUPPORTED},
        {"a type that was removed", "t", 4, 1, 32, 0, ASSAY_UNKNOWN},
        {"type 41", "t", 41, 1, 32, 0, ASSAY_UNKNOWN},
        {"type 2^31", "t", 0x80000000, 1, 32, 0, ASSAY_UNKNOWN},
        {"type -1", "t", UINT32_MAX, 1, 32, 0, ASSAY_UNKNOWN},
        {"half a block", "t", Q8_0, 2, 16, 0, ASSAY_MISMATCH},
        {"a row of no block", "t", Q8_0, 32, 1, 0, ASSAY_MISMATCH},
        {"misaligned", "t", F32, 1, 1, 4, ASSAY_LAYOUT},
        {"misaligned by one", "t", F32, 1, 1, 1, ASSAY_LAYOUT},
        {"after a hole", "t", F32, 1, 1, 32, ASSAY_LAYOUT},
        {"at 2^64 - 32", "t", F32, 8, 1, UINT64_MAX - 31, ASSAY_LAYOUT},
        {"longer than the data", "t", F32, 5, 1, 0, ASSAY_TRUNCATED},
        {"shorter", "t", F32, 3, 1, 0, ASSAY_OK},
    };
    gguf_out out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_start(&out);
        gguf_tensor(&out, cases[i].name, cases[i].type, cases[i].rows, cases[i].columns,
                    cases[i].offset);
        gguf_data(&out, 32, 16);
        expect(&out, cases[i].what, cases[i].status);
    }
    char name[ASSAY_GGUF_NAME_MAX + 2] = {0};
    for (int over = 0; over < 2; over++) {
        memset(name, 'n', (size_t)(ASSAY_GGUF_NAME_MAX + over));
        gguf_start(&out);
        gguf_tensor(&out, name, F32, 4, 0, 0);
        gguf_data(&out, 32, 16);
        expect(&out, "long name", over ? ASSAY_CAPACITY : ASSAY_OK);
    }
    static const uint32_t ranks[] = {0, 5, 255, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        gguf_start(&out);
        gguf_tensor(&out, "t", F32, 4, 0, 0);
        assay_store_le32(out.data + 24 + 9, ranks[i]);
        gguf_data(&out, 32, 64);
        expect(&out, "rank", ASSAY_CAPACITY);
    }
}

static void tensors_tile_the_data(void **state) {
    static const struct {
        const char *what;
        uint64_t first, second; // offsets of two tensors of 40 bytes
        size_t data;
        assay_status status;
    } cases[] = {
        {"rounded up", 0, 64, 128, ASSAY_OK},
        {"the last not", 0, 64, 104, ASSAY_OK},
        {"the other way round", 64, 0, 104, ASSAY_OK},
        {"one byte missing", 0, 64, 103, ASSAY_TRUNCATED},
        {"one byte too many", 0, 64, 129, ASSAY_TRAILING},
        {"a block too many", 0, 64, 160, ASSAY_TRAILING},
        {"the same bytes twice", 0, 0, 64, ASSAY_LAYOUT},
        {"an overlap", 0, 32, 96, ASSAY_LAYOUT},
        {"a hole", 0, 96, 160, ASSAY_LAYOUT},
        {"a hole before the first", 32, 96, 160, ASSAY_LAYOUT},
        {"the second beyond the end", 0, 64, 40, ASSAY_TRUNCATED},
    };
    gguf_out out;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_start(&out);
        gguf_tensor(&out, "a", F32, 10, 0, cases[i].first);
        gguf_tensor(&out, "b", F32, 10, 0, cases[i].second);
        gguf_data(&out, 32, cases[i].data);
        expect(&out, cases[i].what, cases[i].status);
    }
    gguf_start(&out);
    gguf_tensor(&out, "a", F32, 8, 0, 0);
    gguf_tensor(&out, "a", F32, 8, 0, 32);
    gguf_data(&out, 32, 64);
    expect(&out, "one name twice", ASSAY_DUPLICATE);
    gguf_start(&out);
    gguf_data(&out, 32, 32);
    expect(&out, "data of nothing", ASSAY_TRAILING);
}

// As many as there may be, all of one name: found by sorting, not by comparing all with all.
static void doubles_among_many(void **state) {
    gguf_out out;
    gguf_start(&out);
    for (int i = 0; i < ASSAY_GGUF_PAIRS_MAX; i++)
        gguf_pair_u32(&out, "k", 1);
    expect(&out, "keys", ASSAY_DUPLICATE);
    gguf_start(&out);
    for (int i = 0; i < ASSAY_GGUF_TENSORS_MAX; i++)
        gguf_tensor(&out, "t", F32, 8, 0, (uint64_t)i * 32);
    gguf_data(&out, 32, ASSAY_GGUF_TENSORS_MAX * 32);
    expect(&out, "tensors", ASSAY_DUPLICATE);
}

static void any_truncation_is_refused(void **state) {
    gguf_out out;
    gguf_start(&out);
    gguf_pair_text(&out, "general.architecture", "llama");
    gguf_array(&out, "a", ASSAY_GGUF_TYPE_TEXT, 2);
    gguf_text(&out, "x");
    gguf_text(&out, "yz");
    gguf_tensor(&out, "t", F32, 8, 0, 0);
    gguf_data(&out, 32, 32);
    for (size_t cut = 0; cut < out.size; cut++) {
        gguf_out part = {0};
        gguf_put(&part, out.data, cut);
        if (!part.data) part.data = malloc(1);
        expect(&part, "truncated", ASSAY_TRUNCATED);
    }
    expect(&out, "whole", ASSAY_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_found),   cmocka_unit_test(texts_and_tensors_are_found),
        cmocka_unit_test(files_are_mapped),    cmocka_unit_test(heads_are_checked),
        cmocka_unit_test(keys_are_checked),    cmocka_unit_test(values_are_checked),
        cmocka_unit_test(arrays_are_checked),  cmocka_unit_test(alignment_is_checked),
        cmocka_unit_test(tensors_are_checked), cmocka_unit_test(tensors_tile_the_data),
        cmocka_unit_test(doubles_among_many),  cmocka_unit_test(any_truncation_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
