// SPDX-License-Identifier: Apache-2.0
// The exact arithmetic against transformers and peft in f32 on the same 4-bit weights: 5,120
// positions of held-out text, for the demo model and its adapters (N-15). The vectors and their
// format: tests/oracles/logits.py.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>
#include <unistd.h>

#include "base/file.h"
#include "quant/adapter_import.h"
#include "quant/forward.h"
#include "quant/import.h"
#include "tests/quant/single.h"

enum { NAME_SIZE = 16, HEADER_SIZE = 32, POSITIONS_MIN = 4096 };
#define AGREEMENT_MIN  0.97
#define DIVERGENCE_MAX 1e-3

typedef struct {
    uint8_t *data;
    size_t size;
    uint32_t vocab, window, windows, top, stride, models;
    uint32_t *ids; // [windows][window]
    size_t ids_end;
} vectors;

// What one model's positions add up to; `record` walks over its part of the vectors.
typedef struct {
    const vectors *v;
    const uint8_t *record;
    uint32_t position_count;
    uint32_t agreement_count;
    double divergence;
    double *log_q;
    uint8_t *is_top; // [vocab]
} tally;

static vectors v;
static assay_model model;
static char model_path[] = "/tmp/assay_logits_XXXXXX";

static uint32_t load_u16(const uint8_t *in) {
    return (uint32_t)in[0] | (uint32_t)in[1] << 8;
}

static void vectors_open(void) {
    assay_error err = {0};
    const char *path = ASSAY_SOURCE_DIR "/tests/vectors/logits.bin";
    if (assay_file_read(path, 1 << 24, &v.data, &v.size, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    assert_true(v.size > HEADER_SIZE);
    assert_memory_equal(v.data, "ASLOGIT1", 8);
    uint32_t *fields[] = {&v.vocab, &v.window, &v.windows, &v.top, &v.stride, &v.models};
    for (size_t i = 0; i < 6; i++)
        *fields[i] = assay_load_le32(v.data + 8 + 4 * i);
    size_t count = (size_t)v.windows * v.window;
    size_t record = 2 * (2 * (size_t)v.top + v.vocab / v.stride);
    v.ids_end = HEADER_SIZE + 2 * count;
    assert_int_equal(v.size, v.ids_end + v.models * (NAME_SIZE + record * count));
    assert_true(count >= POSITIONS_MIN);
    v.ids = calloc(count, sizeof *v.ids);
    assert_non_null(v.ids);
    for (size_t i = 0; i < count; i++)
        v.ids[i] = load_u16(v.data + HEADER_SIZE + 2 * i);
}

static int group_setup(void **state) {
    assay_error err = {0};
    assay_hash root;
    vectors_open();
    close(mkstemp(model_path));
    if (assay_model_import(&root, ASSAY_SOURCE_DIR "/testnet/model", model_path, NULL, NULL,
                           &err) != ASSAY_OK ||
        assay_model_open(&model, model_path, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    assert_int_equal(model.shape.vocab_size, v.vocab);
    assert_true(model.shape.context_size >= v.window);
    return 0;
}

static int group_teardown(void **state) {
    assay_model_close(&model);
    free(v.data);
    free(v.ids);
    return unlink(model_path);
}

static void log_softmax(double *out, const float *logits, uint32_t count) {
    double max = logits[0], sum = 0;
    for (uint32_t i = 1; i < count; i++)
        max = logits[i] > max ? logits[i] : max;
    for (uint32_t i = 0; i < count; i++)
        sum += exp(logits[i] - max);
    for (uint32_t i = 0; i < count; i++)
        out[i] = logits[i] - max - log(sum);
}

// One term of KL(p || q) = sum p log(p / q) - p + q, which is never negative.
static double term(uint32_t value, double log_q) {
    double log_p = value / -2048.0;
    return exp(log_p) * (log_p - log_q) - exp(log_p) + exp(log_q);
}

static void row_compare(void *context, const assay_forward_row *row) {
    tally *t = context;
    uint32_t top = t->v->top, vocab = t->v->vocab, best = 0;
    const uint8_t *ids = t->record, *values = ids + 2 * top, *sample = values + 2 * top;
    log_softmax(t->log_q, row->logits, vocab);
    for (uint32_t i = 1; i < vocab; i++)
        if (row->logits[i] > row->logits[best]) best = i;
    t->agreement_count += best == load_u16(ids);
    memset(t->is_top, 0, vocab);
    for (uint32_t i = 0; i < top; i++) {
        uint32_t id = load_u16(ids + 2 * i);
        assert_true(id < vocab && !t->is_top[id]);
        t->is_top[id] = 1;
        t->divergence += term(load_u16(values + 2 * i), t->log_q[id]);
    }
    for (uint32_t id = row->position % t->v->stride; id < vocab; id += t->v->stride, sample += 2)
        if (!t->is_top[id]) t->divergence += t->v->stride * term(load_u16(sample), t->log_q[id]);
    t->record = sample;
    t->position_count++;
}

typedef struct {
    double agreement;
    double divergence;
} outcome;

// Feeds all windows to the model with `adapter` and compares with part `index` of the vectors.
static outcome model_measure(uint32_t index, const char *name, const assay_adapter *adapter) {
    size_t positions = (size_t)v.windows * v.window;
    size_t record = 2 * (2 * (size_t)v.top + v.vocab / v.stride);
    const uint8_t *at = v.data + v.ids_end + index * (NAME_SIZE + record * positions);
    assert_string_equal((const char *)at, name);
    tally t = {.v = &v, .record = at + NAME_SIZE};
    t.log_q = calloc(v.vocab, sizeof *t.log_q);
    t.is_top = calloc(v.vocab, 1);
    assert_true(t.log_q && t.is_top);

    assay_error err = {0};
    assay_engine engine = {.model = &model};
    single forward;
    const assay_forward_hooks hooks = {.row = row_compare, .context = &t};
    assert_int_equal(assay_kernels_find(&engine.kernels, NULL, &err), ASSAY_OK);
    assert_int_equal(assay_pool_open(&engine.pool, assay_processor_count(), &err), ASSAY_OK);
    assert_int_equal(single_open(&forward, &engine, v.window, 0, &err), ASSAY_OK);
    for (uint32_t i = 0; i < v.windows; i++) {
        single_reset(&forward, adapter);
        assert_int_equal(single_feed(&forward, v.ids + i * v.window, v.window, &hooks, &err),
                         ASSAY_OK);
        assert_int_equal(forward.sequence.fault_position, ASSAY_NO_FAULT);
    }
    single_close(&forward);
    assay_pool_close(engine.pool);
    free(t.log_q);
    free(t.is_top);

    assert_int_equal(t.position_count, positions);
    return (outcome){(double)t.agreement_count / (double)positions,
                     t.divergence / (double)positions};
}

static void model_expect(uint32_t index, const char *name, const assay_adapter *adapter) {
    outcome o = model_measure(index, name, adapter);
    printf("%-12s %u positions, top-1 agreement %.2f %%, mean KL %.2e\n", name,
           v.windows * v.window, 100 * o.agreement, o.divergence);
    assert_true(o.agreement >= AGREEMENT_MIN);
    assert_true(o.divergence <= DIVERGENCE_MAX);
    // Exactly nothing would mean that the reference is this program, not another one.
    assert_true(o.divergence > 1e-7);
}

// The limits must tell models apart: the base model is no substitute for an adapter.
static void another_model_is_told_apart(void **state) {
    outcome o = model_measure(1, "carroll", NULL);
    assert_true(o.agreement < AGREEMENT_MIN);
    assert_true(o.divergence > 10 * DIVERGENCE_MAX);
}

static void base_agrees_with_transformers(void **state) {
    model_expect(0, "base", NULL);
}

static void adapters_agree_with_peft(void **state) {
    static const char *const names[] = {"carroll", "doyle", "shakespeare"};
    assert_int_equal(v.models, 1 + sizeof names / sizeof *names);
    for (uint32_t i = 1; i < v.models; i++) {
        const char *name = names[i - 1];
        char folder[256], path[] = "/tmp/assay_logits_XXXXXX";
        assay_hash root;
        assay_adapter adapter;
        assay_error err = {0};
        close(mkstemp(path));
        snprintf(folder, sizeof folder, ASSAY_SOURCE_DIR "/testnet/adapters/%s", name);
        if (assay_adapter_import(&root, folder, path, &model, &err) != ASSAY_OK ||
            assay_adapter_open(&adapter, path, &model, &err) != ASSAY_OK)
            fail_msg("%s", err.text);
        model_expect(i, name, &adapter);
        assay_adapter_close(&adapter);
        unlink(path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_agrees_with_transformers),
        cmocka_unit_test(adapters_agree_with_peft),
        cmocka_unit_test(another_model_is_told_apart),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
