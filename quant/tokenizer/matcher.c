// SPDX-License-Identifier: Apache-2.0
#include "quant/tokenizer/matcher.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

assay_status assay_matcher_open(assay_matcher *matcher, uint32_t room, assay_error *err) {
    *matcher = (assay_matcher){.entries = calloc((size_t)room + 1, sizeof *matcher->entries)};
    return matcher->entries ? ASSAY_OK
                            : ASSAY_FAIL(err, MEMORY, "no memory for %u added tokens", room);
}

void assay_matcher_close(assay_matcher *matcher) {
    for (uint32_t i = 0; i < matcher->count; i++)
        free(matcher->entries[i].text);
    free(matcher->entries);
    *matcher = (assay_matcher){0};
}

assay_status assay_matcher_add(assay_matcher *matcher, const char *text, size_t size, uint32_t id,
                               assay_error *err) {
    char *copy = malloc(size);
    if (!copy) return ASSAY_FAIL(err, MEMORY, "no memory for an added token of %zu bytes", size);
    memcpy(copy, text, size);
    matcher->entries[matcher->count++] = (assay_matcher_entry){copy, size, id};
    return ASSAY_OK;
}

static int entry_compare(const void *left, const void *right) {
    const assay_matcher_entry *a = left, *b = right;
    return assay_bytes_order(a->text, a->size, b->text, b->size);
}

assay_status assay_matcher_sort(assay_matcher *matcher, assay_error *err) {
    const assay_matcher_entry *entries = matcher->entries;
    if (matcher->count)
        qsort(matcher->entries, matcher->count, sizeof *matcher->entries, entry_compare);
    for (uint32_t i = 0; i < matcher->count; i++) {
        if (i && entry_compare(&entries[i - 1], &entries[i]) == 0)
            return ASSAY_FAIL(err, DUPLICATE, "added tokens %u and %u have the same text",
                              entries[i - 1].id, entries[i].id);
        matcher->first[(uint8_t)entries[i].text[0] + 1]++;
    }
    for (int i = 0; i < 256; i++)
        matcher->first[i + 1] += matcher->first[i];
    return ASSAY_OK;
}

// The first of entries[low .. high), which agree up to `depth` and go on, with a byte of at least
// `byte` there.
static uint32_t bound_find(const assay_matcher_entry *entries, uint32_t low, uint32_t high,
                           size_t depth, unsigned byte) {
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((uint8_t)entries[middle].text[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Narrows a range byte by byte, so that many texts with a long common start cost little.
const assay_matcher_entry *assay_matcher_find(const assay_matcher *matcher, const char *text,
                                              size_t size) {
    const assay_matcher_entry *entries = matcher->entries, *longest = NULL;
    uint32_t low = matcher->first[(uint8_t)text[0]];
    uint32_t high = matcher->first[(uint8_t)text[0] + 1];
    for (size_t depth = 1; low < high; depth++) {
        if (entries[low].size == depth) longest = &entries[low++];
        if (depth == size) break;
        unsigned byte = (uint8_t)text[depth];
        low = bound_find(entries, low, high, depth, byte);
        high = bound_find(entries, low, high, depth, byte + 1);
    }
    return longest;
}
