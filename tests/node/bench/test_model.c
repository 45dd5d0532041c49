// SPDX-License-Identifier: Apache-2.0
// Random models and adapters: canonical files (F-5, F-7, F-8) that every reader takes, the same
// each time, and that compute something.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "node/bench/model.h"
#include "quant/forward.h"
#include "quant/tokenizer/tokenizer.h"
#include "tests/folder.h"
#include "tests/test.h"

enum { POSITIONS = 12, VOCAB = 2048 };

static char folder[] = "/tmp/assay-bench-model-XXXXXX";
static assay_error err;

static const char *path_of(const char *name) {
    static char paths[4][PATH_MAX];
    static int at;
    char *path = paths[at++ % 4];
    assert_int_equal(assay_path_join(path, PATH_MAX, folder, name, &err), ASSAY_OK);
    return path;
}

static void model_make(assay_model *model, const char *name) {
    const assay_bench_shape *shape;
    assert_int_equal(assay_bench_shape_find(&shape, "demo", &err), ASSAY_OK);
    assert_int_equal(assay_bench_model_write(path_of(name), shape, &err), ASSAY_OK);
    assert_int_equal(assay_model_open(model, path_of(name), &err), ASSAY_OK);
}

static void adapter_make(assay_adapter *adapter, const assay_model *model, uint32_t rank,
                         uint32_t seed) {
    const char *path = path_of("adapter");
    assert_int_equal(assay_bench_adapter_write(path, &model->shape, rank, seed, &err), ASSAY_OK);
    assert_int_equal(assay_adapter_open(adapter, path, model, &err), ASSAY_OK);
}

static void a_shape_is_always_the_same_file(void **state) {
    assay_model first, second;
    model_make(&first, "first");
    model_make(&second, "second");
    assert_memory_equal(&first.root, &second.root, sizeof first.root);
    assert_int_equal(first.shape.stop_count, 0);
    assay_model_close(&first);
    assay_model_close(&second);
}

static void seeds_and_ranks_make_other_adapters(void **state) {
    assay_model model;
    assay_adapter a, again, b;
    model_make(&model, "model");
    adapter_make(&a, &model, 16, 1);
    adapter_make(&again, &model, 16, 1);
    adapter_make(&b, &model, 16, 2);
    assert_memory_equal(&a.root, &again.root, sizeof a.root);
    assert_memory_not_equal(&a.root, &b.root, sizeof a.root);
    for (int i = 0; i < ASSAY_LINEAR_COUNT; i++)
        assert_int_equal(b.layers[5][i].a.n, 16);
    assay_adapter_close(&a);
    assay_adapter_close(&again);
    assay_adapter_close(&b);
    assay_model_close(&model);
}

typedef struct {
    float logits[POSITIONS][VOCAB];
} rows;

static void row_keep(void *context, const assay_forward_row *row) {
    rows *r = context;
    memcpy(r->logits[row->position], row->logits, sizeof r->logits[0]);
}

static void run(rows *out, const assay_model *model, const assay_adapter *adapter) {
    assay_engine engine = {.model = model};
    assay_forward forward;
    uint32_t ids[POSITIONS];
    for (uint32_t i = 0; i < POSITIONS; i++)
        ids[i] = i * 101;
    assert_int_equal(assay_kernels_find(&engine.kernels, NULL, &err), ASSAY_OK);
    assay_sequence sequence;
    assert_int_equal(assay_forward_open(&forward, &engine, POSITIONS, POSITIONS, 0, &err),
                     ASSAY_OK);
    assert_int_equal(assay_sequence_open(&sequence, &forward, POSITIONS, &err), ASSAY_OK);
    assay_sequence_reset(&sequence, adapter);
    assay_forward_hooks hooks = {.row = row_keep, .context = out};
    assay_feed feed = {&sequence, ids, POSITIONS, &hooks};
    assert_int_equal(assay_forward_feed(&forward, &feed, 1, &err), ASSAY_OK);
    assert_int_equal(sequence.fault_position, ASSAY_NO_FAULT);
    assay_sequence_close(&sequence);
    assay_forward_close(&forward);
}

// Neither faults nor a model that ignores what it is fed would show in a bench's figures.
static void positions_and_adapters_differ(void **state) {
    assay_model model;
    assay_adapter adapter;
    rows *plain = malloc(sizeof *plain), *adapted = malloc(sizeof *adapted);
    model_make(&model, "model");
    adapter_make(&adapter, &model, 8, 3);
    run(plain, &model, NULL);
    run(adapted, &model, &adapter);
    for (int i = 1; i < POSITIONS; i++) {
        assert_memory_not_equal(plain->logits[i], plain->logits[i - 1], sizeof plain->logits[0]);
        assert_memory_not_equal(plain->logits[i], adapted->logits[i], sizeof plain->logits[0]);
    }
    for (int i = 0; i < VOCAB; i++)
        assert_true(plain->logits[0][i] > -1e4f && plain->logits[0][i] < 1e4f);
    assay_adapter_close(&adapter);
    assay_model_close(&model);
    free(plain);
    free(adapted);
}

static void its_tokens_are_bytes(void **state) {
    assay_model model;
    assay_tokenizer *tokenizer;
    uint32_t *ids;
    size_t count;
    model_make(&model, "model");
    assert_int_equal(assay_tokenizer_open(&tokenizer, model.tokenizer.data, model.tokenizer.size,
                                          model.shape.vocab_size, &err),
                     ASSAY_OK);
    assert_int_equal(assay_tokenizer_encode(tokenizer, &ids, &count, "a \xc3\xa9\n", 5, &err),
                     ASSAY_OK);
    assert_int_equal(count, 5);
    assert_memory_equal(ids, ((const uint32_t[]){'a', ' ', 0xc3, 0xa9, '\n'}), 5 * sizeof *ids);
    free(ids);
    assay_tokenizer_close(tokenizer);
    assay_model_close(&model);
}

static void what_cannot_be_made_is_refused(void **state) {
    const assay_bench_shape *shape;
    assert_int_equal(assay_bench_shape_find(&shape, "llama-9", &err), ASSAY_UNKNOWN);
    assert_non_null(strstr(err.text, "llama-3.2-1b"));
    assert_int_equal(assay_bench_shape_find(&shape, "demo", &err), ASSAY_OK);
    assert_int_equal(assay_bench_model_write("/nowhere/at/all", shape, &err), ASSAY_NOT_FOUND);
    const uint32_t ranks[] = {0, ASSAY_LORA_RANK_MAX + 1};
    for (int i = 0; i < 2; i++)
        assert_int_equal(assay_bench_adapter_write(path_of("no"), &shape->shape, ranks[i], 1, &err),
                         ASSAY_RANGE);
    assert_int_not_equal(access(path_of("no"), F_OK), 0);
    assay_bench_shape wrong = *shape;
    wrong.shape.width = 100;
    assert_int_equal(assay_bench_model_write(path_of("no"), &wrong, &err), ASSAY_RANGE);
    assert_int_not_equal(access(path_of("no"), F_OK), 0);
}

static int folder_make(void **state) {
    test_folder_make(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shape_is_always_the_same_file),
        cmocka_unit_test(seeds_and_ranks_make_other_adapters),
        cmocka_unit_test(positions_and_adapters_differ),
        cmocka_unit_test(its_tokens_are_bytes),
        cmocka_unit_test(what_cannot_be_made_is_refused),
    };
    return cmocka_run_group_tests(tests, folder_make, NULL);
}
