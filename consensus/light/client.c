// SPDX-License-Identifier: Apache-2.0
#include "consensus/light/client.h"

#include "base/hex.h"

// A header that was verified, and the next one on the way.
typedef struct step {
    assay_light_block block;
    struct step *next;
} step;

typedef struct {
    const assay_light_options *options;
    assay_light_policy policy;
    char chain_id[ASSAY_CHAIN_ID_MAX + 1];
    assay_arena *arena;
    assay_light_report *report;
    uint32_t fetches_max; // for the source that is asked now
    step first;           // the primary's way: the trusted header and those that follow
} following;

const char *assay_witness_verdict_name(assay_witness_verdict verdict) {
    static const char *const names[] = {"unasked", "agrees", "silent", "faulty", "proves"};
    return names[verdict];
}

static assay_status fetch(following *f, const assay_light_source *source, uint64_t height,
                          assay_light_block *out, assay_error *err) {
    if (f->report->fetches == f->fetches_max)
        return ASSAY_FAIL(err, CAPACITY, "%d headers were fetched and more are needed, the limit",
                          ASSAY_LIGHT_FETCHES_MAX);
    f->report->fetches++;
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

// Takes note of a verified block as the way's next one.
static assay_status step_add(following *f, step **last, const assay_light_block *block,
                             assay_error *err) {
    void *room;
    ASSAY_TRY(assay_arena_get(f->arena, 1, sizeof **last, "way", &room, err));
    *last = (*last)->next = room;
    (*last)->block = *block;
    return ASSAY_OK;
}

// From *trusted, which becomes the target, by blocks of `source`. Those not yet verified, the
// target deepest: each is half as far as the one below it. way: the last step, or NULL to note
// none.
static assay_status bisect(following *f, const assay_light_source *source, step *way,
                           assay_light_block *trusted, const assay_light_block *target,
                           assay_error *err) {
    assay_light_block pivots[ASSAY_LIGHT_STEPS_MAX];
    uint32_t depth = 1;
    pivots[0] = *target;
    while (depth) {
        const assay_light_block *next = &pivots[depth - 1];
        // Fetching takes time, in which the chain goes on.
        const assay_time now = f->options->clock ? f->options->clock() : f->options->now;
        assay_error why = {0};
        bool far;
        assay_status status =
            assay_light_verify(trusted, next, &f->policy, now, &far, f->arena, &why);
        if (status == ASSAY_OK) {
            *trusted = *next;
            if (way) ASSAY_TRY(step_add(f, &way, next, err));
            depth--;
            continue;
        }
        if (!far || depth == ASSAY_LIGHT_STEPS_MAX) return assay_error_pass(err, &why);
        uint64_t low = trusted->header.height;
        uint64_t height = low + (next->header.height - low) / 2;
        ASSAY_TRY(fetch(f, source, height, &pivots[depth], err));
        depth++;
    }
    return ASSAY_OK;
}

// How many headers lie on a way back, one a height, is known before any is asked for.
static assay_status way_back_check(uint64_t height, uint64_t trusted_height, assay_error *err) {
    if (trusted_height - height < ASSAY_LIGHT_FETCHES_MAX) return ASSAY_OK;
    return ASSAY_FAIL(err, CAPACITY,
                      "height %llu is %llu blocks below the trusted header, limit %d", (ull)height,
                      (ull)(trusted_height - height), ASSAY_LIGHT_FETCHES_MAX - 1);
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

// --- witnesses ---

static bool is_silence(assay_status status) {
    return status == ASSAY_NOT_FOUND || status == ASSAY_NETWORK || status == ASSAY_TIMEOUT;
}

// The witness's block of the height of `own`, or its last one if that is lower and yet no earlier:
// a forger may write a height that the chain has not come to. A witness that is behind in time as
// well says nothing.
static assay_status counterpart_fetch(following *f, const assay_light_source *witness,
                                      const assay_light_block *own, assay_light_block *out,
                                      assay_error *err) {
    assay_error why = {0};
    uint64_t height = own->header.height;
    assay_status status = fetch(f, witness, height, out, &why);
    if (status == ASSAY_NOT_FOUND) {
        assay_status last = fetch(f, witness, 0, out, err);
        if (last != ASSAY_OK && !is_silence(last)) return last;
        if (last == ASSAY_OK && out->header.height > height) // it has come meanwhile
            return fetch(f, witness, height, out, err);
        if (last == ASSAY_OK && (out->header.height == height ||
                                 !assay_time_is_later(&own->header.time, &out->header.time)))
            return ASSAY_OK;
    }
    return status == ASSAY_OK ? ASSAY_OK : assay_error_pass(err, &why);
}

// Where two ways part: the first blocks that differ, and the last height below that both have.
typedef struct {
    assay_light_block ours, theirs;
    uint64_t common_height;
} parting;

// Verifies `other` by the witness's own blocks, from the trusted header and by the heights of the
// primary's way, to where it parts from it. Errors: whatever keeps it from being verified. E-95
static assay_status other_verify(following *f, const assay_light_source *witness,
                                 const assay_light_block *other, parting *out, assay_error *err) {
    const assay_light_block *trusted = &f->first.block;
    ASSAY_TRY(fetch(f, witness, trusted->header.height, &out->theirs, err));
    if (!assay_hash_equal(&out->theirs.hash, &trusted->hash))
        return hash_fail("the witness", trusted->header.height, &out->theirs.hash, &trusted->hash,
                         err);
    out->theirs = *trusted; // whose validators are its header's: the witness may name others
    for (const step *at = f->first.next; at; at = at->next) {
        assay_light_block next = *other;
        uint64_t height = at->block.header.height;
        out->common_height = out->theirs.header.height;
        if (other->header.height > height) ASSAY_TRY(fetch(f, witness, height, &next, err));
        if (next.header.height > out->common_height)
            ASSAY_TRY(bisect(f, witness, NULL, &out->theirs, &next, err));
        else if (!assay_hash_equal(&next.hash, &out->theirs.hash))
            return hash_fail("the witness", next.header.height, &next.hash, &out->theirs.hash, err);
        out->ours = at->block;
        if (!assay_hash_equal(&out->theirs.hash, &at->block.hash)) return ASSAY_OK;
    }
    ASSAY_ASSERT(!"`other` is no higher than the way's end and not the block there");
}

// OK: it has the same header.
static assay_status witness_ask(following *f, const assay_light_source *witness,
                                const assay_light_block *own, assay_error *err) {
    assay_light_block other;
    parting fork;
    assay_error why = {0};
    char a[2 * ASSAY_HASH_SIZE + 1], b[2 * ASSAY_HASH_SIZE + 1];
    ASSAY_TRY(counterpart_fetch(f, witness, own, &other, err));
    if (assay_hash_equal(&other.hash, &own->hash)) return ASSAY_OK;
    // At the trusted height and below, ours is known by the hash that was given.
    if (!f->first.next)
        return hash_fail("the witness", own->header.height, &other.hash, &own->hash, err);
    assay_status status = other_verify(f, witness, &other, &fork, &why);
    if (status == ASSAY_CAPACITY || status == ASSAY_MEMORY) return assay_error_pass(err, &why);
    if (status != ASSAY_OK) {
        assay_hex_encode(a, other.hash.bytes, ASSAY_HASH_SIZE);
        return ASSAY_FAIL(err, MISMATCH,
                          "it has header %s at height %llu and cannot prove it: %.150s", a,
                          (ull)other.header.height, why.text);
    }
    f->report->common_height = fork.common_height;
    assay_hex_encode(a, fork.theirs.hash.bytes, ASSAY_HASH_SIZE);
    assay_hex_encode(b, fork.ours.hash.bytes, ASSAY_HASH_SIZE);
    return ASSAY_FAIL(err, FORK,
                      "it proves header %s of height %llu, the node %s of %llu: an attack above "
                      "height %llu, the last they share",
                      a, (ull)fork.theirs.header.height, b, (ull)fork.ours.header.height,
                      (ull)fork.common_height);
}

static assay_witness_verdict verdict_of(assay_status status) {
    if (status == ASSAY_OK) return ASSAY_WITNESS_AGREES;
    if (status == ASSAY_FORK) return ASSAY_WITNESS_PROVES;
    return is_silence(status) ? ASSAY_WITNESS_SILENT : ASSAY_WITNESS_FAULTY;
}

// Someone must agree; who proves another header ends it, and so does what cannot be looked into.
static assay_status witnesses_ask(following *f, const assay_light_block *own, assay_error *err) {
    uint32_t agreed = 0, count = f->options->witness_count, worst = 0;
    ASSAY_ASSERT(count <= ASSAY_LIGHT_WITNESSES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const assay_light_source *witness = &f->options->witnesses[i];
        assay_error *why = &f->report->witnesses[i].why;
        assay_arena_mark mark = assay_arena_mark_take(f->arena);
        f->fetches_max = f->report->fetches + ASSAY_LIGHT_FETCHES_MAX;
        assay_status status = witness_ask(f, witness, own, why);
        assay_arena_rewind(f->arena, mark);
        f->report->witnesses[i].verdict = verdict_of(status);
        if (status == ASSAY_FORK || status == ASSAY_CAPACITY || status == ASSAY_MEMORY)
            return assay_fail(err, status, 0, "witness %.60s: %s", witness->name, why->text);
        agreed += status == ASSAY_OK;
        if (f->report->witnesses[i].verdict > f->report->witnesses[worst].verdict) worst = i;
    }
    if (count == 0 || agreed > 0) return ASSAY_OK;
    const assay_error *why = &f->report->witnesses[worst].why;
    return assay_fail(err, is_silence(why->status) ? why->status : ASSAY_MISMATCH, 0,
                      "no witness has the header: %.60s: %s", f->options->witnesses[worst].name,
                      why->text);
}

assay_status assay_light_follow(assay_light_block *out, assay_light_report *report,
                                const assay_light_options *options, uint64_t height,
                                assay_arena *arena, assay_error *err) {
    following f = {.options = options,
                   .policy = options->policy,
                   .arena = arena,
                   .report = report,
                   .fetches_max = ASSAY_LIGHT_FETCHES_MAX};
    assay_light_block target;
    *report = (assay_light_report){0};
    bool ahead = height == 0 || height > options->trusted_height;
    if (!ahead) ASSAY_TRY(way_back_check(height, options->trusted_height, err));
    assay_status status = trusted_fetch(&f, out, err);
    if (status == ASSAY_OK) f.first.block = *out;
    if (status == ASSAY_OK && ahead) status = fetch(&f, &options->primary, height, &target, err);
    if (status == ASSAY_OK && ahead && target.header.height > options->trusted_height)
        status = bisect(&f, &options->primary, &f.first, out, &target, err);
    else if (status == ASSAY_OK && !ahead)
        status = backwards(&f, out, height, err);
    return status == ASSAY_OK ? witnesses_ask(&f, out, err) : status;
}
