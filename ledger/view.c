// SPDX-License-Identifier: Apache-2.0
#include "ledger/view.h"

#include "ledger/state/history.h"

assay_status assay_view_open(assay_view *out, assay_app *app, assay_error *err) {
    *out = (assay_view){0};
    ASSAY_TRY(assay_app_snapshot(app, &out->snapshot, err));
    const assay_store_tip *tip = assay_snapshot_tip(out->snapshot);
    out->reader = assay_reader_of_snapshot(out->snapshot);
    assay_status status =
        assay_history_root(&out->history_root, &out->history_count, &out->reader, err);
    if (status != ASSAY_OK) {
        assay_view_close(out);
        return status;
    }
    out->genesis = assay_app_genesis(app);
    out->params = &out->genesis->params;
    out->height = tip->height;
    out->app_hash = tip->app_hash;
    out->state_root = tip->state_root;
    return ASSAY_OK;
}

void assay_view_close(assay_view *view) {
    assay_snapshot_close(view->snapshot);
    *view = (assay_view){0};
}

assay_status assay_view_prove(const assay_view *view, const assay_record_key *key,
                              assay_bytes *value, assay_smt_proof *proof, assay_error *err) {
    ASSAY_TRY(assay_snapshot_get(view->snapshot, key->bytes, key->size, value, err));
    return assay_snapshot_prove(view->snapshot, key->bytes, key->size, proof, err);
}
