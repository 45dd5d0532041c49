// SPDX-License-Identifier: Apache-2.0
// What a command line gives a model to go on from: ids, a text, or a user's message.
#ifndef ASSAY_NODE_INFERENCE_PROMPT_H
#define ASSAY_NODE_INFERENCE_PROMPT_H

#include "node/options.h"
#include "quant/tokenizer/tokenizer.h"

typedef struct {
    const char *ids;      // "1,2,3", or
    const char *text;     // a text, of
    size_t text_size;     // ... bytes (0: up to its zero byte), or
    const char *chat;     // a user's message to a model that was trained to answer
    const char *system;   // with it: how to answer
    const char *template; // with it: NULL: the one that the tokenizer tells
    bool bos;             // with the text: the family's first token before it
} assay_prompt;

// Rows for a command's option table: the ways to give a prompt beside a text's.
// clang-format off
#define ASSAY_PROMPT_CHAT_OPTIONS(prompt) \
    {"chat", ASSAY_OPTION_TEXT, &(prompt).chat, "TEXT", "a user's message", 0, 0, false}, \
    {"system", ASSAY_OPTION_TEXT, &(prompt).system, "TEXT", "how --chat is to be answered", 0, 0, \
     false}, \
    {"template", ASSAY_OPTION_TEXT, &(prompt).template, "NAME", \
     "the form of --chat (told by the tokenizer)", 0, 0, false}, \
    {"bos", ASSAY_OPTION_FLAG, &(prompt).bos, NULL, \
     "begin the text with the family's token for it", 0, 0, false}
#define ASSAY_PROMPT_OPTIONS(prompt) \
    {"ids", ASSAY_OPTION_TEXT, &(prompt).ids, "1,2,3", "token ids to start from", 0, 0, false}, \
    {"prompt", ASSAY_OPTION_TEXT, &(prompt).text, "TEXT", "text to start from", 0, 0, false}, \
    ASSAY_PROMPT_CHAT_OPTIONS(prompt)
// clang-format on

// Whether nothing was given.
bool assay_prompt_empty(const assay_prompt *prompt);

// The ids that were given in exactly one way. Says on standard error which template a tokenizer
// told. Errors: USAGE (several, none, or an option without what it belongs to), those of ids, of
// the tokenizer and of quant/tokenizer/chat.h. Lives: the caller frees *ids [*count]. Spec: F-9,
// F-33, F-34.
assay_status assay_prompt_take(uint32_t **ids, size_t *count, const assay_prompt *prompt,
                               const assay_tokenizer *tokenizer, uint32_t vocab_size,
                               assay_error *err);

#endif
