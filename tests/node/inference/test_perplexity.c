// SPDX-License-Identifier: Apache-2.0
// F-28: the measure against the definition, window by window.
#include "tests/quant/synthetic.h"

#include <math.h>

#include "node/inference/perplexity.h"
#include "tests/quant/single.h"

enum { COUNT = 61, WINDOW = 20 };

static synthetic model;
static uint32_t ids[COUNT];

static int model_make(void **state) {
    synthetic_open(&model, 3);
    synthetic_ids(&model, ids, COUNT);
    return 0;
}

static int model_free(void **state) {
    synthetic_close(&model);
    return 0;
}

typedef struct {
    const uint32_t *ids;
    uint32_t count;
    long double loss;
    uint32_t foretold;
} window;

static void row_add(void *context, const assay_forward_row *row) {
    window *w = context;
    long double sum = 0;
    if (row->position + 1 == w->count) return;
    for (uint32_t i = 0; i < SYNTHETIC_VOCAB; i++)
        sum += expl(row->logits[i]);
    w->loss -= row->logits[w->ids[row->position + 1]] - logl(sum);
    w->foretold++;
}

static void test_it_is_what_the_rule_says(void **state) {
    assay_engine engine = {&model.model, &assay_kernels_ref, NULL};
    window w = {0};
    for (uint32_t at = 0; at < COUNT; at += WINDOW) { // the last window holds one token
        single pass;
        assay_forward_hooks hooks = {.row = row_add, .context = &w};
        w.ids = ids + at;
        w.count = COUNT - at < WINDOW ? COUNT - at : WINDOW;
        assert_int_equal(single_open(&pass, &engine, WINDOW, 0, NULL), ASSAY_OK);
        assert_int_equal(single_feed(&pass, w.ids, w.count, &hooks, NULL), ASSAY_OK);
        single_close(&pass);
    }
    assay_perplexity got;
    assert_int_equal(assay_perplexity_measure(&got, &engine, NULL, ids, COUNT, WINDOW, NULL, NULL),
                     ASSAY_OK);
    assert_int_equal(got.token_count, COUNT - 4);
    assert_int_equal(w.foretold, COUNT - 4);
    double wanted = (double)expl(w.loss / w.foretold);
    assert_true(fabs(got.perplexity / wanted - 1) < 1e-9);
    assert_true(got.seconds > 0);
}

static void test_refusals(void **state) {
    assay_engine engine = {&model.model, &assay_kernels_ref, NULL};
    assay_perplexity got;
    const uint32_t bad[3] = {1, 2, SYNTHETIC_VOCAB};
    assert_int_equal(assay_perplexity_measure(&got, &engine, NULL, ids, 1, 20, NULL, NULL),
                     ASSAY_RANGE);
    assert_int_equal(assay_perplexity_measure(&got, &engine, NULL, ids, 9, 1, NULL, NULL),
                     ASSAY_RANGE);
    assert_int_equal(
        assay_perplexity_measure(&got, &engine, NULL, ids, 9, SYNTHETIC_CONTEXT + 1, NULL, NULL),
        ASSAY_RANGE);
    assert_int_equal(assay_perplexity_measure(&got, &engine, NULL, bad, 3, 20, NULL, NULL),
                     ASSAY_RANGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_what_the_rule_says),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, model_make, model_free);
}
