// SPDX-License-Identifier: Apache-2.0
// assay model import, assay model check.
#include <stdio.h>

#include "base/hex.h"
#include "base/json.h"
#include "kernels/table.h"
#include "node/commands.h"
#include "quant/import.h"
#include "quant/model.h"
#include "quant/tokenizer.h"

static const char import_details[] =
    "DIR holds config.json, model.safetensors (BF16, F16 or F32) and tokenizer.json of a Llama.\n"
    "The file's bytes depend on them alone; what would change the result is refused by name.";
static const char check_details[] =
    "Opens the file as every other command does and prints its root and shape.";

static int model_print(const assay_invocation *invocation, const assay_model *model) {
    const assay_model_shape *shape = &model->shape;
    if (invocation->json)
        return assay_command_print(json_pack(
            "{s:o,s:I,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:b}", "root",
            assay_json_from_hash(&model->root), "bytes", (json_int_t)model->file.size, "layers",
            (int)shape->layer_count, "width", (int)shape->width, "heads", (int)shape->head_count,
            "kv_heads", (int)shape->kv_head_count, "head_size", (int)shape->head_size, "ff_width",
            (int)shape->ff_width, "vocab", (int)shape->vocab_size, "context",
            (int)shape->context_size, "tied", model->head.q == model->embedding.q));
    char root[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(root, model->root.bytes, ASSAY_HASH_SIZE);
    printf("root     %s\nbytes    %zu\n"
           "shape    %u layers, width %u, %u heads of %u over %u, feed-forward %u\n"
           "         vocabulary %u, context %u, %s head\n",
           root, model->file.size, shape->layer_count, shape->width, shape->head_count,
           shape->head_size, shape->kv_head_count, shape->ff_width, shape->vocab_size,
           shape->context_size, model->head.q == model->embedding.q ? "tied" : "own");
    return ASSAY_EXIT_OK;
}

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
        code = model_print(invocation, &model);
    assay_tokenizer_close(tokenizer);
    assay_model_close(&model);
    return code;
}

static void progress_show(void *context, uint64_t done, uint64_t total) {
    assay_progress_show("quantising", done, total);
}

int assay_cmd_model_import(assay_invocation *invocation) {
    const char *folder = NULL, *out = NULL;
    const assay_option options[] = {
        {"", ASSAY_OPTION_TEXT, &folder, "DIR", "Hugging Face folder", 0, 0, true},
        {"out", ASSAY_OPTION_TEXT, &out, "FILE", "canonical file to write", 0, 0, true},
    };
    const assay_kernels *kernels;
    const assay_import_options import = {.progress = progress_show};
    assay_hash root;
    assay_error err = {0};
    int code;
    if (!assay_command_begin(invocation, options, 2, import_details, &code)) return code;
    if (assay_kernels_find(&kernels, invocation->isa, &err) != ASSAY_OK ||
        assay_model_import(&root, folder, out, &import, NULL, &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, NULL);
    return file_check(invocation, out);
}

int assay_cmd_model_check(assay_invocation *invocation) {
    const char *path = NULL;
    const assay_option options[] = {
        {"", ASSAY_OPTION_TEXT, &path, "FILE", "canonical model file", 0, 0, true},
    };
    int code;
    if (!assay_command_begin(invocation, options, 1, check_details, &code)) return code;
    return file_check(invocation, path);
}
