// SPDX-License-Identifier: Apache-2.0
// E-40, E-41, E-42, E-43, E-44: the verdicts of tendermint-rs's model-based tests, step by step.
// Their model trusts by the set that follows a header; that set stands in for the trusted block's
// own here.
#include "base/json.h"
#include "consensus/light/verify.h"
#include "tests/consensus/cometbft.h"

enum { DRIFT_SECONDS = 10, CASES_MIN = 41, STEPS_MIN = 99 };

static assay_status block_read(assay_light_block *out, const json_t *step, const char *set,
                               assay_arena *arena, assay_error *err) {
    json_t *document =
        json_pack("{s:O,s:O}", "signed_header", json_object_get(step, "signed_header"),
                  "validators", json_object_get(step, set));
    assay_status status = assay_light_document_read(out, document, arena, err);
    json_decref(document);
    return status;
}

static assay_time now_of(const json_t *step) {
    // A header's time is read by the code under test: read the same way, "now" is one too.
    json_t *copy = json_deep_copy(step);
    json_object_set(vectors_at(copy, "signed_header.header"), "time", json_object_get(step, "now"));
    assay_arena arena;
    assay_light_block block;
    assay_arena_init(&arena, ASSAY_LIGHT_ARENA_MAX);
    must(block_read(&block, copy, "validators", &arena, err));
    assay_time now = block.header.time;
    assay_arena_close(&arena);
    json_decref(copy);
    return now;
}

static uint32_t case_run(const json_t *one) {
    const assay_light_policy policy = {
        .chain_id = "test-chain",
        .trusting_seconds = (uint64_t)json_integer_value(json_object_get(one, "trusting_seconds")),
        .drift_seconds = DRIFT_SECONDS,
        .trust_numerator = 1,
        .trust_denominator = 3};
    const char *name = json_string_value(json_object_get(one, "name"));
    assay_arena arena;
    assay_light_block trusted, block;
    const json_t *step;
    size_t i;
    assay_arena_init(&arena, ASSAY_LIGHT_ARENA_MAX);
    must(block_read(&trusted, json_object_get(one, "initial"), "next_validators", &arena, err));
    json_array_foreach(json_object_get(one, "input"), i, step) {
        const char *verdict = json_string_value(json_object_get(step, "verdict"));
        assay_error why = {0};
        bool far = false;
        assay_status status = block_read(&block, step, "validators", &arena, &why);
        if (status == ASSAY_OK)
            status =
                assay_light_verify(&trusted, &block, &policy, now_of(step), &far, &arena, &why);
        const char *own = status == ASSAY_OK ? "SUCCESS" : far ? "NOT_ENOUGH_TRUST" : "INVALID";
        if (strcmp(own, verdict) != 0)
            fail_msg("%s step %zu: %s, expected %s: %s", name, i, own, verdict, why.text);
        if (status == ASSAY_OK) must(block_read(&trusted, step, "next_validators", &arena, err));
    }
    assay_arena_close(&arena);
    return (uint32_t)i;
}

static void verdicts_are_those_of_the_model(void **unused) {
    json_t *root = vectors_read("light_model.json");
    const json_t *one;
    size_t i;
    uint32_t steps = 0;
    json_array_foreach(vectors_at(root, "cases"), i, one) steps += case_run(one);
    assert_int_equal(i, CASES_MIN);
    assert_int_equal(steps, STEPS_MIN);
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(verdicts_are_those_of_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
