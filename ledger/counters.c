// SPDX-License-Identifier: Apache-2.0
#include "ledger/counters.h"

#include <stdlib.h>

enum { SLOTS = 1024 }; // a power of two above ASSAY_SCORES_MAX: a search always ends

typedef struct {
    assay_address validator; // zero: free
    assay_score score;
} slot;

struct assay_scores {
    slot slots[SLOTS];
    uint32_t count;
};

void assay_counts_add(assay_counts *sum, const assay_counts *more) {
    for (int i = 0; i < ASSAY_COUNTED_MAX; i++)
        sum->of[i] += more->of[i];
    for (int i = 0; i < ASSAY_SCORE_MAX; i++)
        sum->scored[i] += more->scored[i];
}

assay_status assay_scores_open(assay_scores **out, assay_error *err) {
    *out = calloc(1, sizeof **out);
    return *out ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "no memory for validators' scores");
}

void assay_scores_close(assay_scores *scores) {
    free(scores);
}

void assay_scores_reset(assay_scores *scores) {
    if (scores && scores->count) memset(scores, 0, sizeof *scores);
}

// The validator's slot, or the free one in which it belongs.
static uint32_t slot_find(const assay_scores *scores, const assay_address *validator) {
    uint32_t at = assay_load_be32(validator->bytes) % SLOTS;
    while (!assay_address_equal(&scores->slots[at].validator, validator) &&
           !assay_address_is_zero(&scores->slots[at].validator))
        at = (at + 1) % SLOTS;
    return at;
}

// A validator's score to add to, NULL where there is no room.
static assay_score *score_take(assay_scores *scores, const assay_address *validator) {
    if (!scores || assay_address_is_zero(validator)) return NULL;
    slot *own = &scores->slots[slot_find(scores, validator)];
    if (assay_address_is_zero(&own->validator)) {
        if (scores->count == ASSAY_SCORES_MAX) return NULL;
        scores->count++;
        own->validator = *validator;
    }
    return &own->score;
}

void assay_scores_add(assay_scores *scores, const assay_address *validator, assay_scored what,
                      uint64_t by, uint64_t height) {
    assay_score *score = score_take(scores, validator);
    if (!score) return;
    score->of[what] += by;
    if (what >= ASSAY_SCORE_MISSED && what <= ASSAY_SCORE_WRONG) score->fault_height = height;
}

void assay_scores_merge(assay_scores *scores, const assay_scores *more) {
    for (uint32_t i = 0; more->count && i < SLOTS; i++) {
        const slot *one = &more->slots[i];
        assay_score *score = score_take(scores, &one->validator);
        if (!score) continue;
        for (int j = 0; j < ASSAY_SCORE_MAX; j++)
            score->of[j] += one->score.of[j];
        if (one->score.fault_height) score->fault_height = one->score.fault_height;
    }
}

bool assay_scores_find(assay_score *out, const assay_scores *scores,
                       const assay_address *validator) {
    const slot *own = &scores->slots[slot_find(scores, validator)];
    bool found = !assay_address_is_zero(&own->validator);
    *out = found ? own->score : (assay_score){0};
    return found;
}
