// SPDX-License-Identifier: Apache-2.0
// Peaks: every set that this machine can run names what its instructions could at most do (N-20).
#include <string.h>
#include <time.h>

#include "kernels/peak.h"
#include "kernels/table.h"
#include "tests/test.h"

static double seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void every_set_but_ref_has_a_peak(void **state) {
    const assay_kernels *const *sets;
    size_t count = assay_kernels_list(&sets);
    assert_null(assay_peak_find("none"));
    for (size_t i = 0; i < count; i++) {
        assay_peak_fn *peak = assay_peak_find(sets[i]->name);
        if (strcmp(sets[i]->name, "ref") == 0) {
            assert_null(peak);
            continue;
        }
        assert_non_null(peak);
        if (!sets[i]->available()) continue;
        assert_true(peak(1) > 0);
        assert_int_equal(peak(1000), 1000 * peak(1));
    }
}

// A loop that the compiler could leave out would report more than any machine has.
static void a_peak_takes_its_time(void **state) {
    const assay_kernels *const *sets;
    size_t count = assay_kernels_list(&sets);
    for (size_t i = 0; i < count; i++) {
        assay_peak_fn *peak = assay_peak_find(sets[i]->name);
        if (!peak || !sets[i]->available()) continue;
        double start = seconds();
        uint64_t macs = peak(1 << 20);
        double rate = (double)macs / (seconds() - start);
        print_message("%s: %.1f giga-MAC/s\n", sets[i]->name, rate / 1e9);
        assert_true(rate > 1e8 && rate < 2e13);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_but_ref_has_a_peak),
        cmocka_unit_test(a_peak_takes_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
