// SPDX-License-Identifier: Apache-2.0
// What assay attribute works on: an output, the data sets it may follow, and what was found.
#ifndef ASSAY_NODE_CMD_ATTRIBUTE_H
#define ASSAY_NODE_CMD_ATTRIBUTE_H

#include "attribution/corpus.h"
#include "attribution/shares.h"
#include "ledger/tx/request.h"
#include "node/command.h"
#include "quant/model.h"

enum { ASSAY_ATTRIBUTE_NAME_MAX = 64 }; // bytes

// One --dataset.
typedef struct {
    const char *name; // in argv
    int name_size;
    assay_mapping file;
    assay_corpus corpus;
    assay_index index;
} assay_attribute_dataset;

// A receipt on a chain. Its rows are what was paid for.
typedef struct {
    const char *batch_text; // NULL: none is asked about
    const char *node_url;
    uint64_t leaf;
    bool allow_private, allow_file;
    const char *next; // after FORBIDDEN: the option that would have allowed it
    assay_receipt receipt;
    uint64_t data_ppm; // the chain's
} assay_attribute_receipt;

// Once the data sets are loaded they stand in the order of their dates.
typedef struct {
    assay_attribute_receipt of;
    const char *text_path;
    const char *ids_text;
    const char *model_path;
    const char *prompt_text;
    const char *prompt_ids_text;
    assay_option_texts dataset_texts;
    uint64_t span_tokens_min;
    assay_model model;
    assay_tokenizer *tokenizer;
    assay_attribute_dataset datasets[ASSAY_SPAN_SOURCES_MAX];
    assay_span_source sources[ASSAY_SPAN_SOURCES_MAX];
    uint32_t count;
    uint32_t *prompt, *output; // token ids
    size_t prompt_count, output_count;
    assay_spans spans;
    assay_shares shares;
} assay_attribute;

// Reads output, prompt and rules of the receipt, and puts the loaded data sets into the order of
// their dates. Errors: those of the node and of its evidence; MISMATCH (another model), MISSING (a
// data set of the adapter's is not given, named), USAGE (one that is none of them is).
assay_status assay_attribute_receipt_read(assay_attribute *job, assay_error *err);

// Whether the receipt's rows are the shares found.
bool assay_attribute_as_paid(const assay_attribute *job);

// What was found, for people and for programs. Errors: MEMORY, and those of the tokenizer.
// Spec.
assay_status assay_attribute_print(const assay_attribute *job, assay_error *err);
assay_status assay_attribute_json(json_t **out, const assay_attribute *job, assay_error *err);

#endif
