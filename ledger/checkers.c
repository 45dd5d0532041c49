// SPDX-License-Identifier: Apache-2.0
//   I1  a batch has its checkers until it has ended, whatever becomes of bonds and declarations
//       test_checkers: fixed_at_inclusion; test_settle: settled_batches_leave_the_state
#include "ledger/checkers.h"

#include "ledger/declared.h"
#include "ledger/record.h"

enum { VOTER_SIZE = ASSAY_ADDRESS_SIZE + 8 };

// Keeps the ASSAY_VOTERS_MAX largest bonds. Candidates come ascending by address, so dropping one
// and appending keeps the order; among equals the later address goes.
static void voter_add(assay_checkers *checkers, const assay_voter *candidate) {
    assay_voter *voters = checkers->voters;
    if (checkers->count == ASSAY_VOTERS_MAX) {
        uint32_t smallest = 0;
        for (uint32_t i = 1; i < ASSAY_VOTERS_MAX; i++)
            if (voters[i].bond <= voters[smallest].bond) smallest = i;
        if (candidate->bond <= voters[smallest].bond) return;
        checkers->count--;
        memmove(voters + smallest, voters + smallest + 1,
                (checkers->count - smallest) * sizeof *voters);
    }
    voters[checkers->count++] = *candidate;
}

// Does the validator declare all of it? The first model is known to be declared.
static assay_status declares_all(bool *all, const assay_reader *reader,
                                 const assay_address *validator, const assay_model_list *models,
                                 assay_error *err) {
    *all = true;
    for (uint32_t i = 0; i < models->count && *all; i++) {
        const assay_model_row *row = &models->items[i];
        bool same_model = i > 0 && assay_hash_equal(&row->model, &row[-1].model);
        if (i > 0 && !same_model)
            ASSAY_TRY(assay_declared_has(all, reader, &row->model, validator, err));
        if (*all && !assay_hash_is_zero(&row->adapter))
            ASSAY_TRY(assay_declared_has(all, reader, &row->adapter, validator, err));
    }
    return ASSAY_OK;
}

// P-50, P-54
assay_status assay_checkers_find(assay_checkers *out, uint64_t *bond, const assay_reader *reader,
                                 const assay_params *params, const assay_address *provider,
                                 const assay_model_list *models, assay_error *err) {
    assay_voter voter = {0};
    bool found = true;
    out->count = 0;
    *bond = 0;
    for (;;) {
        bool all;
        ASSAY_TRY(assay_declarer_next(&voter.address, &voter.bond, &found, reader, params,
                                      &models->items[0].model, err));
        if (!found) return ASSAY_OK;
        if (assay_address_equal(&voter.address, provider)) continue;
        ASSAY_TRY(declares_all(&all, reader, &voter.address, models, err));
        if (!all) continue;
        *bond += voter.bond;
        voter_add(out, &voter);
    }
}

assay_status assay_checkers_suffice(assay_checkers *out, const assay_reader *reader,
                                    const assay_params *params, const assay_address *provider,
                                    const assay_model_list *models, assay_error *err) {
    uint64_t bond, declared, total;
    ASSAY_TRY(assay_checkers_find(out, &bond, reader, params, provider, models, err));
    ASSAY_TRY(assay_declared_share(&declared, &total, reader, params, &models->items[0].model,
                                   provider, err));
    if ((assay_u128)bond * 3 <= (assay_u128)total * 2)
        return ASSAY_REJECT(err, BATCH_ROOTS, "%llu of %llu nopen of bond declare all %u rows",
                            (ull)bond, (ull)total, models->count);
    return ASSAY_OK;
}

assay_status assay_checkers_put(assay_ledger *ledger, const assay_hash *batch,
                                const assay_checkers *checkers, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_MAY_CHECK, batch);
    uint8_t value[ASSAY_VOTERS_MAX * VOTER_SIZE];
    assay_writer writer;
    assay_writer_init(&writer, value, sizeof value);
    for (uint32_t i = 0; i < checkers->count; i++) {
        assay_writer_address(&writer, &checkers->voters[i].address);
        assay_writer_u64(&writer, checkers->voters[i].bond);
    }
    ASSAY_ASSERT(!writer.failed);
    return assay_ledger_put(ledger, &key, value, writer.size, err);
}

assay_status assay_checkers_get(assay_checkers *out, bool *found, const assay_reader *reader,
                                const assay_hash *batch, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_MAY_CHECK, batch);
    assay_bytes value;
    assay_cursor cursor;
    out->count = 0;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    if (found != NULL) *found = value.data != NULL;
    if (value.data == NULL) return ASSAY_OK;
    if (value.size % VOTER_SIZE != 0 || value.size / VOTER_SIZE > ASSAY_VOTERS_MAX)
        return ASSAY_FAIL(err, CORRUPT, "a batch's record of checkers is damaged");
    assay_cursor_init(&cursor, value.data, value.size);
    for (; assay_cursor_left(&cursor) > 0; out->count++) {
        assay_cursor_address(&cursor, &out->voters[out->count].address);
        out->voters[out->count].bond = assay_cursor_u64(&cursor);
    }
    return ASSAY_OK;
}

bool assay_checkers_have(const assay_checkers *checkers, const assay_address *validator) {
    for (uint32_t i = 0; i < checkers->count; i++)
        if (assay_address_equal(&checkers->voters[i].address, validator)) return true;
    return false;
}

assay_status assay_checkers_drop(assay_ledger *ledger, const assay_hash *batch, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_MAY_CHECK, batch);
    return assay_ledger_delete(ledger, &key, err);
}
