// SPDX-License-Identifier: Apache-2.0
// assay model import.
#include <string.h>

#include "kernels/table.h"
#include "node/cmd/commands.h"
#include "node/cmd/output.h"
#include "node/inference/model_print.h"
#include "quant/import/import.h"
#include "quant/model.h"
#include "quant/tokenizer/tokenizer.h"

static const char import_details[] =
    "PATH is a folder with config.json, tokenizer.json and model.safetensors, or the shards\n"
    "of its index, of a Llama, Mistral, Qwen2 or Qwen3 model: BF16, F16, F32, or 4-bit NF4 of\n"
    "bitsandbytes. Or it is a GGUF file of version 3 with tensors in F32, F16, BF16, Q8_0,\n"
    "Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K and IQ4_NL, with its own tokenizer or that of\n"
    "--tokenizer. The bytes written depend on the numbers alone, not on files or threads;\n"
    "what would change the result is refused by name. Memory: some megabytes a thread,\n"
    "whatever the model's size.";

// Opens a file, its tokenizer too, and prints what it is.
static int file_check(const assay_invocation *invocation, const char *path) {
    assay_model model;
    assay_tokenizer *tokenizer = NULL;
    assay_error err = {0};
    int code;
    if (assay_model_open(&model, path, &err) != ASSAY_OK ||
        assay_tokenizer_open(&tokenizer, model.tokenizer.data, model.tokenizer.size,
                             model.shape.vocab_size, &err) != ASSAY_OK)
        code = assay_command_fail(invocation, &err, NULL);
    else
        code = assay_model_print(invocation, &model, NULL);
    assay_tokenizer_close(tokenizer);
    assay_model_close(&model);
    return code;
}

static void progress_show(void *context, uint64_t done, uint64_t total) {
    assay_progress_show("quantising", done, total);
}

int assay_cmd_model_import(assay_invocation *invocation) {
    const char *from = NULL, *out = NULL, *embedding = "q8";
    assay_import_options import = {.progress = progress_show};
    uint64_t threads = assay_processor_count(), context = 0;
    const assay_option options[] = {
        {"", ASSAY_OPTION_TEXT, &from, "PATH", "Hugging Face folder or GGUF file", 0, 0, true},
        {"out", ASSAY_OPTION_TEXT, &out, "FILE", "canonical file to write", 0, 0, true},
        {"threads", ASSAY_OPTION_U64, &threads, "N", "to convert rows with (all processors)", 1,
         1024, false},
        {"embedding", ASSAY_OPTION_TEXT, &embedding, "TYPE", "of embedding and head: q4 or q8 (q8)",
         0, 0, false},
        {"context", ASSAY_OPTION_U64, &context, "N", "positions, if fewer than the model states", 1,
         ASSAY_MODEL_CONTEXT_MAX, false},
        {"tokenizer", ASSAY_OPTION_TEXT, &import.tokenizer, "FILE",
         "tokenizer.json, if not the model's own", 0, 0, false},
    };
    const assay_kernels *kernels;
    assay_pool *pool = NULL;
    assay_hash root;
    assay_error err = {0};
    int code;
    if (!assay_command_begin(invocation, options, ASSAY_COUNT(options), import_details, &code))
        return code;
    import.vocab_q4 = strcmp(embedding, "q4") == 0;
    import.context_size = (uint32_t)context;
    assay_status status = ASSAY_OK;
    if (!import.vocab_q4 && strcmp(embedding, "q8") != 0)
        status = ASSAY_FAIL(&err, USAGE, "--embedding is '%.16s', wanted q4 or q8", embedding);
    if (status == ASSAY_OK) status = assay_output_check(out, &assay_output_model, &err);
    if (status == ASSAY_OK) status = assay_kernels_find(&kernels, invocation->isa, &err);
    if (status == ASSAY_OK) status = assay_pool_open(&pool, (unsigned)threads, &err);
    if (status == ASSAY_OK) status = assay_model_import(&root, from, out, &import, pool, &err);
    assay_pool_close(pool);
    if (status != ASSAY_OK) {
        progress_show(NULL, 1, 1); // the line is cleared
        return assay_command_fail(invocation, &err, NULL);
    }
    return file_check(invocation, out);
}
