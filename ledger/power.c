// SPDX-License-Identifier: Apache-2.0
//   I1  Σ power > 0 after height 0: a step leaves at least min(Σ power, Σ target), and no step is
//       made towards nothing
//       test_power: targets_of_zero_change_nothing, power_is_handed_over
//   I2  one epoch changes at most step_ppm of Σ power, or 1
//       test_power: steps_match_the_oracle
//   I3  whoever is not among the ASSAY_POWER_ACTIVE_MAX greatest targets loses power, so that
//       places without power come back
//       test_power: only_so_many_head_for_power
// Written by put and place_free only.
#include "ledger/power.h"

#include "ledger/beacon.h"
#include "ledger/bond.h"
#include "ledger/validator.h"

uint64_t assay_voting_power(uint64_t bond) {
    return bond / ASSAY_OPEN_NOPEN;
}

static assay_status put(assay_ledger *ledger, const assay_power *power, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_POWER, &power->address);
    uint8_t value[8];
    assay_store_be64(value, power->power);
    return assay_ledger_put(ledger, &key, value, sizeof value, err);
}

// P-47
assay_status assay_power_init(assay_ledger *ledger, assay_error *err) {
    for (uint32_t i = 0; i < ledger->genesis->validator_count; i++) {
        const assay_genesis_validator *validator = &ledger->genesis->validators[i];
        assay_power power = {validator->address, assay_voting_power(validator->consensus_bond)};
        ASSAY_ASSERT(power.power > 0); // consensus_bond_min is at least an OPEN
        ASSAY_TRY(put(ledger, &power, err));
    }
    return ASSAY_OK;
}

assay_status assay_power_list(assay_power *out, uint32_t *count, const assay_reader *reader,
                              assay_error *err) {
    assay_record_key from;
    assay_store_position at;
    *count = 0;
    assay_record_key_start(&from, ASSAY_TABLE_POWER);
    ASSAY_TRY(assay_reader_seek(reader, &at, &from, 1, err));
    while (at.key_size > 0) {
        if (at.key_size != 1 + ASSAY_ADDRESS_SIZE || at.value.size != 8 ||
            *count == ASSAY_POWER_MAX)
            return ASSAY_FAIL(err, CORRUPT, "power record %u is damaged", *count);
        assay_power *power = &out[(*count)++];
        memcpy(power->address.bytes, at.key + 1, ASSAY_ADDRESS_SIZE);
        power->power = assay_load_be64(at.value.data);
        ASSAY_TRY(assay_reader_next(reader, &at, err));
    }
    return ASSAY_OK;
}

// Consensus bond that counts, nopen; 0 for the barred.
static assay_status bonded(uint64_t *out, const assay_ledger *ledger, const assay_address *account,
                           assay_error *err) {
    assay_validator validator;
    bool found;
    *out = 0;
    ASSAY_TRY(assay_validator_get(&validator, &found, &ledger->reader, account, err));
    if (validator.barred) return ASSAY_OK;
    return assay_bond_weight(out, &ledger->reader, ledger->params, ASSAY_ROLE_CONSENSUS, account,
                             err);
}

static assay_status place_free(assay_ledger *ledger, const assay_address *account,
                               assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_POWER, account);
    return assay_ledger_delete(ledger, &key, err);
}

// Who gives way to a newcomer: of those without power the least bond, the last among equals. NULL:
// all have power. P-91
static assay_status weakest_find(const assay_power **out, uint64_t *least,
                                 const assay_ledger *ledger, const assay_power *powers,
                                 uint32_t count, assay_error *err) {
    *out = NULL;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bond;
        if (powers[i].power > 0) continue;
        ASSAY_TRY(bonded(&bond, ledger, &powers[i].address, err));
        if (*out && bond > *least) continue;
        *out = &powers[i];
        *least = bond;
    }
    return ASSAY_OK;
}

assay_status assay_power_join(assay_ledger *ledger, const assay_address *account, uint64_t bond,
                              assay_error *err) {
    assay_power powers[ASSAY_POWER_MAX], newcomer = {*account, 0};
    const assay_power *weakest;
    uint32_t count;
    uint64_t least = 0;
    ASSAY_TRY(assay_power_list(powers, &count, &ledger->reader, err));
    for (uint32_t i = 0; i < count; i++)
        if (assay_address_equal(&powers[i].address, account)) return ASSAY_OK;
    if (count == ASSAY_POWER_MAX) {
        ASSAY_TRY(weakest_find(&weakest, &least, ledger, powers, count, err));
        if (weakest == NULL || bond <= least)
            return ASSAY_REJECT(err, VALIDATORS_FULL,
                                "%u validators, limit %d, and none without power has less bond "
                                "than %llu nopen",
                                count, ASSAY_POWER_MAX, (ull)bond);
        ASSAY_TRY(place_free(ledger, &weakest->address, err));
    }
    return put(ledger, &newcomer, err);
}

assay_status assay_power_drop(assay_ledger *ledger, const assay_address *account,
                              assay_error *err) {
    assay_power powers[ASSAY_POWER_MAX], *own = NULL;
    uint32_t count;
    uint64_t others = 0;
    ASSAY_TRY(assay_power_list(powers, &count, &ledger->reader, err));
    for (uint32_t i = 0; i < count; i++) {
        if (assay_address_equal(&powers[i].address, account))
            own = &powers[i];
        else
            others += powers[i].power;
    }
    if (own == NULL || others == 0) return ASSAY_OK;
    own->power = 0;
    return put(ledger, own, err);
}

static uint64_t distance(uint64_t a, uint64_t b) {
    return a > b ? a - b : b - a;
}

static void move(uint64_t *power, uint64_t target, uint64_t by) {
    *power = target > *power ? *power + by : *power - by;
}

// Moves those that rise, or those that fall, by one each. Returns: what then is left of `left`.
static uint64_t ones_move(assay_power *powers, const uint64_t *targets, uint32_t count,
                          uint64_t left, bool rising) {
    for (uint32_t i = 0; i < count && left > 0; i++) {
        if (powers[i].power == targets[i] || (targets[i] > powers[i].power) != rising) continue;
        move(&powers[i].power, targets[i], 1);
        left--;
    }
    return left;
}

// P-47
void assay_power_step(assay_power *powers, const uint64_t *targets, uint32_t count,
                      uint64_t step_ppm) {
    uint64_t total = 0, wanted = 0, change = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += powers[i].power;
        wanted += targets[i];
        change += distance(powers[i].power, targets[i]);
    }
    if (wanted == 0) return;
    uint64_t limit = (uint64_t)((assay_u128)total * step_ppm / ASSAY_PPM);
    if (limit == 0) limit = 1;
    uint64_t left = change < limit ? change : limit;
    uint64_t allowed = left;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t part = 0;
        if (change > 0)
            part = (uint64_t)((assay_u128)distance(powers[i].power, targets[i]) * allowed / change);
        move(&powers[i].power, targets[i], part);
        left -= part;
    }
    // What floors left over, < count. What falls has then fallen by no more than its proportion of
    // the limit, so Σ power is not under both Σs: the last power never goes before another comes.
    left = ones_move(powers, targets, count, left, true);
    left = ones_move(powers, targets, count, left, false);
    ASSAY_ASSERT(left == 0);
}

void assay_power_choose(uint64_t *targets, uint32_t count) {
    uint64_t all[ASSAY_POWER_MAX];
    ASSAY_ASSERT(count <= ASSAY_POWER_MAX);
    if (count == 0) return;
    memcpy(all, targets, count * sizeof *all);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t before = 0;
        for (uint32_t j = 0; j < count; j++)
            before += all[j] > all[i] || (all[j] == all[i] && j < i);
        if (before >= ASSAY_POWER_ACTIVE_MAX) targets[i] = 0;
    }
}

// P-47. Power may rest on a bond that is leaving, until its epochs' steps have removed it. Outside
// testnets bonds leave more slowly than that (P-23).
assay_status assay_power_epoch(assay_ledger *ledger, assay_error *err) {
    assay_power powers[ASSAY_POWER_MAX];
    uint64_t bonds[ASSAY_POWER_MAX], targets[ASSAY_POWER_MAX];
    uint32_t count;
    uint64_t epoch = assay_params_epoch(ledger->params, ledger->height);
    ASSAY_TRY(assay_power_list(powers, &count, &ledger->reader, err));
    for (uint32_t i = 0; i < count; i++) {
        assay_chain chain;
        ASSAY_TRY(assay_chain_get(&chain, &ledger->reader, &powers[i].address, err));
        ASSAY_TRY(bonded(&bonds[i], ledger, &powers[i].address, err));
        targets[i] = assay_chain_is_jailed(&chain, epoch) ? 0 : assay_voting_power(bonds[i]);
    }
    assay_power_choose(targets, count);
    assay_power_step(powers, targets, count, ledger->params->power_step_ppm);
    for (uint32_t i = 0; i < count; i++) {
        // Jail ends, so the jailed keep their place. P-91
        bool stays = powers[i].power > 0 || bonds[i] > 0;
        ASSAY_TRY(stays ? put(ledger, &powers[i], err)
                        : place_free(ledger, &powers[i].address, err));
    }
    return ASSAY_OK;
}
