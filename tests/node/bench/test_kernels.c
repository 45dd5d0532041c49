// SPDX-License-Identifier: Apache-2.0
// bench kernels: every operation has a trial, and a set that differs from ref in one is found
// (N-20).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/test.h"
#include <jansson.h>

#include "node/bench/kernels.h"

static assay_error err;
static char out[1 << 14];

static const char *const ops[] = {
#define X(member) #member,
    ASSAY_KERNEL_LIST(X)
#undef X
};
enum { OP_COUNT = sizeof ops / sizeof *ops };

static void every_operation_has_trials(void **state) {
    const assay_trial_kind *kinds;
    size_t count = assay_kernel_trials_list(&kinds);
    for (size_t op = 0; op < OP_COUNT; op++) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++)
            found += strcmp(kinds[i].op, ops[op]) == 0;
        if (found == 0) fail_msg("no trial of %s", ops[op]);
    }
}

static assay_trial_kind small(const char *op) {
    if (strncmp(op, "gemm_", 5) == 0) return (assay_trial_kind){op, {5, 70, 128}, false};
    if (strcmp(op, "attention") == 0) return (assay_trial_kind){op, {2, 70, 32}, false};
    return (assay_trial_kind){op, {5, 128}, false};
}

static assay_kernel_speed speed_of(const char *op, const assay_kernels *set, assay_pool *pool) {
    assay_kernel_speed speed;
    assay_trial_kind kind = small(op);
    assert_int_equal(assay_kernel_trial_run(&speed, &kind, &set, 1, pool, &err), ASSAY_OK);
    return speed;
}

static void trials_are_measured(void **state) {
    const assay_kernels *set;
    assay_pool *pool;
    assert_int_equal(assay_kernels_find(&set, NULL, &err), ASSAY_OK);
    assert_int_equal(assay_pool_open(&pool, 3, &err), ASSAY_OK);
    for (size_t op = 0; op < OP_COUNT; op++) {
        assay_kernel_speed speed = speed_of(ops[op], set, pool);
        if (!speed.same_bits) fail_msg("%s differs", ops[op]);
        assert_true(speed.seconds > 0 && speed.seconds < 1);
        assert_true(speed.bytes > 0);
    }
    assert_true(speed_of("gemm_q4", set, pool).macs == 5 * 70 * 128);
    assert_true(speed_of("add", set, pool).macs == 0);
    assert_true(speed_of("add", set, pool).bytes == 5 * 128 * 12);
    assay_pool_close(pool);
    assay_trial_kind unknown = {"divide", {5, 128}, false};
    assay_kernel_speed speed;
    assert_int_equal(assay_kernel_trial_run(&speed, &unknown, &set, 1, NULL, &err), ASSAY_UNKNOWN);
}

static void wrong_gemm_q8(const assay_gemm_part *part, const assay_q8 *w) {
    assay_gemm_q8_ref(part, w);
    if (part->n_first + part->n_count == w->n) part->y[w->n - 1] += 1;
}

static void wrong_attention(const assay_attention_part *part) {
    assay_attention_ref(part);
    part->out[0] += 1;
}

static bool wrong_quantise_x16(int16_t *q, float *scale, const float *x, uint32_t k) {
    bool fine = assay_quantise_x16_ref(q, scale, x, k);
    q[k - 1] ^= 1;
    return fine;
}

static void wrong_bits_are_seen(void **state) {
    assay_kernels set = assay_kernels_ref;
    set.gemm_q8 = wrong_gemm_q8;
    set.attention = wrong_attention;
    set.quantise_x16 = wrong_quantise_x16;
    assert_false(speed_of("gemm_q8", &set, NULL).same_bits);
    assert_false(speed_of("attention", &set, NULL).same_bits);
    assert_false(speed_of("quantise_x16", &set, NULL).same_bits);
    assert_true(speed_of("gemm_q4", &set, NULL).same_bits);
}

// Runs the program; its standard output into `out`. Returns: the exit code.
static int run(const char *options) {
    char command[256];
    int size = snprintf(command, sizeof command,
                        ASSAY_BINARY_DIR "/assay bench kernels %s 2>/dev/null", options);
    assert_true(size > 0 && (size_t)size < sizeof command);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    out[fread(out, 1, sizeof out - 1, pipe)] = 0;
    return WEXITSTATUS(pclose(pipe));
}

static void the_program_lists_and_measures(void **state) {
    assert_int_equal(run("--list"), 0);
    assert_string_equal(out + strlen(out) - 4, "ref\n"); // the last resort
    assert_int_equal(run("--isa ref --op add --threads 2"), 0);
    assert_non_null(strstr(out, "add "));
    assert_non_null(strstr(out, "yes"));
    assert_int_equal(run("--op attention --json"), 0);
    json_t *json = json_loads(out, 0, NULL), *row;
    size_t index, list_size = json_array_size(json_object_get(json, "rows"));
    assert_true(list_size > 0);
    json_array_foreach(json_object_get(json, "rows"), index, row) {
        assert_true(json_is_true(json_object_get(row, "same_bits")));
        assert_true(json_number_value(json_object_get(row, "rate")) > 0);
        bool ref = strcmp(json_string_value(json_object_get(row, "set")), "ref") == 0;
        assert_int_equal(ref, json_is_null(json_object_get(row, "share")));
    }
    json_decref(json);
    assert_int_equal(run("--op divide"), 3);
    assert_int_equal(run("--isa none"), 2);
    assert_int_equal(run("--threads 0"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_trials),
        cmocka_unit_test(trials_are_measured),
        cmocka_unit_test(wrong_bits_are_seen),
        cmocka_unit_test(the_program_lists_and_measures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
