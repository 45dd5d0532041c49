// SPDX-License-Identifier: Apache-2.0
// Sessions: a consumer's deposit for one provider at fixed prices.
//   open → (close_session, or expiry) closing → (end height, block end) ended: what is free
//   returns to the principal → gone from the state once nothing is reserved
// Batches reserve in `open` and `closing`. An ended session keeps what is reserved; a refund then
// goes to the principal's balance. The last state of a session that is gone stays as an aux key.
#ifndef ASSAY_LEDGER_SESSION_H
#define ASSAY_LEDGER_SESSION_H

#include "ledger/ledger.h"
#include "ledger/money.h"
#include "ledger/tx/typed.h"

typedef struct {
    assay_address principal; // who paid and is refunded
    assay_address opener;    // who signed open_session, and so may sign requests
    assay_address provider;
    uint64_t opened;        // height
    uint64_t price_in;      // nopen a token
    uint64_t price_out;     // nopen a token
    uint64_t expiry;        // height at which closing starts by itself
    uint64_t end;           // last height at which batches count; the rest returns at its end
    uint64_t ended;         // height, 0 before
    uint64_t last_sequence; // of the last request in a batch; 0: none yet
    uint64_t free;          // nopen
    uint64_t reserved;      // nopen
} assay_session;

// One session; to readers that are not a rule's, one that is gone too. Errors: CORRUPT, MEMORY, IO.
// Spec: P-37.
assay_status assay_session_get(assay_session *out, bool *found, const assay_reader *reader,
                               const assay_hash *id, assay_error *err);

// The next session in the state after *id, ascending; start from the zero hash. Errors: CORRUPT,
// MEMORY, IO.
assay_status assay_session_next(assay_hash *id, assay_session *out, bool *found,
                                const assay_reader *reader, assay_error *err);

// The sessions of a principal or of a provider (ended ones too), ascending by id; start from the
// zero hash. Errors: CORRUPT, MEMORY, IO.
assay_status assay_session_next_of_principal(assay_hash *id, assay_session *out, bool *found,
                                             const assay_reader *reader,
                                             const assay_address *principal, assay_error *err);
assay_status assay_session_next_of_provider(assay_hash *id, assay_session *out, bool *found,
                                            const assay_reader *reader,
                                            const assay_address *provider, assay_error *err);

// Is this request signed by the key that opened the session, or by its principal? Errors:
// SIGNATURE_FORM (reject), SIGNATURE. Spec: P-11.
assay_status assay_session_signer_check(const assay_session *session, const assay_request *request,
                                        const assay_domain *domain, assay_error *err);

// Reserves fee_sum for `count` requests from first_sequence on, and advances the sequence.
// Errors: REJECTED (SESSION_UNKNOWN, SESSION_ENDED, SESSION_PROVIDER, SEQUENCE, DEPOSIT_SHORT),
// CORRUPT, MEMORY, IO. Spec: P-37.
assay_status assay_session_reserve(assay_ledger *ledger, const assay_hash *id,
                                   const assay_address *provider, uint64_t first_sequence,
                                   uint32_t count, uint64_t fee_sum, assay_error *err);

// Takes reserved money: for a final batch into the pool, for a void one back (free, or the
// principal's balance once ended). Asserts that much is reserved.
// Errors: CORRUPT, MEMORY, IO. Spec: P-37.
assay_status assay_session_settle(assay_ledger *ledger, const assay_hash *id, uint64_t fee_sum,
                                  assay_error *err);
assay_status assay_session_refund(assay_ledger *ledger, const assay_hash *id, uint64_t fee_sum,
                                  assay_error *err);

// Transactions. Errors: REJECTED (SESSION_EXPIRY, SESSION_PROVIDER (the opener itself),
// SESSION_UNKNOWN, SESSION_OWNER, SESSION_CLOSED, ADDRESS_ZERO, BALANCE_SHORT,
// AGENT_LIMIT), CAPACITY, CORRUPT, MEMORY, IO. Spec: P-37.
assay_status assay_session_open(assay_ledger *ledger, const assay_tx *tx, assay_error *err);
assay_status assay_session_close(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

// Due: ends a session; its free deposit returns. Errors: CAPACITY, CORRUPT, MEMORY, IO. Spec: P-37.
assay_status assay_session_end(assay_ledger *ledger, const assay_hash *id, assay_error *err);

#endif
