// SPDX-License-Identifier: Apache-2.0
// Invariants (tests/ledger/test_bond.c and assay_totals_scan check them):
//   1  a bond's record exists exactly if something is active or leaving
//   2  leaving parts are > 0 and ascend strictly by release
//   3  BOND_TOTAL of a role is the sum of its effective bonds
//   4  every leaving part has a DUE entry at its release; one without a part does nothing
// bond_save is the only writer and keeps 1 and 3; bond_leave and the two takers keep 2 and 4.
#include "ledger/bond.h"

#include "ledger/declared.h"
#include "ledger/due.h"
#include "ledger/purse.h"
#include "ledger/record.h"

enum { BOND_SIZE_MAX = 8 + 1 + ASSAY_UNBONDING_MAX * 16 };
static_assert(BOND_SIZE_MAX == 265, "active, count, parts of 16 bytes");

const char *const assay_role_names[] = {NULL, "provider", "verification", "consensus"};

uint64_t assay_bond_min(const assay_params *params, uint8_t role) {
    switch (role) {
    case ASSAY_ROLE_PROVIDER:
        return params->provider_bond_min;
    case ASSAY_ROLE_VERIFICATION:
        return params->verification_bond_min;
    default:
        ASSAY_ASSERT(role == ASSAY_ROLE_CONSENSUS);
        return params->consensus_bond_min;
    }
}

static assay_record_key bond_key(uint8_t role, const assay_address *address) {
    assay_record_key key;
    assay_record_key_start(&key, ASSAY_TABLE_BOND);
    assay_record_key_add_u8(&key, role);
    assay_record_key_add(&key, address->bytes, ASSAY_ADDRESS_SIZE);
    return key;
}

static assay_status bond_decode(assay_bond *out, assay_bytes value, assay_error *err) {
    *out = (assay_bond){0};
    if (value.data == NULL) return ASSAY_OK;
    assay_cursor cursor;
    assay_cursor_init(&cursor, value.data, value.size);
    out->active = assay_cursor_u64(&cursor);
    out->unbonding_count = assay_cursor_u8(&cursor);
    if (out->unbonding_count > ASSAY_UNBONDING_MAX) cursor.failed = true;
    for (uint32_t i = 0; i < out->unbonding_count && !cursor.failed; i++) {
        out->unbonding[i].release = assay_cursor_u64(&cursor);
        out->unbonding[i].amount = assay_cursor_u64(&cursor);
    }
    return assay_record_finish(&cursor, "a bond", err);
}

assay_status assay_bond_get(assay_bond *out, const assay_reader *reader, uint8_t role,
                            const assay_address *address, assay_error *err) {
    assay_record_key key = bond_key(role, address);
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    return bond_decode(out, value, err);
}

uint64_t assay_bond_leaving(const assay_bond *bond) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < bond->unbonding_count; i++)
        sum += bond->unbonding[i].amount;
    return sum;
}

uint64_t assay_bond_effective(const assay_params *params, uint8_t role, const assay_bond *bond) {
    uint64_t least = assay_bond_min(params, role);
    // Strangers can cost a checker a little, by what it must vote and post for (P-61).
    if (role == ASSAY_ROLE_VERIFICATION) least -= least / 2;
    return bond->active >= least ? bond->active : 0;
}

assay_status assay_bond_weight(uint64_t *out, const assay_reader *reader,
                               const assay_params *params, uint8_t role,
                               const assay_address *address, assay_error *err) {
    assay_bond bond;
    ASSAY_TRY(assay_bond_get(&bond, reader, role, address, err));
    *out = assay_bond_effective(params, role, &bond);
    return ASSAY_OK;
}

static assay_record_key total_key(uint8_t role) {
    assay_record_key key;
    assay_record_key_start(&key, ASSAY_TABLE_BOND_TOTAL);
    assay_record_key_add_u8(&key, role);
    return key;
}

assay_status assay_bond_total(uint64_t *out, const assay_reader *reader, uint8_t role,
                              assay_error *err) {
    assay_record_key key = total_key(role);
    return assay_amount_get(out, reader, &key, err);
}

assay_status assay_bond_next(assay_address *address, assay_bond *out, bool *found,
                             const assay_reader *reader, uint8_t role, assay_error *err) {
    assay_record_key after = bond_key(role, address);
    assay_bytes value;
    ASSAY_TRY(
        assay_record_next(&value, found, reader, &after, address->bytes, ASSAY_ADDRESS_SIZE, err));
    return *found ? bond_decode(out, value, err) : ASSAY_OK;
}

static assay_status weight_move(assay_ledger *ledger, uint8_t role, const assay_address *address,
                                uint64_t before, uint64_t after, assay_error *err) {
    if (before == after) return ASSAY_OK;
    assay_record_key key = total_key(role);
    uint64_t total;
    ASSAY_TRY(assay_amount_get(&total, &ledger->reader, &key, err));
    ASSAY_ASSERT(total >= before);
    ASSAY_TRY(assay_amount_put(ledger, &key, total - before + after, err));
    if (role != ASSAY_ROLE_VERIFICATION) return ASSAY_OK;
    return assay_declared_reweigh(ledger, address, before, after, err);
}

// Writes `bond`, whose effective amount was `before`.
static assay_status bond_save(assay_ledger *ledger, uint8_t role, const assay_address *address,
                              uint64_t before, const assay_bond *bond, assay_error *err) {
    assay_record_key key = bond_key(role, address);
    ASSAY_TRY(weight_move(ledger, role, address, before,
                          assay_bond_effective(ledger->params, role, bond), err));
    if (bond->active == 0 && bond->unbonding_count == 0)
        return assay_ledger_delete(ledger, &key, err);
    uint8_t value[BOND_SIZE_MAX];
    assay_writer writer;
    assay_writer_init(&writer, value, sizeof value);
    assay_writer_u64(&writer, bond->active);
    assay_writer_u8(&writer, (uint8_t)bond->unbonding_count);
    for (uint32_t i = 0; i < bond->unbonding_count; i++) {
        assay_writer_u64(&writer, bond->unbonding[i].release);
        assay_writer_u64(&writer, bond->unbonding[i].amount);
    }
    ASSAY_ASSERT(!writer.failed);
    return assay_ledger_put(ledger, &key, value, writer.size, err);
}

assay_status assay_bond_put(assay_ledger *ledger, uint8_t role, const assay_address *address,
                            uint64_t amount, assay_error *err) {
    assay_bond bond;
    ASSAY_TRY(assay_bond_get(&bond, &ledger->reader, role, address, err));
    uint64_t before = assay_bond_effective(ledger->params, role, &bond);
    bond.active += amount;
    return bond_save(ledger, role, address, before, &bond, err);
}

assay_status assay_bond_take(assay_ledger *ledger, uint8_t role, const assay_address *address,
                             uint64_t amount, assay_error *err) {
    assay_bond bond;
    ASSAY_TRY(assay_bond_get(&bond, &ledger->reader, role, address, err));
    ASSAY_ASSERT(bond.active >= amount);
    uint64_t before = assay_bond_effective(ledger->params, role, &bond);
    bond.active -= amount;
    return bond_save(ledger, role, address, before, &bond, err);
}

static void parts_drop_empty(assay_bond *bond) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < bond->unbonding_count; i++)
        if (bond->unbonding[i].amount != 0) bond->unbonding[kept++] = bond->unbonding[i];
    bond->unbonding_count = kept;
}

assay_status assay_unbonding_take(assay_ledger *ledger, uint8_t role, const assay_address *address,
                                  uint64_t amount, assay_error *err) {
    assay_bond bond;
    ASSAY_TRY(assay_bond_get(&bond, &ledger->reader, role, address, err));
    for (uint32_t i = 0; i < bond.unbonding_count; i++) {
        uint64_t part = bond.unbonding[i].amount < amount ? bond.unbonding[i].amount : amount;
        bond.unbonding[i].amount -= part;
        amount -= part;
    }
    ASSAY_ASSERT(amount == 0);
    parts_drop_empty(&bond);
    return bond_save(ledger, role, address, assay_bond_effective(ledger->params, role, &bond),
                     &bond, err);
}

assay_status assay_bond_slash(assay_ledger *ledger, uint8_t role, const assay_address *address,
                              uint64_t amount, assay_purse to, uint64_t *taken, assay_error *err) {
    assay_bond bond;
    ASSAY_TRY(assay_bond_get(&bond, &ledger->reader, role, address, err));
    uint64_t active = bond.active < amount ? bond.active : amount;
    uint64_t rest = assay_bond_leaving(&bond);
    if (rest > amount - active) rest = amount - active;
    ASSAY_TRY(assay_money_move(ledger, assay_purse_bond(role, address), to, active, err));
    ASSAY_TRY(assay_money_move(ledger, assay_purse_unbonding(role, address), to, rest, err));
    if (taken != NULL) *taken = active + rest;
    ledger->counts.of[ASSAY_COUNTED_PENALTIES] += active + rest > 0;
    ledger->counts.of[ASSAY_COUNTED_PENALTIES_NOPEN] += active + rest;
    return ASSAY_OK;
}

assay_status assay_bond_apply(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_bond *body = &tx->body.bond;
    uint64_t min = assay_bond_min(ledger->params, body->role);
    assay_bond bond;
    ASSAY_TRY(assay_bond_get(&bond, &ledger->reader, body->role, &ledger->principal, err));
    if (bond.active < min && body->amount < min - bond.active)
        return ASSAY_REJECT(err, BOND_MIN, "%s bond %llu nopen with this, minimum %llu",
                            assay_role_names[body->role], (ull)(bond.active + body->amount),
                            (ull)min);
    return assay_money_spend(ledger, assay_purse_bond(body->role, &ledger->principal), body->amount,
                             err);
}

// Moves active bond to the leaving parts: bonds to bonds, so no total changes.
static assay_status bond_leave(assay_ledger *ledger, uint8_t role, assay_bond *bond,
                               uint64_t amount, assay_error *err) {
    uint64_t before = assay_bond_effective(ledger->params, role, bond);
    uint64_t release = ledger->height + assay_params_unbond_blocks(ledger->params);
    uint32_t count = bond->unbonding_count;
    bool same = count > 0 && bond->unbonding[count - 1].release == release;
    if (!same && count == ASSAY_UNBONDING_MAX)
        return ASSAY_REJECT(err, UNBONDING_FULL, "%u parts are leaving, limit %d", count,
                            ASSAY_UNBONDING_MAX);
    if (!same) bond->unbonding[bond->unbonding_count++] = (assay_unbonding){release, 0};
    bond->unbonding[bond->unbonding_count - 1].amount += amount;
    bond->active -= amount;
    uint8_t id[1 + ASSAY_ADDRESS_SIZE] = {role};
    memcpy(id + 1, ledger->principal.bytes, ASSAY_ADDRESS_SIZE);
    ASSAY_TRY(assay_due_put(ledger, release, ASSAY_DUE_UNBONDING, id, sizeof id, err));
    return bond_save(ledger, role, &ledger->principal, before, bond, err);
}

assay_status assay_unbond_apply(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_unbond *body = &tx->body.unbond;
    uint64_t min = assay_bond_min(ledger->params, body->role);
    assay_bond bond;
    ASSAY_TRY(assay_bond_get(&bond, &ledger->reader, body->role, &ledger->principal, err));
    if (bond.active < body->amount)
        return ASSAY_REJECT(err, BOND_SHORT, "active %s bond %llu nopen, %llu to leave",
                            assay_role_names[body->role], (ull)bond.active, (ull)body->amount);
    uint64_t rest = bond.active - body->amount;
    if (rest != 0 && rest < min)
        return ASSAY_REJECT(err, BOND_MIN, "%llu nopen of %s bond would stay, minimum %llu or none",
                            (ull)rest, assay_role_names[body->role], (ull)min);
    return bond_leave(ledger, body->role, &bond, body->amount, err);
}

assay_status assay_unbonding_release(assay_ledger *ledger, uint8_t role,
                                     const assay_address *address, assay_error *err) {
    assay_bond bond;
    uint64_t amount = 0;
    ASSAY_TRY(assay_bond_get(&bond, &ledger->reader, role, address, err));
    for (uint32_t i = 0; i < bond.unbonding_count; i++)
        if (bond.unbonding[i].release <= ledger->height) amount += bond.unbonding[i].amount;
    return assay_money_move(ledger, assay_purse_unbonding(role, address),
                            assay_purse_balance(address), amount, err);
}

assay_status assay_exposure_get(uint64_t *out, const assay_reader *reader,
                                const assay_address *provider, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_EXPOSURE, provider);
    return assay_amount_get(out, reader, &key, err);
}

assay_status assay_exposure_add(assay_ledger *ledger, const assay_address *provider,
                                uint64_t fee_total, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_EXPOSURE, provider);
    uint64_t weight, open;
    ASSAY_TRY(assay_bond_weight(&weight, &ledger->reader, ledger->params, ASSAY_ROLE_PROVIDER,
                                provider, err));
    if (weight == 0)
        return ASSAY_REJECT(err, PROVIDER_BOND, "no provider bond of at least %llu nopen",
                            (ull)ledger->params->provider_bond_min);
    ASSAY_TRY(assay_amount_get(&open, &ledger->reader, &key, err));
    // bond >= multiple * fees without a product: fees are whole, so the floor decides the same.
    uint64_t limit = weight / ledger->params->bond_multiple;
    if (fee_total > limit || open > limit - fee_total)
        return ASSAY_REJECT(err, EXPOSURE,
                            "open fees %llu nopen and %llu more, provider bond %llu covers %llu",
                            (ull)open, (ull)fee_total, (ull)weight, (ull)limit);
    return assay_amount_put(ledger, &key, open + fee_total, err);
}

assay_status assay_exposure_remove(assay_ledger *ledger, const assay_address *provider,
                                   uint64_t fee_total, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_EXPOSURE, provider);
    uint64_t open;
    ASSAY_TRY(assay_amount_get(&open, &ledger->reader, &key, err));
    ASSAY_ASSERT(open >= fee_total);
    return assay_amount_put(ledger, &key, open - fee_total, err);
}
