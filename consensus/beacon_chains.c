// SPDX-License-Identifier: Apache-2.0
#include "consensus/beacon_chains.h"

#include <openssl/crypto.h>

#include "base/sha256.h"

// F-57. Not from chain 0's seed, which all have seen once that chain is used up.
static void seed_make(assay_hash *out, const assay_beacon_chains *chains, uint64_t number) {
    static const char name[] = "assay beacon chain";
    uint8_t numbers[16];
    assay_sha256 sha;
    if (number == 0) {
        *out = chains->seed;
        return;
    }
    assay_store_be64(numbers, chains->length);
    assay_store_be64(numbers + 8, number);
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, name, sizeof name - 1);
    assay_sha256_update(&sha, chains->secret, sizeof chains->secret);
    assay_sha256_update(&sha, numbers, sizeof numbers);
    assay_sha256_final(&sha, out);
}

assay_status assay_beacon_chains_open(assay_beacon_chains *chains,
                                      const uint8_t secret[ASSAY_BEACON_SECRET_SIZE],
                                      const assay_hash *seed, uint64_t length, assay_error *err) {
    *chains = (assay_beacon_chains){.seed = *seed, .length = length};
    memcpy(chains->secret, secret, sizeof chains->secret);
    return assay_hashchain_open(&chains->open, seed, length, err);
}

void assay_beacon_chains_close(assay_beacon_chains *chains) {
    assay_hashchain_close(&chains->open);
    OPENSSL_cleanse(chains, sizeof *chains);
}

void assay_beacon_chains_at(assay_hash *out, const assay_beacon_chains *chains, uint64_t number,
                            uint64_t steps) {
    ASSAY_ASSERT(number < ASSAY_BEACON_CHAINS_MAX && steps <= chains->length);
    if (number == chains->number) {
        assay_hashchain_at(out, &chains->open, steps);
        return;
    }
    seed_make(out, chains, number);
    assay_hashchain_walk(out, steps);
}

bool assay_beacon_chains_find(uint64_t *number, const assay_beacon_chains *chains,
                              const assay_hash *head, uint64_t left) {
    if (left > chains->length || chains->length == 0) return false;
    for (uint64_t i = 0; i < ASSAY_BEACON_CHAINS_MAX; i++) {
        uint64_t tried = (chains->number + i) % ASSAY_BEACON_CHAINS_MAX;
        assay_hash value;
        assay_beacon_chains_at(&value, chains, tried, left);
        if (!assay_hash_equal(&value, head)) continue;
        *number = tried;
        return true;
    }
    return false;
}

// Opens another chain in place of the open one, which stays if that fails.
static assay_status change(assay_beacon_chains *chains, uint64_t number, assay_error *err) {
    assay_hash seed;
    assay_hashchain next;
    seed_make(&seed, chains, number);
    assay_status status = assay_hashchain_open(&next, &seed, chains->length, err);
    OPENSSL_cleanse(&seed, sizeof seed);
    ASSAY_TRY(status);
    assay_hashchain_close(&chains->open);
    chains->open = next;
    chains->number = number;
    return ASSAY_OK;
}

assay_status assay_beacon_chains_preimage(assay_hash *out, bool *found, assay_beacon_chains *chains,
                                          const assay_hash *head, uint64_t left, assay_error *err) {
    uint64_t number;
    ASSAY_ASSERT(left > 0);
    *found = false;
    if (assay_hash_equal(head, &chains->lost)) return ASSAY_OK;
    if (!assay_beacon_chains_find(&number, chains, head, left)) {
        chains->lost = *head;
        return ASSAY_OK;
    }
    if (number != chains->number) ASSAY_TRY(change(chains, number, err));
    assay_hashchain_at(out, &chains->open, left - 1);
    *found = true;
    return ASSAY_OK;
}
