// SPDX-License-Identifier: Apache-2.0
// The records of cases and votes, and the two transactions that write votes. What follows from the
// votes is ledger/verdict.c's, whose head has the state diagram.
//
//   I1  an open case has exactly one CASE_DUE entry: reveal_end while VOTING, answer_end while
//       ANSWERING, its last start while WAITING, and then one CASE_WAITING entry
//       test_case: one_due_entry; test_escalation: escalations_wait_their_turn
//   I2  a vote record exists for every voter of every round so far, and for no one else; it is
//       committed at most once, then revealed at most once, each in its window
//       test_case: windows, a_vote_is_cast_once
//   I3  a revealed vote opens its commitment
//       test_case: reveal_checks
//   I4  ended cases have no state records
//       test_settle: settled_batches_leave_the_state
#include "ledger/case_private.h"

#include "base/cursor.h"
#include "base/sha256.h"
#include "ledger/dataset.h"
#include "ledger/record.h"
#include "ledger/state/history.h"

enum {
    CASE_SIZE = 4 + 5 * 8 + 2 + 4 * 8 + 1 + 32 + 8,
    VOTE_SIZE = 8 + 3 + 1 + 32 + 32 + 8 + 8,
    VOTE_KEY_SIZE = 1 + 32 + 4 + 1 + 20,
};

static assay_record_key vote_key(const assay_hash *batch, uint32_t sample, uint8_t round,
                                 const assay_address *validator) {
    assay_record_key key = assay_record_key_of_sample(ASSAY_TABLE_VOTE, batch, sample);
    assay_record_key_add_u8(&key, round);
    assay_record_key_add(&key, validator->bytes, ASSAY_ADDRESS_SIZE);
    return key;
}

static void case_encode(const assay_case *record, uint8_t out[CASE_SIZE]) {
    assay_writer writer;
    assay_writer_init(&writer, out, CASE_SIZE);
    assay_writer_u8(&writer, (uint8_t)record->state);
    assay_writer_u8(&writer, (uint8_t)record->kind);
    assay_writer_u8(&writer, record->round);
    assay_writer_u8(&writer, record->escalations);
    assay_writer_u64(&writer, record->position);
    assay_writer_u64(&writer, record->start);
    assay_writer_u64(&writer, record->commit_end);
    assay_writer_u64(&writer, record->reveal_end);
    assay_writer_u64(&writer, record->answer_end);
    assay_writer_u8(&writer, record->leaf_asked);
    assay_writer_u8(&writer, record->table_asked);
    assay_writer_u64(&writer, record->leaf_answered);
    assay_writer_u64(&writer, record->table_answered);
    assay_writer_u64(&writer, record->leaf_cost);
    assay_writer_u64(&writer, record->table_cost);
    assay_writer_u8(&writer, record->verdict);
    assay_writer_hash(&writer, &record->probe);
    assay_writer_u64(&writer, record->ended);
    ASSAY_ASSERT(!writer.failed && writer.size == CASE_SIZE);
}

static assay_status case_decode(assay_case *out, assay_bytes value, assay_error *err) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, value.data, value.size);
    out->state = assay_cursor_u8(&cursor);
    out->kind = assay_cursor_u8(&cursor);
    out->round = assay_cursor_u8(&cursor);
    out->escalations = assay_cursor_u8(&cursor);
    out->position = assay_cursor_u64(&cursor);
    out->start = assay_cursor_u64(&cursor);
    out->commit_end = assay_cursor_u64(&cursor);
    out->reveal_end = assay_cursor_u64(&cursor);
    out->answer_end = assay_cursor_u64(&cursor);
    out->leaf_asked = assay_cursor_u8(&cursor) != 0;
    out->table_asked = assay_cursor_u8(&cursor) != 0;
    out->leaf_answered = assay_cursor_u64(&cursor);
    out->table_answered = assay_cursor_u64(&cursor);
    out->leaf_cost = assay_cursor_u64(&cursor);
    out->table_cost = assay_cursor_u64(&cursor);
    out->verdict = assay_cursor_u8(&cursor);
    assay_cursor_hash(&cursor, &out->probe);
    out->ended = assay_cursor_u64(&cursor);
    return assay_record_finish(&cursor, "a case", err);
}

static void vote_encode(const assay_vote *vote, uint8_t out[VOTE_SIZE]) {
    assay_writer writer;
    assay_writer_init(&writer, out, VOTE_SIZE);
    assay_writer_u64(&writer, vote->bond);
    assay_writer_u8(&writer, vote->committed);
    assay_writer_u8(&writer, vote->revealed);
    assay_writer_u8(&writer, vote->struck);
    assay_writer_u8(&writer, vote->verdict);
    assay_writer_hash(&writer, &vote->commitment);
    assay_writer_hash(&writer, &vote->probe);
    assay_writer_u64(&writer, vote->slashed);
    assay_writer_u64(&writer, vote->paid);
    ASSAY_ASSERT(!writer.failed && writer.size == VOTE_SIZE);
}

// All of a vote but its validator, who is in the key.
static assay_status vote_decode(assay_vote *out, assay_bytes value, assay_error *err) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, value.data, value.size);
    out->bond = assay_cursor_u64(&cursor);
    out->committed = assay_cursor_u8(&cursor) != 0;
    out->revealed = assay_cursor_u8(&cursor) != 0;
    out->struck = assay_cursor_u8(&cursor) != 0;
    out->verdict = assay_cursor_u8(&cursor);
    assay_cursor_hash(&cursor, &out->commitment);
    assay_cursor_hash(&cursor, &out->probe);
    out->slashed = assay_cursor_u64(&cursor);
    out->paid = assay_cursor_u64(&cursor);
    return assay_record_finish(&cursor, "a vote", err);
}

// ---- reads ----

assay_status assay_case_get(assay_case *out, bool *found, const assay_reader *reader,
                            const assay_hash *batch, uint32_t sample, assay_error *err) {
    assay_record_key key = assay_record_key_of_sample(ASSAY_TABLE_CASE, batch, sample);
    assay_bytes value;
    *out = (assay_case){0};
    ASSAY_TRY(assay_reader_find(reader, &key, ASSAY_TABLE_ENDED_CASE, &value, err));
    *found = value.data != NULL;
    return *found ? case_decode(out, value, err) : ASSAY_OK;
}

assay_status assay_case_votes(assay_vote *out, uint32_t *count, const assay_reader *reader,
                              const assay_hash *batch, uint32_t sample, uint8_t round,
                              assay_error *err) {
    static const uint8_t tables[] = {ASSAY_TABLE_VOTE, ASSAY_TABLE_ENDED_VOTE};
    size_t table_count = reader->rules ? 1 : sizeof tables;
    *count = 0;
    for (size_t i = 0; i < table_count && *count == 0; i++) {
        assay_record_key from = assay_record_key_of_sample(tables[i], batch, sample);
        assay_record_key_add_u8(&from, round);
        assay_store_position at;
        ASSAY_TRY(assay_reader_seek(reader, &at, &from, from.size, err));
        while (at.key_size > 0) {
            if (at.key_size != VOTE_KEY_SIZE || *count == ASSAY_VOTERS_MAX)
                return ASSAY_FAIL(err, CORRUPT, "a round's votes are damaged");
            assay_vote *vote = &out[(*count)++];
            memcpy(vote->validator.bytes, at.key + from.size, ASSAY_ADDRESS_SIZE);
            ASSAY_TRY(vote_decode(vote, at.value, err));
            ASSAY_TRY(assay_reader_next(reader, &at, err));
        }
    }
    return ASSAY_OK;
}

assay_status assay_case_vote_get(assay_vote *out, bool *found, const assay_reader *reader,
                                 const assay_hash *batch, uint32_t sample, uint8_t round,
                                 const assay_address *validator, assay_error *err) {
    assay_record_key key = vote_key(batch, sample, round, validator);
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    *out = (assay_vote){.validator = *validator};
    *found = value.data != NULL;
    return *found ? vote_decode(out, value, err) : ASSAY_OK;
}

assay_status assay_case_next_open(assay_hash *batch, uint32_t *sample, assay_case *out, bool *found,
                                  const assay_reader *reader, assay_error *err) {
    assay_record_key after = assay_record_key_of_sample(ASSAY_TABLE_CASE, batch, *sample);
    uint8_t place[ASSAY_HASH_SIZE + 4];
    assay_bytes value;
    ASSAY_TRY(assay_record_next(&value, found, reader, &after, place, sizeof place, err));
    if (!*found) return ASSAY_OK;
    memcpy(batch->bytes, place, ASSAY_HASH_SIZE);
    *sample = assay_load_be32(place + ASSAY_HASH_SIZE);
    return case_decode(out, value, err);
}

// ---- writes ----

assay_status assay_case_put(assay_ledger *ledger, const assay_hash *batch, uint32_t sample,
                            const assay_case *record, assay_error *err) {
    assay_record_key key = assay_record_key_of_sample(ASSAY_TABLE_CASE, batch, sample);
    uint8_t value[CASE_SIZE];
    case_encode(record, value);
    return assay_ledger_put(ledger, &key, value, sizeof value, err);
}

assay_status assay_case_vote_put(assay_ledger *ledger, const assay_hash *batch, uint32_t sample,
                                 uint8_t round, const assay_vote *vote, assay_error *err) {
    assay_record_key key = vote_key(batch, sample, round, &vote->validator);
    uint8_t value[VOTE_SIZE];
    vote_encode(vote, value);
    return assay_ledger_put(ledger, &key, value, sizeof value, err);
}

static assay_record_key queue_key(uint8_t table, uint64_t place, const assay_hash *batch,
                                  uint32_t sample) {
    assay_record_key key;
    assay_record_key_start(&key, table);
    assay_record_key_add_u64(&key, place);
    assay_record_key_add(&key, batch->bytes, ASSAY_HASH_SIZE);
    assay_record_key_add_u32(&key, sample);
    return key;
}

assay_status assay_case_due_put(assay_ledger *ledger, uint64_t height, const assay_hash *batch,
                                uint32_t sample, assay_error *err) {
    assay_record_key key = queue_key(ASSAY_TABLE_CASE_DUE, height, batch, sample);
    return assay_ledger_put(ledger, &key, "", 0, err);
}

// The most money first: who would have a fraud wait must put more of its own in front.
static assay_record_key waiting_key(const assay_hash *id, const assay_batch *batch,
                                    uint32_t sample) {
    return queue_key(ASSAY_TABLE_CASE_WAITING, UINT64_MAX - batch->fee_total, id, sample);
}

assay_status assay_case_wait(assay_ledger *ledger, const assay_hash *id, const assay_batch *batch,
                             uint32_t sample, assay_case *record, assay_error *err) {
    assay_record_key key = waiting_key(id, batch, sample);
    record->state = ASSAY_CASE_WAITING;
    record->start = ledger->height;
    ASSAY_TRY(assay_ledger_put(ledger, &key, "", 0, err));
    ASSAY_TRY(
        assay_case_due_put(ledger, assay_case_last_start(ledger->params, batch), id, sample, err));
    return assay_case_put(ledger, id, sample, record, err);
}

assay_status assay_case_wait_end(assay_ledger *ledger, const assay_hash *id,
                                 const assay_batch *batch, uint32_t sample, assay_error *err) {
    uint64_t last = assay_case_last_start(ledger->params, batch);
    assay_record_key waiting = waiting_key(id, batch, sample);
    assay_record_key due = queue_key(ASSAY_TABLE_CASE_DUE, last, id, sample);
    ASSAY_TRY(assay_ledger_delete(ledger, &waiting, err));
    return assay_ledger_delete(ledger, &due, err);
}

// P-50, P-55
assay_status assay_case_round(assay_ledger *ledger, const assay_hash *id, const assay_batch *batch,
                              uint32_t sample, assay_case *record, assay_round_kind kind,
                              const assay_checkers *checkers, assay_error *err) {
    const assay_params *params = ledger->params;
    uint32_t asked[ASSAY_VOTERS_MAX], count = checkers->count;
    if (record->state != 0) record->round++;
    record->state = ASSAY_CASE_VOTING;
    record->kind = kind;
    record->start = ledger->height;
    record->commit_end = record->start + params->commit_blocks;
    record->reveal_end = record->commit_end + params->reveal_blocks;
    if (kind == ASSAY_ROUND_ESCALATION)
        record->escalations++;
    else
        count = assay_draw_voters(asked, checkers->voters, checkers->count,
                                  (uint32_t)params->validators_per_sample, &batch->beacon, id,
                                  sample, record->round);
    for (uint32_t i = 0; i < count; i++) {
        const assay_voter *voter = &checkers->voters[kind == ASSAY_ROUND_ESCALATION ? i : asked[i]];
        assay_vote vote = {.validator = voter->address, .bond = voter->bond};
        ASSAY_TRY(assay_case_vote_put(ledger, id, sample, record->round, &vote, err));
        assay_ledger_score(ledger, &vote.validator, ASSAY_SCORE_ASKED, 1);
    }
    ledger->counts.of[ASSAY_COUNTED_VERDICTS_DUE] += count;
    ASSAY_TRY(assay_case_due_put(ledger, record->reveal_end, id, sample, err));
    return assay_case_put(ledger, id, sample, record, err);
}

// P-49
assay_status assay_case_open(assay_ledger *ledger, const assay_hash *id, const assay_batch *batch,
                             uint32_t sample, const assay_checkers *checkers, assay_error *err) {
    assay_case record = {0};
    record.position = assay_draw_position(&batch->beacon, id, sample, batch->fee_total);
    return assay_case_round(ledger, id, batch, sample, &record, ASSAY_ROUND_DRAW, checkers, err);
}

// Finds the open case of a vote, and the vote of the principal in its current round.
static assay_status vote_find(assay_ledger *ledger, const assay_hash *batch, uint32_t sample,
                              uint8_t round, assay_case *record, assay_vote *vote,
                              assay_error *err) {
    assay_record_key key = assay_record_key_of_sample(ASSAY_TABLE_CASE, batch, sample);
    assay_bytes value;
    bool found;
    ASSAY_TRY(assay_reader_get(&ledger->reader, &key, &value, err));
    if (value.data == NULL)
        return ASSAY_REJECT(err, CASE_UNKNOWN, "sample %u is no open case", sample);
    ASSAY_TRY(case_decode(record, value, err));
    if (record->state != ASSAY_CASE_VOTING || record->round != round)
        return ASSAY_REJECT(err, CASE_ROUND, "a vote for round %u, the case is in round %u%s",
                            round, record->round,
                            record->state == ASSAY_CASE_VOTING    ? ""
                            : record->state == ASSAY_CASE_WAITING ? ", waiting for its turn"
                                                                  : ", waiting for an answer");
    ASSAY_TRY(assay_case_vote_get(vote, &found, &ledger->reader, batch, sample, round,
                                  &ledger->principal, err));
    if (!found) return ASSAY_REJECT(err, CASE_VOTER, "no voter of round %u", round);
    return ASSAY_OK;
}

static assay_status window_check(uint64_t height, uint64_t after, uint64_t last, assay_error *err) {
    if (height > after && height <= last) return ASSAY_OK;
    return ASSAY_REJECT(err, CASE_WINDOW, "block %llu, the window is %llu to %llu", (ull)height,
                        (ull)after + 1, (ull)last);
}

// P-56
assay_status assay_case_commit(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_verdict_commit *body = &tx->body.verdict_commit;
    assay_case record;
    assay_vote vote;
    ASSAY_TRY(vote_find(ledger, &body->batch, body->sample, body->round, &record, &vote, err));
    ASSAY_TRY(window_check(ledger->height, record.start, record.commit_end, err));
    if (vote.committed) return ASSAY_REJECT(err, VOTE_TWICE, "committed before in this round");
    vote.committed = true;
    vote.commitment = body->commitment;
    return assay_case_vote_put(ledger, &body->batch, body->sample, body->round, &vote, err);
}

// P-57: that it is a verdict, decoding has seen to (P-7). "Data missing" names its data set there.
static assay_status probe_check(assay_ledger *ledger, uint8_t verdict, const assay_hash *probe,
                                assay_error *err) {
    if (!assay_verdict_has_probe(verdict) && !assay_hash_is_zero(probe))
        return ASSAY_REJECT(err, VOTE_PROBE, "verdict %u goes with a zero probe", verdict);
    if (verdict != ASSAY_VERDICT_DATA_MISSING) return ASSAY_OK;
    assay_dataset dataset;
    bool found;
    ASSAY_TRY(assay_dataset_get(&dataset, &found, &ledger->reader, probe, err));
    if (!found) return ASSAY_REJECT(err, VOTE_PROBE, "the missing data set is not registered");
    return ASSAY_OK;
}

// P-57
assay_status assay_case_reveal(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_verdict_reveal *body = &tx->body.verdict_reveal;
    assay_case record;
    assay_vote vote;
    assay_hash commitment;
    ASSAY_TRY(vote_find(ledger, &body->batch, body->sample, body->round, &record, &vote, err));
    ASSAY_TRY(window_check(ledger->height, record.commit_end, record.reveal_end, err));
    if (!vote.committed) return ASSAY_REJECT(err, VOTE_NOT_COMMITTED, "nothing was committed");
    if (vote.revealed) return ASSAY_REJECT(err, VOTE_TWICE, "revealed before in this round");
    ASSAY_TRY(probe_check(ledger, body->verdict, &body->probe, err));
    assay_verdict_commitment(&commitment, &ledger->principal, &body->salt, body->verdict,
                             &body->probe);
    if (!assay_hash_equal(&commitment, &vote.commitment))
        return ASSAY_REJECT(err, VOTE_COMMITMENT, "not what was committed");
    vote.revealed = true;
    vote.verdict = body->verdict;
    vote.probe = body->probe;
    ledger->counts.of[ASSAY_COUNTED_VERDICTS_DUE]--;
    return assay_case_vote_put(ledger, &body->batch, body->sample, body->round, &vote, err);
}

// ---- the end ----

// P-77: the leaf holds the record and a digest of all votes in key order.
assay_status assay_case_end(assay_ledger *ledger, const assay_hash *batch, uint32_t sample,
                            assay_case *record, assay_error *err) {
    enum { HEAD = 1 + ASSAY_HASH_SIZE + 4 };
    uint8_t leaf[HEAD + CASE_SIZE + ASSAY_HASH_SIZE] = {ASSAY_HISTORY_CASE};
    assay_record_key prefix = assay_record_key_of_sample(ASSAY_TABLE_VOTE, batch, sample);
    assay_store_position at;
    assay_sha256 sha;
    assay_hash votes;
    record->ended = ledger->height;
    assay_sha256_init(&sha);
    ASSAY_TRY(assay_reader_seek(&ledger->reader, &at, &prefix, prefix.size, err));
    while (at.key_size > 0) {
        assay_record_key key = assay_record_key_at(&at);
        ASSAY_ASSERT(key.size == VOTE_KEY_SIZE);
        assay_sha256_update(&sha, key.bytes + prefix.size, key.size - prefix.size);
        assay_sha256_update(&sha, at.value.data, at.value.size);
        assay_record_key ended = key;
        ended.bytes[0] = ASSAY_TABLE_ENDED_VOTE;
        ASSAY_TRY(assay_ledger_put(ledger, &ended, at.value.data, at.value.size, err));
        ASSAY_TRY(assay_ledger_delete(ledger, &key, err));
        ASSAY_TRY(assay_reader_next(&ledger->reader, &at, err));
    }
    assay_sha256_final(&sha, &votes);
    memcpy(leaf + 1, batch->bytes, ASSAY_HASH_SIZE);
    assay_store_be32(leaf + 1 + ASSAY_HASH_SIZE, sample);
    case_encode(record, leaf + HEAD);
    memcpy(leaf + HEAD + CASE_SIZE, votes.bytes, ASSAY_HASH_SIZE);
    ASSAY_TRY(assay_history_append(ledger->store, leaf, sizeof leaf, err));
    assay_record_key key = assay_record_key_of_sample(ASSAY_TABLE_ENDED_CASE, batch, sample);
    ASSAY_TRY(assay_ledger_put(ledger, &key, leaf + HEAD, CASE_SIZE, err));
    key = assay_record_key_of_sample(ASSAY_TABLE_CASE, batch, sample);
    return assay_ledger_delete(ledger, &key, err);
}
