// SPDX-License-Identifier: Apache-2.0
// What an import holds in memory (F-12): a folder whose largest matrix is far larger than what this
// process may grow by, measured as the system sees it.
#include <fcntl.h>

#include "base/pool.h"
#include "quant/import/import.h"
#include "quant/model.h"
#include "tests/quant/peak.h"
#include "tests/quant/tiny.h"
#include "tests/skip.h"

// A matrix of F32 with 128 MiB; quantised to q8 it has 32. Both are read, one is written. The bound
// asked of an import is 1.5 times the largest; what it takes does not depend on it at all, and a
// quarter of it already holds the rows, their tasks and the sanitizers' own.
enum { VOCAB = 1 << 15, WIDTH = 1024, LARGEST_KIB = 128 << 10, GROWTH_KIB_MAX = LARGEST_KIB / 4 };

// Of freed memory little is kept to catch late uses of it.
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "quarantine_size_mb=1:thread_local_quarantine_size_kb=64";
}

static void shape_set(tiny *t) {
    tiny_set(t, "hidden_size", "1024");
    tiny_set(t, "vocab_size", "32768");
    for (uint32_t i = 0; i < t->count; i++) {
        tiny_tensor *tensor = &t->tensors[i];
        if (tensor->rows == 2048) tensor->rows = VOCAB;
        if (tensor->columns == 0) tensor->rows = WIDTH;
        if (tensor->columns == 64) tensor->columns = WIDTH;
    }
    tiny_find(t, "model.layers.0.self_attn.o_proj.weight")->rows = WIDTH;
    tiny_find(t, "model.layers.0.self_attn.o_proj.weight")->columns = 64;
    tiny_find(t, "model.layers.0.mlp.down_proj.weight")->rows = WIDTH;
}

// All numbers are zero: the file has a header and a hole, which reading fills with pages as it
// would with any others.
static void zeros_write(const tiny *t) {
    char path[160], header[8192];
    size_t at = 8;
    uint64_t begin = 0;
    at += (size_t)snprintf(header + at, sizeof header - at, "{\"__metadata__\":{}");
    for (uint32_t i = 0; i < t->count; i++) {
        const tiny_tensor *tensor = &t->tensors[i];
        uint64_t end = begin + 4 * (uint64_t)tensor->rows * (tensor->columns ? tensor->columns : 1);
        char shape[48];
        snprintf(shape, sizeof shape, tensor->columns ? "%u,%u" : "%u", tensor->rows,
                 tensor->columns);
        at += (size_t)snprintf(header + at, sizeof header - at,
                               ",\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],"
                               "\"data_offsets\":[%llu,%llu]}",
                               tensor->name, shape, (ull)begin, (ull)end);
        begin = end;
    }
    header[at++] = '}';
    assay_store_le64((uint8_t *)header, at - 8);
    tiny_file_write(t, "model.safetensors", header, at);
    tiny_path(path, sizeof path, t, "model.safetensors");
    assert_int_equal(truncate(path, (off_t)(at + begin)), 0);
}

static void matrices_do_not_stay_in_memory(void **state) {
    tiny t;
    assay_hash root;
    assay_error err = {0};
    assay_pool *pool;
    tiny_open(&t);
    shape_set(&t);
    tiny tables = t;
    tables.count = 0; // configuration and tokenizer alone
    tiny_write(&tables);
    zeros_write(&t);
    assert_int_equal(assay_pool_open(&pool, 2, NULL), ASSAY_OK);
    long before = peak_kib();
    assert_true(before > 0);
    assay_status status = assay_model_import(&root, t.folder, t.out, NULL, pool, &err);
    long grown = peak_kib() - before;
    assay_pool_close(pool);
    if (status != ASSAY_OK) fail_msg("%s", err.text);
    print_message("grown by %ld KiB, a matrix has %d\n", grown, LARGEST_KIB);
    assert_true(grown <= GROWTH_KIB_MAX);
    // Opening keeps no more of it than it uses.
    assay_model model;
    assert_int_equal(assay_model_open(&model, t.out, NULL), ASSAY_OK);
    assert_memory_equal(&model.root, &root, sizeof root);
    assert_true(peak_kib() - before <= GROWTH_KIB_MAX);
    assay_model_close(&model);
    tiny_close(&t);
}

int main(void) {
#if defined(__SANITIZE_THREAD__)
    return assay_test_skip("the thread sanitizer keeps four bytes for each that is read");
#endif
    const struct CMUnitTest tests[] = {cmocka_unit_test(matrices_do_not_stay_in_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
