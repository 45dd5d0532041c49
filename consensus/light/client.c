// SPDX-License-Identifier: Apache-2.0
#include "consensus/light/client.h"

#include "base/hex.h"

typedef unsigned long long ull;

typedef struct {
    const assay_light_options *options;
    assay_light_policy policy;
    char chain_id[ASSAY_CHAIN_ID_MAX + 1];
    assay_arena *arena;
    uint32_t fetches;
} following;

static assay_status fetch(following *f, const assay_light_source *source, uint64_t height,
                          assay_light_block *out, assay_error *err) {
    if (f->fetches == ASSAY_LIGHT_FETCHES_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u headers were fetched and more are needed, the limit",
                          f->fetches);
    f->fetches++;
    ASSAY_TRY(source->fetch(source->self, height, out, f->arena, err));
    if (height && out->header.height != height)
        return ASSAY_FAIL(err, MISMATCH, "%s gives height %llu, not %llu", source->name,
                          (ull)out->header.height, (ull)height);
    return ASSAY_OK;
}

static assay_status hash_fail(const char *who, uint64_t height, const assay_hash *has,
                              const assay_hash *expected, assay_error *err) {
    char a[2 * ASSAY_HASH_SIZE + 1], b[2 * ASSAY_HASH_SIZE + 1];
    assay_hex_encode(a, has->bytes, ASSAY_HASH_SIZE);
    assay_hex_encode(b, expected->bytes, ASSAY_HASH_SIZE);
    return ASSAY_FAIL(err, MISMATCH, "%s has header %s at height %llu, not %s", who, a, (ull)height,
                      b);
}

static assay_status trusted_fetch(following *f, assay_light_block *out, assay_error *err) {
    const assay_light_options *options = f->options;
    ASSAY_TRY(fetch(f, &options->primary, options->trusted_height, out, err));
    if (!assay_hash_equal(&out->hash, &options->trusted_hash))
        return hash_fail(options->primary.name, options->trusted_height, &out->hash,
                         &options->trusted_hash, err);
    if (!f->policy.chain_id) {
        memcpy(f->chain_id, out->header.chain_id.data, out->header.chain_id.size);
        f->policy.chain_id = f->chain_id;
    }
    return assay_light_check(out, f->policy.chain_id, f->arena, err);
}

// The blocks not yet verified, the target deepest: each is half as far as the one below it.
static assay_status bisect(following *f, assay_light_block *trusted,
                           const assay_light_block *target, assay_error *err) {
    const assay_light_options *options = f->options;
    assay_light_block pivots[ASSAY_LIGHT_STEPS_MAX];
    uint32_t depth = 1;
    pivots[0] = *target;
    while (depth) {
        const assay_light_block *next = &pivots[depth - 1];
        assay_error why = {0};
        bool far;
        assay_status status =
            assay_light_verify(trusted, next, &f->policy, options->now, &far, f->arena, &why);
        if (status == ASSAY_OK) {
            *trusted = *next;
            depth--;
            continue;
        }
        if (!far || depth == ASSAY_LIGHT_STEPS_MAX)
            return assay_fail(err, status, 0, "%s", why.text);
        uint64_t low = trusted->header.height;
        uint64_t height = low + (next->header.height - low) / 2;
        ASSAY_TRY(fetch(f, &options->primary, height, &pivots[depth], err));
        depth++;
    }
    return ASSAY_OK;
}

// Every header names the one before it.
static assay_status backwards(following *f, assay_light_block *trusted, uint64_t height,
                              assay_error *err) {
    while (trusted->header.height > height) {
        assay_light_block below;
        ASSAY_TRY(fetch(f, &f->options->primary, trusted->header.height - 1, &below, err));
        if (!assay_hash_equal(&below.hash, &trusted->header.last_block.hash))
            return hash_fail(f->options->primary.name, below.header.height, &below.hash,
                             &trusted->header.last_block.hash, err);
        ASSAY_TRY(assay_light_check(&below, f->policy.chain_id, f->arena, err));
        *trusted = below;
    }
    return ASSAY_OK;
}

static assay_status witnesses_ask(following *f, const assay_light_block *block, assay_error *err) {
    for (uint32_t i = 0; i < f->options->witness_count; i++) {
        const assay_light_source *witness = &f->options->witnesses[i];
        assay_light_block other;
        ASSAY_TRY(fetch(f, witness, block->header.height, &other, err));
        if (!assay_hash_equal(&other.hash, &block->hash))
            return hash_fail(witness->name, block->header.height, &other.hash, &block->hash, err);
    }
    return ASSAY_OK;
}

assay_status assay_light_follow(assay_light_block *out, uint32_t *fetches,
                                const assay_light_options *options, uint64_t height,
                                assay_arena *arena, assay_error *err) {
    following f = {options, options->policy, "", arena, 0};
    assay_light_block target;
    assay_status status = trusted_fetch(&f, out, err);
    bool ahead = height == 0 || height > options->trusted_height;
    if (status == ASSAY_OK && ahead) status = fetch(&f, &options->primary, height, &target, err);
    if (status == ASSAY_OK && ahead && target.header.height > options->trusted_height)
        status = bisect(&f, out, &target, err);
    else if (status == ASSAY_OK && !ahead)
        status = backwards(&f, out, height, err);
    if (status == ASSAY_OK) status = witnesses_ask(&f, out, err);
    *fetches = f.fetches;
    return status;
}
