// SPDX-License-Identifier: Apache-2.0
// The exact arithmetic against transformers and peft in f32 on the same 4-bit weights: 5,120
// positions of held-out text, for the demo model and its adapters (N-15). The vectors and their
// format: tests/oracles/logits.py.
#include "tests/quant/logits.h"

#include <unistd.h>

#include "quant/import/adapter_import.h"
#include "quant/import/import.h"

enum { POSITIONS_MIN = 4096 };
#define AGREEMENT_MIN  0.97
#define DIVERGENCE_MAX 1e-3

static logits_vectors v;
static assay_model model;
static char model_path[] = "/tmp/assay_logits_XXXXXX";

static int group_setup(void **state) {
    assay_error err = {0};
    assay_hash root;
    logits_open(&v, ASSAY_SOURCE_DIR "/tests/vectors/logits.bin");
    assert_true(v.windows * v.window >= POSITIONS_MIN);
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

static void model_expect(uint32_t index, const char *name, const assay_adapter *adapter) {
    logits_outcome o = logits_measure(&v, index, name, &model, adapter);
    printf("%-12s %u positions, top-1 agreement %.2f %%, mean KL %.2e\n", name,
           v.windows * v.window, 100 * o.agreement, o.divergence);
    assert_true(o.agreement >= AGREEMENT_MIN);
    assert_true(o.divergence <= DIVERGENCE_MAX);
    // Exactly nothing would mean that the reference is this program, not another one.
    assert_true(o.divergence > 1e-7);
}

// The limits must tell models apart: the base model is no substitute for an adapter.
static void another_model_is_told_apart(void **state) {
    logits_outcome o = logits_measure(&v, 1, "carroll", &model, NULL);
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
