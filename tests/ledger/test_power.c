// SPDX-License-Identifier: Apache-2.0
// Consensus power follows bonds slowly (P-47): the step against tests/oracles/draws.py, and epochs
// of a real chain.
#include "tests/ledger/chain.h"
#include "tests/vectors.h"

#include "ledger/power.h"

static void steps_match_the_oracle(void **state) {
    json_t *root = vectors_read("draws.json"), *item;
    size_t i, j;
    json_array_foreach(vectors_at(root, "steps"), i, item) {
        assay_power powers[16] = {0};
        uint64_t targets[16], before = 0, changed = 0, after = 0, wanted = 0;
        json_t *value, *expected = json_object_get(item, "after");
        json_array_foreach(json_object_get(item, "powers"), j, value) before += powers[j].power =
            (uint64_t)json_integer_value(value);
        json_array_foreach(json_object_get(item, "targets"), j, value) wanted += targets[j] =
            (uint64_t)json_integer_value(value);
        uint64_t ppm = (uint64_t)json_integer_value(json_object_get(item, "ppm"));
        assay_power_step(powers, targets, (uint32_t)j, ppm);
        json_array_foreach(expected, j, value) {
            uint64_t was =
                (uint64_t)json_integer_value(json_array_get(json_object_get(item, "powers"), j));
            assert_int_equal(powers[j].power, json_integer_value(value));
            changed += was > powers[j].power ? was - powers[j].power : powers[j].power - was;
            after += powers[j].power;
        }
        uint64_t limit = before * ppm / 1000000;
        assert_true(changed <= (limit > 0 ? limit : 1));
        assert_true(after >= (wanted == 0 || before < wanted ? before : wanted));
        assert_true(after > 0);
    }
    assert_int_equal(i, 220);
    json_decref(root);
}

static void targets_of_zero_change_nothing(void **state) {
    assay_power powers[2] = {{{{1}}, 5}, {{{2}}, 0}};
    uint64_t targets[2] = {0, 0};
    assay_power_step(powers, targets, 2, 1000000);
    assert_int_equal(powers[0].power, 5);
    targets[1] = 3;
    assay_power_step(powers, targets, 2, 1000000); // 3 and 1 of 5; the one left over rises
    assert_int_equal(powers[0].power, 2);
    assert_int_equal(powers[1].power, 2);
}

// One step of two powers; Σ power stays above zero, and within the limit of what it was.
static void pair_step(assay_power powers[2], const uint64_t targets[2], uint64_t ppm) {
    uint64_t was[2] = {powers[0].power, powers[1].power}, before = was[0] + was[1], changed = 0;
    uint64_t wanted = targets[0] + targets[1], limit = before * ppm / 1000000;
    assay_power_step(powers, targets, 2, ppm);
    for (int i = 0; i < 2; i++)
        changed += was[i] > powers[i].power ? was[i] - powers[i].power : powers[i].power - was[i];
    uint64_t after = powers[0].power + powers[1].power;
    assert_true(after > 0);
    assert_true(after >= (before < wanted ? before : wanted));
    assert_true(changed <= (limit > 0 ? limit : 1));
    assert_true(changed > 0 || (powers[0].power == targets[0] && powers[1].power == targets[1]));
}

// P-47, P-92: one leaves wholly while another comes, whoever has the lower address: there is power
// at every epoch, and in the end the newcomer has what it bonded.
static void power_is_handed_over(void **state) {
    static const uint64_t newcomers[] = {1, 10, 20, 50, 100},
                          steps[] = {1, 166666, 500000, 1000000};
    for (uint64_t old = 1; old <= 50; old++)
        for (uint32_t i = 0; i < 5 * 4 * 2; i++) {
            uint32_t leaver = i % 2;
            assay_power powers[2] = {{{{1}}, 0}, {{{2}}, 0}};
            uint64_t targets[2] = {0, 0}, ppm = steps[i / 2 % 4];
            powers[leaver].power = old;
            targets[1 - leaver] = newcomers[i / 8];
            for (uint64_t epoch = 0; epoch < old + newcomers[i / 8]; epoch++)
                pair_step(powers, targets, ppm);
            assert_int_equal(powers[leaver].power, 0);
            assert_int_equal(powers[1 - leaver].power, newcomers[i / 8]);
        }
}

// Epochs until the first, who leaves two thirds of `total`, has no power; 0: not within `most`.
static uint64_t epochs_to_leave(uint64_t total, uint64_t rising, uint64_t ppm, uint64_t most) {
    uint64_t leaver = 2 * total / 3, targets[3] = {0, total - leaver, rising};
    assay_power powers[3] = {{{{1}}, leaver}, {{{2}}, total - leaver}, {{{3}}, 0}};
    for (uint64_t epoch = 1; epoch <= most; epoch++) {
        assay_power_step(powers, targets, 3, ppm);
        if (powers[0].power == 0) return epoch;
    }
    // What is left where others rise: P-23's less than a quarter.
    assert_true(rising > 0 &&
                powers[0].power * 4 < powers[0].power + powers[1].power + powers[2].power);
    return 0;
}

// P-23, P-47: in the epochs that the unbonding time allows for, two thirds of all power leave, at
// the totals where a step's floor costs most too: just under two, three … units a step.
static void two_thirds_leave_before_their_bond(void **state) {
    static const uint64_t steps[] = {1000,   3000,   9999,   50000,  100000, 166666,
                                     250000, 333333, 400000, 500000, 700001, 1000000};
    bool near = false;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assay_params params = {.power_step_ppm = steps[i]};
        uint64_t most = assay_params_leave_epochs(&params);
        for (uint64_t units = 1; units <= 8; units++) {
            uint64_t total = units * 1000000 / steps[i] - 1;
            if (total < 3) continue;
            near |= epochs_to_leave(total, 0, steps[i], most) == most - 1;
            epochs_to_leave(total, 4 * total, steps[i], most);
            epochs_to_leave(total, 1000000 * total, steps[i], most);
        }
        assert_int_not_equal(epochs_to_leave(1000000000, 0, steps[i], most), 0);
    }
    assert_true(near); // two epochs fewer would not do
}

// The greatest 256, the first of equals; who is one of fewer always.
static void only_so_many_head_for_power(void **state) {
    enum { ALL = ASSAY_POWER_MAX, KEPT = ASSAY_POWER_ACTIVE_MAX };
    uint64_t targets[ALL];
    for (uint32_t i = 0; i < ALL; i++)
        targets[i] = 7;
    assay_power_choose(targets, KEPT);
    assert_int_equal(targets[KEPT - 1], 7);
    targets[ALL - 1] = 8;
    targets[0] = 6;
    assay_power_choose(targets, ALL);
    for (uint32_t i = 0; i < ALL; i++)
        assert_int_equal(targets[i], i == 0 ? 0 : i < KEPT ? 7 : i == ALL - 1 ? 8 : 0);
    for (uint32_t i = 0; i < ALL; i++)
        targets[i] = i + 1;
    assay_power_choose(targets, ALL);
    for (uint32_t i = 0; i < ALL; i++)
        assert_int_equal(targets[i], i < ALL - KEPT ? 0 : i + 1);
}

static uint64_t operator_power(const chain *c) {
    assay_view view = chain_view(c);
    assay_power powers[ASSAY_POWER_MAX];
    uint32_t count;
    must(assay_power_list(powers, &count, &view.reader, err));
    assay_view_close(&view);
    assert_int_equal(count, 1);
    assert_memory_equal(&powers[0].address, &c->actors[0], 20);
    return powers[0].power;
}

// The operator bonds 100 OPEN more: a sixth of its power an epoch, at epoch ends only.
static void power_follows_the_bond_at_epoch_ends(void **state) {
    chain *c = chain_begin();
    assert_int_equal(operator_power(c), 100);
    assay_tx tx = chain_tx(c, 0, ASSAY_TX_BOND);
    tx.body.bond = (assay_tx_bond){ASSAY_ROLE_CONSENSUS, 100 * CHAIN_OPEN};
    chain_run(c, &tx, NONE);
    chain_until(c, 19);
    assert_int_equal(operator_power(c), 100);
    static const uint64_t steps[] = {116, 135, 157, 183, 200, 200};
    for (uint32_t i = 0; i < 6; i++) {
        chain_until(c, 20 * (i + 1));
        assert_int_equal(operator_power(c), steps[i]);
    }
    chain_end(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_match_the_oracle),
        cmocka_unit_test(targets_of_zero_change_nothing),
        cmocka_unit_test(power_is_handed_over),
        cmocka_unit_test(two_thirds_leave_before_their_bond),
        cmocka_unit_test(only_so_many_head_for_power),
        cmocka_unit_test(power_follows_the_bond_at_epoch_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
