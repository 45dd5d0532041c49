// SPDX-License-Identifier: Apache-2.0
#include "ledger/scan.h"

#include "ledger/record.h"
#include "ledger/registry.h"
#include "ledger/session.h"

static assay_status equal(const char *what, uint64_t records, uint64_t running, assay_error *err) {
    if (records == running) return ASSAY_OK;
    return ASSAY_FAIL(err, MISMATCH, "%s: %llu nopen in records, %llu in the running total", what,
                      (ull)records, (ull)running);
}

// Sums cannot overflow unless the state is damaged.
static assay_status add(uint64_t *sum, uint64_t amount, assay_error *err) {
    if (__builtin_add_overflow(*sum, amount, sum))
        return ASSAY_FAIL(err, MISMATCH, "amounts in records pass 2^64");
    return ASSAY_OK;
}

static assay_status accounts_scan(assay_totals *out, const assay_reader *reader, assay_error *err) {
    assay_address address = {{0}};
    assay_account account;
    bool found;
    for (;;) {
        ASSAY_TRY(assay_account_next(&address, &account, &found, reader, err));
        if (!found) break;
        ASSAY_TRY(add(&out->nopen[ASSAY_MONEY_BALANCES], account.balance, err));
    }
    address = (assay_address){{0}};
    for (;;) {
        assay_claim_record claim;
        ASSAY_TRY(assay_claim_next(&address, &claim, &found, reader, err));
        if (!found) return ASSAY_OK;
        ASSAY_TRY(add(&out->nopen[ASSAY_MONEY_CLAIMS], claim.amount, err));
    }
}

static assay_status role_scan(assay_totals *out, const assay_reader *reader,
                              const assay_params *params, uint8_t role, assay_error *err) {
    assay_address address = {{0}};
    assay_bond bond;
    uint64_t effective = 0, running;
    bool found;
    for (;;) {
        ASSAY_TRY(assay_bond_next(&address, &bond, &found, reader, role, err));
        if (!found) break;
        ASSAY_TRY(add(&out->nopen[ASSAY_MONEY_BONDS], bond.active, err));
        for (uint32_t i = 0; i < bond.unbonding_count; i++)
            ASSAY_TRY(add(&out->nopen[ASSAY_MONEY_BONDS], bond.unbonding[i].amount, err));
        ASSAY_TRY(add(&effective, assay_bond_effective(params, role, &bond), err));
    }
    ASSAY_TRY(assay_bond_total(&running, reader, role, err));
    return equal(assay_role_names[role], effective, running, err);
}

static assay_status registrations_scan(assay_totals *out, const assay_reader *reader,
                                       assay_error *err) {
    uint64_t *bonds = &out->nopen[ASSAY_MONEY_BONDS];
    assay_hash root = {{0}};
    assay_dataset dataset;
    bool found;
    for (;;) {
        ASSAY_TRY(assay_dataset_next(&root, &dataset, &found, reader, err));
        if (!found) break;
        ASSAY_TRY(add(bonds, dataset.bond, err));
    }
    root = (assay_hash){{0}};
    for (;;) {
        assay_model_entry model;
        ASSAY_TRY(assay_model_next(&root, &model, &found, reader, err));
        if (!found) break;
        ASSAY_TRY(add(bonds, model.bond, err));
    }
    root = (assay_hash){{0}};
    for (;;) {
        assay_adapter_entry adapter;
        ASSAY_TRY(assay_adapter_next(&root, &adapter, &found, reader, err));
        if (!found) return ASSAY_OK;
        ASSAY_TRY(add(bonds, adapter.entry.bond, err));
    }
}

static assay_status deposits_scan(assay_totals *out, const assay_reader *reader, assay_error *err) {
    uint64_t *deposits = &out->nopen[ASSAY_MONEY_DEPOSITS];
    assay_hash id = {{0}};
    assay_session session;
    assay_bytes value;
    bool found;
    for (;;) {
        ASSAY_TRY(assay_session_next(&id, &session, &found, reader, err));
        if (!found) break;
        ASSAY_TRY(add(deposits, session.free, err));
        ASSAY_TRY(add(deposits, session.reserved, err));
    }
    id = (assay_hash){{0}};
    for (;;) {
        ASSAY_TRY(assay_record_next_hash(&value, &found, reader, ASSAY_TABLE_ESCROW, &id, err));
        if (!found) return ASSAY_OK;
        if (value.size != 8) return ASSAY_FAIL(err, CORRUPT, "an escrow is not an amount");
        ASSAY_TRY(add(deposits, assay_load_be64(value.data), err));
    }
}

// The validator behind a DECLARED entry adds its weight to each of its roots: compare root by root.
static assay_status declared_scan(const assay_reader *reader, const assay_params *params,
                                  assay_error *err) {
    assay_hash root = {{0}};
    assay_bytes value;
    bool found;
    for (;;) {
        ASSAY_TRY(
            assay_record_next_hash(&value, &found, reader, ASSAY_TABLE_DECLARED_SUM, &root, err));
        if (!found) return ASSAY_OK;
        assay_address validator = {{0}};
        uint64_t sum = 0, weight, running;
        for (;;) {
            ASSAY_TRY(assay_declarer_next(&validator, &weight, &found, reader, params, &root, err));
            if (!found) break;
            ASSAY_TRY(add(&sum, weight, err));
        }
        ASSAY_TRY(assay_declared_sum(&running, reader, &root, err));
        ASSAY_TRY(equal("bond behind a root", sum, running, err));
    }
}

assay_status assay_totals_scan(assay_totals *out, const assay_reader *reader,
                               const assay_params *params, assay_error *err) {
    static const char *const names[ASSAY_MONEY_COUNT] = {"balances", "deposits", "bonds",
                                                         "pools",    "claims",   "burned"};
    assay_totals running;
    *out = (assay_totals){0};
    ASSAY_TRY(assay_totals_get(&running, reader, err));
    ASSAY_TRY(accounts_scan(out, reader, err));
    for (uint8_t role = 1; role <= ASSAY_ROLE_MAX; role++)
        ASSAY_TRY(role_scan(out, reader, params, role, err));
    ASSAY_TRY(registrations_scan(out, reader, err));
    ASSAY_TRY(deposits_scan(out, reader, err));
    out->nopen[ASSAY_MONEY_POOLS] = running.nopen[ASSAY_MONEY_POOLS];
    out->nopen[ASSAY_MONEY_BURNED] = running.nopen[ASSAY_MONEY_BURNED];
    for (int i = 0; i < ASSAY_MONEY_COUNT; i++)
        ASSAY_TRY(equal(names[i], out->nopen[i], running.nopen[i], err));
    return declared_scan(reader, params, err);
}
