// SPDX-License-Identifier: Apache-2.0
// Transactions of the kv application: "key=value", "key:value", and "val=TYPE!BASE64!POWER".
#ifndef ASSAY_CONSENSUS_KVSTORE_TX_H
#define ASSAY_CONSENSUS_KVSTORE_TX_H

#include "consensus/abci/message.h"

enum { ASSAY_KVSTORE_KEY_MAX = 33 }; // bytes of a public key

typedef enum {
    ASSAY_KVSTORE_INVALID,
    ASSAY_KVSTORE_PAIR,  // with '='
    ASSAY_KVSTORE_COLON, // with ':', which a proposal replaces
    ASSAY_KVSTORE_VALIDATOR,
} assay_kvstore_form;

typedef struct {
    uint32_t key_type;
    uint32_t key_size;
    uint8_t key[ASSAY_KVSTORE_KEY_MAX];
    int64_t power;
} assay_kvstore_validator;

// Tells a transaction's form; a validator's goes to *out, which may be NULL. Spec: E-9.
assay_kvstore_form assay_kvstore_tx_read(assay_bytes tx, assay_kvstore_validator *out);

// The two sides of the one '=' in it; where there is none or more, both are the whole. Spec: E-9.
void assay_kvstore_tx_split(assay_bytes tx, assay_bytes *key, assay_bytes *value);

#endif
