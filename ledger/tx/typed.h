// SPDX-License-Identifier: Apache-2.0
// EIP-712: the digests that keys sign and the documents that wallets show (P-5, P-4).
#ifndef ASSAY_LEDGER_TX_TYPED_H
#define ASSAY_LEDGER_TX_TYPED_H

#include <jansson.h>

#include "ledger/tx/request.h"
#include "ledger/tx/tx.h"

enum { ASSAY_ROW_TYPE_COUNT = 4 };

// Name "Assay", version "1", chain id, salt = genesis hash, with every type's hash worked out once.
// Read-only after init: share it between threads.
typedef struct {
    uint64_t chain_id;
    assay_hash genesis;
    assay_hash separator;
    assay_hash tx_types[ASSAY_TX_KIND_COUNT + 1]; // by kind
    assay_hash row_types[ASSAY_ROW_TYPE_COUNT];
    assay_hash request_type;
} assay_domain;

// genesis: the genesis hash. Spec: P-5.
void assay_domain_init(assay_domain *out, uint64_t chain_id, const assay_hash *genesis);

// What the signer signs; also the id of the session or batch a transaction makes. The chain id is
// the domain's. Spec: P-5.
void assay_tx_digest(assay_hash *out, const assay_tx *tx, const assay_domain *domain);

// Errors: TX_CHAIN, SIGNATURE_FORM, SIGNATURE_SIGNER (rejects). A beacon passes if its
// chain id does: whose key signs it the state knows (assay_beacon_check). May run on many threads.
// Spec: P-4.
assay_status assay_tx_verify(const assay_tx *tx, const assay_domain *domain, assay_error *err);

// Fills tx->signature. Errors: RANGE (key), SIGNATURE_SIGNER (tx->signer is another's), TX_CHAIN.
// Spec: P-4.
assay_status assay_tx_sign(assay_tx *tx, const assay_domain *domain, const assay_key *key,
                           assay_error *err);

// The eth_signTypedData_v4 document {types, primaryType, domain, message}; integers of 64 bits and
// more are decimal strings. Returns: a new reference, NULL if memory is out. Spec: P-5.
json_t *assay_tx_typed_json(const assay_tx *tx, const assay_domain *domain);

// The same for requests. The digest is the trace's first value (d_0). Spec: P-5, P-11.
void assay_request_digest(assay_hash *out, const assay_request *request,
                          const assay_domain *domain);

// Fills request->signature; the signer is the key's address. Errors: RANGE (key). Spec: P-4.
assay_status assay_request_sign(assay_request *request, const assay_domain *domain,
                                const assay_key *key, assay_error *err);

// Whose key signed the request. Errors: SIGNATURE_FORM (reject). Spec: P-4.
assay_status assay_request_signer(assay_address *out, const assay_request *request,
                                  const assay_domain *domain, assay_error *err);

#endif
