// SPDX-License-Identifier: Apache-2.0
#include "ledger/draw.h"

#include "base/sha256.h"
#include "base/status.h"

// SHA-256(tag || beacon || batch || sample), open for more.
static void start(assay_sha256 *sha, const char *tag, const assay_hash *beacon,
                  const assay_hash *batch, uint32_t sample) {
    uint8_t number[4];
    assay_store_be32(number, sample);
    assay_sha256_init(sha);
    assay_sha256_update(sha, tag, strlen(tag));
    assay_sha256_update(sha, beacon->bytes, sizeof beacon->bytes);
    assay_sha256_update(sha, batch->bytes, sizeof batch->bytes);
    assay_sha256_update(sha, number, sizeof number);
}

// A number below `range`, of the hash's first 8 bytes: high64(word × range). Its bias is below
// range / 2^64, which no one can profit from.
static uint64_t below(assay_sha256 *sha, uint64_t range) {
    assay_hash hash;
    assay_sha256_final(sha, &hash);
    return (uint64_t)((assay_u128)assay_load_be64(hash.bytes) * range >> 64);
}

// P-49
uint64_t assay_draw_position(const assay_hash *beacon, const assay_hash *batch, uint32_t sample,
                             uint64_t fee_total) {
    assay_sha256 sha;
    start(&sha, "sample", beacon, batch, sample);
    return below(&sha, fee_total);
}

// P-50
uint32_t assay_draw_voters(uint32_t *picked, const assay_voter *voters, uint32_t count,
                           uint32_t want, const assay_hash *beacon, const assay_hash *batch,
                           uint32_t sample, uint8_t round) {
    ASSAY_ASSERT(count <= ASSAY_VOTERS_MAX);
    if (want > count) want = count;
    bool taken[ASSAY_VOTERS_MAX] = {false};
    uint64_t left = 0;
    for (uint32_t i = 0; i < count; i++)
        left += voters[i].bond;
    for (uint32_t slot = 0; slot < want; slot++) {
        uint8_t suffix[5] = {round};
        assay_store_be32(suffix + 1, slot);
        assay_sha256 sha;
        start(&sha, "draw", beacon, batch, sample);
        assay_sha256_update(&sha, suffix, sizeof suffix);
        uint64_t at = below(&sha, left);
        uint32_t i = 0;
        while (taken[i] || at >= voters[i].bond) {
            if (!taken[i]) at -= voters[i].bond;
            i++;
            ASSAY_ASSERT(i < count); // at < left
        }
        taken[i] = true;
        left -= voters[i].bond;
    }
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++)
        if (taken[i]) picked[found++] = i;
    return found;
}

// P-51
void assay_draw_probe(uint32_t *layer, uint32_t *position, const assay_hash *beacon,
                      const assay_hash *batch, uint32_t sample, uint32_t layer_count,
                      uint32_t prompt_count, uint32_t output_count) {
    assay_sha256 sha;
    assay_hash hash;
    start(&sha, "probe", beacon, batch, sample);
    assay_sha256_final(&sha, &hash);
    uint64_t fed = (uint64_t)prompt_count + (output_count > 0 ? output_count : 1) - 1;
    *layer = (uint32_t)(assay_load_be64(hash.bytes) % layer_count);
    *position = (uint32_t)(assay_load_be64(hash.bytes + 8) % fed);
}
