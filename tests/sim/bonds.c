// SPDX-License-Identifier: Apache-2.0
// What each bond must hold after a block: what it held, what was added, less what was released and
// what was slashed. What reports of misbehaviour cost is known from the block alone; what else a
// bond loses is added up, for tests/sim/verdicts.c to find its reasons. E-97
#include "tests/sim/private.h"

#include "ledger/params.h"

enum { CONSENSUS = ASSAY_ROLE_CONSENSUS - 1 };

static uint64_t stake(const assay_bond *bond) {
    return bond->active + assay_bond_leaving(bond);
}

static void bonds_read(const sim *s, assay_bond out[ASSAY_ROLE_MAX][CHAIN_ACTORS]) {
    assay_view view = chain_view(&s->trial->chain);
    for (uint8_t role = 1; role <= ASSAY_ROLE_MAX; role++)
        for (uint32_t actor = 0; actor < CHAIN_ACTORS; actor++)
            must(assay_bond_get(&out[role - 1][actor], &view.reader, role,
                                &s->trial->chain.actors[actor], err));
    assay_view_close(&view);
}

void sim_bonds_start(sim *s) {
    memset(&s->bonds, 0, sizeof s->bonds);
    bonds_read(s, s->bonds.held);
}

// Active bond first, then what leaves first. P-29
static void take(assay_bond *bond, uint64_t amount) {
    uint64_t part = amount < bond->active ? amount : bond->active;
    bond->active -= part;
    amount -= part;
    for (uint32_t i = 0; i < bond->unbonding_count; i++) {
        part = amount < bond->unbonding[i].amount ? amount : bond->unbonding[i].amount;
        bond->unbonding[i].amount -= part;
        amount -= part;
    }
}

static bool reported_before(sim *s, const assay_misbehavior *one) {
    for (uint32_t i = 0; i < s->bonds.offence_count; i++)
        if (s->bonds.offences[i].height == one->height &&
            assay_address_equal(&s->bonds.offences[i].validator, &one->validator))
            return true;
    s->bonds.offences[s->bonds.offence_count++] = *one;
    return false;
}

// P-93, before the block: keys of the block's own registrations are not known yet.
void sim_bonds_report(sim *s, const assay_app_block *block) {
    const assay_params *params = &s->trial->chain.genesis.params;
    uint64_t unbond = assay_params_unbond_blocks(params);
    assay_view view = chain_view(&s->trial->chain);
    for (uint32_t i = 0; i < block->misbehavior_count; i++) {
        const assay_misbehavior *one = &block->misbehaviors[i];
        assay_address account;
        bool found;
        must(assay_validator_by_consensus(&account, &found, &view.reader, &one->validator, err));
        if (!found || one->height > block->height || one->height + unbond < block->height ||
            reported_before(s, one))
            continue;
        assay_bond *bond = &s->bonds.held[CONSENSUS][trial_actor(s->trial, &account)];
        uint64_t share =
            (uint64_t)((assay_u128)stake(bond) * params->double_sign_slash_ppm / 1000000);
        take(bond, share);
        s->report->punished += share > 0;
    }
    assay_view_close(&view);
}

// Accepted "bond" transactions of a block. P-28
static void bonds_add(sim *s, const sim_decision *decided) {
    for (uint32_t i = 0; i < decided->block.tx_count; i++) {
        const uint8_t *tx = decided->block.txs[i].data;
        assay_address principal;
        if (decided->results[i].code != 0 || tx[ASSAY_TX_KIND_AT] != ASSAY_TX_BOND) continue;
        memcpy(principal.bytes, tx + ASSAY_TX_PRINCIPAL_AT, sizeof principal.bytes);
        s->bonds.held[tx[ASSAY_TX_HEAD_SIZE] - 1][trial_actor(s->trial, &principal)].active +=
            assay_load_be64(tx + ASSAY_TX_HEAD_SIZE + 1);
    }
}

bool sim_bonds_follow(sim *s, const sim_decision *decided) {
    static assay_bond now[ASSAY_ROLE_MAX][CHAIN_ACTORS];
    bonds_add(s, decided);
    bonds_read(s, now);
    for (uint32_t role = 0; role < ASSAY_ROLE_MAX; role++)
        for (uint32_t actor = 0; actor < CHAIN_ACTORS; actor++) {
            const assay_bond *held = &s->bonds.held[role][actor];
            uint64_t expected = stake(held), left = stake(&now[role][actor]);
            for (uint32_t i = 0; i < held->unbonding_count; i++)
                if (held->unbonding[i].release <= s->height) expected -= held->unbonding[i].amount;
            if (left > expected || (role == CONSENSUS && left != expected))
                return sim_fail(s, &s->judge, "actor %u's %s bond is %llu, expected: %llu", actor,
                                assay_role_names[role + 1], (ull)left, (ull)expected);
            s->bonds.lost[role][actor] += expected - left;
            s->bonds.spent[role][actor] |= left == 0 && expected != 0;
        }
    memcpy(s->bonds.held, now, sizeof now);
    return true;
}
