// SPDX-License-Identifier: Apache-2.0
// What the commands that compute by themselves open: one model, at most one adapter, threads.
#ifndef ASSAY_NODE_INFERENCE_INFERENCE_H
#define ASSAY_NODE_INFERENCE_INFERENCE_H

#include "node/command.h"
#include "node/inference/prompt.h"
#include "quant/forward.h"
#include "quant/tokenizer/tokenizer.h"

typedef struct {
    const char *model_file;
    const char *adapter_file; // NULL: the base alone
    uint64_t threads;         // 0: one a processor
    assay_prompt prompt;
} assay_inference_options;

// Rows for a command's option table.
#define ASSAY_INFERENCE_MODEL_OPTION(options)                                                      \
    {                                                                                              \
        "model", ASSAY_OPTION_TEXT, &(options).model_file, "FILE", "canonical base model", 0, 0,   \
            true                                                                                   \
    }
#define ASSAY_INFERENCE_ADAPTER_OPTION(options)                                                    \
    {                                                                                              \
        "adapter", ASSAY_OPTION_TEXT, &(options).adapter_file, "FILE", "canonical adapter", 0, 0,  \
            false                                                                                  \
    }
#define ASSAY_INFERENCE_THREADS_OPTION(options)                                                    \
    {                                                                                              \
        "threads", ASSAY_OPTION_U64, &(options).threads, "N", "threads (one a processor)", 1, 256, \
            false                                                                                  \
    }

// A zeroed struct is safe to close.
typedef struct {
    assay_model model;
    assay_adapter adapter_storage;
    const assay_adapter *adapter; // NULL: the base alone
    assay_tokenizer *tokenizer;
    assay_pool *pool;
    assay_engine engine;
    uint32_t *ids; // [id_count]
    size_t id_count;
} assay_inference;

// Opens all of it; a prompt is given, or nothing of it where ids_optional. Errors: USAGE, those of
// the files, of the tokenizer and of the prompt, UNKNOWN or UNSUPPORTED (kernel set),
// MEMORY. Lives: until close. Spec: F-9.
assay_status assay_inference_open(assay_inference *inference,
                                  const assay_inference_options *options, bool ids_optional,
                                  const char *isa, assay_error *err);
void assay_inference_close(assay_inference *inference);

#endif
