// SPDX-License-Identifier: Apache-2.0
// A validator that reruns and lies, among honest ones. Rules P-10, P-61.
#include "ledger/bond.h"
#include "ledger/case.h"
#include "tests/node/guards.h"

// Active, as a validator.
static uint64_t bond_of(uint32_t actor) {
    assay_view view;
    assay_bond bond;
    must(assay_view_open(&view, world.app, err));
    must(assay_bond_get(&bond, &view.reader, ASSAY_ROLE_VERIFICATION, &world.wallets[actor].address,
                        err));
    assay_view_close(&view);
    return bond.active;
}

// Votes that a validator revealed in all rounds of a batch; each is of this verdict, and shows that
// it has rerun what it lies about.
static unsigned votes_of(uint32_t actor, const assay_hash *batch, uint8_t verdict) {
    assay_vote votes[ASSAY_VOTERS_MAX];
    assay_view view;
    assay_case record;
    bool known;
    uint32_t count;
    unsigned found = 0;
    must(assay_view_open(&view, world.app, err));
    for (uint32_t sample = 0; sample < SAMPLES; sample++) {
        must(assay_case_get(&record, &known, &view.reader, batch, sample, err));
        assert_true(known);
        for (uint8_t round = 0; round <= record.round; round++) {
            must(assay_case_votes(votes, &count, &view.reader, batch, sample, round, err));
            for (uint32_t i = 0; i < count; i++) {
                if (!assay_address_equal(&votes[i].validator, &world.wallets[actor].address) ||
                    !votes[i].revealed)
                    continue;
                assert_int_equal(votes[i].verdict, verdict);
                assert_memory_equal(&votes[i].probe, &record.probe, sizeof record.probe);
                found++;
            }
        }
    }
    assay_view_close(&view);
    return found;
}

// A batch to its end among honest validators and the third, which lies as `verdict` says: what that
// costs it. The others lose nothing.
static uint64_t lie_costs(assay_provider *dealer, uint8_t verdict, assay_batch_state state) {
    guard guards[WATCHERS];
    uint64_t before = bond_of(VALIDATOR_3);
    uint64_t honest = bond_of(VALIDATOR);
    assay_hash batch = batch_of(dealer);
    for (uint32_t i = 0; i < WATCHERS; i++)
        guard_open(&guards[i], i, false);
    guards[2].watch.manner = ASSAY_VALIDATOR_LIE;
    assert_int_equal(run_out(guards, &batch), state);
    for (uint32_t i = 0; i < WATCHERS; i++)
        assay_watch_close(&guards[i].watch);
    uint64_t lost = before - bond_of(VALIDATOR_3);
    assert_int_equal(votes_of(VALIDATOR_3, &batch, verdict) > 0, lost > 0);
    assert_int_equal(bond_of(VALIDATOR), honest);
    assert_int_equal(bond_of(VALIDATOR_2), honest);
    return lost;
}

// P-61: who reruns and says the opposite, of an honest provider and of a fraud, changes neither's
// end, and pays for each.
static void a_liar_pays(void **state) {
    assay_provider fine, forger;
    char fine_home[128], forger_home[128];
    uint64_t lost = 0, slash = world.genesis.params.wrong_verdict_slash;
    work_bond(&world, VALIDATOR, ASSAY_ROLE_VERIFICATION); // two honest ones have > 2/3
    work_bond(&world, VALIDATOR_2, ASSAY_ROLE_VERIFICATION);
    provider_open(&fine, fine_home, PROVIDER, NULL);
    provider_open(&forger, forger_home, RIVAL, NULL);
    forger.options.misbehaviour = ASSAY_MISBEHAVE_TOKEN;
    for (int i = 0; i < 8 && lost == 0; i++) // it may not be drawn
        lost = lie_costs(&fine, ASSAY_VERDICT_OUTPUT, ASSAY_BATCH_SETTLED);
    assert_true(lost >= slash);
    assert_true(lie_costs(&forger, ASSAY_VERDICT_MATCH, ASSAY_BATCH_VOID) >= slash);
    assay_provider_close(&forger);
    assay_provider_close(&fine);
}

static int world_make(void **state) {
    work_init(&world);
    world.genesis.params.commit_blocks = 300;
    world.genesis.params.reveal_blocks = 150;
    work_start(&world);
    work_prompt(prompt, 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_liar_pays)};
    return cmocka_run_group_tests(tests, world_make, world_end);
}
