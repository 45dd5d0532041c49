// SPDX-License-Identifier: Apache-2.0
#include "node/wallet/scrypt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { WORDS = 16 }; // of one Salsa block

static uint32_t rotate(uint32_t x, int bits) {
    return x << bits | x >> (32 - bits);
}

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d) {
    *b ^= rotate(*a + *d, 7);
    *c ^= rotate(*b + *a, 9);
    *d ^= rotate(*c + *b, 13);
    *a ^= rotate(*d + *c, 18);
}

static void salsa20_8(uint32_t block[WORDS]) {
    uint32_t x[WORDS];
    memcpy(x, block, sizeof x);
    for (int round = 0; round < 8; round += 2) {
        quarter(&x[0], &x[4], &x[8], &x[12]);
        quarter(&x[5], &x[9], &x[13], &x[1]);
        quarter(&x[10], &x[14], &x[2], &x[6]);
        quarter(&x[15], &x[3], &x[7], &x[11]);
        quarter(&x[0], &x[1], &x[2], &x[3]);
        quarter(&x[5], &x[6], &x[7], &x[4]);
        quarter(&x[10], &x[11], &x[8], &x[9]);
        quarter(&x[15], &x[12], &x[13], &x[14]);
    }
    for (int i = 0; i < WORDS; i++)
        block[i] += x[i];
}

static void words_xor(uint32_t *out, const uint32_t *in, size_t count) {
    for (size_t i = 0; i < count; i++)
        out[i] ^= in[i];
}

// scryptBlockMix: in and out are 2r Salsa blocks, the even ones first in out.
static void block_mix(uint32_t *out, const uint32_t *in, uint32_t r) {
    uint32_t x[WORDS];
    memcpy(x, in + (size_t)(2 * r - 1) * WORDS, sizeof x);
    for (uint32_t i = 0; i < 2 * r; i++) {
        words_xor(x, in + (size_t)i * WORDS, WORDS);
        salsa20_8(x);
        memcpy(out + (size_t)(i / 2 + (i & 1) * r) * WORDS, x, sizeof x);
    }
}

// scryptROMix over one block of 32r words; table [n] of such blocks, other: one more.
static void ro_mix(uint32_t *block, uint32_t *other, uint32_t *table, uint64_t n, uint32_t r) {
    size_t words = (size_t)32 * r;
    for (uint64_t i = 0; i < n; i++) {
        memcpy(table + i * words, block, words * 4);
        block_mix(other, block, r);
        memcpy(block, other, words * 4);
    }
    for (uint64_t i = 0; i < n; i++) {
        const uint32_t *last = block + (words - WORDS);
        uint64_t j = ((uint64_t)last[1] << 32 | last[0]) & (n - 1);
        words_xor(block, table + j * words, words);
        block_mix(other, block, r);
        memcpy(block, other, words * 4);
    }
}

static bool stretch(uint8_t *out, size_t size, assay_bytes password, const uint8_t *salt,
                    size_t salt_size) {
    return PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.size, salt, (int)salt_size,
                             1, EVP_sha256(), (int)size, out) == 1;
}

// lanes: p blocks of 128r bytes; work: room for n + 2 of them.
static void lanes_mix(uint8_t *lanes, uint32_t *work, const assay_scrypt_costs *costs) {
    size_t words = (size_t)32 * costs->r;
    uint32_t *block = work, *other = work + words, *table = work + 2 * words;
    for (uint32_t lane = 0; lane < costs->p; lane++) {
        uint8_t *bytes = lanes + (size_t)lane * words * 4;
        for (size_t i = 0; i < words; i++)
            block[i] = assay_load_le32(bytes + 4 * i);
        ro_mix(block, other, table, costs->n, costs->r);
        for (size_t i = 0; i < words; i++)
            assay_store_le32(bytes + 4 * i, block[i]);
    }
}

assay_status assay_scrypt(uint8_t *out, size_t size, assay_bytes password, assay_bytes salt,
                          const assay_scrypt_costs *costs, assay_error *err) {
    const uint64_t limit = (uint64_t)1 << 40;
    uint64_t n = costs->n, block = (uint64_t)128 * costs->r;
    if (n < 2 || (n & (n - 1)) || !costs->r || !costs->p)
        return ASSAY_FAIL(err, RANGE, "scrypt with n %llu, r %u, p %u", (ull)n, costs->r, costs->p);
    if (n > limit / block || costs->p > INT32_MAX / block)
        return ASSAY_FAIL(err, CAPACITY, "scrypt with n %llu, r %u, p %u passes %llu bytes", (ull)n,
                          costs->r, costs->p, (ull)limit);
    size_t lanes_size = (size_t)(costs->p * block), work_size = (size_t)((n + 2) * block);
    uint8_t *lanes = malloc(lanes_size);
    uint32_t *work = malloc(work_size);
    bool good = lanes && work && stretch(lanes, lanes_size, password, salt.data, salt.size);
    if (good) {
        lanes_mix(lanes, work, costs);
        good = stretch(out, size, password, lanes, lanes_size);
    }
    if (lanes) OPENSSL_cleanse(lanes, lanes_size);
    if (work) OPENSSL_cleanse(work, work_size);
    free(lanes);
    free(work);
    if (good) return ASSAY_OK;
    return ASSAY_FAIL(err, MEMORY, "scrypt needs %llu bytes of memory",
                      (ull)(lanes_size + work_size));
}
