// SPDX-License-Identifier: Apache-2.0
#include "node/inference/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/inference/ids.h"
#include "quant/tokenizer/chat.h"

bool assay_prompt_empty(const assay_prompt *prompt) {
    return !prompt->ids && !prompt->text && !prompt->chat && !prompt->system && !prompt->template &&
           !prompt->bos;
}

static assay_status text_take(uint32_t **ids, size_t *count, const assay_prompt *prompt,
                              const assay_tokenizer *tokenizer, assay_error *err) {
    size_t size = prompt->text_size ? prompt->text_size : strlen(prompt->text);
    uint32_t bos;
    if (!prompt->bos) return assay_tokenizer_encode(tokenizer, ids, count, prompt->text, size, err);
    ASSAY_TRY(assay_chat_bos(&bos, tokenizer, err));
    ASSAY_TRY(assay_tokenizer_encode(tokenizer, ids, count, prompt->text, size, err));
    uint32_t *grown = realloc(*ids, (*count + 1) * sizeof *grown);
    if (!grown) {
        free(*ids);
        *ids = NULL;
        return ASSAY_FAIL(err, MEMORY, "no memory for %zu ids", *count + 1);
    }
    memmove(grown + 1, grown, *count * sizeof *grown);
    grown[0] = bos;
    *ids = grown;
    ++*count;
    return ASSAY_OK;
}

// Many models have a family's tokens and a template of their own: who knows theirs sees it here.
static void guess_tell(const assay_chat_template *chat) {
    fprintf(stderr, "template %s, told by the token %s; --template takes another\n",
            assay_chat_template_name(chat), assay_chat_template_telling(chat));
}

static assay_status chat_take(uint32_t **ids, size_t *count, const assay_prompt *prompt,
                              const assay_tokenizer *tokenizer, assay_error *err) {
    const assay_chat_template *chat;
    assay_chat_message messages[2];
    size_t at = 0;
    ASSAY_TRY(assay_chat_template_find(&chat, tokenizer, prompt->template, err));
    if (prompt->system)
        messages[at++] =
            (assay_chat_message){ASSAY_CHAT_SYSTEM, prompt->system, strlen(prompt->system)};
    messages[at++] = (assay_chat_message){ASSAY_CHAT_USER, prompt->chat, strlen(prompt->chat)};
    ASSAY_TRY(assay_chat_encode(tokenizer, ids, count, chat, messages, at, err));
    if (!prompt->template) guess_tell(chat);
    return ASSAY_OK;
}

assay_status assay_prompt_take(uint32_t **ids, size_t *count, const assay_prompt *prompt,
                               const assay_tokenizer *tokenizer, uint32_t vocab_size,
                               assay_error *err) {
    *ids = NULL;
    *count = 0;
    if (!!prompt->ids + !!prompt->text + !!prompt->chat != 1)
        return ASSAY_FAIL(err, USAGE, "wanted one of ids, a text and --chat");
    if (!prompt->chat && (prompt->system || prompt->template))
        return ASSAY_FAIL(err, USAGE, "--system and --template belong to --chat");
    if (!prompt->text && prompt->bos) return ASSAY_FAIL(err, USAGE, "--bos belongs to a text");
    if (prompt->ids) return assay_ids_parse(ids, count, prompt->ids, vocab_size, err);
    return prompt->chat ? chat_take(ids, count, prompt, tokenizer, err)
                        : text_take(ids, count, prompt, tokenizer, err);
}
