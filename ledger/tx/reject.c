// SPDX-License-Identifier: Apache-2.0
#include "ledger/tx/reject.h"

const char *assay_reject_text(uint32_t number) {
    switch (number) {
#define X(name, value, text)                                                                       \
    case value:                                                                                    \
        return text;
        ASSAY_REJECT_LIST(X)
#undef X
    default:
        return "unknown reason";
    }
}
