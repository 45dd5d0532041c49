// SPDX-License-Identifier: Apache-2.0
// The one source of chance: Philox under the seed, after the choices that somebody else has made,
// if any. Whoever wants numbers of his own that do not move when others draw more or fewer takes
// another stream.
#ifndef ASSAY_TESTS_SIM_RANDOM_H
#define ASSAY_TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/philox.h"

typedef struct {
    uint32_t key[2], counter[4], words[4];
    uint32_t left;          // words not drawn yet
    const uint8_t *choices; // borrowed [choice_count], drawn before all words
    size_t choice_count;
} sim_random;

static inline void sim_random_init(sim_random *random, uint64_t seed, uint32_t stream) {
    *random =
        (sim_random){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)}, .counter = {[3] = stream}};
}

// A number below `limit` > 0; the bias of a modulo does no harm here.
static inline uint32_t sim_draw(sim_random *random, uint32_t limit) {
    if (random->choice_count > 0) {
        uint32_t word = 0;
        for (uint32_t rest = limit - 1; rest > 0 && random->choice_count > 0; rest >>= 8) {
            word = word << 8 | *random->choices++;
            random->choice_count--;
        }
        return word % limit;
    }
    if (random->left == 0) {
        assay_philox4x32(random->words, random->counter, random->key);
        random->counter[0]++;
        random->left = 4;
    }
    return random->words[--random->left] % limit;
}

static inline bool sim_chance(sim_random *random, uint32_t percent) {
    return sim_draw(random, 100) < percent;
}

#endif
