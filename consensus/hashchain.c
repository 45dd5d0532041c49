// SPDX-License-Identifier: Apache-2.0
#include "consensus/hashchain.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/sha256.h"

void assay_hashchain_walk(assay_hash *hash, uint64_t steps) {
    for (uint64_t i = 0; i < steps; i++)
        assay_sha256_of(hash, hash->bytes, ASSAY_HASH_SIZE);
}

assay_status assay_hashchain_open(assay_hashchain *chain, const assay_hash *seed, uint64_t length,
                                  assay_error *err) {
    *chain = (assay_hashchain){NULL, 0};
    if (length == 0 || length > ASSAY_HASHCHAIN_LENGTH_MAX)
        return ASSAY_FAIL(err, RANGE, "hash chain of %llu, limits 1 to %d", (ull)length,
                          ASSAY_HASHCHAIN_LENGTH_MAX);
    uint64_t count = length / ASSAY_HASHCHAIN_STRIDE + 1;
    chain->marks = malloc(count * sizeof *chain->marks);
    if (!chain->marks)
        return ASSAY_FAIL(err, MEMORY, "no memory for a hash chain of %llu", (ull)length);
    chain->length = length;
    assay_hash hash = *seed;
    for (uint64_t i = 0; i < count; i++) {
        chain->marks[i] = hash;
        assay_hashchain_walk(&hash, ASSAY_HASHCHAIN_STRIDE);
    }
    return ASSAY_OK;
}

void assay_hashchain_close(assay_hashchain *chain) {
    if (chain->marks)
        OPENSSL_cleanse(chain->marks,
                        (chain->length / ASSAY_HASHCHAIN_STRIDE + 1) * sizeof *chain->marks);
    free(chain->marks);
    *chain = (assay_hashchain){NULL, 0};
}

void assay_hashchain_at(assay_hash *out, const assay_hashchain *chain, uint64_t steps) {
    ASSAY_ASSERT(steps <= chain->length);
    *out = chain->marks[steps / ASSAY_HASHCHAIN_STRIDE];
    assay_hashchain_walk(out, steps % ASSAY_HASHCHAIN_STRIDE);
}
