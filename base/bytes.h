// SPDX-License-Identifier: Apache-2.0
// Fixed-size byte values and integers at unaligned addresses.
#ifndef ASSAY_BASE_BYTES_H
#define ASSAY_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { ASSAY_HASH_SIZE = 32, ASSAY_ADDRESS_SIZE = 20 };

// A 32-byte digest: SHA-256, keccak-256, a Merkle root, a content id.
typedef struct {
    uint8_t bytes[ASSAY_HASH_SIZE];
} assay_hash;

// The last 20 bytes of keccak-256 of a secp256k1 public key (P-1).
typedef struct {
    uint8_t bytes[ASSAY_ADDRESS_SIZE];
} assay_address;

// Products of amounts and sums of weights (P-2). Every compiler we build with has it.
__extension__ typedef unsigned __int128 assay_u128;

// A borrowed run of bytes; owns nothing.
typedef struct {
    const uint8_t *data;
    size_t size;
} assay_bytes;

// The bytes of a text, without its end.
static inline assay_bytes assay_text_bytes(const char *text) {
    return (assay_bytes){(const uint8_t *)text, strlen(text)};
}

// Bytewise order, the shorter first.
static inline int assay_bytes_order(const void *a, size_t a_size, const void *b, size_t b_size) {
    size_t size = a_size < b_size ? a_size : b_size;
    int order = size ? memcmp(a, b, size) : 0;
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static inline bool assay_hash_equal(const assay_hash *a, const assay_hash *b) {
    return memcmp(a->bytes, b->bytes, ASSAY_HASH_SIZE) == 0;
}

static inline bool assay_hash_is_zero(const assay_hash *a) {
    static const assay_hash zero;
    return assay_hash_equal(a, &zero);
}

static inline bool assay_address_equal(const assay_address *a, const assay_address *b) {
    return memcmp(a->bytes, b->bytes, ASSAY_ADDRESS_SIZE) == 0;
}

static inline bool assay_address_is_zero(const assay_address *a) {
    static const assay_address zero;
    return assay_address_equal(a, &zero);
}

static inline void assay_store_be32(uint8_t *out, uint32_t value) {
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline void assay_store_be64(uint8_t *out, uint64_t value) {
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (56 - 8 * i));
}

static inline uint32_t assay_load_be32(const uint8_t *in) {
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static inline uint64_t assay_load_be64(const uint8_t *in) {
    return (uint64_t)assay_load_be32(in) << 32 | assay_load_be32(in + 4);
}

static inline void assay_store_le32(uint8_t *out, uint32_t value) {
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static inline void assay_store_le64(uint8_t *out, uint64_t value) {
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t assay_load_le32(const uint8_t *in) {
    return (uint32_t)in[3] << 24 | (uint32_t)in[2] << 16 | (uint32_t)in[1] << 8 | in[0];
}

static inline uint64_t assay_load_le64(const uint8_t *in) {
    return (uint64_t)assay_load_le32(in + 4) << 32 | assay_load_le32(in);
}

#endif
