// SPDX-License-Identifier: Apache-2.0
// Invariants (tests/ledger/test_session.c):
//   1  a session is in the state exactly while it has not ended or something is reserved
//   2  one that has not ended has one DUE entry, at `end`; end <= expiry + close_delay
//   3  free is 0 once ended; last_sequence never falls
// session_save is the only writer and keeps 1; opening, closing and ending keep 2.
#include "ledger/session.h"

#include "ledger/due.h"
#include "ledger/purse.h"
#include "ledger/record.h"

enum { SESSION_SIZE = 3 * 20 + 9 * 8 };
static_assert(SESSION_SIZE == 132, "three addresses and nine integers");

static void session_write(assay_writer *writer, const assay_session *session) {
    assay_writer_address(writer, &session->principal);
    assay_writer_address(writer, &session->opener);
    assay_writer_address(writer, &session->provider);
    assay_writer_u64(writer, session->opened);
    assay_writer_u64(writer, session->price_in);
    assay_writer_u64(writer, session->price_out);
    assay_writer_u64(writer, session->expiry);
    assay_writer_u64(writer, session->end);
    assay_writer_u64(writer, session->ended);
    assay_writer_u64(writer, session->last_sequence);
    assay_writer_u64(writer, session->free);
    assay_writer_u64(writer, session->reserved);
}

static assay_status session_decode(assay_session *out, assay_bytes value, assay_error *err) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, value.data, value.size);
    assay_cursor_address(&cursor, &out->principal);
    assay_cursor_address(&cursor, &out->opener);
    assay_cursor_address(&cursor, &out->provider);
    out->opened = assay_cursor_u64(&cursor);
    out->price_in = assay_cursor_u64(&cursor);
    out->price_out = assay_cursor_u64(&cursor);
    out->expiry = assay_cursor_u64(&cursor);
    out->end = assay_cursor_u64(&cursor);
    out->ended = assay_cursor_u64(&cursor);
    out->last_sequence = assay_cursor_u64(&cursor);
    out->free = assay_cursor_u64(&cursor);
    out->reserved = assay_cursor_u64(&cursor);
    return assay_record_finish(&cursor, "a session", err);
}

assay_status assay_session_get(assay_session *out, bool *found, const assay_reader *reader,
                               const assay_hash *id, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_SESSION, id);
    assay_bytes value;
    ASSAY_TRY(assay_reader_find(reader, &key, ASSAY_TABLE_ENDED_SESSION, &value, err));
    *found = value.data != NULL;
    return *found ? session_decode(out, value, err) : ASSAY_OK;
}

assay_status assay_session_next(assay_hash *id, assay_session *out, bool *found,
                                const assay_reader *reader, assay_error *err) {
    assay_bytes value;
    ASSAY_TRY(assay_record_next_hash(&value, found, reader, ASSAY_TABLE_SESSION, id, err));
    return *found ? session_decode(out, value, err) : ASSAY_OK;
}

static assay_status index_next(assay_hash *id, assay_session *out, bool *found,
                               const assay_reader *reader, uint8_t table,
                               const assay_address *address, assay_error *err) {
    assay_record_key after = assay_record_key_of_address(table, address);
    assay_record_key_add(&after, id->bytes, ASSAY_HASH_SIZE);
    assay_bytes nothing;
    ASSAY_TRY(assay_record_next(&nothing, found, reader, &after, id->bytes, ASSAY_HASH_SIZE, err));
    if (!*found) return ASSAY_OK;
    bool known;
    ASSAY_TRY(assay_session_get(out, &known, reader, id, err));
    if (!known) return ASSAY_FAIL(err, CORRUPT, "a session is in an index but nowhere else");
    return ASSAY_OK;
}

assay_status assay_session_next_of_principal(assay_hash *id, assay_session *out, bool *found,
                                             const assay_reader *reader,
                                             const assay_address *principal, assay_error *err) {
    return index_next(id, out, found, reader, ASSAY_TABLE_PRINCIPAL_SESSION, principal, err);
}

assay_status assay_session_next_of_provider(assay_hash *id, assay_session *out, bool *found,
                                            const assay_reader *reader,
                                            const assay_address *provider, assay_error *err) {
    return index_next(id, out, found, reader, ASSAY_TABLE_PROVIDER_SESSION, provider, err);
}

static assay_status session_save(assay_ledger *ledger, const assay_hash *id,
                                 const assay_session *session, assay_error *err) {
    bool gone = session->ended != 0 && session->reserved == 0;
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_SESSION, id);
    if (gone) {
        ASSAY_ASSERT(session->free == 0);
        ASSAY_TRY(assay_ledger_delete(ledger, &key, err));
        key = assay_record_key_of_hash(ASSAY_TABLE_ENDED_SESSION, id);
    }
    uint8_t value[SESSION_SIZE];
    assay_writer writer;
    assay_writer_init(&writer, value, sizeof value);
    session_write(&writer, session);
    ASSAY_ASSERT(!writer.failed && writer.size == sizeof value);
    return assay_ledger_put(ledger, &key, value, sizeof value, err);
}

// A session that must be in the state.
static assay_status session_load(assay_session *out, assay_ledger *ledger, const assay_hash *id,
                                 assay_error *err) {
    bool found;
    ASSAY_TRY(assay_session_get(out, &found, &ledger->reader, id, err));
    ASSAY_ASSERT(found);
    return ASSAY_OK;
}

assay_status assay_session_put(assay_ledger *ledger, const assay_hash *id, bool reserved,
                               uint64_t amount, assay_error *err) {
    assay_session session;
    ASSAY_TRY(session_load(&session, ledger, id, err));
    *(reserved ? &session.reserved : &session.free) += amount;
    return session_save(ledger, id, &session, err);
}

assay_status assay_session_take(assay_ledger *ledger, const assay_hash *id, bool reserved,
                                uint64_t amount, assay_error *err) {
    assay_session session;
    ASSAY_TRY(session_load(&session, ledger, id, err));
    uint64_t *held = reserved ? &session.reserved : &session.free;
    ASSAY_ASSERT(*held >= amount);
    *held -= amount;
    return session_save(ledger, id, &session, err);
}

static assay_status open_check(const assay_ledger *ledger, const assay_tx_open_session *body,
                               assay_error *err) {
    uint64_t last = ledger->height + ledger->params->expiry_max;
    if (assay_address_is_zero(&body->provider))
        return ASSAY_REJECT(err, ADDRESS_ZERO, "a session with the zero address");
    if (assay_address_equal(&body->provider, &ledger->principal))
        return ASSAY_REJECT(err, SESSION_PROVIDER, "a session with oneself");
    if (body->expiry <= ledger->height || body->expiry > last)
        return ASSAY_REJECT(err, SESSION_EXPIRY, "expiry %llu, limits %llu to %llu",
                            (ull)body->expiry, (ull)(ledger->height + 1), (ull)last);
    return ASSAY_OK;
}

static assay_status index_put(assay_ledger *ledger, uint8_t table, const assay_address *address,
                              const assay_hash *id, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(table, address);
    assay_record_key_add(&key, id->bytes, ASSAY_HASH_SIZE);
    return assay_ledger_put(ledger, &key, "", 0, err);
}

assay_status assay_session_open(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_open_session *body = &tx->body.open_session;
    const assay_hash *id = &ledger->digest;
    ASSAY_TRY(open_check(ledger, body, err));
    assay_session session = {
        .principal = ledger->principal,
        .opener = ledger->signer,
        .provider = body->provider,
        .opened = ledger->height,
        .price_in = body->price_in,
        .price_out = body->price_out,
        .expiry = body->expiry,
        .end = body->expiry + ledger->params->close_delay,
    };
    ASSAY_TRY(session_save(ledger, id, &session, err));
    ASSAY_TRY(
        assay_due_put(ledger, session.end, ASSAY_DUE_SESSION, id->bytes, ASSAY_HASH_SIZE, err));
    ASSAY_TRY(index_put(ledger, ASSAY_TABLE_PRINCIPAL_SESSION, &session.principal, id, err));
    ASSAY_TRY(index_put(ledger, ASSAY_TABLE_PROVIDER_SESSION, &session.provider, id, err));
    return assay_money_spend(ledger, assay_purse_deposit(id), body->deposit, err);
}

assay_status assay_session_close(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_hash *id = &tx->body.close_session.session;
    uint64_t end = ledger->height + ledger->params->close_delay;
    assay_session session;
    bool found;
    ASSAY_TRY(assay_session_get(&session, &found, &ledger->reader, id, err));
    if (!found) return ASSAY_REJECT(err, SESSION_UNKNOWN, "no open session has this id");
    if (!assay_address_equal(&session.principal, &ledger->principal))
        return ASSAY_REJECT(err, SESSION_OWNER, "only its principal closes a session");
    if (session.end <= end) // as one that has ended
        return ASSAY_REJECT(err, SESSION_CLOSED, "closing already, ends at height %llu",
                            (ull)session.end);
    ASSAY_TRY(
        assay_due_delete(ledger, session.end, ASSAY_DUE_SESSION, id->bytes, ASSAY_HASH_SIZE, err));
    ASSAY_TRY(assay_due_put(ledger, end, ASSAY_DUE_SESSION, id->bytes, ASSAY_HASH_SIZE, err));
    session.end = end;
    return session_save(ledger, id, &session, err);
}

assay_status assay_session_end(assay_ledger *ledger, const assay_hash *id, assay_error *err) {
    assay_session session;
    ASSAY_TRY(session_load(&session, ledger, id, err));
    ASSAY_ASSERT(session.ended == 0);
    // Money first: a session with nothing reserved leaves the state when it ends.
    ASSAY_TRY(assay_money_move(ledger, assay_purse_deposit(id),
                               assay_purse_balance(&session.principal), session.free, err));
    session.free = 0;
    session.ended = ledger->height;
    return session_save(ledger, id, &session, err);
}

assay_status assay_session_signer_check(const assay_session *session, const assay_request *request,
                                        const assay_domain *domain, assay_error *err) {
    assay_address signer;
    ASSAY_TRY(assay_request_signer(&signer, request, domain, err));
    if (!assay_address_equal(&signer, &session->opener) &&
        !assay_address_equal(&signer, &session->principal))
        return ASSAY_FAIL(err, SIGNATURE, "request is not signed by its session's keys");
    return ASSAY_OK;
}

assay_status assay_session_reserve(assay_ledger *ledger, const assay_hash *id,
                                   const assay_address *provider, uint64_t first_sequence,
                                   uint32_t count, uint64_t fee_sum, assay_error *err) {
    assay_session session;
    bool found;
    ASSAY_TRY(assay_session_get(&session, &found, &ledger->reader, id, err));
    if (!found) return ASSAY_REJECT(err, SESSION_UNKNOWN, "no open session has this id");
    if (!assay_address_equal(&session.provider, provider))
        return ASSAY_REJECT(err, SESSION_PROVIDER, "the session is with another provider");
    if (session.end < ledger->height) // as one that has ended
        return ASSAY_REJECT(err, SESSION_ENDED, "last height %llu, this is %llu", (ull)session.end,
                            (ull)ledger->height);
    // Rows have 1 to 2^16 requests (P-8), so sequences never come near 2^64.
    if (first_sequence != session.last_sequence + 1)
        return ASSAY_REJECT(err, SEQUENCE, "first sequence %llu, the session's last was %llu",
                            (ull)first_sequence, (ull)session.last_sequence);
    if (session.free < fee_sum)
        return ASSAY_REJECT(err, DEPOSIT_SHORT, "free deposit %llu nopen, %llu to reserve",
                            (ull)session.free, (ull)fee_sum);
    session.last_sequence += count;
    ASSAY_TRY(session_save(ledger, id, &session, err));
    return assay_money_move(ledger, assay_purse_deposit(id), assay_purse_reserved(id), fee_sum,
                            err);
}

assay_status assay_session_settle(assay_ledger *ledger, const assay_hash *id, uint64_t fee_sum,
                                  assay_error *err) {
    return assay_money_move(ledger, assay_purse_reserved(id), assay_purse_pool(), fee_sum, err);
}

assay_status assay_session_refund(assay_ledger *ledger, const assay_hash *id, uint64_t fee_sum,
                                  assay_error *err) {
    assay_session session;
    ASSAY_TRY(session_load(&session, ledger, id, err));
    assay_purse to =
        session.ended == 0 ? assay_purse_deposit(id) : assay_purse_balance(&session.principal);
    return assay_money_move(ledger, assay_purse_reserved(id), to, fee_sum, err);
}
