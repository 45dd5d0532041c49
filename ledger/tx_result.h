// SPDX-License-Identifier: Apache-2.0
// What a transaction came to: all of it is hashed into the next header.
#ifndef ASSAY_LEDGER_TX_RESULT_H
#define ASSAY_LEDGER_TX_RESULT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { ASSAY_RESULT_DATA_MAX = 32 };

// code 0: accepted, else its reject code (reject.h). data: of an accepted one its receipt, the id
// of the session or batch it made or else its own (P-96).
typedef struct {
    uint32_t code;
    uint8_t data_size;
    uint8_t data[ASSAY_RESULT_DATA_MAX];
} assay_tx_result;

static inline bool assay_tx_result_equal(const assay_tx_result *a, const assay_tx_result *b) {
    return a->code == b->code && a->data_size == b->data_size &&
           memcmp(a->data, b->data, a->data_size) == 0;
}

#endif
