// SPDX-License-Identifier: Apache-2.0
// Attribution of real text: the demo's data sets under the demo's tokenizer.
#include "tests/attribution/vectors.h"

#include <stdlib.h>

#include "attribution/corpus.h"
#include "attribution/shares.h"
#include "base/file.h"

enum { CARROLL, DOYLE, SHAKESPEARE, COUNT, VOCAB = 2048, SPAN_TOKENS_MIN = 6 };

static const char *const paths[COUNT] = {ASSAY_SOURCE_DIR "/testnet/data/carroll.txt",
                                         ASSAY_SOURCE_DIR "/testnet/data/doyle.txt",
                                         ASSAY_SOURCE_DIR "/testnet/data/shakespeare.txt"};
static assay_tokenizer *tokenizer;
static assay_mapping files[COUNT];
static assay_corpus corpora[COUNT];
static assay_index indices[COUNT];
static assay_span_source sources[COUNT];

static int data_open(void **state) {
    uint8_t *json;
    size_t size;
    if (assay_file_read(ASSAY_SOURCE_DIR "/testnet/model/tokenizer.json", 1 << 24, &json, &size,
                        NULL) != ASSAY_OK)
        return 1;
    assay_status status = assay_tokenizer_open(&tokenizer, json, size, VOCAB, NULL);
    free(json);
    for (int i = 0; i < COUNT && status == ASSAY_OK; i++) {
        status = assay_mapping_open(&files[i], paths[i], ASSAY_CORPUS_SIZE_MAX, NULL);
        assay_bytes text = {files[i].data, files[i].size};
        if (status == ASSAY_OK) status = assay_corpus_open(&corpora[i], text, NULL);
        if (status == ASSAY_OK)
            status = assay_corpus_index(&indices[i], &corpora[i], tokenizer, VOCAB, NULL);
        sources[i] = (assay_span_source){corpora[i].root, &indices[i], 333333};
    }
    return status != ASSAY_OK;
}

static int data_close(void **state) {
    for (int i = 0; i < COUNT; i++) {
        assay_index_close(&indices[i]);
        assay_corpus_close(&corpora[i]);
        assay_mapping_close(&files[i]);
    }
    assay_tokenizer_close(tokenizer);
    return 0;
}

// About 400 bytes of a data set, from a line's start on. The caller frees the ids.
static uint32_t *excerpt(int set, size_t from, size_t *count) {
    const uint8_t *text = files[set].data;
    while (text[from - 1] != '\n')
        from++;
    uint32_t *ids;
    size_t size = 400;
    while ((text[from + size] & 0xC0) == 0x80)
        size++;
    assert_int_equal(
        assay_tokenizer_encode(tokenizer, &ids, count, (const char *)text + from, size, NULL),
        ASSAY_OK);
    return ids;
}

static void excerpts_follow_their_data_set(void **state) {
    for (int set = 0; set < COUNT; set++)
        for (size_t from = 20000; from < files[set].size - 1000; from += 40009) {
            size_t count;
            uint32_t *ids = excerpt(set, from, &count), own = 0;
            assay_spans spans;
            assert_int_equal(assay_spans_open(&spans, sources, COUNT, NULL, 0, ids, count,
                                              SPAN_TOKENS_MIN, NULL),
                             ASSAY_OK);
            for (uint32_t i = 0; i < spans.count; i++) {
                const assay_span *span = &spans.items[i];
                assert_memory_equal(indices[span->source].tokens + span->position,
                                    ids + span->start, span->length * sizeof *ids);
                if (span->source == (uint32_t)set) own += span->length;
            }
            // Where the excerpt was cut the tokens may differ; and some runs of six tokens stand in
            // an earlier set as well.
            assert_true(own * 100 >= count * 90);
            assay_spans_close(&spans);
            free(ids);
        }
}

static void text_of_the_prompt_earns_nothing(void **state) {
    size_t count;
    uint32_t *ids = excerpt(CARROLL, 50000, &count);
    assay_spans spans;
    assay_shares shares;
    // All of it in the prompt.
    assert_int_equal(
        assay_spans_open(&spans, sources, COUNT, ids, count, ids, count, SPAN_TOKENS_MIN, NULL),
        ASSAY_OK);
    assert_int_equal(spans.count, 0);
    assert_int_equal(spans.echo_count, count);
    assert_int_equal(assay_shares_make(&shares, sources, COUNT, spans.credits, NULL), ASSAY_OK);
    assert_int_equal(shares.count, COUNT); // lineage alone
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(shares.items[i].weight_ppm, i == 0 ? 333334 : 333333);
    assay_spans_close(&spans);
    // The first half of it: the second still earns, but for what it repeats of the first.
    assert_int_equal(
        assay_spans_open(&spans, sources, COUNT, ids, count / 2, ids, count, SPAN_TOKENS_MIN, NULL),
        ASSAY_OK);
    assert_true(spans.echo_count >= count / 2 && spans.echo_count < count);
    assert_true(spans.items[0].start >= count / 2);
    assert_true(spans.credits[CARROLL] > 0);
    assay_spans_close(&spans);
    free(ids);
}

static void a_later_copy_takes_nothing(void **state) {
    static const char own[] = "All of what follows is mine, says the thief.\n";
    size_t count, size = files[CARROLL].size + sizeof own - 1;
    uint32_t *ids = excerpt(CARROLL, 50000, &count);
    uint8_t *text = malloc(size);
    assay_corpus corpus;
    assay_index index;
    assay_spans alone, spans;
    assert_non_null(text);
    memcpy(text, own, sizeof own - 1);
    memcpy(text + sizeof own - 1, files[CARROLL].data, files[CARROLL].size);
    assert_int_equal(assay_corpus_open(&corpus, (assay_bytes){text, size}, NULL), ASSAY_OK);
    assert_int_equal(assay_corpus_index(&index, &corpus, tokenizer, VOCAB, NULL), ASSAY_OK);
    assay_span_source both[] = {sources[CARROLL], {corpus.root, &index, 0}};
    assert_int_equal(assay_spans_open(&alone, both, 1, NULL, 0, ids, count, SPAN_TOKENS_MIN, NULL),
                     ASSAY_OK);
    assert_int_equal(assay_spans_open(&spans, both, 2, NULL, 0, ids, count, SPAN_TOKENS_MIN, NULL),
                     ASSAY_OK);
    assert_true(spans.owned_count > 0);
    assert_int_equal(spans.owned_count, alone.owned_count);
    assert_int_equal(spans.credits[1], 0);
    assay_spans_close(&alone);
    assay_spans_close(&spans);
    assay_index_close(&index);
    assay_corpus_close(&corpus);
    free(text);
    free(ids);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(excerpts_follow_their_data_set),
        cmocka_unit_test(text_of_the_prompt_earns_nothing),
        cmocka_unit_test(a_later_copy_takes_nothing),
    };
    return cmocka_run_group_tests(tests, data_open, data_close);
}
