// SPDX-License-Identifier: Apache-2.0
// Any bytes as a quant state (F-14).
#include <stdlib.h>

#include "quant/container/nf4_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_nf4_state state;
    if (assay_nf4_state_read(&state, data, size, NULL) != ASSAY_OK) return 0;
    if (state.n < 1 || state.k < 1 || state.k % ASSAY_NF4_BLOCK) abort();
    if (state.n > UINT32_MAX || state.k > UINT32_MAX) abort();
    if (!__builtin_isfinite(state.offset) || (!state.nested && state.offset != 0)) abort();
    return 0;
}
