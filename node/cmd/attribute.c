// SPDX-License-Identifier: Apache-2.0
// assay attribute: the spans of a text, as a receipt's attribution finds them, without a chain; or
// those of a receipt on one.
#include "node/cmd/attribute.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "node/cmd/commands.h"
#include "node/inference/ids.h"
#include "node/wallet/wallet.h"

enum { TEXT_SIZE_MAX = 1 << 20 };

static const char details[] =
    "Data sets count as registered in the order given. A run of at least --span-tokens-min tokens\n"
    "of the text that stands in a data set is credited to the first that has it; what stands in\n"
    "the prompt is credited to nobody (spec/attribution.md).\n\n"
    "With --batch and --leaf the text is that receipt's output, out of its evidence, and the node\n"
    "says which data sets its adapter names, in which order, and with what weights. Exits with 0\n"
    "if its shares are what they should be, with 1 if they are not.";

static void job_close(assay_attribute *j) {
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
static assay_status dataset_load(assay_attribute *j, const char *text, assay_error *err) {
    const char *equals = strchr(text, '=');
    size_t size = equals ? (size_t)(equals - text) : 0;
    if (size == 0 || size > ASSAY_ATTRIBUTE_NAME_MAX ||
        assay_utf8_prefix((const uint8_t *)text, size) != size)
        return ASSAY_FAIL(err, USAGE, "--dataset %.80s, wanted NAME=FILE, name of 1 to %d bytes",
                          text, ASSAY_ATTRIBUTE_NAME_MAX);
    if (j->count == ASSAY_SPAN_SOURCES_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u data sets, limit %d", j->dataset_texts.count,
                          ASSAY_SPAN_SOURCES_MAX);
    assay_attribute_dataset *set = &j->datasets[j->count++];
    set->name = text;
    set->name_size = (int)size;
    ASSAY_TRY(assay_mapping_open(&set->file, equals + 1, ASSAY_CORPUS_SIZE_MAX, err));
    assay_bytes bytes = {set->file.data, set->file.size};
    ASSAY_TRY(assay_fail_in(err, assay_corpus_open(&set->corpus, bytes, err), equals + 1));
    ASSAY_TRY(assay_corpus_index(&set->index, &set->corpus, j->tokenizer, j->model.shape.vocab_size,
                                 err));
    return ASSAY_OK;
}

// Exactly what a model was given and gave, or text to tokenise: only ids repeat a receipt, since an
// output's text may have another, shorter spelling in tokens.
static assay_status output_read(assay_attribute *j, assay_error *err) {
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

static assay_status prompt_read(assay_attribute *j, assay_error *err) {
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

static assay_status job_run(assay_attribute *j, assay_error *err) {
    ASSAY_TRY(assay_model_open(&j->model, j->model_path, err));
    ASSAY_TRY(assay_tokenizer_open(&j->tokenizer, j->model.tokenizer.data, j->model.tokenizer.size,
                                   j->model.shape.vocab_size, err));
    if (!j->of.batch_text) {
        ASSAY_TRY(output_read(j, err));
        ASSAY_TRY(prompt_read(j, err));
    }
    for (uint32_t i = 0; i < j->dataset_texts.count; i++)
        ASSAY_TRY(dataset_load(j, j->dataset_texts.items[i], err));
    if (j->of.batch_text) ASSAY_TRY(assay_attribute_receipt_read(j, err));
    for (uint32_t i = 0; i < j->count; i++) {
        j->sources[i].id = j->datasets[i].corpus.root;
        j->sources[i].index = &j->datasets[i].index;
    }
    ASSAY_TRY(assay_spans_open(&j->spans, j->sources, j->count, j->prompt, j->prompt_count,
                               j->output, j->output_count, (uint32_t)j->span_tokens_min, err));
    return assay_shares_make(&j->shares, j->sources, j->count, j->spans.credits, err);
}

// What is asked about: one receipt, or a text of one's own.
static assay_status usage_check(const assay_invocation *invocation, const assay_option *options,
                                const assay_attribute *j, assay_error *err) {
    static const char *const own[] = {"text", "ids", "prompt", "prompt-ids", "span-tokens-min",
                                      NULL};
    static const char *const chains[] = {"leaf", "node", "allow-private", "allow-file", NULL};
    if (j->of.batch_text && j->of.leaf == UINT64_MAX)
        return ASSAY_FAIL(err, USAGE, "--batch without --leaf, the receipt in it");
    if (!j->of.batch_text && !j->dataset_texts.count)
        return ASSAY_FAIL(err, USAGE, "--dataset is missing");
    ASSAY_TRY(assay_command_apart(invocation, options, "batch", own, err));
    ASSAY_TRY(assay_command_apart(invocation, options, "text", chains, err));
    return assay_command_apart(invocation, options, "ids", chains, err);
}

int assay_cmd_attribute(assay_invocation *invocation) {
    assay_attribute j = {.span_tokens_min = 6,
                         .of = {.node_url = ASSAY_NODE_URL_DEFAULT, .leaf = UINT64_MAX}};
    const assay_option options[] = {
        {"text", ASSAY_OPTION_TEXT, &j.text_path, "FILE", "the text to attribute", 0, 0, false},
        {"ids", ASSAY_OPTION_TEXT, &j.ids_text, "LIST", "or the tokens of an output, as 1,2,3", 0,
         0, false},
        {"batch", ASSAY_OPTION_TEXT, &j.of.batch_text, "ID", "or a receipt's output, in this batch",
         0, 0, false},
        {"leaf", ASSAY_OPTION_U64, &j.of.leaf, "N", "which receipt, from 0", 0, UINT32_MAX, false},
        {"model", ASSAY_OPTION_TEXT, &j.model_path, "FILE", "canonical model, for its tokenizer", 0,
         0, true},
        {"dataset", ASSAY_OPTION_TEXTS, &j.dataset_texts, "NAME=FILE",
         "a data set; repeat, earliest registered first (none, where a receipt has no adapter)", 0,
         0, false},
        {"prompt", ASSAY_OPTION_TEXT, &j.prompt_text, "TEXT", "what the text answers", 0, 0, false},
        {"prompt-ids", ASSAY_OPTION_TEXT, &j.prompt_ids_text, "LIST", "or its tokens, as 1,2,3", 0,
         0, false},
        {"span-tokens-min", ASSAY_OPTION_U64, &j.span_tokens_min, "N",
         "shortest run that counts (default 6)", 1, ASSAY_SPAN_REACH_MAX, false},
        ASSAY_WALLET_NODE_OPTION(j.of),
        {"allow-private", ASSAY_OPTION_FLAG, &j.of.allow_private, NULL,
         "let evidence URLs lead to private addresses", 0, 0, false},
        {"allow-file", ASSAY_OPTION_FLAG, &j.of.allow_file, NULL,
         "let evidence URLs name local files", 0, 0, false},
    };
    assay_error err = {0};
    json_t *document = NULL;
    int code;
    if (!assay_command_begin(invocation, options, ASSAY_COUNT(options), details, &code))
        return code;
    assay_status status = usage_check(invocation, options, &j, &err);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, NULL);
    status = job_run(&j, &err);
    if (status == ASSAY_OK)
        status = invocation->json ? assay_attribute_json(&document, &j, &err)
                                  : assay_attribute_print(&j, &err);
    if (status != ASSAY_OK)
        code = assay_command_fail(invocation, &err, j.of.next);
    else if (invocation->json)
        code = assay_command_print(document);
    if (status == ASSAY_OK && code == ASSAY_EXIT_OK && j.of.batch_text &&
        !assay_attribute_as_paid(&j))
        code = ASSAY_EXIT_NO;
    job_close(&j);
    return code;
}
