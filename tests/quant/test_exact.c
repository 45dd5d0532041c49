// SPDX-License-Identifier: Apache-2.0
// N-9, N-15, N-16, N-17, N-19: the demo model and its adapters against tests/vectors/exact.json:
// logits, residuals, generated tokens and traces, by bytes, in every split. ASSAY_ORACLES=live runs
// all combinations; otherwise the long text is taken once a split.
#include "tests/vectors.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/sha256.h"
#include "quant/import/adapter_import.h"
#include "quant/import/import.h"
#include "quant/verify.h"
#include "tests/folder.h"
#include "tests/quant/single.h"

enum { LAYERS = 6, WIDTH = 256, VOCAB = 2048, CONTEXT = 512, ADAPTERS = 3 };

static const char *const names[ADAPTERS] = {"carroll", "doyle", "shakespeare"};
static json_t *vectors;
static char folder[] = "/tmp/assay_model_XXXXXX";
static assay_model model;
static assay_adapter adapters[ADAPTERS];

// "<the test's folder>/<name>", until the next call.
static const char *in_folder(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int models_open(void **state) {
    assay_error err = {0};
    assay_hash root;
    vectors = vectors_read("exact.json");
    test_folder_make(folder);
    if (assay_model_import(&root, ASSAY_SOURCE_DIR "/testnet/model", in_folder("base"), NULL, NULL,
                           &err) != ASSAY_OK ||
        assay_model_open(&model, in_folder("base"), &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    for (int i = 0; i < ADAPTERS; i++) {
        char source[512];
        snprintf(source, sizeof source, "%s/testnet/adapters/%s", ASSAY_SOURCE_DIR, names[i]);
        if (assay_adapter_import(&root, source, in_folder(names[i]), &model, &err) != ASSAY_OK ||
            assay_adapter_open(&adapters[i], in_folder(names[i]), &model, &err) != ASSAY_OK)
            fail_msg("%s", err.text);
    }
    return 0;
}

static int models_close(void **state) {
    for (int i = 0; i < ADAPTERS; i++)
        assay_adapter_close(&adapters[i]);
    assay_model_close(&model);
    json_decref(vectors);
    return 0;
}

static const assay_adapter *adapter_of(json_t *entry) {
    const char *name = json_string_value(json_object_get(entry, "adapter"));
    assert_non_null(name);
    for (int i = 0; i < ADAPTERS; i++)
        if (strcmp(name, names[i]) == 0) return &adapters[i];
    assert_string_equal(name, "base");
    return NULL;
}

static uint32_t ids_of(uint32_t *ids, json_t *entry, const char *name) {
    json_t *list = vectors_at(entry, name);
    uint32_t count = (uint32_t)json_array_size(list);
    assert_true(count > 0 && count <= CONTEXT);
    for (uint32_t i = 0; i < count; i++)
        ids[i] = (uint32_t)json_integer_value(json_array_get(list, i));
    return count;
}

typedef struct {
    assay_sha256 logits;
    uint32_t row_count;
    float last[VOCAB];
    float (*residuals)[CONTEXT][WIDTH]; // [LAYERS]
} record;

static void row_record(void *context, const assay_forward_row *row) {
    record *r = context;
    assay_sha256_update(&r->logits, row->logits, VOCAB * sizeof *row->logits);
    if (r->row_count++ > 0)
        assert_memory_not_equal(r->last, row->logits, sizeof r->last); // positions differ
    memcpy(r->last, row->logits, sizeof r->last);
}

static void residual_record(void *context, uint32_t layer, uint32_t position, const float *x) {
    record *r = context;
    memcpy(r->residuals[layer][position], x, sizeof r->residuals[layer][position]);
}

static void logits_expect(json_t *entry, const assay_kernels *kernels, assay_pool *pool,
                          uint32_t chunk) {
    uint32_t ids[CONTEXT], count = ids_of(ids, entry, "ids");
    single forward;
    assay_engine engine = {&model, kernels, pool};
    record r = {.residuals = calloc(LAYERS, sizeof *r.residuals)};
    assert_non_null(r.residuals);
    assay_sha256_init(&r.logits);
    assay_forward_hooks hooks = {.row = row_record, .residual = residual_record, .context = &r};
    assert_int_equal(single_open(&forward, &engine, CONTEXT, chunk, NULL), ASSAY_OK);
    single_reset(&forward, adapter_of(entry));
    assert_int_equal(single_feed(&forward, ids, count, &hooks, NULL), ASSAY_OK);
    single_close(&forward);

    assert_int_equal(r.row_count, count);
    assay_hash hash;
    assay_sha256_final(&r.logits, &hash);
    vectors_expect_sha256(entry, "logits_sha256", &hash);
    json_t *residuals = vectors_at(entry, "residual_sha256_after_layer");
    assert_int_equal(json_array_size(residuals), LAYERS);
    for (uint32_t layer = 0; layer < LAYERS; layer++) {
        char text[65];
        assay_sha256_of(&hash, r.residuals[layer], count * sizeof *r.residuals[layer]);
        assay_hex_encode(text, hash.bytes, sizeof hash.bytes);
        assert_string_equal(text, json_string_value(json_array_get(residuals, layer)));
    }
    free(r.residuals);
}

static void generation_expect(json_t *entry, const assay_kernels *kernels, assay_pool *pool,
                              uint32_t chunk) {
    uint32_t prompt[CONTEXT], wanted[CONTEXT], count = ids_of(wanted, entry, "ids");
    assay_generate_request request = {.adapter = adapter_of(entry),
                                      .prompt = prompt,
                                      .prompt_count = ids_of(prompt, entry, "prompt_ids"),
                                      .stop_ids_ignored = true};
    uint64_t seed, number;
    assert_int_equal(assay_json_u64(&seed, entry, "seed", 0, UINT64_MAX, NULL), ASSAY_OK);
    request.sampling.seed = seed;
    const struct {
        const char *name;
        uint32_t *out;
    } members[] = {{"max_tokens", &request.max_tokens},
                   {"temperature_milli", &request.sampling.temperature_milli},
                   {"top_k", &request.sampling.top_k},
                   {"top_p_ppm", &request.sampling.top_p_ppm}};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(assay_json_u64(&number, entry, members[i].name, 0, UINT32_MAX, NULL),
                         ASSAY_OK);
        *members[i].out = (uint32_t)number;
    }
    assay_generator generator;
    assay_engine engine = {&model, kernels, pool};
    assay_output out;
    assert_int_equal(assay_generator_open(&generator, &engine, 1, CONTEXT, chunk, NULL), ASSAY_OK);
    assert_int_equal(assay_generator_run(&generator, &request, &out, NULL, NULL, NULL), ASSAY_OK);
    assert_int_equal(out.count, count);
    assert_int_equal(out.stop, ASSAY_STOP_LENGTH);
    assert_memory_equal(out.ids, wanted, count * sizeof *wanted);
    vectors_expect_sha256(entry, "trace", &out.trace);

    assay_output_claim claim = {wanted, count, ASSAY_STOP_LENGTH, out.trace};
    assay_difference difference;
    assert_int_equal(assay_generator_verify(&generator, &request, &claim, NULL, &difference, NULL),
                     ASSAY_OK);
    assert_int_equal(difference.finding, ASSAY_FINDING_MATCH);
    assay_generator_close(&generator);
}

// N-19: chunks of 1, 7 and all, one thread and two, ref and this machine's best kernel set.
static void test_every_split_has_the_recorded_bits(void **state) {
    bool all = getenv("ASSAY_ORACLES") && strcmp(getenv("ASSAY_ORACLES"), "live") == 0;
    const uint32_t chunks[] = {1, 7, CONTEXT};
    const assay_kernels *best; // and ref: what lies between is compared with ref elsewhere
    assert_int_equal(assay_kernels_find(&best, NULL, NULL), ASSAY_OK);
    assay_pool *pools[2] = {NULL, NULL};
    assert_int_equal(assay_pool_open(&pools[1], 2, NULL), ASSAY_OK);
    json_t *entries = vectors_at(vectors, "model"), *entry;
    size_t index, seen = 0;
    json_array_foreach(entries, index, entry) {
        bool logits = json_object_get(entry, "positions") != NULL;
        bool heavy = logits && json_array_size(json_object_get(entry, "ids")) > 50;
        for (size_t c = 0; c < 3; c++)
            for (size_t p = 0; p < 2; p++) {
                if (heavy && !all && (index + c + p) % 2) continue;
                const assay_kernels *kernels = (c + index) % 2 ? &assay_kernels_ref : best;
                if (logits)
                    logits_expect(entry, kernels, pools[p], chunks[c]);
                else
                    generation_expect(entry, kernels, pools[p], chunks[c]);
                seen++;
            }
    }
    assert_int_equal(index, 24);
    assert_true(seen >= 24 * 3);
    assay_pool_close(pools[1]);
}

// The recording itself is not degenerate: no two models, and no two texts, share their logits.
static void test_recorded_logits_differ(void **state) {
    json_t *entries = vectors_at(vectors, "model"), *a, *b;
    size_t i, j;
    json_array_foreach(entries, i, a) json_array_foreach(entries, j, b) {
        const char *x = json_string_value(json_object_get(a, "logits_sha256"));
        const char *y = json_string_value(json_object_get(b, "logits_sha256"));
        if (x && y && i != j) assert_string_not_equal(x, y);
    }
}

static assay_status generate(const assay_adapter *adapter) {
    static const uint32_t prompt[] = {1, 2, 3};
    const assay_generate_request request = {.adapter = adapter,
                                            .prompt = prompt,
                                            .prompt_count = 3,
                                            .max_tokens = 2,
                                            .sampling.top_p_ppm = 1000000};
    assay_generator generator;
    assay_engine engine = {.model = &model};
    assay_output out;
    assert_int_equal(assay_kernels_find(&engine.kernels, NULL, NULL), ASSAY_OK);
    assert_int_equal(assay_generator_open(&generator, &engine, 1, 8, 0, NULL), ASSAY_OK);
    assay_status status = assay_generator_run(&generator, &request, &out, NULL, NULL, NULL);
    assay_generator_close(&generator);
    return status;
}

// The file's first byte, with what it is already.
static void write_to(const char *path) {
    uint8_t first;
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &first, 1, 0), 1);
    assert_int_equal(pwrite(fd, &first, 1, 0), 1);
    close(fd);
}

// F-5: nothing is answered with a file that may not be the one whose root is known.
static void test_files_that_are_written_to_are_used_no_more(void **state) {
    assert_int_equal(generate(&adapters[0]), ASSAY_OK);
    write_to(in_folder(names[0]));
    assert_int_equal(generate(&adapters[0]), ASSAY_CORRUPT);
    assert_int_equal(generate(&adapters[1]), ASSAY_OK);
    write_to(in_folder("base"));
    assert_int_equal(generate(&adapters[1]), ASSAY_CORRUPT);
    assert_int_equal(generate(NULL), ASSAY_CORRUPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split_has_the_recorded_bits),
        cmocka_unit_test(test_recorded_logits_differ),
        cmocka_unit_test(test_files_that_are_written_to_are_used_no_more), // the last
    };
    return cmocka_run_group_tests(tests, models_open, models_close);
}
