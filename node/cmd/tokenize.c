// SPDX-License-Identifier: Apache-2.0
// assay tokenize: text to token ids, and back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "node/cmd/commands.h"
#include "node/inference/ids.h"
#include "node/inference/prompt.h"
#include "quant/model.h"
#include "quant/tokenizer/tokenizer.h"

enum { FILE_MAX = 256 << 20 };

static const char details[] =
    "One of TEXT, --file, --chat and --decode is given. --decode writes the tokens' bytes as they\n"
    "are, without the space that some tokenizers put in front; with --json what is not UTF-8\n"
    "becomes U+FFFD.";

typedef struct {
    const char *model, *file, *decode;
    assay_prompt prompt;
} request;

static int ids_print(const assay_invocation *invocation, const uint32_t *ids, size_t count) {
    if (invocation->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(list, json_integer(ids[i]));
        return assay_command_print(json_pack("{s:o}", "ids", list));
    }
    for (size_t i = 0; i < count; i++)
        printf("%s%u", i ? "," : "", ids[i]);
    return putchar('\n') < 0 || fflush(stdout) != 0 ? ASSAY_EXIT_SYSTEM : ASSAY_EXIT_OK;
}

static assay_status encode_run(int *code, const assay_invocation *invocation, const request *r,
                               const assay_tokenizer *tokenizer, uint32_t vocab_size,
                               assay_error *err) {
    assay_mapping file = {0};
    uint32_t *ids = NULL;
    size_t count;
    if (r->file) ASSAY_TRY(assay_mapping_open(&file, r->file, FILE_MAX, err));
    assay_prompt prompt = r->prompt;
    if (r->file) prompt.text = file.size ? (const char *)file.data : "";
    if (r->file) prompt.text_size = file.size;
    assay_status status = assay_prompt_take(&ids, &count, &prompt, tokenizer, vocab_size, err);
    if (status == ASSAY_OK) *code = ids_print(invocation, ids, count);
    free(ids);
    assay_mapping_close(&file);
    return status;
}

static assay_status decode_run(int *code, const assay_invocation *invocation, const request *r,
                               const assay_tokenizer *tokenizer, uint32_t vocab_size,
                               assay_error *err) {
    uint32_t *ids;
    size_t count, size, skip = 0;
    uint8_t *bytes = NULL;
    char *text = NULL;
    ASSAY_TRY(assay_ids_parse(&ids, &count, r->decode, vocab_size, err));
    assay_status status = invocation->json
                              ? assay_tokenizer_text(tokenizer, &text, &size, ids, count, err)
                              : assay_tokenizer_decode(tokenizer, &bytes, &size, ids, count, err);
    if (status == ASSAY_OK && assay_tokenizer_space_dropped(tokenizer))
        skip = *(text ? text : (char *)bytes) == ' ';
    if (status == ASSAY_OK && invocation->json)
        *code = assay_command_print(json_pack("{s:s%}", "text", text + skip, size - skip));
    else if (status == ASSAY_OK)
        *code = fwrite(bytes + skip, 1, size - skip, stdout) == size - skip && fflush(stdout) == 0
                    ? ASSAY_EXIT_OK
                    : ASSAY_EXIT_SYSTEM;
    free(text);
    free(bytes);
    free(ids);
    return status;
}

static assay_status request_run(int *code, const assay_invocation *invocation, const request *r,
                                const assay_model *model, assay_error *err) {
    assay_tokenizer *tokenizer;
    if (!!r->prompt.text + !!r->file + !!r->decode + !!r->prompt.chat != 1)
        return ASSAY_FAIL(err, USAGE, "wanted one of TEXT, --file, --chat and --decode");
    if (r->decode && !assay_prompt_empty(&r->prompt))
        return ASSAY_FAIL(err, USAGE, "--decode takes no options of an encoding");
    ASSAY_TRY(assay_tokenizer_open(&tokenizer, model->tokenizer.data, model->tokenizer.size,
                                   model->shape.vocab_size, err));
    assay_status status =
        r->decode ? decode_run(code, invocation, r, tokenizer, model->shape.vocab_size, err)
                  : encode_run(code, invocation, r, tokenizer, model->shape.vocab_size, err);
    assay_tokenizer_close(tokenizer);
    return status;
}

int assay_cmd_tokenize(assay_invocation *invocation) {
    request r = {0};
    const assay_option options[] = {
        {"model", ASSAY_OPTION_TEXT, &r.model, "FILE", "canonical model with the tokenizer", 0, 0,
         true},
        {"", ASSAY_OPTION_TEXT, &r.prompt.text, "TEXT", "text to encode", 0, 0, false},
        {"file", ASSAY_OPTION_TEXT, &r.file, "FILE", "file to encode", 0, 0, false},
        ASSAY_PROMPT_CHAT_OPTIONS(r.prompt),
        {"decode", ASSAY_OPTION_TEXT, &r.decode, "1,2,3", "token ids to decode", 0, 0, false},
    };
    assay_model model = {0};
    assay_error err = {0};
    int code;
    if (!assay_command_begin(invocation, options, ASSAY_COUNT(options), details, &code))
        return code;
    if (assay_model_open(&model, r.model, &err) != ASSAY_OK ||
        request_run(&code, invocation, &r, &model, &err) != ASSAY_OK)
        code = assay_command_fail(invocation, &err, NULL);
    assay_model_close(&model);
    return code;
}
