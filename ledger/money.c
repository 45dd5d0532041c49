// SPDX-License-Identifier: Apache-2.0
#include "ledger/money.h"

#include "ledger/agent.h"
#include "ledger/purse.h"
#include "ledger/record.h"

static_assert(ASSAY_ACCOUNT_SIZE == 24, "balance and two nonces");
static_assert(ASSAY_TX_LANE_COUNT == 2, "an account keeps a nonce for each lane");

enum { TOTALS_SIZE = ASSAY_MONEY_COUNT * 8 };
static_assert(TOTALS_SIZE == 48, "six totals");

static assay_status damaged(const char *what, assay_error *err) {
    return ASSAY_FAIL(err, CORRUPT, "the record of %s has the wrong size", what);
}

static assay_status account_decode(assay_account *out, assay_bytes value, assay_error *err) {
    *out = (assay_account){0};
    if (value.data == NULL) return ASSAY_OK;
    if (value.size != ASSAY_ACCOUNT_SIZE) return damaged("an account", err);
    out->balance = assay_load_be64(value.data);
    out->nonces[0] = assay_load_be64(value.data + 8);
    out->nonces[1] = assay_load_be64(value.data + 16);
    return ASSAY_OK;
}

assay_status assay_account_get(assay_account *out, const assay_reader *reader,
                               const assay_address *address, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_ACCOUNT, address);
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    return account_decode(out, value, err);
}

// Absent and all zeros are the same account, so there is one state for one content.
static assay_status account_put(assay_ledger *ledger, const assay_address *address,
                                const assay_account *account, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_ACCOUNT, address);
    if (account->balance == 0 && account->nonces[0] == 0 && account->nonces[1] == 0)
        return assay_ledger_delete(ledger, &key, err);
    uint8_t value[ASSAY_ACCOUNT_SIZE];
    assay_store_be64(value, account->balance);
    assay_store_be64(value + 8, account->nonces[0]);
    assay_store_be64(value + 16, account->nonces[1]);
    return assay_ledger_put(ledger, &key, value, sizeof value, err);
}

static assay_money category(assay_purse_kind kind) {
    switch (kind) {
    case ASSAY_PURSE_BALANCE:
        return ASSAY_MONEY_BALANCES;
    case ASSAY_PURSE_DEPOSIT:
    case ASSAY_PURSE_RESERVED:
    case ASSAY_PURSE_ESCROW:
        return ASSAY_MONEY_DEPOSITS;
    case ASSAY_PURSE_BOND:
    case ASSAY_PURSE_UNBONDING:
    case ASSAY_PURSE_REGISTRATION:
        return ASSAY_MONEY_BONDS;
    case ASSAY_PURSE_POOL:
        return ASSAY_MONEY_POOLS;
    case ASSAY_PURSE_CLAIM:
        return ASSAY_MONEY_CLAIMS;
    case ASSAY_PURSE_BURNED:
        return ASSAY_MONEY_BURNED;
    }
    ASSAY_ASSERT(!"a purse has one of the kinds");
}

static assay_status balance_take(assay_ledger *ledger, const assay_address *address,
                                 uint64_t amount, assay_error *err) {
    assay_account account;
    ASSAY_TRY(assay_account_get(&account, &ledger->reader, address, err));
    if (account.balance < amount)
        return ASSAY_REJECT(err, BALANCE_SHORT, "balance %llu nopen, %llu needed",
                            (ull)account.balance, (ull)amount);
    account.balance -= amount;
    return account_put(ledger, address, &account, err);
}

static assay_status balance_put(assay_ledger *ledger, const assay_address *address, uint64_t amount,
                                assay_error *err) {
    assay_account account;
    ASSAY_TRY(assay_account_get(&account, &ledger->reader, address, err));
    account.balance += amount;
    return account_put(ledger, address, &account, err);
}

assay_status assay_escrow_get(uint64_t *out, const assay_reader *reader, const assay_hash *id,
                              assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_ESCROW, id);
    return assay_amount_get(out, reader, &key, err);
}

static assay_status escrow_change(assay_ledger *ledger, const assay_hash *id, int64_t change,
                                  assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_ESCROW, id);
    uint64_t held;
    ASSAY_TRY(assay_amount_get(&held, &ledger->reader, &key, err));
    return assay_amount_put(ledger, &key, assay_purse_changed(held, change), err);
}

static assay_status claim_decode(assay_claim_record *out, assay_bytes value, assay_error *err) {
    *out = (assay_claim_record){0};
    if (value.data == NULL) return ASSAY_OK;
    if (value.size != ASSAY_CLAIM_SIZE) return damaged("a claim", err);
    out->amount = assay_load_be64(value.data);
    out->epoch = assay_load_be64(value.data + 8);
    out->before = assay_load_be64(value.data + 16);
    return ASSAY_OK;
}

// P-38
static assay_status claim_add(assay_ledger *ledger, const assay_address *recipient, uint64_t amount,
                              assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_CLAIM, recipient);
    uint64_t epoch = assay_params_epoch(ledger->params, ledger->height);
    uint8_t record[ASSAY_CLAIM_SIZE];
    assay_claim_record claim;
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(&ledger->reader, &key, &value, err));
    ASSAY_TRY(claim_decode(&claim, value, err));
    if (value.data == NULL) ledger->new_keys += ASSAY_CLAIM_KEYS - 1; // the key itself is one
    if (claim.epoch != epoch) claim.before = claim.amount;
    assay_store_be64(record, claim.amount + amount);
    assay_store_be64(record + 8, epoch);
    assay_store_be64(record + 16, claim.before);
    return assay_ledger_put(ledger, &key, record, sizeof record, err);
}

static assay_status registration_change(assay_ledger *ledger, assay_purse purse, int64_t change,
                                        assay_error *err) {
    if (purse.role == ASSAY_TABLE_DATASET)
        return assay_dataset_bond_change(ledger, purse.id, change, err);
    if (purse.role == ASSAY_TABLE_MODEL)
        return assay_model_bond_change(ledger, purse.id, change, err);
    ASSAY_ASSERT(purse.role == ASSAY_TABLE_ADAPTER);
    return assay_adapter_bond_change(ledger, purse.id, change, err);
}

static assay_status purse_take(assay_ledger *ledger, assay_purse from, uint64_t amount,
                               assay_error *err) {
    switch (from.kind) {
    case ASSAY_PURSE_BALANCE:
        return balance_take(ledger, from.address, amount, err);
    case ASSAY_PURSE_DEPOSIT:
    case ASSAY_PURSE_RESERVED:
        return assay_session_take(ledger, from.id, from.kind == ASSAY_PURSE_RESERVED, amount, err);
    case ASSAY_PURSE_ESCROW:
        return escrow_change(ledger, from.id, -(int64_t)amount, err);
    case ASSAY_PURSE_BOND:
        return assay_bond_take(ledger, from.role, from.address, amount, err);
    case ASSAY_PURSE_UNBONDING:
        return assay_unbonding_take(ledger, from.role, from.address, amount, err);
    case ASSAY_PURSE_REGISTRATION:
        return registration_change(ledger, from, -(int64_t)amount, err);
    case ASSAY_PURSE_POOL:
        ASSAY_ASSERT(ledger->totals.nopen[ASSAY_MONEY_POOLS] >= amount);
        return ASSAY_OK;
    case ASSAY_PURSE_CLAIM:
    case ASSAY_PURSE_BURNED:
        break;
    }
    ASSAY_ASSERT(!"nothing leaves claims or what is burned");
}

static assay_status purse_put(assay_ledger *ledger, assay_purse to, uint64_t amount,
                              assay_error *err) {
    switch (to.kind) {
    case ASSAY_PURSE_BALANCE:
        return balance_put(ledger, to.address, amount, err);
    case ASSAY_PURSE_DEPOSIT:
    case ASSAY_PURSE_RESERVED:
        return assay_session_put(ledger, to.id, to.kind == ASSAY_PURSE_RESERVED, amount, err);
    case ASSAY_PURSE_ESCROW:
        return escrow_change(ledger, to.id, (int64_t)amount, err);
    case ASSAY_PURSE_CLAIM:
        return claim_add(ledger, to.address, amount, err);
    case ASSAY_PURSE_BOND:
        return assay_bond_put(ledger, to.role, to.address, amount, err);
    case ASSAY_PURSE_REGISTRATION:
        return registration_change(ledger, to, (int64_t)amount, err);
    case ASSAY_PURSE_POOL:
    case ASSAY_PURSE_BURNED:
        return ASSAY_OK;
    case ASSAY_PURSE_UNBONDING:
        break;
    }
    ASSAY_ASSERT(!"bond starts to leave by assay_unbond_apply only");
}

assay_status assay_money_move(assay_ledger *ledger, assay_purse from, assay_purse to,
                              uint64_t amount, assay_error *err) {
    if (amount == 0) return ASSAY_OK;
    ASSAY_TRY(purse_take(ledger, from, amount, err));
    ASSAY_TRY(purse_put(ledger, to, amount, err));
    ledger->totals.nopen[category(from.kind)] -= amount;
    ledger->totals.nopen[category(to.kind)] += amount;
    return ASSAY_OK;
}

assay_status assay_money_spend(assay_ledger *ledger, assay_purse to, uint64_t amount,
                               assay_error *err) {
    if (ledger->by_agent) ASSAY_TRY(assay_allowance_spend(ledger, amount, err));
    return assay_money_move(ledger, assay_purse_balance(&ledger->principal), to, amount, err);
}

assay_status assay_money_mint(assay_ledger *ledger, const assay_address *address, uint64_t amount,
                              assay_error *err) {
    ASSAY_TRY(balance_put(ledger, address, amount, err));
    ledger->totals.nopen[ASSAY_MONEY_BALANCES] += amount;
    return ASSAY_OK;
}

static assay_status fee_short(const assay_account *account, uint64_t fee, assay_error *err) {
    return ASSAY_REJECT(err, FEE_SHORT, "balance %llu nopen, fee %llu", (ull)account->balance,
                        (ull)fee);
}

static void fee_count(assay_ledger *ledger, uint64_t fee) {
    ledger->totals.nopen[ASSAY_MONEY_BALANCES] -= fee;
    ledger->totals.nopen[ASSAY_MONEY_BURNED] += fee;
}

assay_status assay_money_admit(assay_ledger *ledger, uint8_t lane, uint64_t fee, assay_error *err) {
    assay_account signer;
    ASSAY_TRY(assay_account_get(&signer, &ledger->reader, &ledger->signer, err));
    if (ledger->by_agent) {
        ASSAY_TRY(assay_money_fee(ledger, fee, err));
        signer.nonces[lane]++;
        return account_put(ledger, &ledger->signer, &signer, err);
    }
    if (signer.balance < fee) return fee_short(&signer, fee, err);
    signer.balance -= fee;
    signer.nonces[lane]++;
    fee_count(ledger, fee);
    return account_put(ledger, &ledger->signer, &signer, err);
}

assay_status assay_money_fee(assay_ledger *ledger, uint64_t fee, assay_error *err) {
    assay_account principal;
    if (fee == 0) return ASSAY_OK;
    ASSAY_TRY(assay_account_get(&principal, &ledger->reader, &ledger->principal, err));
    if (principal.balance < fee) return fee_short(&principal, fee, err);
    if (ledger->by_agent) ASSAY_TRY(assay_allowance_spend(ledger, fee, err));
    principal.balance -= fee;
    fee_count(ledger, fee);
    return account_put(ledger, &ledger->principal, &principal, err);
}

assay_status assay_account_next(assay_address *address, assay_account *out, bool *found,
                                const assay_reader *reader, assay_error *err) {
    assay_record_key after = assay_record_key_of_address(ASSAY_TABLE_ACCOUNT, address);
    assay_bytes value;
    ASSAY_TRY(
        assay_record_next(&value, found, reader, &after, address->bytes, ASSAY_ADDRESS_SIZE, err));
    return *found ? account_decode(out, value, err) : ASSAY_OK;
}

assay_status assay_claim_next(assay_address *recipient, assay_claim_record *out, bool *found,
                              const assay_reader *reader, assay_error *err) {
    assay_record_key after = assay_record_key_of_address(ASSAY_TABLE_CLAIM, recipient);
    assay_bytes value;
    ASSAY_TRY(assay_record_next(&value, found, reader, &after, recipient->bytes, ASSAY_ADDRESS_SIZE,
                                err));
    return *found ? claim_decode(out, value, err) : ASSAY_OK;
}

assay_status assay_totals_get(assay_totals *out, const assay_reader *reader, assay_error *err) {
    assay_record_key key;
    assay_bytes value;
    *out = (assay_totals){0};
    assay_record_key_start(&key, ASSAY_TABLE_TOTALS);
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    if (value.data == NULL) return ASSAY_OK;
    if (value.size != TOTALS_SIZE) return damaged("the totals", err);
    for (int i = 0; i < ASSAY_MONEY_COUNT; i++)
        out->nopen[i] = assay_load_be64(value.data + 8 * i);
    return ASSAY_OK;
}

assay_status assay_totals_put(assay_ledger *ledger, assay_error *err) {
    assay_record_key key;
    uint8_t value[TOTALS_SIZE];
    assay_record_key_start(&key, ASSAY_TABLE_TOTALS);
    for (int i = 0; i < ASSAY_MONEY_COUNT; i++)
        assay_store_be64(value + 8 * i, ledger->totals.nopen[i]);
    return assay_ledger_put(ledger, &key, value, sizeof value, err);
}

uint64_t assay_totals_sum(const assay_totals *totals) {
    uint64_t sum = 0;
    for (int i = 0; i < ASSAY_MONEY_COUNT; i++)
        sum += totals->nopen[i];
    return sum;
}

assay_status assay_transfer_apply(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_transfer *body = &tx->body.transfer;
    if (assay_address_is_zero(&body->to))
        return ASSAY_REJECT(err, ADDRESS_ZERO, "a transfer to the zero address");
    return assay_money_spend(ledger, assay_purse_balance(&body->to), body->amount, err);
}

assay_status assay_withdraw_apply(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_withdraw *body = &tx->body.withdraw;
    if (assay_address_is_zero(&body->recipient))
        return ASSAY_REJECT(err, ADDRESS_ZERO, "a withdrawal to the zero address");
    return assay_money_spend(ledger, assay_purse_claim(&body->recipient), body->amount, err);
}
