// SPDX-License-Identifier: Apache-2.0
// The tokens kept by top-k and top-p are a prefix in the order (weight descending, id ascending).
// With key = weight * 2^32 + ~id that order is plain descending order, and a prefix is "key at
// least cutoff": no sorted list is needed to walk the kept tokens in ascending id.
#include "quant/sampler.h"

#include "base/philox.h"
#include "kernels/float.h"

__extension__ typedef unsigned __int128 u128;

assay_status assay_sampling_check(const assay_sampling *sampling, assay_error *err) {
    if (sampling->temperature_milli > ASSAY_SAMPLING_TEMPERATURE_MAX)
        return ASSAY_FAIL(err, RANGE, "temperature of %u thousandths, limit %d",
                          sampling->temperature_milli, ASSAY_SAMPLING_TEMPERATURE_MAX);
    if (sampling->top_p_ppm < 1 || sampling->top_p_ppm > ASSAY_SAMPLING_PPM)
        return ASSAY_FAIL(err, RANGE, "top-p of %u millionths, limits 1 and %d",
                          sampling->top_p_ppm, ASSAY_SAMPLING_PPM);
    return ASSAY_OK;
}

assay_sampler assay_sampler_in(void *scratch, const assay_kernels *kernels, uint32_t vocab_size) {
    uint64_t *order = scratch;
    return (assay_sampler){kernels, vocab_size, order, (float *)(order + vocab_size)};
}

static uint64_t key_of(uint32_t weight, uint32_t id) {
    return (uint64_t)weight << 32 | (uint32_t)~id;
}

static void heap_sink(uint64_t *heap, size_t count, size_t at) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) return;
        if (child + 1 < count && heap[child + 1] > heap[child]) child++;
        if (heap[at] >= heap[child]) return;
        uint64_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

// Takes the highest key off the heap and leaves it behind the heap's new end.
static uint64_t heap_take(uint64_t *heap, size_t *count) {
    uint64_t key = heap[0];
    heap[0] = heap[--*count];
    heap[*count] = key;
    heap_sink(heap, *count, 0);
    return key;
}

static void heap_make(uint64_t *heap, size_t count) {
    for (size_t i = count / 2; i-- > 0;)
        heap_sink(heap, count, i);
}

// Fills weights with exponentials and order with the keys whose weight is not 0.
// Returns: their number, at least 1; *total gets the sum of the weights.
static size_t weights_fill(const assay_sampler *sampler, uint64_t *total, const float *logits,
                           float max, uint32_t temperature_milli) {
    float temperature = (float)temperature_milli / 1000.0f;
    size_t count = 0;
    for (uint32_t i = 0; i < sampler->vocab_size; i++)
        sampler->weights[i] = (logits[i] - max) / temperature;
    sampler->kernels->exp(sampler->weights, sampler->weights, sampler->vocab_size);
    *total = 0;
    for (uint32_t i = 0; i < sampler->vocab_size; i++) {
        uint32_t weight = assay_unit24(sampler->weights[i]);
        *total += weight;
        if (weight) sampler->order[count++] = key_of(weight, i);
    }
    return count;
}

// The lowest kept key, 0 where all are kept; *sum goes from the sum of all weights to that of the
// kept ones. The keys are put in order only as far as they are cut: a heap of all of 128,256 costs
// half as much as everything else here.
static uint64_t cutoff_find(uint64_t *order, size_t count, uint64_t *sum,
                            const assay_sampling *sampling) {
    size_t left = count;
    size_t kept_max = sampling->top_k && sampling->top_k < count ? sampling->top_k : count;
    if (kept_max == count && sampling->top_p_ppm == ASSAY_SAMPLING_PPM) return 0;
    heap_make(order, count);
    if (kept_max < count) {
        *sum = 0;
        for (size_t i = 0; i < kept_max; i++)
            *sum += heap_take(order, &left) >> 32;
    }
    uint64_t enough = (uint64_t)(((u128)*sum * sampling->top_p_ppm + ASSAY_SAMPLING_PPM - 1) /
                                 ASSAY_SAMPLING_PPM);
    uint64_t running = 0, cutoff = 0;
    for (size_t i = 0; running < enough; i++) {
        cutoff = count - i > left ? order[count - 1 - i] : heap_take(order, &left);
        running += cutoff >> 32;
    }
    *sum = running;
    return cutoff;
}

static uint64_t position_random(uint64_t seed, uint64_t position) {
    const uint32_t counter[4] = {(uint32_t)position, (uint32_t)(position >> 32), 0, 0};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t words[4];
    assay_philox4x32(words, counter, key);
    return words[0] | (uint64_t)words[1] << 32;
}

static uint32_t choose(const assay_sampler *sampler, const float *logits,
                       const assay_sampling *sampling, uint64_t position) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < sampler->vocab_size; i++)
        if (logits[i] > logits[best]) best = i;
    if (sampling->temperature_milli == 0) return best;

    uint64_t sum;
    size_t count = weights_fill(sampler, &sum, logits, logits[best], sampling->temperature_milli);
    uint64_t cutoff = cutoff_find(sampler->order, count, &sum, sampling);
    uint64_t point = (uint64_t)((u128)position_random(sampling->seed, position) * sum >> 64);
    uint64_t running = 0;
    uint32_t id = 0;
    for (;; id++) {
        ASSAY_ASSERT(id < sampler->vocab_size);
        uint32_t weight = assay_unit24(sampler->weights[id]);
        if (key_of(weight, id) < cutoff) continue;
        running += weight;
        if (running > point) return id;
    }
}

uint32_t assay_sampler_choose(const assay_sampler *sampler, const float *logits,
                              const assay_sampling *sampling, uint64_t position) {
    uint64_t former = assay_float_enter();
    uint32_t id = choose(sampler, logits, sampling, position);
    assay_float_leave(former);
    return id;
}
