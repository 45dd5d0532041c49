// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10, the counter-based generator (Salmon et al., SC'11): a random word for any
// position without the ones before it.
#ifndef ASSAY_BASE_PHILOX_H
#define ASSAY_BASE_PHILOX_H

#include <stdint.h>

// Ten rounds over counter under key; out gets the four output words. Spec: N-14.
void assay_philox4x32(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

#endif
