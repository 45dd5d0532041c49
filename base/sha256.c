// SPDX-License-Identifier: Apache-2.0
// The low-level calls are deprecated in OpenSSL 3 in favour of EVP, which fetches and allocates on
// every hash: several times slower on the 65-byte nodes that trees are made of.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/sha256.h"

#include <assert.h>
#include <openssl/sha.h>

static_assert(sizeof(SHA256_CTX) <= sizeof(assay_sha256), "SHA256_CTX outgrew assay_sha256");

void assay_sha256_init(assay_sha256 *sha) {
    SHA256_Init((SHA256_CTX *)sha->words);
}

void assay_sha256_update(assay_sha256 *sha, const void *data, size_t size) {
    SHA256_Update((SHA256_CTX *)sha->words, data, size);
}

void assay_sha256_final(assay_sha256 *sha, assay_hash *out) {
    SHA256_Final(out->bytes, (SHA256_CTX *)sha->words);
}

void assay_sha256_of(assay_hash *out, const void *data, size_t size) {
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, data, size);
    assay_sha256_final(&sha, out);
}
