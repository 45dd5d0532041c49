// SPDX-License-Identifier: Apache-2.0
// assay attribute: the spans of a text, as a receipt's attribution finds them, without a chain.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/corpus.h"
#include "attribution/shares.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "node/cmd/commands.h"
#include "node/inference/ids.h"
#include "node/paint.h"
#include "quant/model.h"

enum { TEXT_SIZE_MAX = 1 << 20, NAME_SIZE_MAX = 64, EXCERPT_WIDTH = 60 };

static const char details[] =
    "Data sets count as registered in the order given. A run of at least --span-tokens-min tokens\n"
    "of the text that stands in a data set is credited to the first that has it; what stands in\n"
    "the prompt is credited to nobody (spec/attribution.md).";

// One --dataset.
typedef struct {
    const char *name; // in argv
    int name_size;
    assay_mapping file;
    assay_corpus corpus;
    assay_index index;
} dataset;

typedef struct {
    const char *text_path;
    const char *ids_text;
    const char *model_path;
    const char *prompt_text;
    const char *prompt_ids_text;
    assay_option_texts dataset_texts;
    uint64_t span_tokens_min;
    assay_model model;
    assay_tokenizer *tokenizer;
    dataset datasets[ASSAY_SPAN_SOURCES_MAX];
    assay_span_source sources[ASSAY_SPAN_SOURCES_MAX];
    uint32_t count;
    uint32_t *prompt, *output; // token ids
    size_t prompt_count, output_count;
    assay_spans spans;
    assay_shares shares;
} job;

static void job_close(job *j) {
    assay_spans_close(&j->spans);
    for (uint32_t i = 0; i < j->count; i++) {
        assay_index_close(&j->datasets[i].index);
        assay_corpus_close(&j->datasets[i].corpus);
        assay_mapping_close(&j->datasets[i].file);
    }
    free(j->prompt);
    free(j->output);
    assay_tokenizer_close(j->tokenizer);
    assay_model_close(&j->model);
}

// "NAME=FILE" into the next data set.
static assay_status dataset_load(job *j, const char *text, assay_error *err) {
    const char *equals = strchr(text, '=');
    size_t size = equals ? (size_t)(equals - text) : 0;
    if (size == 0 || size > NAME_SIZE_MAX || assay_utf8_prefix((const uint8_t *)text, size) != size)
        return ASSAY_FAIL(err, USAGE, "--dataset %.80s, wanted NAME=FILE, name of 1 to %d bytes",
                          text, NAME_SIZE_MAX);
    if (j->count == ASSAY_SPAN_SOURCES_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u data sets, limit %d", j->dataset_texts.count,
                          ASSAY_SPAN_SOURCES_MAX);
    dataset *set = &j->datasets[j->count++];
    set->name = text;
    set->name_size = (int)size;
    ASSAY_TRY(assay_mapping_open(&set->file, equals + 1, ASSAY_CORPUS_SIZE_MAX, err));
    assay_bytes bytes = {set->file.data, set->file.size};
    ASSAY_TRY(assay_fail_in(err, assay_corpus_open(&set->corpus, bytes, err), equals + 1));
    ASSAY_TRY(assay_corpus_index(&set->index, &set->corpus, j->tokenizer, j->model.shape.vocab_size,
                                 err));
    j->sources[j->count - 1] = (assay_span_source){.id = set->corpus.root, .index = &set->index};
    return ASSAY_OK;
}

// Exactly what a model was given and gave, or text to tokenise: only ids repeat a receipt, since an
// output's text may have another, shorter spelling in tokens.
static assay_status output_read(job *j, assay_error *err) {
    uint8_t *text;
    size_t size;
    if (!j->text_path == !j->ids_text)
        return ASSAY_FAIL(err, USAGE, "wanted one of --text and --ids");
    if (j->ids_text)
        return assay_ids_parse(&j->output, &j->output_count, j->ids_text, j->model.shape.vocab_size,
                               err);
    ASSAY_TRY(assay_file_read(j->text_path, TEXT_SIZE_MAX, &text, &size, err));
    assay_status status = assay_tokenizer_encode(j->tokenizer, &j->output, &j->output_count,
                                                 (const char *)text, size, err);
    free(text);
    return status;
}

static assay_status prompt_read(job *j, assay_error *err) {
    if (j->prompt_text && j->prompt_ids_text)
        return ASSAY_FAIL(err, USAGE, "wanted one of --prompt and --prompt-ids");
    if (j->prompt_ids_text)
        return assay_ids_parse(&j->prompt, &j->prompt_count, j->prompt_ids_text,
                               j->model.shape.vocab_size, err);
    if (j->prompt_text)
        return assay_tokenizer_encode(j->tokenizer, &j->prompt, &j->prompt_count, j->prompt_text,
                                      strlen(j->prompt_text), err);
    return ASSAY_OK;
}

static assay_status job_run(job *j, assay_error *err) {
    ASSAY_TRY(assay_model_open(&j->model, j->model_path, err));
    ASSAY_TRY(assay_tokenizer_open(&j->tokenizer, j->model.tokenizer.data, j->model.tokenizer.size,
                                   j->model.shape.vocab_size, err));
    ASSAY_TRY(output_read(j, err));
    ASSAY_TRY(prompt_read(j, err));
    for (uint32_t i = 0; i < j->dataset_texts.count; i++)
        ASSAY_TRY(dataset_load(j, j->dataset_texts.items[i], err));
    ASSAY_TRY(assay_spans_open(&j->spans, j->sources, j->count, j->prompt, j->prompt_count,
                               j->output, j->output_count, (uint32_t)j->span_tokens_min, err));
    return assay_shares_make(&j->shares, j->sources, j->count, j->spans.credits, err);
}

static uint32_t source_weight(const job *j, uint32_t source) {
    for (uint32_t i = 0; i < j->shares.count; i++)
        if (assay_hash_equal(&j->shares.items[i].dataset, &j->sources[source].id))
            return j->shares.items[i].weight_ppm;
    return 0;
}

static uint32_t source_tokens(const job *j, uint32_t source) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < j->spans.count; i++)
        if (j->spans.items[i].source == source) sum += j->spans.items[i].length;
    return sum;
}

// Names and text as JSON are valid UTF-8: names were checked, assay_tokenizer_text sees to the
// rest.
static assay_status json_make(json_t **out, const job *j, assay_error *err) {
    json_t *datasets = json_array(), *spans = json_array();
    for (uint32_t i = 0; i < j->count; i++) {
        const dataset *set = &j->datasets[i];
        json_array_append_new(
            datasets,
            json_pack("{s:s%,s:o,s:I,s:I,s:I,s:I,s:I}", "name", set->name, (size_t)set->name_size,
                      "id", assay_json_from_hash(&set->corpus.root), "chunk_count",
                      (json_int_t)set->corpus.chunk_count, "token_count",
                      (json_int_t)set->index.token_count, "owned_tokens",
                      (json_int_t)source_tokens(j, i), "credit", (json_int_t)j->spans.credits[i],
                      "weight_ppm", (json_int_t)source_weight(j, i)));
    }
    for (uint32_t i = 0; i < j->spans.count; i++) {
        const assay_span *span = &j->spans.items[i];
        const dataset *set = &j->datasets[span->source];
        char *text;
        size_t size;
        assay_status status = assay_tokenizer_text(j->tokenizer, &text, &size,
                                                   j->output + span->start, span->length, err);
        if (status != ASSAY_OK) {
            json_decref(datasets);
            json_decref(spans);
            return status;
        }
        json_array_append_new(
            spans, json_pack("{s:I,s:I,s:s%,s:I,s:I,s:s%}", "start", (json_int_t)span->start,
                             "length", (json_int_t)span->length, "dataset", set->name,
                             (size_t)set->name_size, "position", (json_int_t)span->position,
                             "credit", (json_int_t)span->credit, "text", text, size));
        free(text);
    }
    *out = json_pack("{s:I,s:I,s:I,s:I,s:o,s:o}", "span_tokens_min", (json_int_t)j->span_tokens_min,
                     "tokens", (json_int_t)j->output_count, "owned_tokens",
                     (json_int_t)j->spans.owned_count, "echo_tokens",
                     (json_int_t)j->spans.echo_count, "datasets", datasets, "spans", spans);
    return ASSAY_OK;
}

// The text as its tokens spell it, each byte with the colour of its token's owner.
static assay_status text_print(const job *j, bool colours, assay_error *err) {
    const assay_span *span = j->spans.items, *end = span + j->spans.count;
    uint8_t *text, *owners;
    size_t size, at = 0;
    ASSAY_TRY(assay_tokenizer_decode(j->tokenizer, &text, &size, j->output, j->output_count, err));
    owners = malloc(size + 1);
    if (!owners) {
        free(text);
        return ASSAY_FAIL(err, MEMORY, "no memory for %zu bytes", size);
    }
    assay_status status = ASSAY_OK;
    for (uint32_t i = 0; i < j->output_count && status == ASSAY_OK; i++) {
        uint8_t *token;
        size_t token_size;
        while (span < end && span->start + span->length <= i)
            span++;
        status = assay_tokenizer_decode(j->tokenizer, &token, &token_size, &j->output[i], 1, err);
        if (status != ASSAY_OK) break;
        ASSAY_ASSERT(token_size <= size - at);
        bool inside = span < end && span->start <= i;
        memset(owners + at, inside ? (int)span->source : ASSAY_PAINT_NONE, token_size);
        at += token_size;
        free(token);
    }
    if (status == ASSAY_OK) {
        assay_paint_text(stdout, text, size, colours ? owners : NULL);
        if (size && text[size - 1] != '\n') putchar('\n');
    }
    free(owners);
    free(text);
    return status;
}

static assay_status result_print(const job *j, assay_error *err) {
    bool colours = assay_terminal_colours();
    ASSAY_TRY(text_print(j, colours, err));
    printf("\n%zu tokens, %u follow a data set, %u stand in the prompt\n\n", j->output_count,
           j->spans.owned_count, j->spans.echo_count);
    for (uint32_t i = 0; i < j->count; i++) {
        const dataset *set = &j->datasets[i];
        uint32_t weight = source_weight(j, i);
        uint64_t tenths = j->spans.credits[i] * 10 / 256;
        printf("  ");
        assay_paint_label(stdout, (const uint8_t *)set->name, (size_t)set->name_size, NAME_SIZE_MAX,
                          colours ? (uint8_t)i : ASSAY_PAINT_NONE);
        printf("%*s %3u.%04u %%  %6u tokens  %8" PRIu64 ".%u bits\n",
               set->name_size < 16 ? 16 - set->name_size : 0, "", weight / 10000, weight % 10000,
               source_tokens(j, i), tenths / 10, (unsigned)(tenths % 10));
    }
    printf("\n");
    for (uint32_t i = 0; i < j->spans.count; i++) {
        const assay_span *span = &j->spans.items[i];
        const dataset *set = &j->datasets[span->source];
        uint8_t *text;
        size_t size;
        ASSAY_TRY(assay_tokenizer_decode(j->tokenizer, &text, &size, j->output + span->start,
                                         span->length, err));
        printf("  tokens %u to %u = %.*s from token %u: ", span->start,
               span->start + span->length - 1, set->name_size, set->name, span->position);
        assay_paint_label(stdout, text, size, EXCERPT_WIDTH,
                          colours ? (uint8_t)span->source : ASSAY_PAINT_NONE);
        printf("\n");
        free(text);
    }
    return ASSAY_OK;
}

int assay_cmd_attribute(assay_invocation *invocation) {
    job j = {.span_tokens_min = 6};
    const assay_option options[] = {
        {"text", ASSAY_OPTION_TEXT, &j.text_path, "FILE", "the text to attribute", 0, 0, false},
        {"ids", ASSAY_OPTION_TEXT, &j.ids_text, "LIST", "or the tokens of an output, as 1,2,3", 0,
         0, false},
        {"model", ASSAY_OPTION_TEXT, &j.model_path, "FILE", "canonical model, for its tokenizer", 0,
         0, true},
        {"dataset", ASSAY_OPTION_TEXTS, &j.dataset_texts, "NAME=FILE",
         "a data set; repeat, earliest registered first", 0, 0, true},
        {"prompt", ASSAY_OPTION_TEXT, &j.prompt_text, "TEXT", "what the text answers", 0, 0, false},
        {"prompt-ids", ASSAY_OPTION_TEXT, &j.prompt_ids_text, "LIST", "or its tokens, as 1,2,3", 0,
         0, false},
        {"span-tokens-min", ASSAY_OPTION_U64, &j.span_tokens_min, "N",
         "shortest run that counts (default 6)", 1, ASSAY_SPAN_REACH_MAX, false},
    };
    assay_error err = {0};
    json_t *document = NULL;
    int code;
    if (!assay_command_begin(invocation, options, ASSAY_COUNT(options), details, &code))
        return code;
    code = ASSAY_EXIT_OK;
    assay_status status = job_run(&j, &err);
    if (status == ASSAY_OK)
        status = invocation->json ? json_make(&document, &j, &err) : result_print(&j, &err);
    if (status != ASSAY_OK)
        code = assay_command_fail(invocation, &err, NULL);
    else if (invocation->json)
        code = assay_command_print(document);
    job_close(&j);
    return code;
}
