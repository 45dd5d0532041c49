// SPDX-License-Identifier: Apache-2.0
//   I1  each VALIDATOR record has its CONSENSUS_KEY record, which leads back to it
//       test_validator: genesis_has_all_of_them
//   I2  neither record ever goes away, nor does what they pair
//       test_validator: a_place_goes_with_the_bond_and_the_key_stays
//   I3  a barred validator has no power, unless nobody else has any
//       test_validator: the_last_power_stays
//   I4  an OFFENCE record is there for as long as its height can be punished, and little longer
//       test_validator: offences_go_when_they_cannot_matter
// put is the only writer of the first two, offence_mark and assay_validator_sweep of the last.
#include "ledger/validator.h"

#include <stdlib.h>

#include "ledger/bond.h"
#include "ledger/record.h"

enum { RECORD_SIZE = ASSAY_ED25519_KEY_SIZE + 1 };

static assay_status put(assay_ledger *ledger, const assay_address *account,
                        const assay_validator *validator, assay_error *err) {
    assay_address consensus;
    uint8_t value[RECORD_SIZE];
    assay_ed25519_address(&consensus, validator->ed25519);
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_VALIDATOR, account);
    memcpy(value, validator->ed25519, ASSAY_ED25519_KEY_SIZE);
    value[ASSAY_ED25519_KEY_SIZE] = validator->barred;
    ASSAY_TRY(assay_ledger_put(ledger, &key, value, sizeof value, err));
    key = assay_record_key_of_address(ASSAY_TABLE_CONSENSUS_KEY, &consensus);
    return assay_ledger_put(ledger, &key, account->bytes, ASSAY_ADDRESS_SIZE, err);
}

assay_status assay_validator_init(assay_ledger *ledger, assay_error *err) {
    for (uint32_t i = 0; i < ledger->genesis->validator_count; i++) {
        const assay_genesis_validator *entry = &ledger->genesis->validators[i];
        assay_validator validator = {.barred = false};
        memcpy(validator.ed25519, entry->ed25519, ASSAY_ED25519_KEY_SIZE);
        ASSAY_TRY(put(ledger, &entry->address, &validator, err));
    }
    return ASSAY_OK;
}

assay_status assay_validator_get(assay_validator *out, bool *found, const assay_reader *reader,
                                 const assay_address *account, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_VALIDATOR, account);
    assay_bytes value;
    *out = (assay_validator){.barred = false};
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    *found = value.data != NULL;
    if (!*found) return ASSAY_OK;
    if (value.size != RECORD_SIZE || value.data[ASSAY_ED25519_KEY_SIZE] > 1)
        return ASSAY_FAIL(err, CORRUPT, "a validator's record is damaged");
    memcpy(out->ed25519, value.data, ASSAY_ED25519_KEY_SIZE);
    out->barred = value.data[ASSAY_ED25519_KEY_SIZE] != 0;
    return ASSAY_OK;
}

assay_status assay_validator_by_consensus(assay_address *account, bool *found,
                                          const assay_reader *reader,
                                          const assay_address *consensus, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_CONSENSUS_KEY, consensus);
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    *found = value.data != NULL;
    if (!*found) return ASSAY_OK;
    if (value.size != ASSAY_ADDRESS_SIZE)
        return ASSAY_FAIL(err, CORRUPT, "a consensus key's record is damaged");
    memcpy(account->bytes, value.data, ASSAY_ADDRESS_SIZE);
    return ASSAY_OK;
}

static const char proof_domain[] = "assay validator";
static_assert(sizeof proof_domain - 1 + ASSAY_HASH_SIZE + ASSAY_ADDRESS_SIZE ==
                  ASSAY_VALIDATOR_MESSAGE_SIZE,
              "P-91");

void assay_validator_message(uint8_t out[ASSAY_VALIDATOR_MESSAGE_SIZE], const assay_hash *genesis,
                             const assay_address *account) {
    assay_writer writer;
    assay_writer_init(&writer, out, ASSAY_VALIDATOR_MESSAGE_SIZE);
    assay_writer_copy(&writer, proof_domain, sizeof proof_domain - 1);
    assay_writer_hash(&writer, genesis);
    assay_writer_address(&writer, account);
    ASSAY_ASSERT(!writer.failed);
}

static assay_status proof_check(const assay_ledger *ledger, const assay_tx_register_validator *body,
                                assay_error *err) {
    uint8_t message[ASSAY_VALIDATOR_MESSAGE_SIZE];
    assay_error why = {0};
    assay_validator_message(message, &ledger->genesis->hash, &ledger->principal);
    assay_status status =
        assay_ed25519_check(body->ed25519.bytes, body->proof.data, message, sizeof message, &why);
    if (status == ASSAY_SIGNATURE)
        return ASSAY_REJECT(err, VALIDATOR_PROOF, "the key has not signed for this account");
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
    return ASSAY_OK;
}

// The account and the key are each other's, or neither has met the other or anyone. P-91
static assay_status pair_check(const assay_ledger *ledger, const assay_hash *key, bool *known,
                               assay_error *err) {
    assay_validator validator;
    assay_address consensus, holder;
    bool taken;
    ASSAY_TRY(assay_validator_get(&validator, known, &ledger->reader, &ledger->principal, err));
    if (*known && validator.barred)
        return ASSAY_REJECT(err, VALIDATOR_BARRED, "the account signed two blocks of one height");
    if (*known && memcmp(validator.ed25519, key->bytes, ASSAY_ED25519_KEY_SIZE) != 0)
        return ASSAY_REJECT(err, VALIDATOR_KEY, "the account has another consensus key");
    assay_ed25519_address(&consensus, key->bytes);
    ASSAY_TRY(assay_validator_by_consensus(&holder, &taken, &ledger->reader, &consensus, err));
    if (taken && !*known)
        return ASSAY_REJECT(err, VALIDATOR_KEY, "the consensus key is another account's");
    return ASSAY_OK;
}

assay_status assay_validator_register(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_register_validator *body = &tx->body.register_validator;
    uint64_t bond;
    bool known;
    ASSAY_TRY(assay_bond_weight(&bond, &ledger->reader, ledger->params, ASSAY_ROLE_CONSENSUS,
                                &ledger->principal, err));
    if (bond == 0)
        return ASSAY_REJECT(err, VALIDATOR_BOND, "no consensus bond of at least %llu nopen",
                            (ull)ledger->params->consensus_bond_min);
    ASSAY_TRY(pair_check(ledger, &body->ed25519, &known, err));
    ASSAY_TRY(proof_check(ledger, body, err));
    if (!known) {
        assay_validator validator = {.barred = false};
        memcpy(validator.ed25519, body->ed25519.bytes, ASSAY_ED25519_KEY_SIZE);
        ASSAY_TRY(put(ledger, &ledger->principal, &validator, err));
    }
    return assay_power_join(ledger, &ledger->principal, bond, err);
}

// ---- misbehaviour ----

// Marks (height, account); *first false: it was marked before.
static assay_status offence_mark(assay_ledger *ledger, const assay_address *account,
                                 uint64_t height, bool *first, assay_error *err) {
    assay_record_key key;
    assay_bytes value;
    assay_record_key_start(&key, ASSAY_TABLE_OFFENCE);
    assay_record_key_add_u64(&key, height);
    assay_record_key_add(&key, account->bytes, ASSAY_ADDRESS_SIZE);
    ASSAY_TRY(assay_reader_get(&ledger->reader, &key, &value, err));
    *first = value.data == NULL;
    return *first ? assay_ledger_put(ledger, &key, "\x01", 1, err) : ASSAY_OK;
}

// P-93: a share of active and leaving bond, < 2^63 together.
static assay_status bond_punish(assay_ledger *ledger, const assay_address *account,
                                assay_error *err) {
    assay_bond bond;
    ASSAY_TRY(assay_bond_get(&bond, &ledger->reader, ASSAY_ROLE_CONSENSUS, account, err));
    uint64_t all = bond.active + assay_bond_leaving(&bond);
    uint64_t amount =
        (uint64_t)((assay_u128)all * ledger->params->double_sign_slash_ppm / ASSAY_PPM);
    return assay_bond_slash(ledger, ASSAY_ROLE_CONSENSUS, account, amount, assay_purse_burned(),
                            NULL, err);
}

// What lies below it is too long ago to be punished, in this block.
static uint64_t first_punishable(const assay_ledger *ledger) {
    uint64_t unbond = assay_params_unbond_blocks(ledger->params);
    return ledger->height > unbond ? ledger->height - unbond : 0;
}

static bool punishable(const assay_ledger *ledger, const assay_misbehavior *misbehavior) {
    if (misbehavior->type != ASSAY_MISBEHAVIOR_DOUBLE_SIGN &&
        misbehavior->type != ASSAY_MISBEHAVIOR_LIGHT_CLIENT)
        return false;
    return misbehavior->height <= ledger->height && misbehavior->height >= first_punishable(ledger);
}

assay_status assay_validator_punish(assay_ledger *ledger, const assay_misbehavior *misbehavior,
                                    assay_error *err) {
    assay_address account;
    assay_validator validator;
    bool found, first;
    if (!punishable(ledger, misbehavior)) return ASSAY_OK;
    ASSAY_TRY(assay_validator_by_consensus(&account, &found, &ledger->reader,
                                           &misbehavior->validator, err));
    if (!found) return ASSAY_OK;
    ASSAY_TRY(offence_mark(ledger, &account, misbehavior->height, &first, err));
    if (!first) return ASSAY_OK;
    ASSAY_TRY(bond_punish(ledger, &account, err));
    ASSAY_TRY(assay_validator_get(&validator, &found, &ledger->reader, &account, err));
    if (!found) return ASSAY_FAIL(err, CORRUPT, "a consensus key leads to no validator");
    validator.barred = true;
    ASSAY_TRY(put(ledger, &account, &validator, err));
    return assay_power_drop(ledger, &account, err);
}

assay_status assay_validator_sweep(assay_ledger *ledger, assay_error *err) {
    return assay_ledger_sweep(ledger, ASSAY_TABLE_OFFENCE, first_punishable(ledger), err);
}

// ---- the set ----

assay_status assay_validator_list(assay_validator_power *out, uint32_t *count,
                                  const assay_reader *reader, assay_error *err) {
    assay_power powers[ASSAY_POWER_MAX];
    ASSAY_TRY(assay_power_list(powers, count, reader, err));
    for (uint32_t i = 0; i < *count; i++) {
        assay_validator validator;
        bool found;
        ASSAY_TRY(assay_validator_get(&validator, &found, reader, &powers[i].address, err));
        if (!found) return ASSAY_FAIL(err, CORRUPT, "a proposer has no consensus key");
        out[i].address = powers[i].address;
        out[i].power = powers[i].power;
        memcpy(out[i].ed25519, validator.ed25519, ASSAY_ED25519_KEY_SIZE);
    }
    return ASSAY_OK;
}

static int update_compare(const void *a, const void *b) {
    return memcmp(a, b, ASSAY_ED25519_KEY_SIZE);
}

static uint32_t update_add(assay_validator_update *out, uint32_t count,
                           const assay_validator_power *validator, uint64_t power) {
    memcpy(out[count].ed25519, validator->ed25519, ASSAY_ED25519_KEY_SIZE);
    out[count].power = power;
    return count + 1;
}

// Both lists ascend by account: one walk meets each account once.
uint32_t assay_validator_updates(assay_validator_update *out, const assay_validator_set *before,
                                 const assay_validator_set *after) {
    uint32_t count = 0, i = 0, j = 0;
    while (i < before->count || j < after->count) {
        const assay_validator_power *was = i < before->count ? &before->list[i] : NULL;
        const assay_validator_power *is = j < after->count ? &after->list[j] : NULL;
        int order = !was ? 1 : !is ? -1 : memcmp(&was->address, &is->address, ASSAY_ADDRESS_SIZE);
        uint64_t from = order <= 0 ? was->power : 0, to = order >= 0 ? is->power : 0;
        if (from != to) count = update_add(out, count, order <= 0 ? was : is, to);
        i += order <= 0;
        j += order >= 0;
    }
    qsort(out, count, sizeof *out, update_compare);
    return count;
}
