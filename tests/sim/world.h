// SPDX-License-Identifier: Apache-2.0
// Where seeds begin: a chain of a few blocks with registered data, models, bonds and a session, its
// blocks and its state. Made once a process for each set of params.
#ifndef ASSAY_TESTS_SIM_WORLD_H
#define ASSAY_TESTS_SIM_WORLD_H

#include "tests/sim/sim.h"
#include "tests/test.h"

// The helpers of tests/ledger run outside of a cmocka test here.
#undef fail_msg
#undef assert_true
#undef assert_false
#undef assert_int_equal
#undef assert_non_null
#undef assert_memory_equal
#define fail_msg(...) sim_die(__VA_ARGS__)
#define assert_true(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) sim_die("%s:%d: %s", __FILE__, __LINE__, #condition);                    \
    } while (0)
#define assert_false(condition)         assert_true(!(condition))
#define assert_int_equal(a, b)          assert_true((a) == (b))
#define assert_non_null(pointer)        assert_true((pointer) != NULL)
#define assert_memory_equal(a, b, size) assert_true(memcmp(a, b, size) == 0)

#include "tests/ledger/trial.h"

enum { SIM_WORLDS = 3, SIM_THINGS = 4, SIM_BLOCK_TXS = 256, SIM_HEIGHTS_MAX = 64 };

// A decided block and what it comes to. Heights of a chain: decisions[0] is the genesis.
typedef struct {
    assay_app_block block;
    assay_tx_result *results;        // [block.tx_count]
    assay_validator_update *updates; // [update_count]
    uint32_t update_count;
    assay_hash app_hash;
    uint32_t writes; // of the judge's commit
} sim_decision;

typedef struct {
    trial *trial;
    sim_decision decisions[SIM_HEIGHTS_MAX];
    uint64_t height;          // of the last decision, which the state is after
    uint64_t writes;          // before its commit
    uint32_t validator_count; // of the genesis: actors 0 to that less 1
    uint8_t *state;           // data.mdb
    size_t state_size;
    assay_hash session;
} sim_world;

// Roots to register: of the first SIM_THINGS DORA has commitments in every world, of each one with
// trial_hash("salt") and one without.
static inline assay_hash sim_thing(uint32_t number) {
    char name[32];
    snprintf(name, sizeof name, "thing %u", number);
    return trial_hash(name);
}

// The world of that number, made if need be.
const sim_world *sim_world_get(uint32_t number);

// Memory of a decision's own, freed by the next one's user: copies block and results.
void sim_decision_copy(sim_decision *out, const assay_app_block *block,
                       const assay_app_outcome *outcome);
void sim_decision_free(sim_decision *decision);

#endif
