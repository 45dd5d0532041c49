// SPDX-License-Identifier: Apache-2.0
#include "attribution/index.h"

#include <divsufsort.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// Bytes that hold every id up to `greatest`.
static uint32_t token_width(uint32_t greatest) {
    return greatest < 1u << 8 ? 1 : greatest < 1u << 16 ? 2 : greatest < 1u << 24 ? 3 : 4;
}

static assay_status tokens_count(assay_index *index, const uint32_t *tokens, size_t count,
                                 uint32_t *greatest, assay_error *err) {
    *greatest = 0;
    for (size_t i = 0; i < count; i++) {
        if (tokens[i] >= index->vocab_size)
            return ASSAY_FAIL(err, RANGE, "token %u at %zu, vocabulary %u", tokens[i], i,
                              index->vocab_size);
        index->counts[tokens[i]]++;
        if (tokens[i] > *greatest) *greatest = tokens[i];
    }
    return ASSAY_OK;
}

// libdivsufsort orders the suffixes of byte strings. Tokens written with one width, the most
// significant byte first, compare as bytes exactly as they compare as numbers; so the byte suffixes
// that start a token, in their order, are the token suffixes in theirs.
static assay_status suffixes_sort(assay_index *index, uint32_t width, assay_error *err) {
    size_t count = index->token_count, size = count * width, kept = 0;
    assay_status status = ASSAY_OK;
    uint8_t *text = malloc(size);
    saidx_t *order = malloc(size * sizeof *order);
    if (!text || !order) {
        status = ASSAY_FAIL(err, MEMORY, "no memory to sort %zu tokens", count);
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < width; k++)
            text[i * width + k] = (uint8_t)(index->tokens[i] >> (8 * (width - 1 - k)));
    if (divsufsort(text, order, (saidx_t)size) != 0) {
        status = ASSAY_FAIL(err, MEMORY, "no memory to sort %zu tokens", count);
        goto done;
    }
    for (size_t i = 0; i < size; i++)
        if ((uint32_t)order[i] % width == 0) index->order[kept++] = (uint32_t)order[i] / width;
    ASSAY_ASSERT(kept == count);
done:
    free(order);
    free(text);
    return status;
}

assay_status assay_index_open(assay_index *index, const uint32_t *tokens, size_t count,
                              uint32_t vocab_size, assay_error *err) {
    uint32_t greatest = 0;
    assay_status status = ASSAY_OK;
    *index = (assay_index){.vocab_size = vocab_size};
    if (count == 0) return ASSAY_OK;
    if (count > INT_MAX) return ASSAY_FAIL(err, CAPACITY, "%zu tokens, limit %d", count, INT_MAX);
    index->counts = calloc((size_t)vocab_size + 1, sizeof *index->counts);
    index->tokens = malloc(count * sizeof *index->tokens);
    index->order = malloc(count * sizeof *index->order);
    if (!index->counts || !index->tokens || !index->order)
        status = ASSAY_FAIL(err, MEMORY, "no memory for %zu tokens", count);
    if (status == ASSAY_OK) status = tokens_count(index, tokens, count, &greatest, err);
    if (status == ASSAY_OK && count > (size_t)INT_MAX / token_width(greatest))
        status = ASSAY_FAIL(err, CAPACITY, "%zu tokens of %u bytes, limit %d bytes in all", count,
                            token_width(greatest), INT_MAX);
    if (status == ASSAY_OK) {
        memcpy(index->tokens, tokens, count * sizeof *index->tokens);
        index->token_count = (uint32_t)count;
        status = suffixes_sort(index, token_width(greatest), err);
    }
    if (status != ASSAY_OK) assay_index_close(index);
    return status;
}

void assay_index_close(assay_index *index) {
    free(index->tokens);
    free(index->order);
    free(index->counts);
    *index = (assay_index){0};
}

uint32_t assay_index_occurrences(const assay_index *index, uint32_t token) {
    return index->counts && token < index->vocab_size ? index->counts[token] : 0;
}

// Tokens that the suffix and the query have in common, `known` of them known beforehand.
static uint32_t common_prefix(const assay_index *index, uint32_t suffix, const uint32_t *query,
                              uint32_t count, uint32_t known) {
    uint32_t left = index->token_count - suffix, limit = left < count ? left : count;
    while (known < limit && index->tokens[suffix + known] == query[known])
        known++;
    return known;
}

assay_match assay_index_match(const assay_index *index, const uint32_t *query, uint32_t count) {
    // Suffixes before `low` are less than the query; those from `high` on begin with it or are
    // greater. Those between share min(low_common, high_common) tokens with it at least.
    uint32_t low = 0, high = index->token_count, low_common = 0, high_common = 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, suffix = index->order[middle];
        uint32_t known = low_common < high_common ? low_common : high_common;
        uint32_t common = common_prefix(index, suffix, query, count, known);
        bool less = common < count && (suffix + common == index->token_count ||
                                       index->tokens[suffix + common] < query[common]);
        if (less) {
            low = middle + 1;
            low_common = common;
        } else {
            high = middle;
            high_common = common;
        }
    }
    if (low_common == 0 && high_common == 0) return (assay_match){0, 0};
    // The suffixes that share most with the query lie around this place. If some lie before it, the
    // least of them is where that shorter query belongs, and there it occurs in full.
    if (low_common >= high_common) return assay_index_match(index, query, low_common);
    return (assay_match){index->order[high], high_common};
}
