// SPDX-License-Identifier: Apache-2.0
#include "node/provider/outcomes.h"

#include "base/hex.h"
#include "base/json.h"
#include "ledger/batch.h"
#include "node/log.h"

enum { LOOKS = 8, NAME_SIZE = 16 };

void assay_outcomes_add(assay_outcomes *outcomes, const assay_hash *batch) {
    if (outcomes->count < ASSAY_OUTCOMES_MAX)
        outcomes->open[outcomes->count++] = *batch;
    else
        outcomes->open[outcomes->next++ % ASSAY_OUTCOMES_MAX] = *batch;
}

static assay_status void_tell(const json_t *batch, const char *id, assay_error *err) {
    static const char next[] = "assay verify --batch ID --leaf N tells what a rerun finds";
    const char *reason;
    uint64_t fees, slashed;
    ASSAY_TRY(assay_json_text(&reason, batch, "void_reason", NAME_SIZE, err));
    ASSAY_TRY(assay_json_u64(&fees, batch, "fee_total", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&slashed, batch, "slashed", 0, UINT64_MAX, err));
    assay_log(
        ASSAY_LOG_WARN, "batch_void",
        json_pack("{s:s,s:s,s:o,s:o,s:s}", "batch", id, "reason", reason, "nopen",
                  assay_json_from_u64(fees), "slashed", assay_json_from_u64(slashed), "next", next),
        "batch %s is void (%s): %llu nopen of fees are not earned, %llu of the bond are lost; "
        "next: %s",
        id, reason, (ull)fees, (ull)slashed, next);
    return ASSAY_OK;
}

static assay_status outcome_ask(bool *decided, bool *is_void, const assay_hash *batch,
                                const assay_client *client, assay_error *err) {
    json_t *answer;
    const char *state;
    char id[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(id, batch->bytes, ASSAY_HASH_SIZE);
    assay_error why = {0};
    *decided = *is_void = false;
    assay_status status = assay_client_get(&answer, client, &why, "batch/%s?rows=1", id);
    if (status == ASSAY_NOT_FOUND) return ASSAY_OK; // the node is behind
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
    status = assay_json_text(&state, answer, "state", NAME_SIZE, err);
    if (status == ASSAY_OK) {
        *is_void = strcmp(state, assay_batch_state_names[ASSAY_BATCH_VOID]) == 0;
        *decided = *is_void || strcmp(state, assay_batch_state_names[ASSAY_BATCH_SETTLED]) == 0;
        if (*is_void) status = void_tell(answer, id, err);
    }
    json_decref(answer);
    return status;
}

assay_status assay_outcomes_look(assay_outcomes *outcomes, uint32_t *voided,
                                 const assay_client *client, assay_error *err) {
    *voided = 0;
    uint32_t looks = outcomes->count < LOOKS ? outcomes->count : LOOKS;
    for (uint32_t i = 0; i < looks; i++) {
        bool decided, is_void;
        uint32_t at = outcomes->next % outcomes->count;
        ASSAY_TRY(outcome_ask(&decided, &is_void, &outcomes->open[at], client, err));
        *voided += is_void;
        outcomes->next = decided ? at : at + 1;
        if (decided) outcomes->open[at] = outcomes->open[--outcomes->count];
    }
    return ASSAY_OK;
}
