// SPDX-License-Identifier: Apache-2.0
// N-20: choosing a kernel set by name.
#include <string.h>
#include <time.h>

#include "kernels/table.h"
#include "tests/test.h"
#if defined(__x86_64__)
#include "tests/kernels/simde/emulated.h"
#endif

static bool never(void) {
    return false;
}

static void test_sets_by_name(void **state) {
    const assay_kernels *const *sets, *found;
    size_t set_count = assay_kernels_list(&sets);
    assert_true(set_count >= 1);
    for (size_t i = 0; i < set_count; i++) {
        if (!sets[i]->available()) continue;
        assert_int_equal(assay_kernels_find(&found, sets[i]->name, NULL), ASSAY_OK);
        assert_ptr_equal(found, sets[i]);
    }
    assert_int_equal(assay_kernels_find(&found, "ref", NULL), ASSAY_OK);
    assert_ptr_equal(found, &assay_kernels_ref);
    assert_int_equal(assay_kernels_find(&found, NULL, NULL), ASSAY_OK);
    assert_true(found->available());
}

static void add_nothing(float *y, const float *x, uint32_t n) {
    (void)y, (void)x, (void)n;
}

static void test_refusals_name_the_set(void **state) {
    const assay_kernels *found;
    assay_error err = {0};
    assert_int_equal(assay_kernels_find(&found, "abacus", &err), ASSAY_UNKNOWN);
    assert_null(found);
    assert_non_null(strstr(err.text, "'abacus'"));
    assert_non_null(strstr(err.text, " ref"));
    assay_kernels lacking = assay_kernels_ref;
    lacking.name = "lacking";
    lacking.needs = "a machine yet to be built";
    lacking.available = never;
    const assay_kernels *const sets[] = {&lacking, &assay_kernels_ref};
    assert_int_equal(assay_kernels_find_in(&found, sets, 2, "lacking", &err), ASSAY_UNSUPPORTED);
    assert_null(found);
    assert_non_null(strstr(err.text, "a machine yet to be built"));
    assert_int_equal(assay_kernels_find_in(&found, sets, 2, NULL, &err), ASSAY_OK);
    assert_ptr_equal(found, &assay_kernels_ref);
    // One that differs is not passed over, and whoever named none is told how to.
    lacking.available = assay_kernels_ref.available;
    lacking.add = add_nothing;
    assert_int_equal(assay_kernels_find_in(&found, sets, 2, "lacking", &err), ASSAY_MISMATCH);
    assert_string_equal(err.text, "kernel set 'lacking' differs from ref in add");
    assert_int_equal(assay_kernels_find_in(&found, sets, 2, NULL, &err), ASSAY_MISMATCH);
    assert_null(found);
    assert_string_equal(err.text, "kernel set 'lacking' differs from ref in add; "
                                  "--isa (or ASSAY_ISA) asks for another");
}

// With more and more of the best sets masked out, each of them is refused by its name and the
// choice falls to the next that is left.
static void test_choice_falls_to_the_next_best(void **state) {
    assay_kernels copies[16];
    const assay_kernels *pointers[16], *found;
    const assay_kernels *const *sets;
    assay_error err = {0};
    size_t count = 0;
#if defined(__x86_64__)
    size_t emulated_count = emulated_kernels_list(&sets);
    for (size_t i = 0; i < emulated_count; i++)
        copies[count++] = *sets[i];
#endif
    size_t set_count = assay_kernels_list(&sets);
    for (size_t i = 0; i < set_count; i++)
        copies[count++] = *sets[i];
    for (size_t i = 0; i < count; i++)
        pointers[i] = &copies[i];
    for (size_t masked = 0; masked < count; masked++) {
        size_t best = masked;
        while (!copies[best].available())
            best++;
        assert_int_equal(assay_kernels_find_in(&found, pointers, count, NULL, &err), ASSAY_OK);
        assert_ptr_equal(found, &copies[best]);
        copies[masked].available = never;
        assert_int_equal(assay_kernels_find_in(&found, pointers, count, copies[masked].name, &err),
                         ASSAY_UNSUPPORTED);
        assert_non_null(strstr(err.text, copies[masked].needs));
    }
    assert_int_equal(assay_kernels_find_in(&found, pointers, count, NULL, &err), ASSAY_UNKNOWN);
}

static void test_check_is_fast(void **state) {
    struct timespec from, to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    assert_int_equal(assay_kernels_check(&assay_kernels_ref, NULL), ASSAY_OK);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    long us = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
    assert_true(us <= 50000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_by_name),
        cmocka_unit_test(test_refusals_name_the_set),
        cmocka_unit_test(test_choice_falls_to_the_next_best),
        cmocka_unit_test(test_check_is_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
