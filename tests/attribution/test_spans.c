// SPDX-License-Identifier: Apache-2.0
// Spans and credits: the cases of the oracle, and
// larger ones against plain counting.
#include "tests/attribution/vectors.h"

#include <stdlib.h>

#include "attribution/shares.h"
#include "attribution/surprise.h"
#include "base/hex.h"

// A case: its sequences, indexed. A zeroed struct is empty.
typedef struct {
    assay_span_source sources[ASSAY_SPAN_SOURCES_MAX];
    assay_index indices[ASSAY_SPAN_SOURCES_MAX];
    uint32_t source_count;
    uint32_t *prompt, *output;
    size_t prompt_count, output_count;
    uint32_t span_tokens_min;
} scene;

static uint32_t number(const json_t *list, size_t i) {
    return (uint32_t)json_integer_value(json_array_get(list, i));
}

static uint32_t *numbers(const json_t *object, const char *name, size_t *count) {
    const json_t *list = json_object_get(object, name);
    uint32_t *out = calloc(json_array_size(list) + 1, sizeof *out);
    assert_non_null(out);
    *count = json_array_size(list);
    for (size_t i = 0; i < *count; i++)
        out[i] = number(list, i);
    return out;
}

static void scene_read(scene *s, const json_t *vector) {
    const json_t *sources = json_object_get(vector, "sources");
    *s = (scene){.span_tokens_min = (uint32_t)json_integer_value(json_object_get(vector, "min"))};
    s->prompt = numbers(vector, "prompt", &s->prompt_count);
    s->output = numbers(vector, "output", &s->output_count);
    for (size_t i = 0; i < json_array_size(sources); i++, s->source_count++) {
        const json_t *entry = json_array_get(sources, i);
        assay_span_source *source = &s->sources[i];
        size_t count;
        uint32_t *tokens = numbers(entry, "tokens", &count);
        assert_int_equal(assay_index_open(&s->indices[i], tokens, count, 1000, NULL), ASSAY_OK);
        assert_int_equal(assay_json_hash(&source->id, entry, "id", NULL), ASSAY_OK);
        source->index = &s->indices[i];
        source->lineage_ppm = (uint32_t)json_integer_value(json_object_get(entry, "lineage"));
        free(tokens);
    }
}

static void scene_close(scene *s) {
    for (uint32_t i = 0; i < s->source_count; i++)
        assay_index_close(&s->indices[i]);
    free(s->prompt);
    free(s->output);
}

static assay_status scene_run(const scene *s, assay_spans *spans, assay_error *err) {
    return assay_spans_open(spans, s->sources, s->source_count, s->prompt, s->prompt_count,
                            s->output, s->output_count, s->span_tokens_min, err);
}

static void spans_equal_the_oracles(void **state) {
    json_t *document, *vector;
    const json_t *list = vectors_open(&document, "cases");
    size_t i;
    json_array_foreach(list, i, vector) {
        scene s;
        assay_spans spans;
        const json_t *want = json_object_get(vector, "spans");
        scene_read(&s, vector);
        assert_int_equal(scene_run(&s, &spans, NULL), ASSAY_OK);
        assert_int_equal(spans.count, json_array_size(want));
        for (uint32_t k = 0; k < spans.count; k++) {
            const json_t *span = json_array_get(want, k);
            assert_int_equal(spans.items[k].start, number(span, 0));
            assert_int_equal(spans.items[k].length, number(span, 1));
            assert_int_equal(spans.items[k].source, number(span, 2));
            assert_int_equal(spans.items[k].position, number(span, 3));
            assert_int_equal(spans.items[k].credit, number(span, 4));
        }
        for (uint32_t k = 0; k < s.source_count; k++)
            assert_int_equal(spans.credits[k], number(json_object_get(vector, "credits"), k));
        // Without candidates nobody looks for echoes.
        if (s.source_count > 0)
            assert_int_equal(spans.echo_count, json_integer_value(json_object_get(vector, "echo")));
        assay_spans_close(&spans);
        scene_close(&s);
    }
    json_decref(document);
}

static void shares_equal_the_oracles(void **state) {
    json_t *document, *vector;
    const json_t *list = vectors_open(&document, "cases");
    size_t i;
    json_array_foreach(list, i, vector) {
        scene s;
        assay_spans spans;
        assay_shares shares;
        const json_t *want = json_object_get(vector, "shares");
        scene_read(&s, vector);
        assert_int_equal(scene_run(&s, &spans, NULL), ASSAY_OK);
        assert_int_equal(assay_shares_make(&shares, s.sources, s.source_count, spans.credits, NULL),
                         ASSAY_OK);
        assert_int_equal(shares.count, json_array_size(want));
        for (uint32_t k = 0; k < shares.count; k++) {
            char id[ASSAY_HEX_HASH_MAX];
            assay_hex_encode(id, shares.items[k].dataset.bytes, ASSAY_HASH_SIZE);
            assert_string_equal(id, json_string_value(json_array_get(json_array_get(want, k), 0)));
            assert_int_equal(shares.items[k].weight_ppm, number(json_array_get(want, k), 1));
        }
        assay_spans_close(&spans);
        scene_close(&s);
    }
    json_decref(document);
}

static bool occurs(const uint32_t *run, uint32_t length, const uint32_t *tokens, size_t count) {
    for (size_t p = 0; p + length <= count; p++)
        if (memcmp(tokens + p, run, length * sizeof *run) == 0) return true;
    return false;
}

static bool covers(const scene *s, uint32_t j, const uint32_t *tokens, size_t count) {
    uint32_t m = s->span_tokens_min;
    for (uint32_t i = j + 1 < m ? 0 : j + 1 - m; i <= j && i + m <= s->output_count; i++)
        if (occurs(s->output + i, m, tokens, count)) return true;
    return false;
}

// as they read. Returns: a source, or source_count for nobody.
static uint32_t owner_of(const scene *s, uint32_t j) {
    if (covers(s, j, s->prompt, s->prompt_count)) return s->source_count;
    for (uint32_t i = 0; i < s->source_count; i++)
        if (covers(s, j, s->indices[i].tokens, s->indices[i].token_count)) return i;
    return s->source_count;
}

// Random text over few letters; later sets, the prompt and the output borrow from earlier ones.
static void scene_make(scene *s, uint32_t *at) {
    enum { POOL = 700 };
    static uint32_t pool[POOL], tokens[POOL];
    uint32_t letters = 1 + random_below(9, at, 6);
    *s = (scene){.span_tokens_min = 1 + random_below(9, at, 8)};
    for (uint32_t i = 0; i < POOL; i++)
        pool[i] = random_below(9, at, letters);
    s->source_count = random_below(9, at, 5);
    for (uint32_t k = 0; k < s->source_count; k++) {
        uint32_t count = random_below(9, at, 300), from = random_below(9, at, POOL - count);
        for (uint32_t i = 0; i < count; i++)
            tokens[i] = random_below(9, at, 20) ? pool[from + i] : random_below(9, at, letters + 1);
        assert_int_equal(assay_index_open(&s->indices[k], tokens, count, 1000, NULL), ASSAY_OK);
        s->sources[k].id.bytes[0] = (uint8_t)(40 - k);
        s->sources[k].index = &s->indices[k];
    }
    s->prompt_count = random_below(9, at, 40);
    s->output_count = random_below(9, at, 150);
    s->prompt = calloc(s->prompt_count + 1, sizeof *s->prompt);
    s->output = calloc(s->output_count + 1, sizeof *s->output);
    assert_non_null(s->prompt);
    assert_non_null(s->output);
    for (size_t i = 0; i < s->prompt_count; i++)
        s->prompt[i] = pool[100 + i];
    for (size_t i = 0; i < s->output_count; i++)
        s->output[i] = random_below(9, at, 25) ? pool[90 + i] : random_below(9, at, 999999);
}

static void spans_follow_the_rules_as_they_read(void **state) {
    uint32_t at = 0, owned_total = 0, echo_total = 0;
    for (uint32_t round = 0; round < 400; round++) {
        scene s;
        assay_spans spans;
        uint64_t total = 0, credits[ASSAY_SPAN_SOURCES_MAX] = {0};
        uint32_t next = 0, owned = 0;
        scene_make(&s, &at);
        assert_int_equal(scene_run(&s, &spans, NULL), ASSAY_OK);
        for (uint32_t i = 0; i < s.source_count; i++)
            total += s.indices[i].token_count;
        for (uint32_t j = 0; j < s.output_count; j++) {
            while (next < spans.count && spans.items[next].start + spans.items[next].length <= j)
                next++;
            const assay_span *span = &spans.items[next];
            bool inside = next < spans.count && span->start <= j;
            uint32_t owner = owner_of(&s, j);
            assert_int_equal(inside ? span->source : s.source_count, owner);
            if (!inside) continue;
            const assay_index *index = s.sources[owner].index;
            uint32_t position = span->position + (j - span->start);
            assert_true(position < index->token_count);
            assert_int_equal(index->tokens[position], s.output[j]);
            uint64_t count = 0;
            for (uint32_t i = 0; i < s.source_count; i++)
                for (uint32_t p = 0; p < s.indices[i].token_count; p++)
                    count += s.indices[i].tokens[p] == s.output[j];
            credits[owner] += assay_log2_x256(total) - assay_log2_x256(count);
            owned++;
        }
        assert_memory_equal(credits, spans.credits, sizeof credits);
        assert_int_equal(owned, spans.owned_count);
        owned_total += owned;
        echo_total += spans.echo_count;
        assay_spans_close(&spans);
        scene_close(&s);
    }
    assert_true(owned_total > 1000 && echo_total > 1000); // the scenes are not degenerate
}

// Cutting a data set in two moves only the tokens whose every window lies across the cut; a copy
// registered later, even inside a longer text, takes nothing from the first.
static void splitting_and_copying_pay_nothing(void **state) {
    uint32_t text[400], longer[420], at = 0;
    for (uint32_t i = 0; i < 400; i++)
        text[i] = random_below(11, &at, 500);
    for (uint32_t i = 0; i < 420; i++)
        longer[i] = i < 10 || i >= 410 ? 700 + i : text[i - 10];
    assay_index whole, left, right, copy;
    assert_int_equal(assay_index_open(&whole, text, 400, 1000, NULL), ASSAY_OK);
    assert_int_equal(assay_index_open(&left, text, 200, 1000, NULL), ASSAY_OK);
    assert_int_equal(assay_index_open(&right, text + 200, 200, 1000, NULL), ASSAY_OK);
    assert_int_equal(assay_index_open(&copy, longer, 420, 2000, NULL), ASSAY_OK);
    assay_spans spans;
    uint64_t alone;

    assay_span_source one[] = {{.id = {{1}}, .index = &whole}};
    assert_int_equal(assay_spans_open(&spans, one, 1, NULL, 0, text + 150, 100, 6, NULL), ASSAY_OK);
    assert_int_equal(spans.count, 1);
    assert_int_equal(spans.items[0].position, 150);
    alone = spans.credits[0];
    assert_true(alone > 0);
    assay_spans_close(&spans);

    assay_span_source halves[] = {{.id = {{1}}, .index = &left}, {.id = {{2}}, .index = &right}};
    assert_int_equal(assay_spans_open(&spans, halves, 2, NULL, 0, text + 150, 100, 6, NULL),
                     ASSAY_OK);
    assert_int_equal(spans.count, 2);
    assert_int_equal(spans.credits[0] + spans.credits[1], alone);
    assay_spans_close(&spans);

    // The first, then its copy: the output starts and ends with what the copy alone has.
    assay_span_source both[] = {{.id = {{2}}, .index = &whole}, {.id = {{1}}, .index = &copy}};
    assert_int_equal(assay_spans_open(&spans, both, 2, NULL, 0, longer, 420, 6, NULL), ASSAY_OK);
    assert_int_equal(spans.count, 3);
    assert_int_equal(spans.items[0].source, 1);
    assert_int_equal(spans.items[0].length, 10);
    assert_int_equal(spans.items[1].source, 0);
    assert_int_equal(spans.items[1].length, 400);
    assert_int_equal(spans.items[1].position, 0);
    assert_int_equal(spans.items[2].position, 410);
    assay_spans_close(&spans);
    assay_index_close(&whole);
    assay_index_close(&left);
    assay_index_close(&right);
    assay_index_close(&copy);
}

static void arguments_out_of_bounds_are_refused(void **state) {
    static const uint32_t tokens[8] = {0, 1, 2, 3, 4, 5, 6, 1 << 20};
    assay_index index;
    assay_span_source sources[ASSAY_SPAN_SOURCES_MAX + 1] = {0};
    assay_spans spans;
    assay_error err = {0};
    assert_int_equal(assay_index_open(&index, tokens, 7, 10, NULL), ASSAY_OK);
    for (uint32_t i = 0; i <= ASSAY_SPAN_SOURCES_MAX; i++) {
        sources[i].id.bytes[0] = (uint8_t)i;
        sources[i].index = &index;
    }
    assert_int_equal(assay_spans_open(&spans, sources, 32, tokens, 8, tokens, 8, 0, &err),
                     ASSAY_RANGE);
    assert_string_equal(err.text, "spans of 0 tokens at least, limits 1 and 256");
    assert_int_equal(assay_spans_open(&spans, sources, 32, tokens, 8, tokens, 8, 257, NULL),
                     ASSAY_RANGE);
    assert_int_equal(assay_spans_open(&spans, sources, 33, tokens, 8, tokens, 8, 6, &err),
                     ASSAY_CAPACITY);
    assert_string_equal(err.text, "33 sources, limit 32");
    assert_int_equal(assay_spans_open(&spans, sources, 32, tokens, 8, tokens,
                                      ASSAY_SPAN_OUTPUT_MAX + 1, 6, NULL),
                     ASSAY_CAPACITY);
    // The prompt was checked against the vocabulary long before; an id past any model's is refused.
    assert_int_equal(assay_spans_open(&spans, sources, 32, tokens, 8, tokens, 8, 6, &err),
                     ASSAY_RANGE);
    assert_null(spans.items);
    // In the output any id may stand: it only cannot match.
    assert_int_equal(assay_spans_open(&spans, sources, 32, NULL, 0, tokens, 8, 7, NULL), ASSAY_OK);
    assert_int_equal(spans.owned_count, 7);
    assay_spans_close(&spans);
    // As many tokens as a context has are not too many.
    uint32_t *longest = calloc(ASSAY_SPAN_OUTPUT_MAX, sizeof *longest);
    assert_non_null(longest);
    assert_int_equal(assay_spans_open(&spans, sources, 1, longest, ASSAY_SPAN_OUTPUT_MAX, longest,
                                      ASSAY_SPAN_OUTPUT_MAX, 6, NULL),
                     ASSAY_OK);
    assay_spans_close(&spans);
    free(longest);
    sources[31].id = sources[4].id;
    assert_int_equal(assay_spans_open(&spans, sources, 32, tokens, 7, tokens, 8, 6, &err),
                     ASSAY_DUPLICATE);
    assert_string_equal(err.text, "source 31 is source 4 again");
    assay_index_close(&index);
}

// One token over and over: every position matches everywhere. Also: what is certain, earns nothing.
static void a_repetitive_data_set_costs_little(void **state) {
    enum { COUNT = 100000 };
    uint32_t *tokens = calloc(COUNT, sizeof *tokens);
    assay_index index;
    assay_spans spans;
    assert_non_null(tokens);
    assert_int_equal(assay_index_open(&index, tokens, COUNT, 1, NULL), ASSAY_OK);
    assay_span_source source = {.id = {{1}}, .index = &index};
    assert_int_equal(assay_spans_open(&spans, &source, 1, NULL, 0, tokens, 20000, 6, NULL),
                     ASSAY_OK);
    assert_int_equal(spans.owned_count, 20000);
    assert_int_equal(spans.credits[0], 0);
    assay_spans_close(&spans);
    assay_index_close(&index);
    free(tokens);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_equal_the_oracles),
        cmocka_unit_test(shares_equal_the_oracles),
        cmocka_unit_test(spans_follow_the_rules_as_they_read),
        cmocka_unit_test(splitting_and_copying_pay_nothing),
        cmocka_unit_test(arguments_out_of_bounds_are_refused),
        cmocka_unit_test(a_repetitive_data_set_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
