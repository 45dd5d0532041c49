// SPDX-License-Identifier: Apache-2.0
// assay model check: what a canonical file holds, and how well it foretells a text.
#include <stdlib.h>

#include "base/file.h"
#include "node/cmd/commands.h"
#include "node/inference/inference.h"
#include "node/inference/model_print.h"
#include "node/inference/perplexity.h"

static const char details[] =
    "Opens the file as every other command does, and prints what it is: root, architecture, and\n"
    "the bytes of its parts. With --text also the perplexity over a text file, in windows from an\n"
    "empty context: exp of the mean negative log likelihood of every token but a window's first.";

enum { TEXT_MAX = 64 << 20, WINDOW_DEFAULT = 512 };

static void progress_show(uint64_t done, uint64_t total) {
    assay_progress_show("reading", done, total);
}

static assay_status text_measure(assay_perplexity *out, const assay_inference *inference,
                                 const char *path, uint64_t window, assay_error *err) {
    const assay_model *model = &inference->model;
    uint32_t context_size = model->shape.context_size, *ids = NULL;
    uint8_t *text = NULL;
    size_t size, count = 0;
    if (window == 0) window = context_size < WINDOW_DEFAULT ? context_size : WINDOW_DEFAULT;
    assay_status status = assay_file_read(path, TEXT_MAX, &text, &size, err);
    if (status == ASSAY_OK)
        status = assay_tokenizer_encode(inference->tokenizer, &ids, &count, (const char *)text,
                                        size, err);
    if (status == ASSAY_OK)
        status = assay_perplexity_measure(out, &inference->engine, inference->adapter, ids, count,
                                          (uint32_t)window, progress_show, err);
    free(ids);
    free(text);
    return status;
}

int assay_cmd_model_check(assay_invocation *invocation) {
    assay_inference_options o = {0};
    assay_inference inference;
    assay_perplexity perplexity;
    assay_error err = {0};
    const char *text = NULL;
    uint64_t window = 0;
    int code;
    const assay_option options[] = {
        {"", ASSAY_OPTION_TEXT, &o.model_file, "FILE", "canonical model file", 0, 0, true},
        {"text", ASSAY_OPTION_TEXT, &text, "TEXTFILE", "text to foretell, at most 64 MiB", 0, 0,
         false},
        ASSAY_INFERENCE_ADAPTER_OPTION(o),
        {"window", ASSAY_OPTION_U64, &window, "N", "tokens of a window (512, or the context)", 2,
         ASSAY_MODEL_CONTEXT_MAX, false},
        ASSAY_INFERENCE_THREADS_OPTION(o),
    };
    if (!assay_command_begin(invocation, options, ASSAY_COUNT(options), details, &code))
        return code;
    if (assay_inference_open(&inference, &o, true, invocation->isa, &err) == ASSAY_OK &&
        (!text || text_measure(&perplexity, &inference, text, window, &err) == ASSAY_OK))
        code = assay_model_print(invocation, &inference.model, text ? &perplexity : NULL);
    else
        code = assay_command_fail(invocation, &err, "assay model check --help");
    assay_inference_close(&inference);
    return code;
}
