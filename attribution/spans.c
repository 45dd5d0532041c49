// SPDX-License-Identifier: Apache-2.0
#include "attribution/spans.h"

#include <stdbool.h>
#include <stdlib.h>

#include "attribution/surprise.h"

enum { NOBODY = 255, ECHO = 254 };
_Static_assert((int)ASSAY_SPAN_SOURCES_MAX <= (int)ECHO, "owners are bytes");

// One attribution under way.
typedef struct {
    const assay_span_source *sources;
    uint32_t source_count;
    const uint32_t *output; // [count]
    uint32_t count;
    uint32_t span_tokens_min;
    uint64_t total;       // tokens of all sources
    uint8_t *owners;      // [count] a source, ECHO or NOBODY
    assay_match *matches; // [count] of the sequence looked at; length 0 where it is too short
} search;

static assay_status arguments_check(const assay_span_source *sources, uint32_t source_count,
                                    size_t prompt_count, size_t output_count,
                                    uint32_t span_tokens_min, assay_error *err) {
    if (span_tokens_min < 1 || span_tokens_min > ASSAY_SPAN_REACH_MAX)
        return ASSAY_FAIL(err, RANGE, "spans of %u tokens at least, limits 1 and %d",
                          span_tokens_min, ASSAY_SPAN_REACH_MAX);
    if (source_count > ASSAY_SPAN_SOURCES_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u sources, limit %d", source_count,
                          ASSAY_SPAN_SOURCES_MAX);
    if (output_count > ASSAY_SPAN_OUTPUT_MAX || prompt_count > ASSAY_SPAN_OUTPUT_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%zu prompt and %zu output tokens, limit %d each",
                          prompt_count, output_count, ASSAY_SPAN_OUTPUT_MAX);
    for (uint32_t i = 0; i < source_count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (assay_hash_equal(&sources[i].id, &sources[k].id))
                return ASSAY_FAIL(err, DUPLICATE, "source %u is source %u again", i, k);
    return ASSAY_OK;
}

// Reach of every output position. The limit on a reach bounds what a hostile output, one
// long copy of a repetitive data set, can cost.
static void matches_find(search *s, const assay_index *index) {
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t left = s->count - i;
        uint32_t window = left < ASSAY_SPAN_REACH_MAX ? left : ASSAY_SPAN_REACH_MAX;
        s->matches[i] = (assay_match){0, 0};
        if (window < s->span_tokens_min) continue;
        assay_match match = assay_index_match(index, s->output + i, window);
        if (match.length >= s->span_tokens_min) s->matches[i] = match;
    }
}

// Steps to output token j: of the matches that start at or before it, keeps the one that reaches
// furthest, the first of equals. Returns: whether it covers j.
static bool match_advance(const search *s, uint32_t j, uint32_t *best) {
    uint32_t reach = j + s->matches[j].length;
    if (reach > *best + s->matches[*best].length) *best = j;
    return *best + s->matches[*best].length > j;
}

//
static assay_status echoes_mark(search *s, assay_spans *spans, const uint32_t *prompt,
                                size_t prompt_count, assay_error *err) {
    assay_index index;
    if (prompt_count < s->span_tokens_min) return ASSAY_OK;
    ASSAY_TRY(assay_index_open(&index, prompt, prompt_count, ASSAY_MODEL_VOCAB_MAX, err));
    matches_find(s, &index);
    for (uint32_t j = 0, best = 0; j < s->count; j++) {
        if (!match_advance(s, j, &best)) continue;
        s->owners[j] = ECHO;
        spans->echo_count++;
    }
    assay_index_close(&index);
    return ASSAY_OK;
}

// The token belongs to a source, so it occurs.
static uint32_t token_surprise(const search *s, uint32_t token) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < s->source_count; i++)
        count += assay_index_occurrences(s->sources[i].index, token);
    return assay_surprise_of(count, s->total);
}

// gives the source what it covers and nobody before it owns.
static void source_claim(search *s, assay_spans *spans, uint32_t source) {
    assay_span *span = NULL;
    uint32_t span_end = 0; // how far the match that the span tells reaches
    matches_find(s, s->sources[source].index);
    for (uint32_t j = 0, best = 0; j < s->count; j++) {
        if (!match_advance(s, j, &best) || s->owners[j] != NOBODY) continue;
        s->owners[j] = (uint8_t)source;
        bool touches = span && span->start + span->length == j;
        if (!touches || j == span_end) {
            uint32_t position = s->matches[best].position + (j - best);
            span_end = best + s->matches[best].length;
            if (!touches || span->position + span->length != position) {
                span = &spans->items[spans->count++];
                *span = (assay_span){.start = j, .source = source, .position = position};
            }
        }
        uint32_t surprise = token_surprise(s, s->output[j]);
        span->length++;
        span->credit += surprise;
        spans->credits[source] += surprise;
        spans->owned_count++;
    }
}

static int by_start(const void *a, const void *b) {
    const assay_span *left = a, *right = b;
    return (left->start > right->start) - (left->start < right->start);
}

assay_status assay_spans_open(assay_spans *spans, const assay_span_source *sources,
                              uint32_t source_count, const uint32_t *prompt, size_t prompt_count,
                              const uint32_t *output, size_t output_count, uint32_t span_tokens_min,
                              assay_error *err) {
    *spans = (assay_spans){0};
    ASSAY_TRY(
        arguments_check(sources, source_count, prompt_count, output_count, span_tokens_min, err));
    if (source_count == 0 || output_count == 0) return ASSAY_OK;
    search s = {.sources = sources,
                .source_count = source_count,
                .output = output,
                .count = (uint32_t)output_count,
                .span_tokens_min = span_tokens_min,
                .owners = malloc(output_count),
                .matches = malloc(output_count * sizeof *s.matches)};
    assay_status status = ASSAY_OK;
    spans->items = malloc(output_count * sizeof *spans->items);
    if (!s.owners || !s.matches || !spans->items) {
        status = ASSAY_FAIL(err, MEMORY, "no memory for %zu output tokens", output_count);
        goto done;
    }
    for (uint32_t i = 0; i < source_count; i++)
        s.total += sources[i].index->token_count;
    memset(s.owners, NOBODY, output_count);
    status = echoes_mark(&s, spans, prompt, prompt_count, err);
    if (status != ASSAY_OK) goto done;
    for (uint32_t i = 0; i < source_count; i++)
        source_claim(&s, spans, i);
    qsort(spans->items, spans->count, sizeof *spans->items, by_start);
done:
    free(s.owners);
    free(s.matches);
    if (status != ASSAY_OK) assay_spans_close(spans);
    return status;
}

void assay_spans_close(assay_spans *spans) {
    free(spans->items);
    *spans = (assay_spans){0};
}
