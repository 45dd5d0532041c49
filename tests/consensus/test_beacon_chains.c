// SPDX-License-Identifier: Apache-2.0
// F-57: the chains of a proposer's two secrets, and which one is in force.
#include "consensus/beacon_chains.h"

#include "base/sha256.h"
#include "tests/test.h"

enum { LENGTH = 1500, LAST = ASSAY_BEACON_CHAINS_MAX - 1 };

static const uint8_t secret[ASSAY_BEACON_SECRET_SIZE] = {1, 2, 3};
static const assay_hash first_seed = {{7, 8, 9}};

static assay_beacon_chains chains_open(void) {
    assay_beacon_chains chains;
    must(assay_beacon_chains_open(&chains, secret, &first_seed, LENGTH, err));
    return chains;
}

// The rule once more, by hand.
static assay_hash value_of(uint8_t number, uint64_t steps) {
    uint8_t message[18 + 32 + 16] = "assay beacon chain";
    assay_hash value = first_seed;
    memcpy(message + 18, secret, sizeof secret);
    message[sizeof message - 10] = LENGTH >> 8;
    message[sizeof message - 9] = LENGTH & 0xff;
    message[sizeof message - 1] = number;
    if (number) assay_sha256_of(&value, message, sizeof message);
    for (uint64_t i = 0; i < steps; i++)
        assay_sha256_of(&value, value.bytes, ASSAY_HASH_SIZE);
    return value;
}

static void expect_preimage(assay_beacon_chains *chains, uint8_t number, uint64_t left) {
    assay_hash head = value_of(number, left), out, want = value_of(number, left - 1);
    bool found;
    must(assay_beacon_chains_preimage(&out, &found, chains, &head, left, err));
    assert_true(found);
    assert_memory_equal(&out, &want, sizeof out);
    assert_int_equal(chains->number, number);
}

static void values_follow_the_rule(void **state) {
    assay_beacon_chains chains = chains_open();
    for (uint8_t number = 0; number <= LAST; number += 21) {
        for (uint64_t steps = 0; steps <= LENGTH; steps += 500) {
            assay_hash want = value_of(number, steps), got;
            assay_beacon_chains_at(&got, &chains, number, steps);
            assert_memory_equal(&got, &want, sizeof got);
        }
    }
    assay_beacon_chains_close(&chains);
}

// Upwards as chains follow each other, and around, as a node finds a chain before its open one.
static void the_chain_in_force_is_found(void **state) {
    assay_beacon_chains chains = chains_open();
    expect_preimage(&chains, 0, LENGTH);
    expect_preimage(&chains, 0, 1);
    expect_preimage(&chains, 1, LENGTH);
    expect_preimage(&chains, LAST, 20);
    expect_preimage(&chains, 5, 1100);
    expect_preimage(&chains, 4, 1);
    assay_beacon_chains_close(&chains);
}

// left says where in the chain a head must be: elsewhere it is not its next preimage.
static void a_strangers_head_is_searched_for_once(void **state) {
    assay_beacon_chains chains = chains_open();
    assay_hash out, known = value_of(3, 10);
    bool found = true;
    must(assay_beacon_chains_preimage(&out, &found, &chains, &known, LENGTH + 1, err));
    assert_false(found);
    found = true; // now with the links it has: it would be found if it were searched for again
    must(assay_beacon_chains_preimage(&out, &found, &chains, &known, 10, err));
    assert_false(found);
    assert_int_equal(chains.number, 0);
    expect_preimage(&chains, 3, 9); // the chain itself is not given up
    assay_beacon_chains_close(&chains);
}

static void a_used_up_chain_is_known(void **state) {
    assay_beacon_chains chains = chains_open();
    static const uint8_t numbers[] = {0, 1, LAST};
    for (size_t i = 0; i < sizeof numbers; i++) {
        assay_hash seed = value_of(numbers[i], 0);
        uint64_t number = 99;
        assert_true(assay_beacon_chains_find(&number, &chains, &seed, 0));
        assert_int_equal(number, numbers[i]);
        assert_false(assay_beacon_chains_find(&number, &chains, &seed, 1));
    }
    assay_hash beyond = value_of(LAST + 1, 5), none = {{0}};
    uint64_t number = 99;
    assert_false(assay_beacon_chains_find(&number, &chains, &beyond, 5));
    assert_false(assay_beacon_chains_find(&number, &chains, &none, 0));
    assert_int_equal(number, 99);
    assay_beacon_chains_close(&chains);
}

static void without_chains_there_is_none(void **state) {
    assay_beacon_chains chains = {.length = 0};
    uint64_t number;
    assert_false(assay_beacon_chains_find(&number, &chains, &first_seed, 0));
    assay_beacon_chains_close(&chains);
    assert_int_equal(assay_beacon_chains_open(&chains, secret, &first_seed, 0, NULL), ASSAY_RANGE);
    assay_beacon_chains_close(&chains); // as failure left it
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_follow_the_rule),
        cmocka_unit_test(the_chain_in_force_is_found),
        cmocka_unit_test(a_strangers_head_is_searched_for_once),
        cmocka_unit_test(a_used_up_chain_is_known),
        cmocka_unit_test(without_chains_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
