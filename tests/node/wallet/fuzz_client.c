// SPDX-License-Identifier: Apache-2.0
// What a node answers that lies, fails or never comes to an end, as the client's commands read it.
// An input is a line with the letter of a call, a capital for --json, then
// tests/node/http/answers.h's lines. Whatever comes: the command ends, with an exit code that
// scripts know (F-9), one JSON document or text that no terminal obeys, and a failure has its
// number. Rules F-3, F-9, F-40.
#include "node/wallet/client.h"

#include <ctype.h>
#include <stdio.h>

#include "base/utf8.h"
#include "node/command.h"
#include "node/provider/facts.h"
#include "node/wallet/wallet.h"
#include "node/workshop/batch_json.h"
#include "node/workshop/lineage.h"
#include "tests/node/http/answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Beyond a line each: what a command may ask on when nothing new comes; the most is of each source.
enum { ASKED_MORE = 16 + ASSAY_SOURCES_MAX, WORDS_MAX = 4 };

#define ADDRESS "0x1111111111111111111111111111111111111111"
#define HASH    "0x2222222222222222222222222222222222222222222222222222222222222222"

static const struct {
    char letter;
    const char *name;
    const char *words[WORDS_MAX];
} reads[] = {
    {'a', "account", {ADDRESS}},       {'d', "dataset list", {NULL}},
    {'e', "settle", {"--epoch", "3"}}, {'m', "adapter list", {NULL}},
    {'o', "session show", {HASH}},     {'s', "status", {"--address", ADDRESS}},
    {'t', "tx status", {HASH}},
};

static const assay_command *command_find(const char *name) {
    size_t i = 0;
    while (i < assay_command_count && strcmp(assay_commands[i].name, name) != 0)
        i++;
    ASSAY_ASSERT(i < assay_command_count);
    return &assay_commands[i];
}

static int read_run(size_t index, bool json) {
    static char option[] = "--json";
    char *words[WORDS_MAX + 1];
    int count = 0;
    for (; count < WORDS_MAX && reads[index].words[count]; count++)
        words[count] = (char *)reads[index].words[count];
    if (json) words[count++] = option;
    assay_invocation invocation = {
        .command = command_find(reads[index].name), .argc = count, .argv = words};
    return invocation.command->run(&invocation);
}

// A transfer, and what becomes of it.
static int transfer_run(bool json) {
    const assay_invocation invocation = {.command = command_find("transfer"), .json = json};
    assay_wallet wallet = ASSAY_WALLET_INIT;
    assay_error err = {0};
    assay_tx tx = {.kind = ASSAY_TX_TRANSFER};
    memset(wallet.key.bytes, 0x33, sizeof wallet.key.bytes);
    memset(tx.body.transfer.to.bytes, 0x11, ASSAY_ADDRESS_SIZE);
    tx.body.transfer.amount = 1;
    assay_status status = assay_client_open(&wallet.client, wallet.node_url, NULL, &err);
    return assay_wallet_finish(&wallet, &invocation, &tx, status, &err);
}

// What programs that stay ask a node for: the facts are taken, or refused.
static assay_status facts_fetch(char letter, const assay_client *client, assay_error *err) {
    static const assay_hash id = {{0x22}};
    static const assay_address provider = {{0x11}};
    static assay_lineage lineage;
    assay_provider_facts facts;
    assay_session session;
    assay_genesis genesis;
    if (letter == 'l') return assay_lineage_fetch(&lineage, client, &id, err);
    if (letter == 'f') return assay_provider_facts_fetch(&facts, client, &provider, 2, err);
    if (letter == 'n') return assay_session_fetch(&session, client, &id, err);
    assay_status status = assay_genesis_fetch(&genesis, client, err);
    if (status == ASSAY_OK) ASSAY_ASSERT(assay_hash_equal(&genesis.hash, &client->domain.genesis));
    if (status == ASSAY_OK) assay_genesis_close(&genesis);
    return status;
}

static void facts_try(char letter) {
    assay_client client;
    assay_error err = {0};
    assay_status status = assay_client_open(&client, ASSAY_NODE_URL_DEFAULT, NULL, &err);
    if (status == ASSAY_OK) status = facts_fetch(letter, &client, &err);
    ASSAY_ASSERT(status == ASSAY_OK || (err.status == status && *err.text));
}

// --- what a command said ---

// In a JSON document DEL, which no terminal acts on, may stand as it is.
static void text_check(const char *text, size_t size, bool document) {
    ASSAY_ASSERT(assay_utf8_prefix((const uint8_t *)text, size) == size);
    for (size_t i = 0; i < size; i++)
        ASSAY_ASSERT(text[i] == '\n' || (document && text[i] == 0x7f) ||
                     !iscntrl((unsigned char)text[i]));
}

static void document_check(const char *text, size_t size, int code) {
    json_t *document = json_loadb(text, size, 0, NULL);
    ASSAY_ASSERT(document && size && text[size - 1] == '\n');
    const json_t *error = json_object_get(document, "error");
    ASSAY_ASSERT(!error || code != ASSAY_EXIT_OK);
    if (code > ASSAY_EXIT_NO) {
        ASSAY_ASSERT(json_integer_value(json_object_get(error, "code")) > 0);
        ASSAY_ASSERT(*json_string_value(json_object_get(error, "text")));
    }
    json_decref(document);
}

static int command_run(char letter, bool json) {
    for (size_t i = 0; i < ASSAY_COUNT(reads); i++)
        if (reads[i].letter == letter) return read_run(i, json);
    return transfer_run(json);
}

// glibc's streams are variables.
static void command_try(char letter, bool json) {
    FILE *const out = stdout, *const err = stderr;
    char *said, *cried;
    size_t said_size, cried_size;
    stdout = open_memstream(&said, &said_size);
    stderr = open_memstream(&cried, &cried_size);
    ASSAY_ASSERT(stdout && stderr);
    int code = command_run(letter, json);
    fclose(stdout);
    fclose(stderr);
    stdout = out;
    stderr = err;
    ASSAY_ASSERT(code >= ASSAY_EXIT_OK && code <= ASSAY_EXIT_FORK);
    text_check(said, said_size, json);
    text_check(cried, cried_size, false);
    ASSAY_ASSERT(strncmp(cried, "assay: error 0", 14) != 0);
    if (json) document_check(said, said_size, code);
    free(said);
    free(cried);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    uint32_t lines = 0;
    for (size_t i = 2; i < size; i++)
        lines += data[i] == '\n';
    answers_begin(data + 2, size - 2, lines + ASKED_MORE);
    char letter = (char)tolower(data[0]);
    if (letter && strchr("lfng", letter))
        facts_try(letter);
    else
        command_try(letter, isupper(data[0]));
    return 0;
}
