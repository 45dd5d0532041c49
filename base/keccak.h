// SPDX-License-Identifier: Apache-2.0
// keccak-256 as Ethereum uses it (padding 0x01, not SHA-3's 0x06). No Debian library offers it.
#ifndef ASSAY_BASE_KECCAK_H
#define ASSAY_BASE_KECCAK_H

#include "base/bytes.h"

enum { ASSAY_KECCAK_RATE = 136 };

typedef struct {
    uint64_t lanes[25];
    uint8_t block[ASSAY_KECCAK_RATE];
    size_t used;
} assay_keccak;

void assay_keccak_init(assay_keccak *keccak);
void assay_keccak_update(assay_keccak *keccak, const void *data, size_t size);
void assay_keccak_final(assay_keccak *keccak, assay_hash *out);

// One call for one buffer. Source: Keccak reference, rate 1088, capacity 512. Spec: P-1.
void assay_keccak256_of(assay_hash *out, const void *data, size_t size);

#endif
