// SPDX-License-Identifier: Apache-2.0
// Llama 3, Mistral, Qwen2 and Qwen3 against transformers in f32 on the same quantised weights (N-9,
// N-21, N-22). The vectors: tests/oracles/family_logits.py.
#include "tests/quant/family.h"
#include "tests/quant/logits.h"

#define AGREEMENT_MIN  0.97
#define DIVERGENCE_MAX 1e-3

static logits_vectors v;
static json_t *recorded;

static int group_open(void **state) {
    logits_open(&v, ASSAY_SOURCE_DIR "/tests/vectors/family_logits.bin");
    recorded = vectors_read("families.json");
    return 0;
}

static int group_close(void **state) {
    free(v.data);
    free(v.ids);
    json_decref(recorded);
    return 0;
}

// The configuration of that name, with one member changed where `member` is given.
static logits_outcome measure(uint32_t index, const char *name, const char *member, json_t *value) {
    json_t *config = json_deep_copy(family_config_find(recorded, name));
    if (member) json_object_set_new(config, member, value);
    tiny t;
    assay_model model;
    assay_hash root;
    assay_error err = {0};
    family_open(&t, config);
    tiny_write(&t);
    if (assay_model_import(&root, t.folder, t.out, NULL, NULL, &err) != ASSAY_OK ||
        assay_model_open(&model, t.out, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    logits_outcome o = logits_measure(&v, index, name, &model, NULL);
    assay_model_close(&model);
    tiny_close(&t);
    json_decref(config);
    return o;
}

static const char *const names[] = {"llama3", "linear", "mistral", "qwen2", "qwen3"};

static void families_agree_with_transformers(void **state) {
    assert_int_equal(v.models, sizeof names / sizeof *names);
    for (uint32_t i = 0; i < v.models; i++) {
        logits_outcome o = measure(i, names[i], NULL, NULL);
        printf("%-8s top-1 agreement %.2f %%, mean KL %.2e\n", names[i], 100 * o.agreement,
               o.divergence);
        assert_true(o.agreement >= AGREEMENT_MIN);
        assert_true(o.divergence <= DIVERGENCE_MAX);
        assert_true(o.divergence > 1e-7);
    }
}

// The limits tell rotary scalings apart, and one eps from another.
static void another_arithmetic_is_told_apart(void **state) {
    logits_outcome o = measure(0, "llama3", "rope_scaling", json_null());
    assert_true(o.divergence > 10 * DIVERGENCE_MAX);
    o = measure(1, "linear", "rope_scaling", json_null());
    assert_true(o.divergence > 10 * DIVERGENCE_MAX);
    o = measure(4, "qwen3", "rms_norm_eps", json_real(0.5));
    assert_true(o.divergence > 10 * DIVERGENCE_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_agree_with_transformers),
        cmocka_unit_test(another_arithmetic_is_told_apart),
    };
    return cmocka_run_group_tests(tests, group_open, group_close);
}
