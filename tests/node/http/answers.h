// SPDX-License-Identifier: Apache-2.0
// In libcurl's place: every exchange is answered out of an input, through the callbacks that a real
// one would call, so that all of ours is under test and no socket. For one file of a program.
//
// An input is lines, an exchange each: how it ends, then the body. '2' HTTP 200, '4' 404, '5' 500,
// 't' too late, anything else no connection. The last line answers whoever goes on asking.
#ifndef ASSAY_TESTS_NODE_HTTP_ANSWERS_H
#define ASSAY_TESTS_NODE_HTTP_ANSWERS_H

#include <curl/curl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

static struct {
    const char *at, *end; // lines not yet used
    const char *line;     // the last one used
    size_t line_size;
    uint32_t asked;     // exchanges so far
    uint32_t asked_max; // more are a client that never ends
} answers;

static inline void answers_begin(const uint8_t *data, size_t size, uint32_t asked_max) {
    memset(&answers, 0, sizeof answers);
    answers.at = (const char *)data;
    answers.end = answers.at + size;
    answers.asked_max = asked_max;
}

static inline void answers_next(void) {
    ASSAY_ASSERT(++answers.asked <= answers.asked_max);
    if (answers.at == answers.end) return;
    const char *feed = memchr(answers.at, '\n', (size_t)(answers.end - answers.at));
    answers.line = answers.at;
    answers.line_size = (size_t)((feed ? feed : answers.end) - answers.at);
    answers.at = feed ? feed + 1 : answers.end;
}

typedef size_t answers_take(char *data, size_t one, size_t size, void *context);

typedef struct {
    answers_take *body, *head;
    void *body_context, *head_context;
    long code;
} answers_exchange;

CURL *curl_easy_init(void) {
    return calloc(1, sizeof(answers_exchange));
}

void curl_easy_cleanup(CURL *curl) {
    free(curl);
}

CURLcode(curl_easy_setopt)(CURL *curl, CURLoption option, ...) {
    answers_exchange *exchange = curl;
    va_list value;
    va_start(value, option);
    if (option == CURLOPT_WRITEFUNCTION)
        exchange->body = va_arg(value, answers_take *);
    else if (option == CURLOPT_WRITEDATA)
        exchange->body_context = va_arg(value, void *);
    else if (option == CURLOPT_HEADERFUNCTION)
        exchange->head = va_arg(value, answers_take *);
    else if (option == CURLOPT_HEADERDATA)
        exchange->head_context = va_arg(value, void *);
    va_end(value);
    return CURLE_OK;
}

// The body comes in two parts: the second finds the first.
CURLcode curl_easy_perform(CURL *curl) {
    answers_exchange *exchange = curl;
    char head[] = "HTTP/1.1 000 any\r\n";
    answers_next();
    size_t size = answers.line_size;
    char how = size ? *answers.line : 0;
    if (how == 't') return CURLE_OPERATION_TIMEDOUT;
    if (how != '2' && how != '4' && how != '5') return CURLE_COULDNT_CONNECT;
    exchange->code = how == '2' ? 200 : how == '4' ? 404 : 500;
    if (exchange->head(head, 1, sizeof head - 1, exchange->head_context) != sizeof head - 1)
        return CURLE_WRITE_ERROR;
    const size_t parts[] = {(size - 1) / 2, size - 1 - (size - 1) / 2};
    const char *from = answers.line + 1;
    for (int i = 0; i < 2; from += parts[i++])
        if (parts[i] &&
            exchange->body((char *)from, 1, parts[i], exchange->body_context) != parts[i])
            return CURLE_WRITE_ERROR;
    return CURLE_OK;
}

CURLcode(curl_easy_getinfo)(CURL *curl, CURLINFO info, ...) {
    const answers_exchange *exchange = curl;
    va_list value;
    va_start(value, info);
    ASSAY_ASSERT(info == CURLINFO_RESPONSE_CODE);
    *va_arg(value, long *) = exchange->code;
    va_end(value);
    return CURLE_OK;
}

#endif
