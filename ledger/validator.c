// SPDX-License-Identifier: Apache-2.0
//   I1  each VALIDATOR record has its CONSENSUS_KEY record, which leads back to it
//       test_validator: genesis_has_all_of_them
//   I2  neither record's key ever changes or goes away
// put is the only writer.
#include "ledger/validator.h"

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
