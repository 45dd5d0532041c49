// SPDX-License-Identifier: Apache-2.0
// Conversations as token ids: the families' chat templates as a closed list, without the language
// that files write them in. What people wrote is encoded as text alone, whatever it spells.
#ifndef ASSAY_QUANT_TOKENIZER_CHAT_H
#define ASSAY_QUANT_TOKENIZER_CHAT_H

#include "quant/tokenizer/tokenizer.h"

enum { ASSAY_CHAT_MESSAGES_MAX = 4096 };

typedef enum { ASSAY_CHAT_SYSTEM, ASSAY_CHAT_USER, ASSAY_CHAT_ASSISTANT } assay_chat_role;

typedef struct {
    assay_chat_role role;
    const char *text; // [size], well-formed UTF-8
    size_t size;
} assay_chat_message;

typedef struct assay_chat_template assay_chat_template; // constant, for ever

// The template of that name or, where name is NULL, the one that the tokenizer tells.
// Errors: UNKNOWN (the name; says which there are), UNSUPPORTED (none is told, or two families'),
// MISSING (a token that the template needs). Spec: F-33.
assay_status assay_chat_template_find(const assay_chat_template **out,
                                      const assay_tokenizer *tokenizer, const char *name,
                                      assay_error *err);

// Its name, and the added token that tells it, NULL where only the name does.
const char *assay_chat_template_name(const assay_chat_template *chat);
const char *assay_chat_template_telling(const assay_chat_template *chat);

// The ids of a conversation, with what makes the assistant answer at the end: an optional system
// message, then user and assistant in turn, the user last. Errors: ORDER, CAPACITY, RANGE (a
// message of white space alone), FORBIDDEN (a text that the template itself writes in letters),
// FORMAT, MEMORY. Lives: the caller frees *ids [*count]. Spec: F-33.
assay_status assay_chat_encode(const assay_tokenizer *tokenizer, uint32_t **ids, size_t *count,
                               const assay_chat_template *chat, const assay_chat_message *messages,
                               size_t message_count, assay_error *err);

// The id that a text begins with in the families that have one. Errors: UNSUPPORTED. Spec: F-34.
assay_status assay_chat_bos(uint32_t *id, const assay_tokenizer *tokenizer, assay_error *err);

#endif
