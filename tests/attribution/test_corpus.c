// SPDX-License-Identifier: Apache-2.0
// Chunks and commitment of data sets.
#include "tests/attribution/vectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "attribution/corpus.h"
#include "base/file.h"
#include "base/utf8.h"

// The text of a vector: a file of the repository, or a unit repeated. The caller frees it.
static uint8_t *vector_text(const json_t *vector, size_t *size) {
    const char *file = json_string_value(json_object_get(vector, "file"));
    uint8_t *text = NULL;
    if (file) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", ASSAY_SOURCE_DIR, file);
        assert_int_equal(assay_file_read(path, ASSAY_CORPUS_SIZE_MAX, &text, size, NULL), ASSAY_OK);
        return text;
    }
    const json_t *unit = json_object_get(vector, "unit");
    size_t length = json_string_length(unit);
    size_t repeat = (size_t)json_integer_value(json_object_get(vector, "repeat"));
    text = malloc(length * repeat);
    assert_non_null(text);
    for (size_t i = 0; i < repeat; i++)
        memcpy(text + i * length, json_string_value(unit), length);
    *size = length * repeat;
    return text;
}

static assay_bytes chunk_of(const assay_corpus *corpus, uint32_t index) {
    assay_bytes rest = corpus->text;
    for (uint32_t i = 0; i < index; i++) {
        size_t cut = assay_chunk_cut(rest.data, rest.size);
        rest = (assay_bytes){rest.data + cut, rest.size - cut};
    }
    return (assay_bytes){rest.data, assay_chunk_cut(rest.data, rest.size)};
}

static void roots_equal_the_oracles(void **state) {
    json_t *document, *vector;
    const json_t *list = vectors_open(&document, "corpora");
    size_t i, k;
    json_array_foreach(list, i, vector) {
        assay_corpus corpus;
        assay_hash root;
        size_t size;
        json_t *length;
        uint8_t *text = vector_text(vector, &size);
        assert_int_equal(assay_corpus_open(&corpus, (assay_bytes){text, size}, NULL), ASSAY_OK);
        assert_int_equal(size, json_integer_value(json_object_get(vector, "bytes")));
        assert_int_equal(corpus.chunk_count, json_integer_value(json_object_get(vector, "chunks")));
        assert_int_equal(assay_json_hash(&root, vector, "root", NULL), ASSAY_OK);
        assert_memory_equal(corpus.root.bytes, root.bytes, sizeof root);
        json_array_foreach(json_object_get(vector, "sizes"), k, length)
            assert_int_equal(chunk_of(&corpus, (uint32_t)k).size, json_integer_value(length));
        assay_corpus_close(&corpus);
        free(text);
    }
    json_decref(document);
}

static void chunks_are_shown_by_their_paths(void **state) {
    assay_mapping file;
    assay_corpus corpus;
    assert_int_equal(assay_mapping_open(&file, ASSAY_SOURCE_DIR "/testnet/data/carroll.txt",
                                        ASSAY_CORPUS_SIZE_MAX, NULL),
                     ASSAY_OK);
    assert_int_equal(assay_corpus_open(&corpus, (assay_bytes){file.data, file.size}, NULL),
                     ASSAY_OK);
    uint8_t altered[ASSAY_CHUNK_SIZE_MAX];
    size_t total = 0;
    for (uint32_t i = 0; i < corpus.chunk_count; i++) {
        assay_hash path[ASSAY_MERKLE_PATH_MAX];
        assay_bytes chunk = chunk_of(&corpus, i);
        uint32_t steps = assay_merkle_path(path, corpus.leaves, corpus.chunk_count, i);
        assert_ptr_equal(chunk.data, file.data + total);
        total += chunk.size;
        assert_int_equal(
            assay_chunk_check(&corpus.root, corpus.chunk_count, i, chunk, path, steps, NULL),
            ASSAY_OK);
        memcpy(altered, chunk.data, chunk.size);
        altered[i % chunk.size] ^= 1;
        assert_int_equal(assay_chunk_check(&corpus.root, corpus.chunk_count, i,
                                           (assay_bytes){altered, chunk.size}, path, steps, NULL),
                         ASSAY_MISMATCH);
        assert_int_equal(assay_chunk_check(&corpus.root, corpus.chunk_count,
                                           (i + 1) % corpus.chunk_count, chunk, path, steps, NULL),
                         ASSAY_MISMATCH);
    }
    assert_int_equal(total, file.size);
    assay_corpus_close(&corpus);
    assay_mapping_close(&file);
}

// A tree may hold any leaf; a leaf that is no chunk is refused although its path is right.
static void chunk_sizes_are_bounded(void **state) {
    static const uint8_t bytes[ASSAY_CHUNK_SIZE_MAX + 1];
    const size_t sizes[] = {0, 1, ASSAY_CHUNK_SIZE_MAX, ASSAY_CHUNK_SIZE_MAX + 1};
    for (size_t i = 0; i < 4; i++) {
        assay_hash root;
        assay_merkle_leaf(&root, bytes, sizes[i]);
        assert_int_equal(
            assay_chunk_check(&root, 1, 0, (assay_bytes){bytes, sizes[i]}, NULL, 0, NULL),
            i == 1 || i == 2 ? ASSAY_OK : ASSAY_CAPACITY);
    }
}

static void what_is_no_data_set_is_refused(void **state) {
    static const uint8_t cut[] = "ab\xE4\xBD", surrogate[] = "\xED\xA0\x80", latin[] = "caf\xE9 x";
    const struct {
        assay_bytes text;
        assay_status status;
        const char *sentence;
    } cases[] = {
        {{cut, 0}, ASSAY_FORMAT, "data set of 0 bytes"},
        {{cut, 4}, ASSAY_FORMAT, "data set is not UTF-8 at byte 2"},
        {{surrogate, 3}, ASSAY_FORMAT, "data set is not UTF-8 at byte 0"},
        {{latin, 6}, ASSAY_FORMAT, "data set is not UTF-8 at byte 3"},
        {{cut, (size_t)ASSAY_CORPUS_SIZE_MAX + 1},
         ASSAY_CAPACITY,
         "data set of 1073741825 bytes, limit 1073741824"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assay_corpus corpus;
        assay_error err = {0};
        assert_int_equal(assay_corpus_open(&corpus, cases[i].text, &err), cases[i].status);
        assert_string_equal(err.text, cases[i].sentence);
        assay_corpus_close(&corpus);
    }
}

// Whatever the text, chunks join to it, keep to the sizes and are UTF-8 by themselves.
static void random_texts_are_cut_within_bounds(void **state) {
    static const char *const units[] = {"a", "\n", "\xC3\xA9", "\xE4\xBD\xA0", "\xF0\x9F\x98\x80"};
    static uint8_t text[40000];
    uint32_t at = 0;
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t rarity = 1u << random_below(5, &at, 14);
        size_t size = 0;
        while (size < sizeof text - 4 && random_below(5, &at, 9000) != 0) {
            const char *unit = random_below(5, &at, rarity) == 0
                                   ? "\n"
                                   : units[(round + random_below(5, &at, 2)) % 5];
            memcpy(text + size, unit, strlen(unit));
            size += strlen(unit);
        }
        for (size_t start = 0; start < size;) {
            size_t length = assay_chunk_cut(text + start, size - start);
            bool last = start + length == size;
            assert_true(length <= ASSAY_CHUNK_SIZE_MAX);
            assert_true(last ? length > 0 : length > ASSAY_CHUNK_LINE_MIN);
            assert_int_equal(assay_utf8_prefix(text + start, length), length);
            start += length;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_equal_the_oracles),
        cmocka_unit_test(chunks_are_shown_by_their_paths),
        cmocka_unit_test(chunk_sizes_are_bounded),
        cmocka_unit_test(what_is_no_data_set_is_refused),
        cmocka_unit_test(random_texts_are_cut_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
