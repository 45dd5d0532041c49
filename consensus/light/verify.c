// SPDX-License-Identifier: Apache-2.0
#include "consensus/light/verify.h"

#include "base/hex.h"

typedef unsigned long long ull;
typedef unsigned __int128 u128;

static bool bytes_are(const assay_bytes *bytes, const assay_hash *hash) {
    return bytes->size == ASSAY_HASH_SIZE && memcmp(bytes->data, hash->bytes, ASSAY_HASH_SIZE) == 0;
}

static bool later(assay_time a, assay_time b) {
    return a.seconds != b.seconds ? a.seconds > b.seconds : a.nanos > b.nanos;
}

static assay_time after(assay_time time, uint64_t seconds) {
    return (assay_time){time.seconds > UINT64_MAX - seconds ? UINT64_MAX : time.seconds + seconds,
                        time.nanos};
}

static assay_status signature_check(const assay_light_block *block, uint32_t index,
                                    const uint8_t *key, assay_error *err) {
    uint8_t message[ASSAY_VOTE_BYTES_MAX];
    const assay_light_signature *signature = &block->signatures[index];
    const assay_precommit vote = {block->commit_height, block->round, block->commit_block,
                                  signature->time};
    size_t size = assay_precommit_sign_bytes(message, &vote, block->header.chain_id);
    if (assay_ed25519_check(key, signature->signature, message, size, NULL) == ASSAY_OK)
        return ASSAY_OK;
    char address[2 * ASSAY_ADDRESS_SIZE + 1];
    assay_hex_encode(address, signature->validator.bytes, ASSAY_ADDRESS_SIZE);
    return ASSAY_FAIL(err, SIGNATURE, "validator %s did not sign height %llu as it stands", address,
                      (ull)block->commit_height);
}

// More than 2/3 of the block's own set, each at its own place. Counting ends where that is reached,
// as CometBFT's does: what one more signature is worth changes nothing.
static assay_status own_power_check(const assay_light_block *block, assay_error *err) {
    const assay_light_set *set = &block->set;
    uint64_t needed = (uint64_t)((u128)set->power * 2 / 3), got = 0;
    for (uint32_t i = 0; i < set->count && got <= needed; i++) {
        const assay_light_validator *validator = &set->validators[i];
        if (block->signatures[i].flag != ASSAY_LIGHT_COMMIT) continue;
        if (!assay_address_equal(&block->signatures[i].validator, &validator->address))
            return ASSAY_FAIL(err, MISMATCH, "signature %u is not that of validator %u", i, i);
        ASSAY_TRY(signature_check(block, i, validator->key, err));
        got += validator->power;
    }
    if (got > needed) return ASSAY_OK;
    return ASSAY_FAIL(err, RANGE, "power %llu of %llu signed height %llu, more than %llu needed",
                      (ull)got, (ull)set->power, (ull)block->header.height, (ull)needed);
}

// E-42
static assay_status whole_check(const assay_light_block *block, const char *chain_id,
                                assay_arena *arena, assay_error *err) {
    const assay_header_view *header = &block->header;
    ull height = header->height;
    assay_hash set_hash;
    if (header->chain_id.size != strlen(chain_id) ||
        memcmp(header->chain_id.data, chain_id, header->chain_id.size) != 0)
        return ASSAY_FAIL(err, MISMATCH, "header %llu is of chain \"%.*s\", not \"%s\"", height,
                          (int)header->chain_id.size, (const char *)header->chain_id.data,
                          chain_id);
    if (block->commit_height != header->height)
        return ASSAY_FAIL(err, MISMATCH, "commit is for height %llu, header for %llu",
                          (ull)block->commit_height, height);
    if (!assay_hash_equal(&block->commit_block.hash, &block->hash))
        return ASSAY_FAIL(err, MISMATCH, "commit of height %llu signs another header", height);
    if (block->signature_count != block->set.count)
        return ASSAY_FAIL(err, MISMATCH, "commit of height %llu has %u signatures, its set %u",
                          height, block->signature_count, block->set.count);
    ASSAY_TRY(assay_light_set_hash(&set_hash, &block->set, arena, err));
    if (!bytes_are(&header->hashes[ASSAY_HEADER_VALIDATORS], &set_hash))
        return ASSAY_FAIL(err, MISMATCH, "header %llu names another validator set", height);
    return ASSAY_OK;
}

assay_status assay_light_check(const assay_light_block *block, const char *chain_id,
                               assay_arena *arena, assay_error *err) {
    ASSAY_TRY(whole_check(block, chain_id, arena, err));
    return own_power_check(block, err);
}

// --- trust by overlap ---

static int address_compare(const void *a, const void *b) {
    const assay_light_validator *const *left = a, *const *right = b;
    return memcmp((*left)->address.bytes, (*right)->address.bytes, ASSAY_ADDRESS_SIZE);
}

// The trusted set by address, and who was counted.
typedef struct {
    const assay_light_validator **sorted; // [count]
    bool *counted;                        // [count]
    uint32_t count;
} roll;

static assay_status roll_make(roll *out, const assay_light_set *set, assay_arena *arena,
                              assay_error *err) {
    void *sorted, *counted;
    ASSAY_TRY(assay_arena_get(arena, set->count, sizeof *out->sorted, "validators", &sorted, err));
    ASSAY_TRY(assay_arena_get(arena, set->count, sizeof(bool), "validators", &counted, err));
    *out = (roll){sorted, counted, set->count};
    for (uint32_t i = 0; i < set->count; i++)
        out->sorted[i] = &set->validators[i];
    qsort(out->sorted, set->count, sizeof *out->sorted, address_compare);
    return ASSAY_OK;
}

static int64_t roll_find(const roll *r, const assay_address *address) {
    uint32_t low = 0, high = r->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = memcmp(r->sorted[middle]->address.bytes, address->bytes, ASSAY_ADDRESS_SIZE);
        if (order == 0) return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

// More than the trust level's share of the trusted set signed the new block. E-44
static assay_status overlap_check(const assay_light_set *trusted, const assay_light_block *block,
                                  const assay_light_policy *policy, bool *far, assay_arena *arena,
                                  assay_error *err) {
    roll r;
    uint64_t got = 0;
    uint64_t needed =
        (uint64_t)((u128)trusted->power * policy->trust_numerator / policy->trust_denominator);
    ASSAY_TRY(roll_make(&r, trusted, arena, err));
    for (uint32_t i = 0; i < block->signature_count && got <= needed; i++) {
        if (block->signatures[i].flag != ASSAY_LIGHT_COMMIT) continue;
        int64_t at = roll_find(&r, &block->signatures[i].validator);
        if (at < 0) continue;
        if (r.counted[at])
            return ASSAY_FAIL(err, DUPLICATE, "signature %u is of a validator that signed before",
                              i);
        r.counted[at] = true;
        ASSAY_TRY(signature_check(block, i, r.sorted[at]->key, err));
        got += r.sorted[at]->power;
    }
    if (got > needed) return ASSAY_OK;
    *far = true;
    return ASSAY_FAIL(err, RANGE,
                      "power %llu of %llu in the trusted set signed height %llu, more than %llu "
                      "needed",
                      (ull)got, (ull)trusted->power, (ull)block->header.height, (ull)needed);
}

// E-43
static assay_status times_check(const assay_light_block *trusted, const assay_light_block *block,
                                const assay_light_policy *policy, assay_time now,
                                assay_error *err) {
    const assay_header_view *old = &trusted->header, *new = &block->header;
    if (!later(after(old->time, policy->trusting_seconds), now))
        return ASSAY_FAIL(err, RANGE,
                          "the trusted header of height %llu is of %llu s, %llu s is how long it "
                          "may be trusted, now is %llu s",
                          (ull)old->height, (ull)old->time.seconds, (ull)policy->trusting_seconds,
                          (ull)now.seconds);
    if (new->height <= old->height)
        return ASSAY_FAIL(err, RANGE, "height %llu is not above the trusted %llu",
                          (ull) new->height, (ull)old->height);
    if (!later(new->time, old->time))
        return ASSAY_FAIL(err, RANGE, "header %llu is not later than the trusted one",
                          (ull) new->height);
    if (!later(after(now, policy->drift_seconds), new->time))
        return ASSAY_FAIL(err, RANGE, "header %llu is of %llu s, now is %llu s", (ull) new->height,
                          (ull) new->time.seconds, (ull)now.seconds);
    return ASSAY_OK;
}

assay_status assay_light_verify(const assay_light_block *trusted, const assay_light_block *block,
                                const assay_light_policy *policy, assay_time now, bool *far,
                                assay_arena *arena, assay_error *err) {
    *far = false;
    ASSAY_TRY(times_check(trusted, block, policy, now, err));
    ASSAY_TRY(whole_check(block, policy->chain_id, arena, err));
    if (block->header.height == trusted->header.height + 1) {
        const assay_bytes *named = &trusted->header.hashes[ASSAY_HEADER_NEXT_VALIDATORS];
        const assay_bytes *set = &block->header.hashes[ASSAY_HEADER_VALIDATORS];
        if (named->size != set->size || memcmp(named->data, set->data, set->size) != 0)
            return ASSAY_FAIL(err, MISMATCH, "header %llu has another set than header %llu said",
                              (ull)block->header.height, (ull)trusted->header.height);
    } else {
        ASSAY_TRY(overlap_check(&trusted->set, block, policy, far, arena, err));
    }
    return own_power_check(block, err);
}
