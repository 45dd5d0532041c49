// SPDX-License-Identifier: Apache-2.0
// Batches and sessions as the node's API tells them, back in the ledger's structs.
#ifndef ASSAY_NODE_WORKSHOP_BATCH_JSON_H
#define ASSAY_NODE_WORKSHOP_BATCH_JSON_H

#include "ledger/batch.h"
#include "ledger/session.h"
#include "node/wallet/client.h"

// One batch with its tables. Errors: NOT_FOUND, NETWORK, FORMAT, CAPACITY … Lives: rows in the
// arena. Spec: F-40.
assay_status assay_batch_fetch(assay_batch *out, assay_batch_tables *tables,
                               const assay_client *client, const assay_hash *id, assay_arena *arena,
                               assay_error *err);

// One session. Errors: NOT_FOUND, NETWORK, FORMAT … Spec: F-40.
assay_status assay_session_fetch(assay_session *out, const assay_client *client,
                                 const assay_hash *id, assay_error *err);

// The same from an answer. Errors: FORMAT, MISSING, RANGE, CAPACITY. Lives: rows in the arena.
// Spec: F-3.
assay_status assay_batch_read(assay_batch *out, assay_batch_tables *tables, const json_t *object,
                              assay_arena *arena, assay_error *err);
assay_status assay_session_read(assay_session *out, const json_t *object, assay_error *err);

// The chain's genesis, checked against the client's. Errors: NETWORK, MISMATCH, FORMAT …
// Lives: until assay_genesis_close. Spec: F-40.
assay_status assay_genesis_fetch(assay_genesis *out, const assay_client *client, assay_error *err);

#endif
