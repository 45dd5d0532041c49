// SPDX-License-Identifier: Apache-2.0
//   I1  for the open epoch, PAYOUT = PAID, entry by entry
//       test_epoch: sweeps
//   I2  Σ PAYOUT of an epoch = Σ amounts of its payout lines = payout_total of its record, as far
//       as 64 bits count
//       test_payout: epochs_of_a_real_chain, sums_stop_at_their_width
//   I3  the entries of a closed epoch never change
//       test_payout: epochs_of_a_real_chain
// PAYOUT (state) is written here and swept by ledger/epoch.c after the close; PAID (aux) stays.
#include "ledger/payout.h"

#include <stdlib.h>

#include "ledger/record.h"

enum {
    LEAF_SIZE = 20 + 1 + 8,
    LINE_SIZE = 20 + 1 + 1 + 32 + 8 + 8,
    PAID_KEY_SIZE = 1 + 8 + 20 + 1,
};

const char *const assay_paid_role_names[] = {"",      "contributor", "publisher",
                                             "tuner", "provider",    "validator"};

static assay_record_key entry_key(uint8_t table, uint64_t epoch, const assay_address *account,
                                  uint8_t role) {
    assay_record_key key;
    assay_record_key_start(&key, table);
    assay_record_key_add_u64(&key, epoch);
    assay_record_key_add(&key, account->bytes, ASSAY_ADDRESS_SIZE);
    assay_record_key_add_u8(&key, role);
    return key;
}

static assay_status entry_read(assay_payout *out, const assay_store_position *at,
                               assay_error *err) {
    if (at->key_size != PAID_KEY_SIZE || at->value.size != 8)
        return ASSAY_FAIL(err, CORRUPT, "a payout entry is damaged");
    memcpy(out->account.bytes, at->key + 9, ASSAY_ADDRESS_SIZE);
    out->role = at->key[29];
    out->amount = assay_load_be64(at->value.data);
    return ASSAY_OK;
}

// ---- paying ----

// The number of lines a batch has. Aux, and so are the lines that it counts: not for rules.
static assay_status line_count(uint32_t *out, const assay_reader *reader, const assay_hash *batch,
                               assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_PAID_LINES, batch);
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    *out = value.size == 4 ? assay_load_be32(value.data) : 0;
    return ASSAY_OK;
}

static assay_status line_put(assay_ledger *ledger, const assay_hash *batch,
                             const assay_payout_line *line, assay_error *err) {
    uint8_t value[LINE_SIZE], count[4];
    assay_writer writer;
    uint32_t index;
    assay_reader aux = assay_reader_of_store(ledger->store); // nothing of it reaches the state
    ASSAY_TRY(line_count(&index, &aux, batch, err));
    assay_writer_init(&writer, value, sizeof value);
    assay_writer_address(&writer, &line->account);
    assay_writer_u8(&writer, line->role);
    assay_writer_u8(&writer, line->reason);
    assay_writer_hash(&writer, &line->id);
    assay_writer_u64(&writer, line->amount);
    assay_writer_u64(&writer, line->height);
    ASSAY_ASSERT(!writer.failed && writer.size == LINE_SIZE);
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_PAID_LINE, batch);
    assay_record_key_add_u32(&key, index);
    ASSAY_TRY(assay_ledger_put(ledger, &key, value, sizeof value, err));
    key = assay_record_key_of_hash(ASSAY_TABLE_PAID_LINES, batch);
    assay_store_be32(count, index + 1);
    return assay_ledger_put(ledger, &key, count, sizeof count, err);
}

// P-71: what is paid twice in an epoch counts twice, so no supply bounds these sums.
assay_status assay_payout_pay(assay_ledger *ledger, assay_purse from, const assay_address *account,
                              assay_paid_role role, assay_paid_reason reason,
                              const assay_hash *batch, const assay_hash *id, uint64_t amount,
                              assay_error *err) {
    if (amount == 0) return ASSAY_OK;
    uint64_t epoch = assay_params_epoch(ledger->params, ledger->height);
    assay_record_key key = entry_key(ASSAY_TABLE_PAYOUT, epoch, account, (uint8_t)role);
    assay_bytes value;
    uint8_t sum[8];
    ASSAY_TRY(assay_money_move(ledger, from, assay_purse_balance(account), amount, err));
    ASSAY_TRY(assay_reader_get(&ledger->reader, &key, &value, err));
    assay_store_be64(
        sum, assay_amount_add(value.data == NULL ? 0 : assay_load_be64(value.data), amount));
    ASSAY_TRY(assay_ledger_put(ledger, &key, sum, sizeof sum, err));
    key.bytes[0] = ASSAY_TABLE_PAID;
    ASSAY_TRY(assay_ledger_put(ledger, &key, sum, sizeof sum, err));
    assay_payout_line line = {*account, (uint8_t)role, (uint8_t)reason,
                              {{0}},    amount,        ledger->height};
    if (id != NULL) line.id = *id;
    return line_put(ledger, batch, &line, err);
}

assay_status assay_payout_line_get(assay_payout_line *out, bool *found, const assay_reader *reader,
                                   const assay_hash *batch, uint32_t index, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_PAID_LINE, batch);
    assay_bytes value;
    assay_cursor cursor;
    assay_record_key_add_u32(&key, index);
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    *out = (assay_payout_line){0};
    *found = value.data != NULL;
    if (!*found) return ASSAY_OK;
    assay_cursor_init(&cursor, value.data, value.size);
    assay_cursor_address(&cursor, &out->account);
    out->role = assay_cursor_u8(&cursor);
    out->reason = assay_cursor_u8(&cursor);
    assay_cursor_hash(&cursor, &out->id);
    out->amount = assay_cursor_u64(&cursor);
    out->height = assay_cursor_u64(&cursor);
    if (assay_cursor_finish(&cursor, "payout line", NULL) != ASSAY_OK)
        return ASSAY_FAIL(err, CORRUPT, "a payout line is damaged");
    return ASSAY_OK;
}

// ---- the tree ----

// P-72
static void leaf_hash(assay_hash *out, const assay_payout *payout) {
    uint8_t leaf[LEAF_SIZE];
    memcpy(leaf, payout->account.bytes, ASSAY_ADDRESS_SIZE);
    leaf[ASSAY_ADDRESS_SIZE] = payout->role;
    assay_store_be64(leaf + ASSAY_ADDRESS_SIZE + 1, payout->amount);
    assay_merkle_leaf(out, leaf, sizeof leaf);
}

static assay_status entries_seek(assay_store_position *at, const assay_reader *reader,
                                 uint8_t table, uint64_t epoch, assay_error *err) {
    assay_record_key from;
    assay_record_key_start(&from, table);
    assay_record_key_add_u64(&from, epoch);
    return assay_reader_seek(reader, at, &from, from.size, err);
}

// P-72
assay_status assay_payout_close(assay_hash *root, uint64_t *count, uint64_t *total,
                                const assay_reader *reader, uint64_t epoch, assay_error *err) {
    assay_merkle_peaks peaks = {0};
    assay_store_position at;
    *total = 0;
    ASSAY_TRY(entries_seek(&at, reader, ASSAY_TABLE_PAYOUT, epoch, err));
    while (at.key_size > 0) {
        assay_payout payout;
        assay_hash leaf;
        ASSAY_TRY(entry_read(&payout, &at, err));
        leaf_hash(&leaf, &payout);
        assay_merkle_peaks_add(&peaks, &leaf);
        *total = assay_amount_add(*total, payout.amount);
        ASSAY_TRY(assay_reader_next(reader, &at, err));
    }
    *count = peaks.count;
    assay_merkle_peaks_root(root, &peaks);
    return ASSAY_OK;
}

assay_status assay_payout_next(assay_payout *payout, bool *found, const assay_reader *reader,
                               uint64_t epoch, assay_error *err) {
    assay_record_key after = entry_key(ASSAY_TABLE_PAID, epoch, &payout->account, payout->role);
    assay_store_position at;
    ASSAY_TRY(assay_reader_after(reader, &at, &after, 1 + 8, err));
    *found = at.key_size > 0;
    return *found ? entry_read(payout, &at, err) : ASSAY_OK;
}

// All leaf hashes of an epoch, count of them; finds the entry on the way. The caller frees *out.
static assay_status leaves_load(assay_hash **out, uint64_t count, assay_payout_proof *proof,
                                bool *found, const assay_reader *reader, uint64_t epoch,
                                assay_error *err) {
    assay_store_position at;
    assay_payout payout;
    assay_hash *leaves = calloc(count + 1, sizeof *leaves);
    if (leaves == NULL) return ASSAY_FAIL(err, MEMORY, "no memory for %llu payouts", (ull)count);
    uint64_t i = 0;
    *found = false;
    assay_status status = entries_seek(&at, reader, ASSAY_TABLE_PAID, epoch, err);
    for (; status == ASSAY_OK && at.key_size > 0 && i < count; i++) {
        status = entry_read(&payout, &at, err);
        if (status != ASSAY_OK) break;
        leaf_hash(&leaves[i], &payout);
        if (assay_address_equal(&payout.account, &proof->payout.account) &&
            payout.role == proof->payout.role) {
            *found = true;
            proof->index = i;
            proof->payout.amount = payout.amount;
        }
        status = assay_reader_next(reader, &at, err);
    }
    if (status == ASSAY_OK && i == 0 && count > 0)
        status =
            ASSAY_FAIL(err, NOT_FOUND, "the payouts of epoch %llu are not kept here", (ull)epoch);
    if (status == ASSAY_OK && i != count)
        status = ASSAY_FAIL(err, CORRUPT, "%llu payouts of %llu are there", (ull)i, (ull)count);
    if (status != ASSAY_OK) {
        free(leaves);
        return status;
    }
    *out = leaves;
    return ASSAY_OK;
}

assay_status assay_payout_prove(assay_payout_proof *out, const assay_reader *reader, uint64_t epoch,
                                const assay_address *account, uint8_t role, assay_error *err) {
    assay_epoch record;
    assay_hash *leaves;
    bool found;
    *out = (assay_payout_proof){.payout = {*account, role, 0}};
    ASSAY_TRY(assay_epoch_get(&record, &found, reader, epoch, err));
    if (!found) return ASSAY_FAIL(err, NOT_FOUND, "epoch %llu is not closed", (ull)epoch);
    out->count = record.payout_count;
    ASSAY_TRY(leaves_load(&leaves, record.payout_count, out, &found, reader, epoch, err));
    if (found) out->path_count = assay_merkle_path(out->path, leaves, out->count, out->index);
    free(leaves);
    if (!found)
        return ASSAY_FAIL(err, NOT_FOUND, "nothing paid in epoch %llu in role %u", (ull)epoch,
                          role);
    return ASSAY_OK;
}

assay_status assay_payout_check(const assay_hash *root, const assay_payout_proof *proof,
                                assay_error *err) {
    assay_hash leaf;
    if (proof->path_count > ASSAY_MERKLE_PATH_MAX)
        return ASSAY_FAIL(err, RANGE, "a path of %u steps, limit %u", proof->path_count,
                          (unsigned)ASSAY_MERKLE_PATH_MAX);
    leaf_hash(&leaf, &proof->payout);
    return assay_merkle_check(root, proof->count, proof->index, &leaf, proof->path,
                              proof->path_count, err);
}

// ---- closed epochs ----

void assay_epoch_encode(const assay_epoch *epoch, uint8_t out[ASSAY_EPOCH_SIZE]) {
    assay_writer writer;
    assay_writer_init(&writer, out, ASSAY_EPOCH_SIZE);
    assay_writer_u64(&writer, epoch->epoch);
    assay_writer_hash(&writer, &epoch->payout_root);
    assay_writer_u64(&writer, epoch->payout_count);
    assay_writer_u64(&writer, epoch->payout_total);
    assay_writer_hash(&writer, &epoch->claims_root);
    assay_writer_u64(&writer, epoch->claims_count);
    assay_writer_u64(&writer, epoch->claims_total);
    ASSAY_ASSERT(!writer.failed && writer.size == ASSAY_EPOCH_SIZE);
}

assay_status assay_epoch_decode(assay_epoch *out, const uint8_t *data, size_t size,
                                assay_error *err) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, data, size);
    out->epoch = assay_cursor_u64(&cursor);
    assay_cursor_hash(&cursor, &out->payout_root);
    out->payout_count = assay_cursor_u64(&cursor);
    out->payout_total = assay_cursor_u64(&cursor);
    assay_cursor_hash(&cursor, &out->claims_root);
    out->claims_count = assay_cursor_u64(&cursor);
    out->claims_total = assay_cursor_u64(&cursor);
    return assay_cursor_finish(&cursor, "epoch record", err);
}

assay_record_key assay_epoch_key(uint64_t epoch) {
    assay_record_key key;
    assay_record_key_start(&key, ASSAY_TABLE_EPOCH);
    assay_record_key_add_u64(&key, epoch);
    return key;
}

assay_status assay_epoch_get(assay_epoch *out, bool *found, const assay_reader *reader,
                             uint64_t epoch, assay_error *err) {
    assay_record_key key = assay_epoch_key(epoch);
    assay_bytes value;
    *out = (assay_epoch){0};
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    *found = value.data != NULL;
    if (!*found) return ASSAY_OK;
    if (assay_epoch_decode(out, value.data, value.size, NULL) != ASSAY_OK)
        return ASSAY_FAIL(err, CORRUPT, "an epoch's record is damaged");
    return ASSAY_OK;
}
