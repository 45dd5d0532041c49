// SPDX-License-Identifier: Apache-2.0
#include "quant/tokenizer/chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

// Of a turn, "{…}" is a token, '%' the message and '$' the system's; all else is text.
struct assay_chat_template {
    const char *name;
    const char *tokens[4];     // that it writes
    const char *telling;       // the added token by which it is recognised; NULL: by name only
    bool telling_nfc;          // ... if the tokenizer normalizes too
    const char *begin;         // before all
    const char *system;        // NULL: within a user's turn
    const char *system_absent; // the system's message where there is none; NULL: no turn
    const char *user;
    const char *user_system; // with the system's message within
    bool system_late;        // ... the last of the user's turns, else the first
    const char *assistant;
    const char *answer;  // after all
    bool user_trimmed;   // of white space at both ends, as its author's template does
    bool answer_trimmed; // the assistant's messages
    bool thought_cut;    // they begin after "</think>"
    const char *tags[4]; // written in letters: whoever writes them in a message would be obeyed
};

#define HEADER(role)      "{<|start_header_id|>}" role "{<|end_header_id|>}\n\n"
#define LLAMA3_TURN(role) HEADER(role) "%{<|eot_id|>}"
#define CHATML_TURN(role) "{<|im_start|>}" role "\n%{<|im_end|>}\n"
#define LLAMA3                                                                                     \
    .begin = "{<|begin_of_text|>}", .user = LLAMA3_TURN("user"),                                   \
    .assistant = LLAMA3_TURN("assistant"), .answer = HEADER("assistant"), .user_trimmed = true,    \
    .answer_trimmed = true,                                                                        \
    .tokens = {"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}
#define CHATML                                                                                     \
    .begin = "", .system = CHATML_TURN("system"), .user = CHATML_TURN("user"),                     \
    .assistant = CHATML_TURN("assistant"), .answer = "{<|im_start|>}assistant\n",                  \
    .tokens = {"<|im_start|>", "<|im_end|>"}

// Those with more of a family's tokens stand first.
static const assay_chat_template templates[] = {
    {.name = "qwen3", .telling = "<think>", CHATML, .thought_cut = true},
    {.name = "qwen2.5",
     .telling = "<tool_call>",
     CHATML,
     .system_absent = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."},
    {.name = "qwen2",
     .telling = "<|endoftext|>", // which many others have that are not Qwen's
     .telling_nfc = true,
     CHATML,
     .system_absent = "You are a helpful assistant."},
    {.name = "chatml", .telling = "<|im_start|>", CHATML},
    {.name = "llama3.1",
     .telling = "<|eom_id|>",
     LLAMA3,
     .system = HEADER("system") "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
                                "%{<|eot_id|>}",
     .system_absent = ""},
    {.name = "llama3", .telling = "<|eot_id|>", LLAMA3, .system = LLAMA3_TURN("system")},
    {.name = "mistral-v3",
     .telling = "[/INST]",
     .tokens = {"<s>", "</s>", "[INST]", "[/INST]"},
     .begin = "{<s>}",
     .user = "{[INST]} %{[/INST]}",
     .user_system = "{[INST]} $\n\n%{[/INST]}",
     .system_late = true,
     .assistant = " %{</s>}",
     .answer = "",
     .answer_trimmed = true},
    {.name = "mistral-v1",
     .tokens = {"<s>", "</s>"},
     .begin = "{<s>}",
     .user = "~[INST] % [/INST]",
     .user_system = "~[INST] $\n\n% [/INST]",
     .assistant = " %{</s>}",
     .answer = "",
     .tags = {"[INST]", "[/INST]"}},
    {.name = "llama2",
     .tokens = {"<s>", "</s>"},
     .begin = "",
     .user = "{<s>}[INST] % [/INST]",
     .user_system = "{<s>}[INST] <<SYS>>\n$\n<</SYS>>\n\n% [/INST]",
     .assistant = " % {</s>}",
     .answer = "",
     .user_trimmed = true,
     .answer_trimmed = true,
     .tags = {"[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"}},
};
enum { TEMPLATE_COUNT = ASSAY_COUNT(templates), TAGS = 4, TOKENS = 4 };

// ---- which template -------------------------------------------------------------------------

static bool has(const assay_tokenizer *tokenizer, const char *token) {
    return assay_tokenizer_added(tokenizer, token) != UINT32_MAX;
}

static const char *token_missing(const assay_chat_template *chat,
                                 const assay_tokenizer *tokenizer) {
    for (int i = 0; i < TOKENS && chat->tokens[i]; i++)
        if (!has(tokenizer, chat->tokens[i])) return chat->tokens[i];
    return NULL;
}

// Llama 3's tokens lie below ChatML's in models that others trained further; their templates begin
// with this one, and neither of the two families' does what theirs do.
static bool begins_otherwise(const assay_chat_template *chat, const assay_tokenizer *tokenizer) {
    static const char begin[] = "{<|begin_of_text|>}";
    return has(tokenizer, "<|begin_of_text|>") && strcmp(chat->begin, begin) != 0;
}

static void names_list(char *out, size_t room) {
    size_t at = 0;
    for (size_t i = 0; i < TEMPLATE_COUNT && at < room; i++)
        at += (size_t)snprintf(out + at, room - at, "%s%s", i ? ", " : "", templates[i].name);
}

assay_status assay_chat_template_find(const assay_chat_template **out,
                                      const assay_tokenizer *tokenizer, const char *name,
                                      assay_error *err) {
    char names[160];
    *out = NULL;
    names_list(names, sizeof names);
    for (size_t i = 0; i < TEMPLATE_COUNT; i++) {
        const assay_chat_template *chat = &templates[i];
        const char *missing = token_missing(chat, tokenizer);
        if (name && strcmp(name, chat->name) != 0) continue;
        if (name && missing)
            return ASSAY_FAIL(err, MISSING, "template %s needs the token \"%s\"", name, missing);
        bool normal = !chat->telling_nfc || assay_tokenizer_normalizes(tokenizer);
        // Later Mistral tokenizers have one more turn, which is not known here.
        bool told = chat->telling && has(tokenizer, chat->telling) && normal && !missing &&
                    !has(tokenizer, "[SYSTEM_PROMPT]");
        if (!name && !told) continue;
        if (!name && begins_otherwise(chat, tokenizer))
            return ASSAY_FAIL(err, UNSUPPORTED,
                              "the token %s tells %s, but <|begin_of_text|> another: give "
                              "--template, of %s",
                              chat->telling, chat->name, names);
        *out = chat;
        return ASSAY_OK;
    }
    if (name) return ASSAY_FAIL(err, UNKNOWN, "no template \"%.32s\"; there are %s", name, names);
    return ASSAY_FAIL(err, UNSUPPORTED, "the tokenizer does not tell its template; there are %s",
                      names);
}

const char *assay_chat_template_name(const assay_chat_template *chat) {
    return chat->name;
}

const char *assay_chat_template_telling(const assay_chat_template *chat) {
    return chat->telling;
}

assay_status assay_chat_bos(uint32_t *id, const assay_tokenizer *tokenizer, assay_error *err) {
    static const char *const names[] = {"<|begin_of_text|>", "<s>"};
    for (size_t i = 0; i < ASSAY_COUNT(names); i++) {
        *id = assay_tokenizer_added(tokenizer, names[i]);
        if (*id != UINT32_MAX) return ASSAY_OK;
    }
    return ASSAY_FAIL(err, UNSUPPORTED, "this tokenizer has no token that begins a text");
}

// ---- messages -------------------------------------------------------------------------------

static size_t space_size(const char *text, size_t size) {
    static const char *const wide[] = {"\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80",
                                       "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
                                       "\xE2\x81\x9F", "\xE3\x80\x80"};
    unsigned char first = (unsigned char)text[0];
    if ((first >= 0x09 && first <= 0x0D) || (first >= 0x1C && first <= 0x20)) return 1;
    for (size_t i = 0; i < ASSAY_COUNT(wide); i++)
        if (size >= strlen(wide[i]) && memcmp(text, wide[i], strlen(wide[i])) == 0)
            return strlen(wide[i]);
    bool spaces = size >= 3 && memcmp(text, "\xE2\x80", 2) == 0 && (unsigned char)text[2] >= 0x80 &&
                  (unsigned char)text[2] <= 0x8A; // U+2000 to U+200A
    return spaces ? 3 : 0;
}

// As Python's strip(), which templates use: White_Space, and the four separators before a space.
static void trim(assay_chat_message *message, bool left) {
    size_t step;
    while (left && message->size && (step = space_size(message->text, message->size))) {
        message->text += step;
        message->size -= step;
    }
    for (bool found = true; found;) {
        found = false;
        for (size_t back = 1; !found && back <= 3 && back <= message->size; back++)
            if (space_size(message->text + message->size - back, back) == back) {
                message->size -= back;
                found = true;
            }
    }
}

static bool contains(const assay_chat_message *message, const char *text) {
    return memmem(message->text, message->size, text, strlen(text)) != NULL;
}

static assay_status messages_check(const assay_chat_template *chat,
                                   const assay_chat_message *messages, size_t count,
                                   assay_error *err) {
    size_t first = count && messages[0].role == ASSAY_CHAT_SYSTEM;
    if (count > ASSAY_CHAT_MESSAGES_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%zu messages, limit %d", count, ASSAY_CHAT_MESSAGES_MAX);
    if (count == first || messages[count - 1].role != ASSAY_CHAT_USER)
        return ASSAY_FAIL(err, ORDER, "the last message is not a user's");
    for (size_t i = 0; i < count; i++) {
        assay_chat_message blank = messages[i];
        assay_chat_role wanted = (i - first) % 2 ? ASSAY_CHAT_ASSISTANT : ASSAY_CHAT_USER;
        if (i >= first && messages[i].role != wanted)
            return ASSAY_FAIL(err, ORDER, "message %zu is not of the one whose turn it is", i);
        trim(&blank, true);
        if (blank.size == 0) return ASSAY_FAIL(err, RANGE, "message %zu has no text", i);
        size_t valid = assay_utf8_prefix((const uint8_t *)messages[i].text, messages[i].size);
        if (valid != messages[i].size)
            return ASSAY_FAIL(err, FORMAT, "message %zu is not UTF-8 at byte %zu", i, valid);
        for (int t = 0; t < TAGS && chat->tags[t]; t++)
            if (contains(&messages[i], chat->tags[t]))
                return ASSAY_FAIL(err, FORBIDDEN, "message %zu has \"%s\", which steers the model",
                                  i, chat->tags[t]);
    }
    return ASSAY_OK;
}

// ---- turns ----------------------------------------------------------------------------------

typedef struct {
    const assay_tokenizer *tokenizer;
    uint32_t *ids; // [count]
    size_t count, room;
    char *text; // [size], the run since the last token
    size_t size, text_room;
} writer;

static assay_status text_put(writer *w, const char *text, size_t size, assay_error *err) {
    if (w->text_room - w->size < size) {
        size_t room = w->text_room + w->text_room / 2 + size + 64;
        char *grown = realloc(w->text, room);
        if (!grown) return ASSAY_FAIL(err, MEMORY, "no memory for a text of %zu bytes", room);
        w->text = grown;
        w->text_room = room;
    }
    if (size) memcpy(w->text + w->size, text, size);
    w->size += size;
    return ASSAY_OK;
}

static assay_status ids_put(writer *w, const uint32_t *ids, size_t count, assay_error *err) {
    if (w->room - w->count < count) {
        size_t room = w->room + w->room / 2 + count + 64;
        uint32_t *grown = realloc(w->ids, room * sizeof *grown);
        if (!grown) return ASSAY_FAIL(err, MEMORY, "no memory for %zu ids", room);
        w->ids = grown;
        w->room = room;
    }
    if (count) memcpy(w->ids + w->count, ids, count * sizeof *ids);
    w->count += count;
    return ASSAY_OK;
}

// Ends a run of text, which is encoded as one: merges reach from one message's frame to the next.
static assay_status run_end(writer *w, assay_error *err) {
    uint32_t *ids;
    size_t count;
    if (w->size == 0) return ASSAY_OK;
    ASSAY_TRY(assay_tokenizer_encode_plain(w->tokenizer, &ids, &count, w->text, w->size,
                                           w->count == 0, err));
    w->size = 0;
    assay_status status = ids_put(w, ids, count, err);
    free(ids);
    return status;
}

static assay_status token_put(writer *w, const char *name, size_t size, assay_error *err) {
    char text[64];
    ASSAY_ASSERT(size < sizeof text);
    memcpy(text, name, size);
    text[size] = 0;
    uint32_t id = assay_tokenizer_added(w->tokenizer, text);
    if (id == UINT32_MAX) return ASSAY_FAIL(err, MISSING, "no token \"%s\"", text);
    ASSAY_TRY(run_end(w, err));
    return ids_put(w, &id, 1, err);
}

static assay_status turn_put(writer *w, const char *form, const assay_chat_message *message,
                             const assay_chat_message *system, assay_error *err) {
    while (*form) {
        size_t size = strcspn(form, "{%$~");
        if (size) {
            ASSAY_TRY(text_put(w, form, size, err));
        } else if (*form == '{') {
            size = strcspn(form, "}") + 1;
            ASSAY_TRY(token_put(w, form + 1, size - 2, err));
        } else {
            size = 1;
            // '~' is the space that older tokenizers put in front of a run themselves.
            if (*form == '~' && !assay_tokenizer_spaces_runs(w->tokenizer))
                ASSAY_TRY(text_put(w, " ", 1, err));
            if (*form == '%') ASSAY_TRY(text_put(w, message->text, message->size, err));
            if (*form == '$') ASSAY_TRY(text_put(w, system->text, system->size, err));
        }
        form += size;
    }
    return ASSAY_OK;
}

// A message as the template's author has it written.
static assay_chat_message prepared(const assay_chat_template *chat, assay_chat_message message,
                                   bool system_within) {
    static const char end[] = "</think>";
    bool assistant = message.role == ASSAY_CHAT_ASSISTANT;
    for (char *at; assistant && chat->thought_cut &&
                   (at = memmem(message.text, message.size, end, sizeof end - 1));) {
        message.size -= (size_t)(at - message.text) + sizeof end - 1;
        message.text = at + sizeof end - 1;
        while (message.size && *message.text == '\n') {
            message.text++;
            message.size--;
        }
    }
    if (assistant ? chat->answer_trimmed : chat->user_trimmed) trim(&message, !system_within);
    return message;
}

static assay_status conversation_put(writer *w, const assay_chat_template *chat,
                                     const assay_chat_message *messages, size_t count,
                                     assay_error *err) {
    const assay_chat_message *system = messages[0].role == ASSAY_CHAT_SYSTEM ? messages : NULL;
    size_t first = system != NULL, within = chat->system_late ? count - 1 : first;
    ASSAY_TRY(turn_put(w, chat->begin, NULL, NULL, err));
    if (chat->system && (system || chat->system_absent)) {
        const char *absent = chat->system_absent;
        assay_chat_message message = {ASSAY_CHAT_SYSTEM, absent, absent ? strlen(absent) : 0};
        if (system) message = prepared(chat, *system, false);
        ASSAY_TRY(turn_put(w, chat->system, &message, NULL, err));
    }
    for (size_t i = first; i < count; i++) {
        bool both = system && !chat->system && i == within;
        assay_chat_message message = prepared(chat, messages[i], both);
        const char *user = both ? chat->user_system : chat->user;
        const char *form = messages[i].role == ASSAY_CHAT_USER ? user : chat->assistant;
        ASSAY_TRY(turn_put(w, form, &message, system, err));
    }
    ASSAY_TRY(turn_put(w, chat->answer, NULL, NULL, err));
    return run_end(w, err);
}

assay_status assay_chat_encode(const assay_tokenizer *tokenizer, uint32_t **ids, size_t *count,
                               const assay_chat_template *chat, const assay_chat_message *messages,
                               size_t message_count, assay_error *err) {
    writer w = {.tokenizer = tokenizer};
    *ids = NULL;
    *count = 0;
    ASSAY_TRY(messages_check(chat, messages, message_count, err));
    assay_status status = conversation_put(&w, chat, messages, message_count, err);
    free(w.text);
    if (status != ASSAY_OK) {
        free(w.ids);
        return status;
    }
    *ids = w.ids;
    *count = w.count;
    return ASSAY_OK;
}
