// SPDX-License-Identifier: Apache-2.0
// Transactions of the kv application: "key=value", "key:value", and "val=TYPE!BASE64!POWER".
#ifndef ASSAY_CONSENSUS_ABCI_KV_TX_H
#define ASSAY_CONSENSUS_ABCI_KV_TX_H

#include "consensus/abci/message.h"

enum { ASSAY_ABCI_KV_KEY_MAX = 33 }; // bytes of a public key

typedef enum {
    ASSAY_ABCI_KV_INVALID,
    ASSAY_ABCI_KV_PAIR,  // with '='
    ASSAY_ABCI_KV_COLON, // with ':', which a proposal replaces
    ASSAY_ABCI_KV_VALIDATOR,
} assay_abci_kv_form;

typedef struct {
    uint32_t key_type;
    uint32_t key_size;
    uint8_t key[ASSAY_ABCI_KV_KEY_MAX];
    int64_t power;
} assay_abci_kv_validator;

// Tells a transaction's form; a validator's goes to *out, which may be NULL. Spec: E-9.
assay_abci_kv_form assay_abci_kv_tx_read(assay_bytes tx, assay_abci_kv_validator *out);

// The two sides of the one '=' in it; where there is none or more, both are the whole. Spec: E-9.
void assay_abci_kv_tx_split(assay_bytes tx, assay_bytes *key, assay_bytes *value);

#endif
