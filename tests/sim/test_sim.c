// SPDX-License-Identifier: Apache-2.0
// E-80 to E-84, E-97: seeds pass, twice alike, and do not idle; a node, or a ledger, with any of
// the planted defects is found.
#include <string.h>

#include "tests/sim/sim.h"
#include "tests/test.h"

enum { SEEDS = 12, DEFECT_SEEDS_MAX = 40 };

static uint64_t seed_now;

// The same seed does the same.
static void test_repeats(void **state) {
    sim_report first = {0}, second = {0};
    sim_run(&(sim_options){.seed = 77}, &first);
    sim_run(&(sim_options){.seed = 78}, &(sim_report){0});
    sim_run(&(sim_options){.seed = 77}, &second);
    assert_string_equal(first.text, "");
    assert_true(first.heights > 0);
    assert_memory_equal(&first, &second, sizeof first);
}

// E-80, E-81, E-82, E-83, E-84 and E-97 hold, and everything they are about has happened.
static void test_seeds(void **state) {
    sim_report report = {0};
    for (seed_now = 1; seed_now <= SEEDS; seed_now++) {
        sim_run(&(sim_options){.seed = seed_now}, &report);
        assert_string_equal(report.text, "");
    }
    uint64_t happened[] = {
#define X(name) report.name,
        SIM_COUNT_LIST(X)
#undef X
    };
    enum { RARE = 3 }; // ways for a batch to end that so few seeds may not meet
    for (size_t i = 0; i < sizeof happened / sizeof *happened - RARE; i++)
        if (happened[i] == 0) fail_msg("count %zu is 0 after %d seeds", i, SEEDS);
    assert_true(report.accepted * 4 > report.transactions);
    assert_in_range(report.mutants_refused, report.mutants / 4, report.mutants - 1);
    assert_int_equal(report.accepted_of[0], 0);
    uint32_t kinds = 0;
    for (uint32_t kind = 1; kind <= ASSAY_TX_KIND_COUNT; kind++)
        kinds += report.accepted_of[kind] != 0;
    assert_in_range(kinds, 14, ASSAY_TX_KIND_COUNT);
}

// A simulator that cannot fail proves nothing.
static void test_defects(void **state) {
    for (int defect = SIM_DEFECT_NONE + 1; defect < SIM_DEFECT_COUNT; defect++) {
        sim_report report = {0};
        for (seed_now = 1; seed_now <= DEFECT_SEEDS_MAX && !report.failed; seed_now++)
            sim_run(&(sim_options){.seed = seed_now, .defect = (sim_defect)defect}, &report);
        const char *text = sim_defect_text((sim_defect)defect);
        if (!report.failed) fail_msg("%s: not found in %d seeds", text, DEFECT_SEEDS_MAX);
        print_message("%s: seed %d, %s\n", text, (int)seed_now - 1, report.text);
    }
}

static int close_all(void **state) {
    sim_close();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repeats),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_defects),
    };
    sim_seed_now = &seed_now;
    return cmocka_run_group_tests(tests, NULL, close_all);
}
