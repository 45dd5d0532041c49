// SPDX-License-Identifier: Apache-2.0
#include "consensus/light/verify.h"

#include "base/hex.h"

static bool bytes_are(const assay_bytes *bytes, const assay_hash *hash) {
    return bytes->size == ASSAY_HASH_SIZE && memcmp(bytes->data, hash->bytes, ASSAY_HASH_SIZE) == 0;
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

// E-42
static assay_status whole_check(const assay_light_block *block, const char *chain_id,
                                assay_arena *arena, assay_error *err) {
    const assay_header_view *header = &block->header;
    ull height = header->height;
    assay_hash set_hash;
    if (header->block_version != ASSAY_BLOCK_PROTOCOL)
        return ASSAY_FAIL(err, VERSION, "header %llu is of block version %llu, known is %d", height,
                          (ull)header->block_version, ASSAY_BLOCK_PROTOCOL);
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

// --- whose votes count ---

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
    const assay_light_validator wanted = {.address = *address}, *key = &wanted;
    const assay_light_validator *const *found =
        bsearch(&key, r->sorted, r->count, sizeof *r->sorted, address_compare);
    return found ? found - (const assay_light_validator *const *)r->sorted : -1;
}

// A part of a set's power, rounded down.
static uint64_t share(const assay_light_set *set, uint32_t numerator, uint32_t denominator) {
    return (uint64_t)((assay_u128)set->power * numerator / denominator);
}

// One count of a block's votes. Those whose signatures held in an earlier count of it are noted, so
// that none is checked twice.
typedef struct {
    const assay_light_block *block;
    const assay_light_set *set; // whose power counts
    roll *trusted;              // its voters are found by address; NULL: each at its own place
    bool *good;                 // [signature_count]
    uint64_t needed;            // more than this
    assay_arena *arena;
} count;

// The validator whose vote stands at `index`, NULL where none counts.
static assay_status voter_find(const assay_light_validator **out, const count *c, uint32_t index,
                               assay_error *err) {
    const assay_light_signature *signature = &c->block->signatures[index];
    *out = NULL;
    if (signature->flag != ASSAY_LIGHT_COMMIT) return ASSAY_OK;
    if (!c->trusted) {
        *out = &c->set->validators[index];
        if (assay_address_equal(&signature->validator, &(*out)->address)) return ASSAY_OK;
        return ASSAY_FAIL(err, MISMATCH, "signature %u is not that of validator %u", index, index);
    }
    int64_t at = roll_find(c->trusted, &signature->validator);
    if (at < 0) return ASSAY_OK;
    if (c->trusted->counted[at])
        return ASSAY_FAIL(err, DUPLICATE, "signature %u is of a validator that signed before",
                          index);
    c->trusted->counted[at] = true;
    *out = c->trusted->sorted[at];
    return ASSAY_OK;
}

// As CometBFT does: the votes are counted, in their order, until they suffice, and only if they do,
// those are checked. What one more signature is worth changes nothing; nor does a bad one where the
// power is too little (*few) anyway, so that a step by way of another header is still tried.
static assay_status power_check(const count *c, bool *few, assay_error *err) {
    uint64_t got = 0;
    uint32_t end = 0;
    void *room;
    ASSAY_TRY(assay_arena_get(c->arena, c->block->signature_count, sizeof(assay_light_validator *),
                              "votes", &room, err));
    const assay_light_validator **voters = room;
    for (; end < c->block->signature_count && got <= c->needed; end++) {
        ASSAY_TRY(voter_find(&voters[end], c, end, err));
        if (voters[end]) got += voters[end]->power;
    }
    *few = got <= c->needed;
    if (*few)
        return ASSAY_FAIL(err, RANGE,
                          "power %llu of %llu in %s set signed height %llu, more than "
                          "%llu needed",
                          (ull)got, (ull)c->set->power, c->trusted ? "the trusted" : "its own",
                          (ull)c->block->header.height, (ull)c->needed);
    for (uint32_t i = 0; i < end; i++) {
        if (!voters[i] || c->good[i]) continue;
        ASSAY_TRY(signature_check(c->block, i, voters[i]->key, err));
        c->good[i] = true;
    }
    return ASSAY_OK;
}

static assay_status good_make(bool **out, const assay_light_block *block, assay_arena *arena,
                              assay_error *err) {
    void *room;
    ASSAY_TRY(assay_arena_get(arena, block->signature_count, 1, "signatures", &room, err));
    *out = room;
    return ASSAY_OK;
}

// More than 2/3 of the block's own set, each at its own place. E-42
static assay_status own_check(const assay_light_block *block, bool *good, assay_arena *arena,
                              assay_error *err) {
    bool few;
    const count own = {block, &block->set, NULL, good, share(&block->set, 2, 3), arena};
    return power_check(&own, &few, err);
}

// More than the trust level's share of the trusted set. E-44
static assay_status overlap_check(const assay_light_set *trusted, const assay_light_block *block,
                                  const assay_light_policy *policy, bool *good, bool *far,
                                  assay_arena *arena, assay_error *err) {
    roll voters;
    ASSAY_TRY(roll_make(&voters, trusted, arena, err));
    const count overlap = {block,
                           trusted,
                           &voters,
                           good,
                           share(trusted, policy->trust_numerator, policy->trust_denominator),
                           arena};
    return power_check(&overlap, far, err);
}

assay_status assay_light_check(const assay_light_block *block, const char *chain_id,
                               assay_arena *arena, assay_error *err) {
    bool *good;
    assay_arena_mark mark = assay_arena_mark_take(arena);
    assay_status status = whole_check(block, chain_id, arena, err);
    if (status == ASSAY_OK) status = good_make(&good, block, arena, err);
    if (status == ASSAY_OK) status = own_check(block, good, arena, err);
    assay_arena_rewind(arena, mark);
    return status;
}

assay_status assay_light_check_own(const assay_commit *commit, const assay_header *header,
                                   const char *chain_id, const uint8_t *public_key, uint64_t power,
                                   assay_arena *arena, assay_error *err) {
    assay_light_validator own = {.power = power};
    assay_light_signature signature = {ASSAY_LIGHT_COMMIT, commit->validator, commit->time, {0}};
    assay_light_block block = {.commit_height = commit->height,
                               .commit_block = commit->block,
                               .signatures = &signature,
                               .signature_count = 1,
                               .set = {&own, 1, power}};
    memcpy(own.key, public_key, sizeof own.key);
    assay_ed25519_address(&own.address, public_key);
    memcpy(signature.signature, commit->signature, sizeof signature.signature);
    assay_header_view_of(&block.header, header);
    assay_header_hash(&block.hash, header);
    return assay_light_check(&block, chain_id, arena, err);
}

// E-43
static assay_status times_check(const assay_light_block *trusted, const assay_light_block *block,
                                const assay_light_policy *policy, assay_time now,
                                assay_error *err) {
    const assay_header_view *old = &trusted->header, *new = &block->header;
    const assay_time end = after(old->time, policy->trusting_seconds);
    const assay_time ahead = after(now, policy->drift_seconds);
    if (!assay_time_is_later(&end, &now))
        return ASSAY_FAIL(err, RANGE,
                          "the trusted header of height %llu is of %llu s, %llu s is how long it "
                          "may be trusted, now is %llu s",
                          (ull)old->height, (ull)old->time.seconds, (ull)policy->trusting_seconds,
                          (ull)now.seconds);
    if (new->height <= old->height)
        return ASSAY_FAIL(err, RANGE, "height %llu is not above the trusted %llu",
                          (ull) new->height, (ull)old->height);
    if (!assay_time_is_later(&new->time, &old->time))
        return ASSAY_FAIL(err, RANGE, "header %llu is not later than the trusted one",
                          (ull) new->height);
    if (!assay_time_is_later(&ahead, &new->time))
        return ASSAY_FAIL(err, RANGE, "header %llu is of %llu s, now is %llu s", (ull) new->height,
                          (ull) new->time.seconds, (ull)now.seconds);
    return ASSAY_OK;
}

static assay_status announced_check(const assay_light_block *trusted,
                                    const assay_light_block *block, assay_error *err) {
    const assay_bytes *named = &trusted->header.hashes[ASSAY_HEADER_NEXT_VALIDATORS];
    const assay_bytes *set = &block->header.hashes[ASSAY_HEADER_VALIDATORS];
    if (named->size == set->size && memcmp(named->data, set->data, set->size) == 0) return ASSAY_OK;
    return ASSAY_FAIL(err, MISMATCH, "header %llu has another set than header %llu said",
                      (ull)block->header.height, (ull)trusted->header.height);
}

assay_status assay_light_verify(const assay_light_block *trusted, const assay_light_block *block,
                                const assay_light_policy *policy, assay_time now, bool *far,
                                assay_arena *arena, assay_error *err) {
    bool *good;
    ASSAY_ASSERT(policy->trust_numerator <= policy->trust_denominator &&
                 (uint64_t)policy->trust_numerator * 3 >= policy->trust_denominator &&
                 policy->trust_denominator);
    *far = false;
    assay_arena_mark mark = assay_arena_mark_take(arena);
    assay_status status = times_check(trusted, block, policy, now, err);
    if (status == ASSAY_OK) status = whole_check(block, policy->chain_id, arena, err);
    if (status == ASSAY_OK) status = good_make(&good, block, arena, err);
    if (status == ASSAY_OK)
        status = block->header.height == trusted->header.height + 1
                     ? announced_check(trusted, block, err)
                     : overlap_check(&trusted->set, block, policy, good, far, arena, err);
    if (status == ASSAY_OK) status = own_check(block, good, arena, err);
    assay_arena_rewind(arena, mark);
    return status;
}
