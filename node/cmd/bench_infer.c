// SPDX-License-Identifier: Apache-2.0
// assay bench infer: how fast prefill and decode are here, what memory and the instruction set
// allow, and what another engine does beside it.
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "node/bench/infer.h"
#include "node/bench/infer_show.h"
#include "node/bench/model.h"
#include "node/cmd/commands.h"
#include "node/cmd/output.h"
#include "node/inference/inference.h"
#include "quant/import/import.h"

static const char details[] =
    "The model is a file, a folder to import, or --shape: random weights, for speed and memory\n"
    "alone. Runs take turns, so that a machine that slows down slows all: prefill of --tokens at\n"
    "once, decode of --decode one by one from an empty context, both with the first adapter, a\n"
    "request with each adapter decoded together, the machine's read bandwidth and the\n"
    "instruction set's multiply-adds, each --against command, a receipt generated and verified.\n"
    "Ratios and shares are taken within a run; figures are medians, with the least and the most.\n"
    "An --against command prints lines 'prefill X' and 'decode X' (tokens/s), or is llama-bench\n"
    "with '-r 1 -o json'; it should be told the same threads, prompt and output.";

enum { ADAPTERS_MAX = ASSAY_BENCH_BATCH_MAX, SECONDS_MAX = 86400 };

typedef struct {
    assay_inference_options inference;
    const char *shape, *keep, *head;
    bool head_q4;
    assay_option_texts adapter_files, against;
    uint64_t adapter_count; // random ones, after those of files
    uint64_t rank, tokens, decode, receipt, runs, timeout_s;
} settings;

// What a run opens; files made for it are gone when it ends.
typedef struct {
    char folder[PATH_MAX]; // "": none was made
    char model_path[PATH_MAX];
    assay_inference inference;
    assay_adapter storage[ADAPTERS_MAX];
    const assay_adapter *adapters[ADAPTERS_MAX]; // [adapter_count]
    uint32_t adapter_count;
} workbench;

static assay_status folder_make(workbench *w, assay_error *err) {
    if (w->folder[0]) return ASSAY_OK;
    return assay_folder_temporary(w->folder, sizeof w->folder,
                                  assay_folder_temporary_parent("/tmp"), "assay-bench-XXXXXX", err);
}

static assay_status model_file_make(workbench *w, settings *s, assay_error *err) {
    struct stat info;
    assay_hash root;
    const char *source = s->inference.model_file;
    bool folder = !s->shape && stat(source, &info) == 0 && S_ISDIR(info.st_mode);
    if (!s->shape && !folder && (s->head || s->keep))
        return ASSAY_FAIL(err, USAGE, "--head and --keep are for a model that is made");
    if (!s->shape && !folder) return ASSAY_OK;
    if (!s->keep) {
        ASSAY_TRY(folder_make(w, err));
        ASSAY_TRY(assay_path_join(w->model_path, sizeof w->model_path, w->folder, "model", err));
    }
    if (s->keep) ASSAY_TRY(assay_output_check(s->keep, &assay_output_model, err));
    s->inference.model_file = s->keep ? s->keep : w->model_path;
    const assay_import_options options = {.vocab_q4 = s->head_q4};
    if (folder)
        return assay_model_import(&root, source, s->inference.model_file, &options, NULL, err);
    const assay_bench_shape *named;
    ASSAY_TRY(assay_bench_shape_find(&named, s->shape, err));
    assay_bench_shape shape = *named;
    shape.shape.vocab_q4 = s->head_q4;
    return assay_bench_model_write(s->inference.model_file, &shape, err);
}

static assay_status adapter_add(workbench *w, const char *path, assay_error *err) {
    if (w->adapter_count == ADAPTERS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "more than %d adapters", ADAPTERS_MAX);
    assay_adapter *adapter = &w->storage[w->adapter_count];
    ASSAY_TRY(assay_adapter_open(adapter, path, &w->inference.model, err));
    w->adapters[w->adapter_count++] = adapter;
    return ASSAY_OK;
}

// One after the other in one file's place.
static assay_status adapters_open(workbench *w, const settings *s, assay_error *err) {
    char path[PATH_MAX];
    for (uint32_t i = 0; i < s->adapter_files.count; i++)
        ASSAY_TRY(adapter_add(w, s->adapter_files.items[i], err));
    if (s->adapter_count) ASSAY_TRY(folder_make(w, err));
    for (uint32_t i = 0; i < s->adapter_count; i++) {
        ASSAY_TRY(assay_path_join(path, sizeof path, w->folder, "adapter", err));
        ASSAY_TRY(assay_bench_adapter_write(path, &w->inference.model.shape, (uint32_t)s->rank,
                                            i + 2, err));
        ASSAY_TRY(adapter_add(w, path, err));
    }
    return ASSAY_OK;
}

// Mappings stay when their files' names go, and nothing is left where a signal ends the bench.
static void folder_remove(workbench *w) {
    if (w->folder[0]) assay_folder_remove(w->folder);
    w->folder[0] = 0;
}

static assay_status workbench_open(workbench *w, settings *s, const char *isa, assay_error *err) {
    if (s->shape && s->inference.model_file)
        return ASSAY_FAIL(err, USAGE, "wanted one of --model and --shape");
    s->head_q4 = s->head && strcmp(s->head, "q4") == 0;
    if (s->head && !s->head_q4 && strcmp(s->head, "q8") != 0)
        return ASSAY_FAIL(err, USAGE, "--head is q4 or q8, not '%.32s'", s->head);
    if (!s->shape && !s->inference.model_file) s->inference.model_file = "testnet/model";
    ASSAY_TRY(model_file_make(w, s, err));
    ASSAY_TRY(assay_inference_open(&w->inference, &s->inference, true, isa, err));
    ASSAY_TRY(adapters_open(w, s, err));
    folder_remove(w);
    return ASSAY_OK;
}

static void workbench_close(workbench *w) {
    for (uint32_t i = 0; i < w->adapter_count; i++)
        assay_adapter_close(&w->storage[i]);
    assay_inference_close(&w->inference);
    folder_remove(w);
}

// Lengths that were not given fit the model's context.
static uint32_t length_of(uint64_t given, uint32_t wanted, uint32_t context_size) {
    if (given) return (uint32_t)given;
    return wanted < context_size ? wanted : context_size;
}

static assay_status measure(assay_bench_infer_result *result, assay_bench_infer_options *options,
                            const workbench *w, const settings *s, assay_error *err) {
    uint32_t context_size = w->inference.model.shape.context_size;
    *options = (assay_bench_infer_options){
        .engine = w->inference.engine,
        .adapters = w->adapters,
        .adapter_count = w->adapter_count,
        .tokens = length_of(s->tokens, 512, context_size),
        .decode = length_of(s->decode, 64, context_size),
        .receipt =
            s->receipt == UINT64_MAX ? length_of(0, 256, context_size / 2) : (uint32_t)s->receipt,
        .runs = (uint32_t)s->runs,
        .against = s->against.items,
        .against_count = s->against.count,
        .timeout_s = (unsigned)s->timeout_s,
    };
    if (s->against.count > ASSAY_BENCH_AGAINST_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u commands, limit %d", s->against.count,
                          ASSAY_BENCH_AGAINST_MAX);
    return assay_bench_infer_run(result, options, err);
}

static int run(assay_invocation *invocation, settings *s) {
    assay_bench_infer_result result;
    assay_bench_infer_options options;
    assay_error err = {0};
    int code;
    workbench *w = calloc(1, sizeof *w);
    if (!w) return ASSAY_EXIT_SYSTEM;
    if (workbench_open(w, s, invocation->isa, &err) == ASSAY_OK &&
        measure(&result, &options, w, s, &err) == ASSAY_OK)
        code = assay_bench_infer_show(invocation, &options, &result);
    else
        code = assay_command_fail(invocation, &err, "assay bench infer --help");
    workbench_close(w);
    free(w);
    return code;
}

int assay_cmd_bench_infer(assay_invocation *invocation) {
    settings s = {.rank = 16, .receipt = UINT64_MAX, .runs = 5, .timeout_s = 600};
    const assay_option options[] = {
        {"model", ASSAY_OPTION_TEXT, &s.inference.model_file, "FILE",
         "canonical model or folder to import (testnet/model)", 0, 0, false},
        {"shape", ASSAY_OPTION_TEXT, &s.shape, "NAME",
         "random weights instead: demo, llama-3.2-1b, llama-3.2-3b, llama-3-8b", 0, 0, false},
        {"head", ASSAY_OPTION_TEXT, &s.head, "TYPE",
         "head and embedding of such a model: q4 or q8 (q8)", 0, 0, false},
        {"keep", ASSAY_OPTION_TEXT, &s.keep, "FILE", "keep the model that was made", 0, 0, false},
        {"adapter", ASSAY_OPTION_TEXTS, &s.adapter_files, "FILE", "canonical adapter, repeatable",
         0, 0, false},
        {"adapters", ASSAY_OPTION_U64, &s.adapter_count, "N", "random adapters (0)", 0,
         ADAPTERS_MAX, false},
        {"rank", ASSAY_OPTION_U64, &s.rank, "N", "of random adapters (16)", 1, ASSAY_LORA_RANK_MAX,
         false},
        {"tokens", ASSAY_OPTION_U64, &s.tokens, "N", "of the prefill (512)", 1,
         ASSAY_MODEL_CONTEXT_MAX, false},
        {"decode", ASSAY_OPTION_U64, &s.decode, "N", "decoded (64)", 1, ASSAY_MODEL_CONTEXT_MAX,
         false},
        {"receipt", ASSAY_OPTION_U64, &s.receipt, "N", "tokens in and out of the receipt (256)", 0,
         ASSAY_MODEL_CONTEXT_MAX / 2, false},
        {"runs", ASSAY_OPTION_U64, &s.runs, "N", "interleaved runs (5)", 1, ASSAY_BENCH_RUNS_MAX,
         false},
        {"against", ASSAY_OPTION_TEXTS, &s.against, "COMMAND", "another engine, repeatable", 0, 0,
         false},
        {"timeout", ASSAY_OPTION_U64, &s.timeout_s, "S", "seconds a command may take (600)", 1,
         SECONDS_MAX, false},
        ASSAY_INFERENCE_THREADS_OPTION(s.inference),
    };
    int code;
    if (!assay_command_begin(invocation, options, ASSAY_COUNT(options), details, &code))
        return code;
    return run(invocation, &s);
}
