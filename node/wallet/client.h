// SPDX-License-Identifier: Apache-2.0
// The other end of the node's API: reads, and transactions signed, sent and awaited.
#ifndef ASSAY_NODE_WALLET_CLIENT_H
#define ASSAY_NODE_WALLET_CLIENT_H

#include "ledger/tx/tx.h"
#include "ledger/tx/typed.h"
#include "node/http/client.h"

enum { ASSAY_CLIENT_URL_MAX = 256, ASSAY_CLIENT_ANSWER_MAX = 64 << 20 };

// Plain data, read-only after open: share it between threads.
typedef struct {
    char url[ASSAY_CLIENT_URL_MAX];
    assay_domain domain; // chain id and genesis hash
    bool testnet;
    const atomic_bool *stop; // ends what is asked, within a second; NULL: nothing does
} assay_client;

// Asks the node who it is. genesis: the chain it must be on, NULL: any. stop is a command's end
// (assay_ending_asked): whoever sends to the end sets NULL.
// Errors: USAGE (url), NETWORK, TIMEOUT, MISMATCH (another chain), FORMAT. Spec: F-40.
assay_status assay_client_open(assay_client *client, const char *url, const assay_hash *genesis,
                               assay_error *err);

// GETs /v1/<path>. Errors: NETWORK, TIMEOUT, and the node's own. Lives: the caller releases *out.
// Spec: F-40.
assay_status assay_client_get(json_t **out, const assay_client *client, assay_error *err,
                              const char *path, ...) __attribute__((format(printf, 4, 5)));

// GETs /v1/<kind>/0x<id in hexadecimal>. Errors, Lives, Spec: as above.
assay_status assay_client_get_id(json_t **out, const assay_client *client, const char *kind,
                                 const uint8_t *id, size_t id_size, assay_error *err);

// A member of the chain's params (P-21). Errors: NETWORK, TIMEOUT, MISSING … Spec: F-40.
assay_status assay_client_param(uint64_t *out, const assay_client *client, const char *name,
                                assay_error *err);

// What became of a sent transaction.
typedef struct {
    assay_hash id;     // of the transaction
    assay_hash digest; // of its message: the id of the session or batch it makes
    uint64_t height;   // 0: not in a block yet
    size_t size;       // of the transaction on the wire, bytes
} assay_sent;

// Whether a transaction may have been taken although sending it ended so: no answer came, or the
// node ended before it had CometBFT's. Who sends another one may pay twice.
static inline bool assay_client_unsure(assay_status status) {
    return status == ASSAY_NETWORK || status == ASSAY_TIMEOUT || status == ASSAY_STOPPED;
}

// Fills chain id, signer, principal (if zero), lane and nonce, signs, sends, and waits up to
// wait_ms for a block. Where assay_client_unsure, out->id tells what to ask about, if it was sent.
// Errors: REJECTED (at once, or by the block it went into), TIMEOUT (not in a block in time),
// NETWORK … Spec: F-40, P-4.
assay_status assay_client_send(assay_sent *out, const assay_client *client, assay_tx *tx,
                               const assay_key *key, uint32_t wait_ms, assay_error *err);

// Sends an encoded transaction as it is. Errors: as above.
assay_status assay_client_send_bytes(assay_sent *out, const assay_client *client,
                                     const uint8_t *data, size_t size, uint32_t wait_ms,
                                     assay_error *err);

// Asks what became of a transaction that was sent; out->height 0: it waits. Errors: REJECTED (by
// the block in out->height), NOT_FOUND (dropped, or long ago), NETWORK … Spec: F-40.
assay_status assay_client_fate(assay_sent *out, const assay_client *client, const assay_hash *id,
                               assay_error *err);

// The next nonce of a signer's lane, behind everything that waits. Errors: NETWORK …
assay_status assay_client_nonce(uint64_t *out, const assay_client *client,
                                const assay_address *signer, uint8_t lane, assay_error *err);

#endif
