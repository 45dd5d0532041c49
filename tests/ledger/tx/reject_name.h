// SPDX-License-Identifier: Apache-2.0
#ifndef ASSAY_TESTS_LEDGER_TX_REJECT_NAME_H
#define ASSAY_TESTS_LEDGER_TX_REJECT_NAME_H

#include "ledger/tx/reject.h"

// The number's name, e.g. "TX_CHAIN"; "UNKNOWN" for a number that is none.
static inline const char *reject_name(uint32_t number) {
    switch (number) {
#define X(name, value, text)                                                                       \
    case value:                                                                                    \
        return #name;
        ASSAY_REJECT_LIST(X)
#undef X
    default:
        return "UNKNOWN";
    }
}

#endif
