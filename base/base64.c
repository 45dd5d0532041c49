// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <openssl/evp.h>
#include <string.h>

enum { SIZE_MAX_ENCODED = 512 << 20, BLOCK = 4, BLOCK_BYTES = 3 };

void assay_base64_encode(char *out, const void *data, size_t size) {
    ASSAY_ASSERT(size <= SIZE_MAX_ENCODED);
    EVP_EncodeBlock((unsigned char *)out, data, (int)size);
}

static size_t padding_of(const char *text, size_t length) {
    size_t count = 0;
    while (count < 2 && count < length && text[length - 1 - count] == '=')
        count++;
    return count;
}

// libcrypto's decoder trims spaces and takes any unused bits: encoding again tells.
static bool block_decode(uint8_t *out, const char *text) {
    unsigned char again[BLOCK + 1];
    size_t bytes = BLOCK_BYTES - padding_of(text, BLOCK);
    if (EVP_DecodeBlock(out, (const unsigned char *)text, BLOCK) != BLOCK_BYTES) return false;
    EVP_EncodeBlock(again, out, (int)bytes);
    return memcmp(again, text, BLOCK) == 0;
}

assay_status assay_base64_decode(uint8_t *out, size_t *size, size_t capacity, const char *text,
                                 size_t length, assay_error *err) {
    *size = 0;
    if (length % BLOCK != 0)
        return ASSAY_FAIL(err, FORMAT, "base64 of %zu characters, not a multiple of %d", length,
                          BLOCK);
    size_t bytes = length / BLOCK * BLOCK_BYTES - padding_of(text, length);
    if (bytes > capacity)
        return ASSAY_FAIL(err, CAPACITY, "base64 of %zu bytes, limit %zu", bytes, capacity);
    for (size_t i = 0; i < length; i += BLOCK) {
        uint8_t decoded[BLOCK_BYTES];
        bool last = i + BLOCK == length;
        if (!block_decode(decoded, text + i) || (!last && text[i + BLOCK - 1] == '='))
            return ASSAY_FAIL(err, FORMAT, "no base64 at character %zu", i);
        size_t count = last ? bytes - *size : BLOCK_BYTES;
        memcpy(out + *size, decoded, count);
        *size += count;
    }
    return ASSAY_OK;
}
