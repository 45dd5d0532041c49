// SPDX-License-Identifier: Apache-2.0
//   I1  epoch e's record is written once, in its last block, and never changes
//       test_epoch: an_empty_epoch_closes
//   I2  PAYOUT entries of closed epochs are swept, some each block, and never read again
//       test_epoch: sweeps
//   I3  the records of CLAIM give the claims as of the last closed epoch's record, whatever was
//       withdrawn since, and a close writes none of them
//       test_epoch: claims_are_told_as_published
#include "ledger/epoch.h"

#include <stdlib.h>

#include "ledger/batch.h"
#include "ledger/money.h"
#include "ledger/power.h"
#include "ledger/settle.h"
#include "ledger/state/history.h"
#include "ledger/verdict.h"

// ---- claims ----

assay_status assay_epoch_claim_next(assay_claim *claim, bool *found, const assay_reader *reader,
                                    uint64_t epoch, assay_error *err) {
    assay_claim_record record;
    do {
        ASSAY_TRY(assay_claim_next(&claim->recipient, &record, found, reader, err));
        claim->amount = *found ? assay_claim_at(&record, epoch) : 0;
    } while (*found && claim->amount == 0);
    return ASSAY_OK;
}

// The tree over the claims as of the close of `epoch`, of which there are `count`, in the arena;
// *index: the recipient's place (NULL: none wanted), count if it has no claim.
static assay_status claims_tree(assay_claims *tree, const assay_claim **list, uint32_t *index,
                                uint64_t count, const assay_reader *reader, uint64_t epoch,
                                const assay_address *recipient, assay_arena *arena,
                                assay_error *err) {
    assay_claim claim = {0};
    bool found;
    void *memory;
    uint32_t filled = 0;
    if (count >= UINT32_MAX / 2)
        return ASSAY_FAIL(err, CAPACITY, "%llu claims, limit %u", (ull)count, UINT32_MAX / 2);
    if (index != NULL) *index = (uint32_t)count;
    ASSAY_TRY(assay_arena_get(arena, (size_t)count, sizeof claim, "claims", &memory, err));
    assay_claim *claims = memory;
    for (;;) {
        ASSAY_TRY(assay_epoch_claim_next(&claim, &found, reader, epoch, err));
        if (found != (filled < count))
            return ASSAY_FAIL(err, CORRUPT, "epoch %llu has other than %llu claims", (ull)epoch,
                              (ull)count);
        if (!found) break;
        if (index != NULL && assay_address_equal(&claim.recipient, recipient)) *index = filled;
        claims[filled++] = claim;
    }
    *list = claims;
    return assay_claims_build(tree, claims, filled, arena, err);
}

assay_status assay_epoch_last(assay_epoch *out, bool *found, const assay_reader *reader,
                              const assay_params *params, uint64_t height, assay_error *err) {
    *out = (assay_epoch){0};
    *found = height >= params->epoch_blocks;
    if (!*found) return ASSAY_OK;
    return assay_epoch_get(out, found, reader, height / params->epoch_blocks - 1, err);
}

assay_status assay_epoch_claim_prove(assay_claim *claim, assay_hash *path, uint32_t *path_count,
                                     assay_epoch *epoch, const assay_reader *reader,
                                     const assay_params *params, uint64_t height,
                                     const assay_address *recipient, assay_error *err) {
    assay_claims tree;
    const assay_claim *list;
    assay_arena arena;
    uint32_t index;
    bool found;
    ASSAY_TRY(assay_epoch_last(epoch, &found, reader, params, height, err));
    if (!found) return ASSAY_FAIL(err, NOT_FOUND, "no epoch is closed yet");
    assay_arena_init(&arena, assay_claims_memory(epoch->claims_count));
    assay_status status = claims_tree(&tree, &list, &index, epoch->claims_count, reader,
                                      epoch->epoch, recipient, &arena, err);
    if (status == ASSAY_OK && index == epoch->claims_count) {
        status = ASSAY_FAIL(err, NOT_FOUND, "no claim in epoch %llu", (ull)epoch->epoch);
    } else if (status == ASSAY_OK) {
        *claim = list[index];
        *path_count = assay_claims_path(path, &tree, index);
    }
    assay_arena_close(&arena);
    return status;
}

// P-75. Claims only grow, so an unchanged total is an unchanged tree. A close with a million claims
// takes 3.4 s on one core and 129 MiB beside the block's own memory, which it leaves alone; both
// grow with the number of claims, and each has paid for ASSAY_CLAIM_KEYS keys.
static assay_status claims_close(assay_ledger *ledger, assay_epoch *record, assay_error *err) {
    const assay_reader *reader = &ledger->reader;
    assay_epoch last = {0};
    assay_claim claim = {0};
    bool found = false;
    if (record->epoch > 0)
        ASSAY_TRY(assay_epoch_get(&last, &found, reader, record->epoch - 1, err));
    for (;;) {
        ASSAY_TRY(assay_epoch_claim_next(&claim, &found, reader, record->epoch, err));
        if (!found) break;
        record->claims_count++;
        record->claims_total += claim.amount;
    }
    record->claims_root = last.claims_root;
    if (record->claims_total == last.claims_total) return ASSAY_OK;
    assay_claims tree;
    const assay_claim *list;
    assay_arena arena;
    assay_arena_init(&arena, assay_claims_memory(record->claims_count));
    assay_status status = claims_tree(&tree, &list, NULL, record->claims_count, reader,
                                      record->epoch, NULL, &arena, err);
    if (status == ASSAY_OK) assay_claims_root(&record->claims_root, &tree);
    assay_arena_close(&arena);
    return status;
}

// ---- the end of an epoch, and of a block ----

// P-73
static assay_status epoch_close(assay_ledger *ledger, assay_error *err) {
    assay_epoch record = {.epoch = assay_params_epoch(ledger->params, ledger->height)};
    uint8_t leaf[1 + ASSAY_EPOCH_SIZE] = {ASSAY_HISTORY_EPOCH};
    assay_record_key key = assay_epoch_key(record.epoch);
    ASSAY_TRY(assay_payout_close(&record.payout_root, &record.payout_count, &record.payout_total,
                                 &ledger->reader, record.epoch, err));
    ASSAY_TRY(claims_close(ledger, &record, err));
    assay_epoch_encode(&record, leaf + 1);
    ASSAY_TRY(assay_ledger_put(ledger, &key, leaf + 1, ASSAY_EPOCH_SIZE, err));
    ASSAY_TRY(assay_history_append(ledger->store, leaf, sizeof leaf, err));
    return assay_power_epoch(ledger, err);
}

// P-74, P-98: each part has room of its own, so that none keeps another waiting.
assay_status assay_epoch_end_block(assay_ledger *ledger, assay_error *err) {
    static assay_status (*const parts[])(assay_ledger *, assay_error *) = {
        assay_batch_draw_due, assay_verdict_due, assay_settle_due};
    // P-73
    ASSAY_TRY(assay_ledger_sweep(ledger, ASSAY_TABLE_PAYOUT,
                                 assay_params_epoch(ledger->params, ledger->height), err));
    for (size_t i = 0; i < ASSAY_COUNT(parts); i++) {
        ledger->writes_max = ledger->writes + ASSAY_WRITES_PART;
        ASSAY_TRY(parts[i](ledger, err));
    }
    if (!assay_params_epoch_ends(ledger->params, ledger->height)) return ASSAY_OK;
    return epoch_close(ledger, err);
}
