// SPDX-License-Identifier: Apache-2.0
//   submit            draw_due            resolve (last case ended)      settle_due
//   ───────→ WAITING ──────────→ CHECKING ─────────────────────→ FINAL ───────────→ SETTLED
//               │ no beacon in time (P-48)   │ a guilty or an undecided case
//               └────────────→ VOID ←────────┘  (fraud.c)
//
//   I1  an open batch's fees are reserved in its sessions, fee_total nopen in all, and its unspent
//       check prices lie in its escrow
//       test_batch: reserves
//   I2  the provider's exposure = Σ fee_total of WAITING and CHECKING
//       test_batch: exposure
//   I3  a WAITING batch is in the WAITING queue, a FINAL one in the FINAL queue, under its place;
//       a CHECKING one has cases_open > 0
//       test_epoch: the_same_blocks_give_the_same_state, which ends with all of them empty
//   I4  settled and void batches have no state records
//       test_settle: settled_batches_leave_the_state
#include "ledger/batch.h"

#include <stdlib.h>

#include "ledger/beacon.h"
#include "ledger/bond.h"
#include "ledger/case_private.h"
#include "ledger/checkers.h"
#include "ledger/fraud.h"
#include "ledger/money.h"
#include "ledger/record.h"
#include "ledger/registry.h"
#include "ledger/session.h"
#include "ledger/state/history.h"
#include "ledger/tx/field.h"
#include "ledger/tx/request.h"

enum {
    BATCH_HEAD_SIZE = 2 + 20 + 8 + 4 + 32 + 4 + 8 + 4 + 8 + 8 + 32 + 5 * 4 + 4 * 8 + 2,
    BATCH_SIZE_MAX = BATCH_HEAD_SIZE + ASSAY_URI_SIZE_MAX,
};

const char *const assay_batch_state_names[] = {"none",  "waiting", "checking",
                                               "final", "settled", "void"};

static size_t batch_encode(const assay_batch *batch, uint8_t out[BATCH_SIZE_MAX]) {
    assay_writer writer;
    assay_writer_init(&writer, out, BATCH_SIZE_MAX);
    assay_writer_u8(&writer, (uint8_t)batch->state);
    assay_writer_u8(&writer, (uint8_t)batch->reason);
    assay_writer_address(&writer, &batch->provider);
    assay_writer_u64(&writer, batch->height);
    assay_writer_u32(&writer, batch->index);
    assay_writer_hash(&writer, &batch->root);
    assay_writer_u32(&writer, batch->count);
    assay_writer_u64(&writer, batch->fee_total);
    assay_writer_u32(&writer, batch->receipt_bytes);
    assay_writer_u64(&writer, batch->check_price);
    assay_writer_u64(&writer, batch->beacon_height);
    assay_writer_hash(&writer, &batch->beacon);
    assay_writer_u32(&writer, batch->sample_count);
    assay_writer_u32(&writer, batch->cases_open);
    assay_writer_u32(&writer, batch->caught);
    assay_writer_u32(&writer, batch->table_bad);
    assay_writer_u32(&writer, batch->undecided);
    assay_writer_u64(&writer, batch->ended);
    assay_writer_u64(&writer, batch->slashed);
    assay_writer_u64(&writer, batch->refunded);
    assay_writer_u64(&writer, batch->burned);
    assay_writer_u16(&writer, batch->uri_size);
    assay_writer_copy(&writer, batch->uri, batch->uri_size);
    ASSAY_ASSERT(!writer.failed);
    return writer.size;
}

static assay_status batch_decode(assay_batch *out, assay_bytes value, assay_error *err) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, value.data, value.size);
    out->state = assay_cursor_u8(&cursor);
    out->reason = assay_cursor_u8(&cursor);
    assay_cursor_address(&cursor, &out->provider);
    out->height = assay_cursor_u64(&cursor);
    out->index = assay_cursor_u32(&cursor);
    assay_cursor_hash(&cursor, &out->root);
    out->count = assay_cursor_u32(&cursor);
    out->fee_total = assay_cursor_u64(&cursor);
    out->receipt_bytes = assay_cursor_u32(&cursor);
    out->check_price = assay_cursor_u64(&cursor);
    out->beacon_height = assay_cursor_u64(&cursor);
    assay_cursor_hash(&cursor, &out->beacon);
    out->sample_count = assay_cursor_u32(&cursor);
    out->cases_open = assay_cursor_u32(&cursor);
    out->caught = assay_cursor_u32(&cursor);
    out->table_bad = assay_cursor_u32(&cursor);
    out->undecided = assay_cursor_u32(&cursor);
    out->ended = assay_cursor_u64(&cursor);
    out->slashed = assay_cursor_u64(&cursor);
    out->refunded = assay_cursor_u64(&cursor);
    out->burned = assay_cursor_u64(&cursor);
    out->uri_size = assay_cursor_u16(&cursor);
    if (out->uri_size > ASSAY_URI_SIZE_MAX) cursor.failed = true;
    if (!cursor.failed) assay_cursor_copy(&cursor, out->uri, out->uri_size);
    return assay_record_finish(&cursor, "a batch", err);
}

assay_status assay_batch_put(assay_ledger *ledger, const assay_hash *id, const assay_batch *batch,
                             assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_BATCH, id);
    uint8_t value[BATCH_SIZE_MAX];
    size_t size = batch_encode(batch, value);
    return assay_ledger_put(ledger, &key, value, size, err);
}

assay_status assay_batch_get(assay_batch *out, bool *found, const assay_reader *reader,
                             const assay_hash *id, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_BATCH, id);
    assay_bytes value;
    *out = (assay_batch){0};
    ASSAY_TRY(assay_reader_find(reader, &key, ASSAY_TABLE_ENDED_BATCH, &value, err));
    *found = value.data != NULL;
    return *found ? batch_decode(out, value, err) : ASSAY_OK;
}

// ---- tables ----

static assay_status tables_put(assay_ledger *ledger, const assay_hash *id,
                               const assay_tx_submit_batch *body, assay_error *err) {
    const assay_batch_tables tables = {body->sessions, body->models, body->datasets};
    size_t size = assay_schema_wire_size(&assay_batch_tables_schema, &tables);
    uint8_t *value = malloc(size);
    if (value == NULL) return ASSAY_FAIL(err, MEMORY, "no memory for %zu bytes of tables", size);
    assay_writer writer;
    assay_writer_init(&writer, value, size);
    assay_schema_encode(&assay_batch_tables_schema, &tables, &writer);
    ASSAY_ASSERT(!writer.failed && writer.size == size);
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_BATCH_TABLES, id);
    assay_status status = assay_ledger_put(ledger, &key, value, size, err);
    free(value);
    return status;
}

// The bytes are our own, so what the codec rejects is damage.
static assay_status tables_decode(assay_batch_tables *out, assay_bytes value, assay_arena *arena,
                                  assay_error *err) {
    assay_cursor cursor;
    assay_error why = {0};
    assay_cursor_init(&cursor, value.data, value.size);
    assay_status status =
        assay_schema_decode(&assay_batch_tables_schema, out, &cursor, arena, &why);
    if (status != ASSAY_OK && status != ASSAY_REJECTED) return assay_error_pass(err, &why);
    if (status != ASSAY_OK || assay_cursor_left(&cursor) > 0)
        return ASSAY_FAIL(err, CORRUPT, "a batch's tables are damaged");
    return ASSAY_OK;
}

assay_status assay_batch_tables_get(assay_batch_tables *out, const assay_reader *reader,
                                    const assay_hash *id, assay_arena *arena, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_BATCH_TABLES, id);
    assay_bytes value;
    *out = (assay_batch_tables){0};
    ASSAY_TRY(assay_reader_find(reader, &key, ASSAY_TABLE_ENDED_TABLES, &value, err));
    if (value.data == NULL) return ASSAY_FAIL(err, NOT_FOUND, "no such batch");
    return tables_decode(out, value, arena, err);
}

// ---- lists ----

static assay_record_key place_key(uint8_t table, uint64_t height, uint32_t index) {
    assay_record_key key;
    assay_record_key_start(&key, table);
    assay_record_key_add_u64(&key, height);
    assay_record_key_add_u32(&key, index);
    return key;
}

// Reads an entry of WAITING, FINAL or BATCH_AT.
static assay_status place_read(uint64_t *height, uint32_t *index, assay_hash *id,
                               const assay_store_position *at, assay_error *err) {
    if (at->key_size != 1 + 8 + 4 || at->value.size != ASSAY_HASH_SIZE)
        return ASSAY_FAIL(err, CORRUPT, "a batch queue is damaged");
    *height = assay_load_be64(at->key + 1);
    *index = assay_load_be32(at->key + 9);
    memcpy(id->bytes, at->value.data, ASSAY_HASH_SIZE);
    return ASSAY_OK;
}

assay_status assay_batch_next(uint64_t *height, uint32_t *index, assay_hash *id, bool *found,
                              const assay_reader *reader, assay_error *err) {
    assay_record_key after = place_key(ASSAY_TABLE_BATCH_AT, *height, *index);
    assay_store_position at;
    ASSAY_TRY(assay_reader_after(reader, &at, &after, 1, err));
    *found = at.key_size > 0;
    return *found ? place_read(height, index, id, &at, err) : ASSAY_OK;
}

assay_status assay_batch_next_open(assay_hash *id, assay_batch *out, bool *found,
                                   const assay_reader *reader, assay_error *err) {
    assay_bytes value;
    ASSAY_TRY(assay_record_next_hash(&value, found, reader, ASSAY_TABLE_BATCH, id, err));
    return *found ? batch_decode(out, value, err) : ASSAY_OK;
}

// ---- submit ----

// P-52: what the body says about itself, beyond the ranges of P-8.
static assay_status body_check(const assay_tx_submit_batch *body, const assay_params *params,
                               assay_error *err) {
    if (body->fee_total < params->min_batch_fee || body->fee_total > ASSAY_BATCH_FEE_MAX)
        return ASSAY_REJECT(err, BATCH_FEE, "fees of %llu nopen, %llu to %llu are legal",
                            (ull)body->fee_total, (ull)params->min_batch_fee,
                            (ull)ASSAY_BATCH_FEE_MAX);
    uint64_t least = (uint64_t)body->count * ASSAY_RECEIPT_SIZE_MIN;
    if (body->receipt_bytes < least || body->receipt_bytes > params->receipt_bytes_max)
        return ASSAY_REJECT(err, BATCH_BYTES, "%u receipt bytes, %llu to %llu are legal",
                            body->receipt_bytes, (ull)least, (ull)params->receipt_bytes_max);
    uint64_t count = 0;
    assay_u128 fees = 0;
    for (uint32_t i = 0; i < body->sessions.count; i++) {
        const assay_session_row *row = &body->sessions.items[i];
        if (row->fee_sum < row->count)
            return ASSAY_REJECT(err, BATCH_ROW, "session row %u has %u requests for %llu nopen", i,
                                row->count, (ull)row->fee_sum);
        count += row->count;
        fees += row->fee_sum;
    }
    if (count != body->count)
        return ASSAY_REJECT(err, BATCH_COUNT, "%u receipts, the session rows add up to %llu",
                            body->count, (ull)count);
    if (fees != body->fee_total)
        return ASSAY_REJECT(err, BATCH_SESSION_SUM, "the session rows miss the total of %llu nopen",
                            (ull)body->fee_total);
    fees = 0;
    for (uint32_t i = 0; i < body->models.count; i++)
        fees += body->models.items[i].fee_sum;
    if (fees != body->fee_total)
        return ASSAY_REJECT(err, BATCH_MODEL_SUM, "the model rows miss the total of %llu nopen",
                            (ull)body->fee_total);
    return ASSAY_OK;
}

// P-52: the data sets exist and share at most all of the fees.
static assay_status datasets_check(assay_ledger *ledger, const assay_tx_submit_batch *body,
                                   assay_error *err) {
    assay_u128 left = (assay_u128)body->fee_total * ASSAY_PPM;
    for (uint32_t i = 0; i < body->datasets.count; i++) {
        const assay_dataset_row *row = &body->datasets.items[i];
        assay_dataset dataset;
        bool found;
        if (row->weight == 0) return ASSAY_REJECT(err, BATCH_ROW, "data set row %u is empty", i);
        if (row->weight > left)
            return ASSAY_REJECT(err, BATCH_DATASET_SUM,
                                "data set rows up to %u claim more than all fees", i);
        left -= row->weight;
        ASSAY_TRY(assay_dataset_get(&dataset, &found, &ledger->reader, &row->dataset, err));
        if (!found) return ASSAY_REJECT(err, BATCH_DATASET, "data set row %u is not registered", i);
    }
    return ASSAY_OK;
}

// P-54: every row is payable. byte_count_max: of the largest model and adapter of a row.
static assay_status models_check(assay_ledger *ledger, const assay_model_list *models,
                                 uint64_t *byte_count_max, assay_error *err) {
    *byte_count_max = 0;
    for (uint32_t i = 0; i < models->count; i++) {
        uint64_t byte_count;
        ASSAY_TRY(assay_registry_payable(&byte_count, &ledger->reader, ledger->params,
                                         &models->items[i].model, &models->items[i].adapter,
                                         &ledger->principal, err));
        if (byte_count > *byte_count_max) *byte_count_max = byte_count;
    }
    return ASSAY_OK;
}

// P-54: > 2/3 of the others' bond is able to rerun all of them together. The walk over declarers
// makes it the dearest check, so it comes when the batch has nothing else against it.
static assay_status checkers_fix(assay_ledger *ledger, const assay_model_list *models,
                                 assay_error *err) {
    assay_checkers checkers;
    ASSAY_TRY(assay_checkers_suffice(&checkers, &ledger->reader, ledger->params, &ledger->principal,
                                     models, err));
    return assay_checkers_put(ledger, &ledger->digest, &checkers, err);
}

// P-53. A price no supply could cover is cut to 2^63.
uint64_t assay_batch_check_price(const assay_params *params, uint64_t byte_count) {
    uint64_t mib = (byte_count >> 20) + ((byte_count & 0xfffff) != 0);
    assay_u128 price = params->check_price_base + (assay_u128)params->check_price_mib * mib;
    return price > INT64_MAX ? INT64_MAX : (uint64_t)price;
}

// This batch's index in its block. P-52
static assay_status place_take(assay_ledger *ledger, uint32_t *index, assay_error *err) {
    assay_record_key key;
    assay_bytes value;
    uint8_t next[12];
    assay_record_key_start(&key, ASSAY_TABLE_BATCH_PLACE);
    ASSAY_TRY(assay_reader_get(&ledger->reader, &key, &value, err));
    bool same = value.size == sizeof next && assay_load_be64(value.data) == ledger->height;
    *index = same ? assay_load_be32(value.data + 8) : 0;
    if (*index >= ledger->params->settle_max)
        return ASSAY_REJECT(err, BATCH_BLOCK_FULL, "%u batches in this block, limit %llu", *index,
                            (ull)ledger->params->settle_max);
    assay_store_be64(next, ledger->height);
    assay_store_be32(next + 8, *index + 1);
    return assay_ledger_put(ledger, &key, next, sizeof next, err);
}

// P-53: exposure, check prices, session money, in this order.
static assay_status reserve(assay_ledger *ledger, const assay_tx_submit_batch *body,
                            const assay_batch *batch, assay_error *err) {
    const assay_params *params = ledger->params;
    ASSAY_TRY(assay_exposure_add(ledger, &ledger->principal, body->fee_total, err));
    assay_u128 checks =
        (assay_u128)batch->check_price * params->samples * params->validators_per_sample;
    if (checks > INT64_MAX) checks = INT64_MAX;
    ASSAY_TRY(
        assay_money_spend(ledger, assay_purse_escrow(&ledger->digest), (uint64_t)checks, err));
    for (uint32_t i = 0; i < body->sessions.count; i++) {
        const assay_session_row *row = &body->sessions.items[i];
        ASSAY_TRY(assay_session_reserve(ledger, &row->session, &ledger->principal,
                                        row->first_sequence, row->count, row->fee_sum, err));
    }
    return ASSAY_OK;
}

assay_status assay_batch_submit(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_submit_batch *body = &tx->body.submit_batch;
    const assay_hash *id = &ledger->digest;
    uint64_t byte_count;
    assay_batch batch = {.state = ASSAY_BATCH_WAITING,
                         .provider = ledger->principal,
                         .height = ledger->height,
                         .root = body->root,
                         .count = body->count,
                         .fee_total = body->fee_total,
                         .receipt_bytes = body->receipt_bytes,
                         .sample_count = (uint32_t)ledger->params->samples,
                         .uri_size = (uint16_t)body->uri.size};
    ASSAY_ASSERT(body->uri.size <= ASSAY_URI_SIZE_MAX);
    if (body->uri.size > 0) memcpy(batch.uri, body->uri.data, body->uri.size);
    ASSAY_TRY(body_check(body, ledger->params, err));
    ASSAY_TRY(place_take(ledger, &batch.index, err));
    ASSAY_TRY(datasets_check(ledger, body, err));
    ASSAY_TRY(models_check(ledger, &body->models, &byte_count, err));
    batch.check_price = assay_batch_check_price(ledger->params, byte_count);
    ASSAY_TRY(reserve(ledger, body, &batch, err));
    ASSAY_TRY(checkers_fix(ledger, &body->models, err));
    ASSAY_TRY(tables_put(ledger, id, body, err));
    assay_record_key waiting = place_key(ASSAY_TABLE_WAITING, batch.height, batch.index);
    assay_record_key at = place_key(ASSAY_TABLE_BATCH_AT, batch.height, batch.index);
    ASSAY_TRY(assay_ledger_put(ledger, &waiting, id->bytes, ASSAY_HASH_SIZE, err));
    ASSAY_TRY(assay_ledger_put(ledger, &at, id->bytes, ASSAY_HASH_SIZE, err));
    ledger->counts.of[ASSAY_COUNTED_BATCHES_INCLUDED]++;
    ledger->counts.of[ASSAY_COUNTED_BATCHES_OPEN]++;
    ledger->counts.of[ASSAY_COUNTED_RECEIPTS_INCLUDED] += batch.count;
    return assay_batch_put(ledger, id, &batch, err);
}

// ---- the beacon ----

// P-55: one case a sample.
static assay_status cases_open(assay_ledger *ledger, const assay_hash *id, assay_batch *batch,
                               assay_error *err) {
    assay_checkers checkers;
    ASSAY_TRY(assay_checkers_get(&checkers, NULL, &ledger->reader, id, err));
    batch->state = ASSAY_BATCH_CHECKING;
    batch->beacon_height = ledger->height;
    ASSAY_TRY(assay_beacon_last(&batch->beacon, &ledger->reader, err));
    batch->cases_open = batch->sample_count;
    ASSAY_TRY(assay_batch_put(ledger, id, batch, err));
    for (uint32_t sample = 0; sample < batch->sample_count; sample++)
        ASSAY_TRY(assay_case_open(ledger, id, batch, sample, &checkers, err));
    return ASSAY_OK;
}

// A batch that waits, at the end of a block at which its beacon may be there.
static assay_status waiting_look(assay_ledger *ledger, const assay_turnout *turnout,
                                 const assay_record_key *place, uint64_t height,
                                 const assay_hash *id, assay_error *err) {
    assay_batch batch;
    bool found;
    ASSAY_TRY(assay_batch_get(&batch, &found, &ledger->reader, id, err));
    ASSAY_ASSERT(found && batch.state == ASSAY_BATCH_WAITING);
    bool ready = assay_beacon_ready(turnout, height, &batch.provider);
    if (!ready && ledger->height < assay_beacon_deadline(turnout, ledger->params, height))
        return ASSAY_OK;
    ASSAY_TRY(assay_ledger_delete(ledger, place, err));
    if (ready) return cases_open(ledger, id, &batch, err);
    return assay_fraud_void(ledger, id, &batch, ASSAY_VOID_NO_BEACON, err);
}

// P-48. Batches of a height at which nobody's beacon can be there are passed over together, so that
// many heights may wait.
assay_status assay_batch_draw_due(assay_ledger *ledger, assay_error *err) {
    const assay_params *params = ledger->params;
    assay_turnout turnout = {.count = 0};
    assay_record_key key;
    assay_store_position at;
    bool loaded = false;
    assay_record_key_start(&key, ASSAY_TABLE_WAITING);
    ASSAY_TRY(assay_reader_seek(&ledger->reader, &at, &key, 1, err));
    while (at.key_size > 0 && assay_ledger_has_room(ledger)) {
        uint64_t height;
        uint32_t index;
        assay_hash id;
        ASSAY_TRY(place_read(&height, &index, &id, &at, err));
        if (height + params->beacon_delay > ledger->height) break;
        if (!loaded)
            ASSAY_TRY(assay_turnout_load(&turnout, &ledger->reader,
                                         assay_params_epoch(params, ledger->height), err));
        loaded = true;
        if (!assay_beacon_possible(&turnout, height) &&
            ledger->height < assay_beacon_deadline(&turnout, params, height)) {
            key = place_key(ASSAY_TABLE_WAITING, height + 1, 0);
            ASSAY_TRY(assay_reader_seek(&ledger->reader, &at, &key, 1, err));
            continue;
        }
        ASSAY_TRY(assay_reader_next(&ledger->reader, &at, err));
        key = place_key(ASSAY_TABLE_WAITING, height, index);
        ASSAY_TRY(waiting_look(ledger, &turnout, &key, height, &id, err));
    }
    return ASSAY_OK;
}

// ---- the end ----

assay_status assay_batch_release(assay_ledger *ledger, const assay_hash *id,
                                 const assay_batch *batch, assay_error *err) {
    uint64_t unspent;
    ASSAY_TRY(assay_exposure_remove(ledger, &batch->provider, batch->fee_total, err));
    ASSAY_TRY(assay_escrow_get(&unspent, &ledger->reader, id, err));
    return assay_money_move(ledger, assay_purse_escrow(id), assay_purse_balance(&batch->provider),
                            unspent, err);
}

// P-62
assay_status assay_batch_resolve(assay_ledger *ledger, const assay_hash *id, assay_batch *batch,
                                 assay_error *err) {
    if (batch->cases_open > 0) return assay_batch_put(ledger, id, batch, err);
    if (batch->caught > 0) return assay_fraud_void(ledger, id, batch, ASSAY_VOID_FRAUD, err);
    if (batch->undecided > 0) return assay_fraud_void(ledger, id, batch, ASSAY_VOID_UNDECIDED, err);
    batch->state = ASSAY_BATCH_FINAL;
    ASSAY_TRY(assay_batch_release(ledger, id, batch, err));
    assay_record_key final = place_key(ASSAY_TABLE_FINAL, batch->height, batch->index);
    ASSAY_TRY(assay_ledger_put(ledger, &final, id->bytes, ASSAY_HASH_SIZE, err));
    return assay_batch_put(ledger, id, batch, err);
}

// P-77
assay_status assay_batch_end(assay_ledger *ledger, const assay_hash *id, assay_batch *batch,
                             assay_error *err) {
    uint8_t leaf[1 + ASSAY_HASH_SIZE + BATCH_SIZE_MAX] = {ASSAY_HISTORY_BATCH};
    assay_bytes tables;
    bool settled = batch->state == ASSAY_BATCH_SETTLED;
    batch->ended = ledger->height;
    ledger->counts.of[ASSAY_COUNTED_BATCHES_OPEN]--;
    ledger->counts.of[settled ? ASSAY_COUNTED_BATCHES_SETTLED : ASSAY_COUNTED_BATCHES_VOID]++;
    ledger->counts.of[settled ? ASSAY_COUNTED_RECEIPTS_SETTLED : ASSAY_COUNTED_RECEIPTS_VOID] +=
        batch->count;
    memcpy(leaf + 1, id->bytes, ASSAY_HASH_SIZE);
    uint8_t *value = leaf + 1 + ASSAY_HASH_SIZE;
    size_t size = batch_encode(batch, value);
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_ENDED_BATCH, id);
    ASSAY_TRY(assay_ledger_put(ledger, &key, value, size, err));
    ASSAY_TRY(assay_history_append(ledger->store, leaf, 1 + ASSAY_HASH_SIZE + size, err));
    key = assay_record_key_of_hash(ASSAY_TABLE_BATCH_TABLES, id);
    assay_record_key ended = assay_record_key_of_hash(ASSAY_TABLE_ENDED_TABLES, id);
    ASSAY_TRY(assay_reader_get(&ledger->reader, &key, &tables, err));
    ASSAY_ASSERT(tables.data != NULL);
    ASSAY_TRY(assay_ledger_put(ledger, &ended, tables.data, tables.size, err));
    ASSAY_TRY(assay_ledger_delete(ledger, &key, err));
    ASSAY_TRY(assay_checkers_drop(ledger, id, err));
    key = assay_record_key_of_hash(ASSAY_TABLE_BATCH, id);
    return assay_ledger_delete(ledger, &key, err);
}
