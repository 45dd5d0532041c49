// SPDX-License-Identifier: Apache-2.0
#include "ledger/missing.h"

#include "ledger/dataset.h"
#include "ledger/spoils.h"

// First and last height of a series of findings.
enum { SERIES_SIZE = 8 + 8 };

static assay_status bond_burn(assay_ledger *ledger, const assay_hash *dataset, assay_error *err) {
    assay_dataset record;
    bool found;
    ASSAY_TRY(assay_dataset_get(&record, &found, &ledger->reader, dataset, err));
    ASSAY_ASSERT(found); // checked at the reveal; data sets stay
    return assay_money_move(ledger, assay_purse_registration(ASSAY_TABLE_DATASET, dataset),
                            assay_purse_burned(), record.bond, err);
}

// P-76. A complaint after a silence of data_missing_blocks starts anew.
assay_status assay_missing_note(assay_ledger *ledger, const assay_hash *batch,
                                const assay_hash *dataset, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_MISSING_SINCE, dataset);
    uint64_t since = ledger->height, blocks = ledger->params->data_missing_blocks;
    uint8_t series[SERIES_SIZE];
    assay_bytes value;
    ASSAY_TRY(assay_spoils_missing(ledger, batch, dataset, err));
    ASSAY_TRY(assay_reader_get(&ledger->reader, &key, &value, err));
    if (value.data != NULL && value.size != SERIES_SIZE)
        return ASSAY_FAIL(err, CORRUPT, "a missing data set's record is damaged");
    if (value.data != NULL && ledger->height - assay_load_be64(value.data + 8) <= blocks)
        since = assay_load_be64(value.data);
    if (ledger->height - since >= blocks) {
        ASSAY_TRY(bond_burn(ledger, dataset, err));
        return assay_ledger_delete(ledger, &key, err);
    }
    assay_store_be64(series, since);
    assay_store_be64(series + 8, ledger->height);
    return assay_ledger_put(ledger, &key, series, sizeof series, err);
}
