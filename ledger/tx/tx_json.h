// SPDX-License-Identifier: Apache-2.0
// The JSON form of transactions, requests and receipts, for files, HTTP bodies and people (P-16):
// {"kind":"transfer","chain_id":1,"signer":"0x…","principal":"0x…","nonce":1,"to":"0x…",…}
// Member names are the wire's, in snake_case; integers may be decimal strings; unknown members are
// refused. Optional: principal (= signer), signature (= zeros), genesis (the genesis hash, for the
// EIP-712 domain).
#ifndef ASSAY_LEDGER_TX_TX_JSON_H
#define ASSAY_LEDGER_TX_TX_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "ledger/tx/request.h"
#include "ledger/tx/tx.h"

// Everything is copied: nothing borrows the JSON. genesis: may be NULL; zeros where the member is
// missing. The arena must have room for ASSAY_TX_ARENA_MAX.
// Errors: MISSING, FORMAT, RANGE, UNKNOWN, CAPACITY, and decode's rejects. Lives: as long as the
// arena. Spec: P-16.
assay_status assay_tx_from_json(assay_tx *out, assay_hash *genesis, const json_t *object,
                                assay_arena *arena, assay_error *err);

// Every member but genesis; kept in wire order. Returns: a new reference, NULL if memory is out.
// Spec: P-16.
json_t *assay_tx_to_json(const assay_tx *tx);

// A request as an object, with "signature" (optional when reading). Errors: MISSING, FORMAT, RANGE,
// UNKNOWN. Spec: P-16.
assay_status assay_request_from_json(assay_request *out, const json_t *object, assay_error *err);
json_t *assay_request_to_json(const assay_request *request);

// A receipt: {"request":{…},"output_digest":…,…,"attribution":[{"dataset","ppm"}],"fee":…}.
// Errors: as request, and assay_receipt_decode's rejects. Spec: P-16.
assay_status assay_receipt_from_json(assay_receipt *out, const json_t *object, assay_error *err);
json_t *assay_receipt_to_json(const assay_receipt *receipt);

#endif
