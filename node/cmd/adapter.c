// SPDX-License-Identifier: Apache-2.0
// assay adapter import, assay adapter check.
#include <stdio.h>

#include "base/hex.h"
#include "base/json.h"
#include "kernels/table.h"
#include "node/cmd/commands.h"
#include "node/cmd/output.h"
#include "quant/import/adapter_import.h"

static const char import_details[] =
    "PATH is a folder with adapter_config.json and adapter_model.safetensors of a PEFT LoRA, or a\n"
    "GGUF LoRA file. With --model the shapes are checked against that base; a GGUF file of a "
    "llama\n"
    "needs it. A GGUF file has one alpha and no word of rank stabilisation: its scales are alpha "
    "over\n"
    "rank, also where the adapter it was made from had others. What is not plain LoRA on the "
    "seven\n"
    "linears of a layer is refused by name.";
static const char check_details[] =
    "Opens the file as every other command does and prints its root and what it adapts.";

static uint32_t pair_count(const assay_adapter *adapter, uint32_t *rank_max) {
    uint32_t count = 0;
    *rank_max = 0;
    for (uint32_t layer = 0; layer < adapter->layer_count; layer++)
        for (int i = 0; i < ASSAY_LINEAR_COUNT; i++) {
            uint32_t rank = adapter->layers[layer][i].a.n;
            count += rank != 0;
            if (rank > *rank_max) *rank_max = rank;
        }
    return count;
}

static int adapter_print(const assay_invocation *invocation, const assay_adapter *adapter) {
    uint32_t rank_max, pairs = pair_count(adapter, &rank_max);
    if (invocation->json)
        return assay_command_print(
            json_pack("{s:o,s:I,s:i,s:i,s:i}", "root", assay_json_from_hash(&adapter->root),
                      "bytes", (json_int_t)adapter->file.size, "layers", (int)adapter->layer_count,
                      "pairs", (int)pairs, "rank_max", (int)rank_max));
    char root[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(root, adapter->root.bytes, ASSAY_HASH_SIZE);
    printf("root     %s\nbytes    %zu\nshape    %u pairs in %u layers, rank at most %u\n", root,
           adapter->file.size, pairs, adapter->layer_count, rank_max);
    return ASSAY_EXIT_OK;
}

// Imports `from` to `path` unless it is NULL, then opens `path`.
static int adapter_run(const assay_invocation *invocation, const char *from, const char *path,
                       const char *model_path) {
    const assay_kernels *kernels;
    assay_model model = {0};
    assay_adapter adapter = {0};
    assay_error err = {0};
    assay_hash root;
    const assay_model *base = model_path ? &model : NULL;
    assay_status status = assay_kernels_find(&kernels, invocation->isa, &err);
    if (status == ASSAY_OK && from) status = assay_output_check(path, &assay_output_adapter, &err);
    if (status == ASSAY_OK && base) status = assay_model_open(&model, model_path, &err);
    if (status == ASSAY_OK && from) status = assay_adapter_import(&root, from, path, base, &err);
    if (status == ASSAY_OK) status = assay_adapter_open(&adapter, path, base, &err);
    int code = status == ASSAY_OK ? adapter_print(invocation, &adapter)
                                  : assay_command_fail(invocation, &err, NULL);
    assay_adapter_close(&adapter);
    assay_model_close(&model);
    return code;
}

int assay_cmd_adapter_import(assay_invocation *invocation) {
    const char *from = NULL, *out = NULL, *model = NULL;
    const assay_option options[] = {
        {"", ASSAY_OPTION_TEXT, &from, "PATH", "PEFT folder or GGUF file", 0, 0, true},
        {"out", ASSAY_OPTION_TEXT, &out, "FILE", "canonical file to write", 0, 0, true},
        {"model", ASSAY_OPTION_TEXT, &model, "FILE", "base model to check against", 0, 0, false},
    };
    int code;
    if (!assay_command_begin(invocation, options, 3, import_details, &code)) return code;
    return adapter_run(invocation, from, out, model);
}

int assay_cmd_adapter_check(assay_invocation *invocation) {
    const char *path = NULL, *model = NULL;
    const assay_option options[] = {
        {"", ASSAY_OPTION_TEXT, &path, "FILE", "canonical adapter file", 0, 0, true},
        {"model", ASSAY_OPTION_TEXT, &model, "FILE", "base model to check against", 0, 0, false},
    };
    int code;
    if (!assay_command_begin(invocation, options, 2, check_details, &code)) return code;
    return adapter_run(invocation, NULL, path, model);
}
