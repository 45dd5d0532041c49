// SPDX-License-Identifier: Apache-2.0
#include "node/http/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/json.h"
#include "node/error_json.h"
#include "node/http/special_address.h"

enum { HEADER_BYTES_MAX = 64 << 10, USED_URL_TEXT = 120 };

typedef struct {
    const assay_fetch_limits *limits;
    assay_fetched *out;
    size_t capacity;
    size_t header_bytes;
    assay_status refused; // why one of the callbacks below ended the transfer; OK: none did
} transfer;

static void library_start(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t part_take(char *data, size_t one, size_t size, void *context) {
    transfer *state = context;
    assay_fetched *out = state->out;
    if (size > state->limits->size_max - out->body_size) {
        state->refused = ASSAY_CAPACITY;
        return 0;
    }
    if (out->body_size + size > state->capacity) {
        size_t capacity = 2 * (out->body_size + size);
        uint8_t *grown = realloc(out->body, capacity);
        if (!grown) {
            state->refused = ASSAY_MEMORY;
            return 0;
        }
        out->body = grown;
        state->capacity = capacity;
    }
    memcpy(out->body + out->body_size, data, size);
    out->body_size += size;
    return size;
}

// Heads are kept by libcurl; those of redirects count too. A redirect's body is nobody's.
static size_t header_take(char *data, size_t one, size_t size, void *context) {
    transfer *state = context;
    state->header_bytes += size;
    if (state->header_bytes <= HEADER_BYTES_MAX) return size;
    state->refused = ASSAY_CAPACITY;
    return 0;
}

// The last moment before a connection: the name is resolved, redirects included.
static curl_socket_t socket_open(void *context, curlsocktype purpose, struct curl_sockaddr *to) {
    transfer *state = context;
    if (!state->limits->allow_private && assay_sockaddr_special(&to->addr)) {
        state->refused = ASSAY_FORBIDDEN;
        state->out->lacks = ASSAY_LEAVE_PRIVATE;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

// libcurl asks about once a second, and with every part.
static int stop_ask(void *context, curl_off_t all, curl_off_t done, curl_off_t up_all,
                    curl_off_t up_done) {
    transfer *state = context;
    if (!state->limits->stop || !atomic_load(state->limits->stop)) return 0;
    state->refused = ASSAY_STOPPED;
    return 1;
}

static assay_status refusal(const transfer *state, const char *url, assay_error *err) {
    switch (state->refused) {
    case ASSAY_CAPACITY:
        return ASSAY_FAIL(err, CAPACITY, "%.*s gives more than %zu bytes, or %d of head",
                          USED_URL_TEXT, url, state->limits->size_max, HEADER_BYTES_MAX);
    case ASSAY_STOPPED:
        return ASSAY_FAIL(err, STOPPED, "%.*s was given up", USED_URL_TEXT, url);
    case ASSAY_FORBIDDEN:
        return ASSAY_FAIL(err, FORBIDDEN, "%.*s leads to a private address, which is not allowed",
                          USED_URL_TEXT, url);
    default:
        return ASSAY_FAIL(err, MEMORY, "no memory to fetch %.*s", USED_URL_TEXT, url);
    }
}

static assay_status outcome(const transfer *state, CURLcode result, const char *url,
                            assay_error *err) {
    const assay_fetch_limits *limits = state->limits;
    if (state->refused != ASSAY_OK) return refusal(state, url, err);
    switch (result) {
    case CURLE_OK:
        break;
    case CURLE_OPERATION_TIMEDOUT:
        return ASSAY_FAIL(err, TIMEOUT, "%.*s took longer than %u ms", USED_URL_TEXT, url,
                          limits->timeout_ms);
    case CURLE_UNSUPPORTED_PROTOCOL:
        if (state->out->code == 0)
            return ASSAY_FAIL(err, NETWORK, "cannot fetch %.*s: it does not speak HTTP",
                              USED_URL_TEXT, url);
        return ASSAY_FAIL(err, FORBIDDEN, "%.*s redirects to a scheme that is not allowed",
                          USED_URL_TEXT, url);
    case CURLE_TOO_MANY_REDIRECTS:
        return ASSAY_FAIL(err, FORBIDDEN, "%.*s redirects more than %u times", USED_URL_TEXT, url,
                          limits->redirects_max);
    case CURLE_URL_MALFORMAT:
        return ASSAY_FAIL(err, FORMAT, "%.*s is no URL, or redirects to none", USED_URL_TEXT, url);
    case CURLE_OUT_OF_MEMORY:
        return ASSAY_FAIL(err, MEMORY, "no memory to fetch %.*s", USED_URL_TEXT, url);
    default:
        return ASSAY_FAIL(err, NETWORK, "cannot fetch %.*s: %s", USED_URL_TEXT, url,
                          curl_easy_strerror(result));
    }
    if (state->out->code == 404)
        return ASSAY_FAIL(err, NOT_FOUND, "%.*s does not exist", USED_URL_TEXT, url);
    if (state->out->code >= 300 && state->out->code < 400)
        return ASSAY_FAIL(err, FORBIDDEN, "%.*s redirects more than %u times", USED_URL_TEXT, url,
                          limits->redirects_max);
    return ASSAY_OK;
}

// Returns through out the body even of a failure: a 404's may carry the other side's own error.
static assay_status http_exchange(assay_fetched *out, const char *url, const assay_bytes *body,
                                  const assay_fetch_limits *limits, assay_error *err) {
    static struct curl_slist json_type = {(char *)"Content-Type: application/json", NULL};
    CURL *curl = curl_easy_init();
    if (!curl) return ASSAY_FAIL(err, MEMORY, "no memory to fetch %.*s", USED_URL_TEXT, url);
    transfer state = {limits, out, 0, 0, ASSAY_OK};
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, limits->redirects_max ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)limits->redirects_max);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, limits->timeout_ms ? (long)limits->timeout_ms : 1L);
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); // nothing waits for a name server's answer
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); // a proxy would hide where the URL leads
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, part_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &state);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header_take);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &state);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, socket_open);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &state);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, stop_ask);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &state);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body->data);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, &json_type);
    }
    CURLcode result = curl_easy_perform(curl);
    long code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    out->code = (unsigned)code;
    curl_easy_cleanup(curl);
    return outcome(&state, result, url, err);
}

// A file is read by ourselves: libcurl would wait on a FIFO for ever.
static assay_status file_fetch(assay_fetched *out, CURLU *parts, const assay_fetch_limits *limits,
                               assay_error *err) {
    char *path = NULL;
    if (curl_url_get(parts, CURLUPART_PATH, &path, CURLU_URLDECODE) != CURLUE_OK)
        return ASSAY_FAIL(err, FORMAT, "a file URL without a path");
    assay_status status = assay_file_read(path, limits->size_max, &out->body, &out->body_size, err);
    curl_free(path);
    out->code = 200;
    return status;
}

static assay_status exchange(assay_fetched *out, const char *url, const assay_bytes *body,
                             const assay_fetch_limits *limits, assay_error *err) {
    static pthread_once_t started = PTHREAD_ONCE_INIT;
    char *scheme = NULL;
    pthread_once(&started, library_start);
    memset(out, 0, sizeof *out);
    CURLU *parts = curl_url();
    if (!parts) return ASSAY_FAIL(err, MEMORY, "no memory to fetch %.*s", USED_URL_TEXT, url);
    assay_status status;
    if (curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        status = ASSAY_FAIL(err, FORMAT, "\"%.*s\" is no URL", USED_URL_TEXT, url);
    else if (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0)
        status = http_exchange(out, url, body, limits, err);
    else if (strcmp(scheme, "file") == 0 && limits->allow_file && !body)
        status = file_fetch(out, parts, limits, err);
    else {
        status = ASSAY_FAIL(err, FORBIDDEN, "%.*s has the scheme %.16s, which is not allowed",
                            USED_URL_TEXT, url, scheme);
        if (strcmp(scheme, "file") == 0 && !body) out->lacks = ASSAY_LEAVE_FILE;
    }
    curl_free(scheme);
    curl_url_cleanup(parts);
    return status;
}

size_t assay_url_length(const char *url) {
    size_t length = strlen(url);
    while (length && url[length - 1] == '/')
        length--;
    return length;
}

assay_status assay_url_check(const char *url, const char *what, assay_error *err) {
    char *scheme = NULL;
    CURLU *parts = curl_url();
    bool good = parts &&
                curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_url_cleanup(parts);
    if (good) return ASSAY_OK;
    return ASSAY_FAIL(err, USAGE, "%s \"%.80s\" is no URL of http or https", what, url);
}

assay_status assay_fetch(assay_fetched *out, const char *url, const assay_bytes *body,
                         const assay_fetch_limits *limits, assay_error *err) {
    assay_status status = exchange(out, url, body, limits, err);
    if (status != ASSAY_OK) {
        free(out->body);
        *out = (assay_fetched){.lacks = out->lacks};
    }
    return status;
}

static assay_status http_fail(const assay_fetched *fetched, const char *url, assay_error *err) {
    return assay_fail(err, fetched->code == 404 ? ASSAY_NOT_FOUND : ASSAY_NETWORK, 0,
                      "%.*s answers with HTTP %u", USED_URL_TEXT, url, fetched->code);
}

// What an answer with a body says: its document, or the other side's numbered error as our own.
static assay_status answer_read(json_t **out, const assay_fetched *fetched, const char *url,
                                const assay_fetch_limits *limits, assay_error *err) {
    json_t *answer;
    assay_error inner = {0};
    if (assay_json_parse_many(&answer, fetched->body, fetched->body_size, limits->size_max,
                              limits->values_max, "answer", &inner) != ASSAY_OK) {
        if (fetched->code >= 400) return http_fail(fetched, url, err);
        return assay_fail(err, inner.status, 0, "%.*s: %s", USED_URL_TEXT, url, inner.text);
    }
    const json_t *error = json_object_get(answer, "error");
    assay_status status = error                  ? assay_error_from_json(err, error, url)
                          : fetched->code >= 400 ? http_fail(fetched, url, err)
                                                 : ASSAY_OK;
    if (status == ASSAY_OK)
        *out = answer;
    else
        json_decref(answer);
    return status;
}

assay_status assay_fetch_json(json_t **out, const char *url, json_t *body,
                              const assay_fetch_limits *limits, assay_error *err) {
    assay_fetched fetched;
    assay_error unanswered = {0};
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    assay_bytes bytes = {(const uint8_t *)text, text ? strlen(text) : 0};
    *out = NULL;
    bool no_text = body && !text;
    json_decref(body);
    if (no_text)
        return ASSAY_FAIL(err, MEMORY, "no memory for a request to %.*s", USED_URL_TEXT, url);
    assay_status status = exchange(&fetched, url, text ? &bytes : NULL, limits, &unanswered);
    free(text);
    if (status == ASSAY_OK || (status == ASSAY_NOT_FOUND && fetched.body_size))
        status = answer_read(out, &fetched, url, limits, err);
    else
        assay_error_pass(err, &unanswered);
    free(fetched.body);
    return status;
}
