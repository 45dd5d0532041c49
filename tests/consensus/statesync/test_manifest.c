// SPDX-License-Identifier: Apache-2.0
// E-62, E-63: the bytes of manifests and chunks, and what is refused.
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "consensus/statesync/manifest.h"
#include "tests/test.h"

enum { CHUNKS = 3 };

static assay_hash chunks[CHUNKS];

// A manifest that agrees with itself.
static assay_statesync_manifest sample(uint64_t history_count) {
    assay_statesync_manifest m = {.genesis = {{1}},
                                  .height = 77,
                                  .state_root = {{2}},
                                  .entry_count = 9,
                                  .byte_count = 1000,
                                  .chunk_count = CHUNKS,
                                  .chunks = chunks};
    m.history.count = history_count;
    m.history.peak_count = assay_merkle_peak_count(history_count);
    for (uint32_t i = 0; i < m.history.peak_count; i++)
        m.history.peaks[i].bytes[0] = (uint8_t)(10 + i);
    for (uint32_t i = 0; i < CHUNKS; i++)
        chunks[i].bytes[31] = (uint8_t)(i + 1);
    assay_statesync_app_hash(&m.app_hash, &m);
    return m;
}

static size_t encode(uint8_t *out, size_t capacity, const assay_statesync_manifest *m) {
    assay_writer writer;
    assay_writer_init(&writer, out, capacity);
    assay_statesync_manifest_write(&writer, m);
    assert_false(writer.failed);
    return writer.size;
}

static void reads_what_was_written(void **state) { // E-62
    static const uint64_t counts[] = {0, 1, 2, 3, 6, 255, 256, UINT64_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        uint8_t data[4096], again[4096];
        assay_statesync_manifest m = sample(counts[i]), back;
        size_t size = encode(data, sizeof data, &m);
        assert_int_equal(size, 4 + 32 + 8 + 32 + 8 + 32 * m.history.peak_count + 32 + 8 + 8 + 4 +
                                   32 * CHUNKS);
        assert_int_equal(assay_statesync_manifest_read(&back, data, size, NULL), ASSAY_OK);
        assert_int_equal(encode(again, sizeof again, &back), size);
        assert_memory_equal(again, data, size);
        for (size_t cut = 0; cut < size; cut++)
            assert_int_equal(assay_statesync_manifest_read(&back, data, cut, NULL),
                             ASSAY_TRUNCATED);
        data[size] = 0;
        assert_int_equal(assay_statesync_manifest_read(&back, data, size + 1, NULL),
                         ASSAY_TRAILING);
    }
}

// E-62: every field where the rule has it.
static void lies_as_the_rule_says(void **state) {
    uint8_t data[4096];
    assay_statesync_manifest m = sample(3);
    encode(data, sizeof data, &m);
    assert_int_equal(assay_load_be32(data), 1);
    assert_int_equal(data[4], 1);
    assert_int_equal(assay_load_be64(data + 36), 77);
    assert_int_equal(data[44], 2);
    assert_int_equal(assay_load_be64(data + 76), 3);
    assert_int_equal(data[84], 10);
    assert_int_equal(data[116], 11);
    assert_memory_equal(data + 148, m.app_hash.bytes, 32);
    assert_int_equal(assay_load_be64(data + 180), 9);
    assert_int_equal(assay_load_be64(data + 188), 1000);
    assert_int_equal(assay_load_be32(data + 196), CHUNKS);
    assert_int_equal(data[200 + 31], 1);
}

// E-62: seeds of the fuzz target, put together with Python's hashlib and struct alone.
static void like_another_program(void **state) {
    static const struct {
        const char *name;
        uint64_t history_count;
        uint32_t chunk_count;
        assay_status status;
    } cases[] = {{"seven", 7, 3, ASSAY_OK},
                 {"none", 0, 1, ASSAY_OK},
                 {"counts", 1, 3, ASSAY_RANGE},
                 {"format", 0, 0, ASSAY_VERSION}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[512];
        uint8_t *data;
        size_t size;
        assay_statesync_manifest m;
        snprintf(path, sizeof path, "%s/tests/consensus/statesync/corpus/fuzz_manifest/%s",
                 ASSAY_SOURCE_DIR, cases[i].name);
        assert_int_equal(assay_file_read(path, 4096, &data, &size, NULL), ASSAY_OK);
        assert_int_equal(assay_statesync_manifest_read(&m, data, size, NULL), cases[i].status);
        assert_int_equal(m.history.count, cases[i].history_count);
        assert_int_equal(m.chunk_count, cases[i].chunk_count);
        free(data);
    }
}

static void bad_manifests(void **state) { // E-62
    static const struct {
        size_t at; // a u32 or u64 of sample(3), by its place
        size_t size;
        uint64_t value;
        assay_status status;
        const char *text;
    } cases[] = {
        {0, 4, 0, ASSAY_VERSION, "snapshot of format 0, this program knows 1"},
        {0, 4, 2, ASSAY_VERSION, "snapshot of format 2, this program knows 1"},
        {36, 8, 0, ASSAY_RANGE, "snapshot of height 0"},
        {36, 8, UINT64_MAX, ASSAY_RANGE, "snapshot of height 18446744073709551615"},
        {180, 8, 2, ASSAY_RANGE, "2 entries in 3 chunks of 1000 bytes"},
        {180, 8, 167, ASSAY_RANGE, "167 entries in 3 chunks of 1000 bytes"},
        {188, 8, (3 << 23) + 1, ASSAY_RANGE, "25165825 bytes in 3 chunks, limit 25165824"},
        {196, 4, 0, ASSAY_RANGE, "0 chunks, 1 to 100000 are legal"},
        {196, 4, 100001, ASSAY_RANGE, "100001 chunks, 1 to 100000 are legal"},
        {196, 4, 4, ASSAY_TRUNCATED, NULL},
        {196, 4, 2, ASSAY_TRAILING, NULL},
        {148, 8, 0, ASSAY_MISMATCH, "the manifest's roots do not give its app hash"},
        {44, 8, 0, ASSAY_MISMATCH, "the manifest's roots do not give its app hash"},
        {116, 8, 0, ASSAY_MISMATCH, "the manifest's roots do not give its app hash"},
        {76, 8, 5, ASSAY_MISMATCH, "the manifest's roots do not give its app hash"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t data[4096];
        assay_error why = {0};
        assay_statesync_manifest m = sample(3), back;
        size_t size = encode(data, sizeof data, &m);
        if (cases[i].size == 4) assay_store_be32(data + cases[i].at, (uint32_t)cases[i].value);
        if (cases[i].size == 8) assay_store_be64(data + cases[i].at, cases[i].value);
        assert_int_equal(assay_statesync_manifest_read(&back, data, size, &why), cases[i].status);
        if (cases[i].text) assert_string_equal(why.text, cases[i].text);
    }
    uint8_t *large = calloc(1, ASSAY_STATESYNC_MANIFEST_MAX + 1);
    assay_statesync_manifest back;
    assert_non_null(large);
    assert_int_equal(
        assay_statesync_manifest_read(&back, large, ASSAY_STATESYNC_MANIFEST_MAX + 1, NULL),
        ASSAY_CAPACITY);
    free(large);
}

static void entries_read_back(void **state) { // E-63
    static uint8_t data[ASSAY_STATESYNC_ENTRY_MAX * 2], bytes[ASSAY_STORE_VALUE_MAX];
    static const size_t sizes[][2] = {
        {1, 0}, {128, 1}, {33, 300}, {128, ASSAY_STORE_VALUE_MAX}, {1, 4}};
    assay_writer writer;
    assay_cursor cursor;
    assay_bytes key, value;
    memset(bytes, 5, sizeof bytes);
    assay_writer_init(&writer, data, sizeof data);
    size_t total = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assay_statesync_entry_write(&writer, (assay_bytes){bytes, sizes[i][0]},
                                    (assay_bytes){bytes, sizes[i][1]});
        total += assay_statesync_entry_size(sizes[i][0], sizes[i][1]);
    }
    assert_false(writer.failed);
    assert_int_equal(writer.size, total);
    assay_cursor_init(&cursor, data, writer.size);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(assay_statesync_entry_read(&key, &value, &cursor, NULL), ASSAY_OK);
        assert_int_equal(key.size, sizes[i][0]);
        assert_int_equal(value.size, sizes[i][1]);
    }
    assert_int_equal(assay_cursor_left(&cursor), 0);
}

static void bad_entries(void **state) { // E-63
    static const struct {
        const char *data;
        size_t size;
        assay_status status;
    } cases[] = {
        {"\x01k\0\0\0", 5, ASSAY_TRUNCATED},
        {"\x01", 1, ASSAY_TRUNCATED},
        {"\x02k\0\0\0\0", 6, ASSAY_TRUNCATED},
        {"\x01k\0\0\0\x02v", 7, ASSAY_TRUNCATED},
        {"\0\0\0\0\0", 5, ASSAY_RANGE},
        {"\x01k\0\x40\0\x01v", 7, ASSAY_RANGE},
        {"\x01k\xff\xff\xff\xffv", 7, ASSAY_RANGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_cursor cursor;
        assay_bytes key, value;
        assay_cursor_init(&cursor, (const uint8_t *)cases[i].data, cases[i].size);
        assert_int_equal(assay_statesync_entry_read(&key, &value, &cursor, NULL), cases[i].status);
    }
    uint8_t wide[1 + 129 + 4] = {129};
    assay_cursor cursor;
    assay_bytes key, value;
    assay_cursor_init(&cursor, wide, sizeof wide);
    assert_int_equal(assay_statesync_entry_read(&key, &value, &cursor, NULL), ASSAY_RANGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written), cmocka_unit_test(lies_as_the_rule_says),
        cmocka_unit_test(like_another_program),   cmocka_unit_test(bad_manifests),
        cmocka_unit_test(entries_read_back),      cmocka_unit_test(bad_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
