// SPDX-License-Identifier: Apache-2.0
#include "node/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/json.h"

typedef struct {
    const assay_fetch_limits *limits;
    assay_fetched *out;
    size_t capacity;
    bool too_large;
    bool forbidden; // an address that the limits rule out was about to be used
} transfer;

static void library_start(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t part_take(char *data, size_t one, size_t size, void *context) {
    transfer *state = context;
    assay_fetched *out = state->out;
    if (size > state->limits->size_max - out->body_size) {
        state->too_large = true;
        return 0;
    }
    if (out->body_size + size > state->capacity) {
        size_t capacity = 2 * (out->body_size + size);
        uint8_t *grown = realloc(out->body, capacity);
        if (!grown) return 0;
        out->body = grown;
        state->capacity = capacity;
    }
    memcpy(out->body + out->body_size, data, size);
    out->body_size += size;
    return size;
}

// Special-purpose IPv4 blocks (RFC 6890): prefix, mask bits.
static bool four_special(uint32_t address) {
    static const struct {
        uint32_t prefix;
        int bits;
    } blocks[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},
                  {0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24},
                  {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24},
                  {0xe0000000, 3}};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if ((address ^ blocks[i].prefix) >> (32 - blocks[i].bits) == 0) return true;
    return false;
}

static bool address_special(const struct sockaddr *address) {
    if (address->sa_family == AF_INET)
        return four_special(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
    if (address->sa_family != AF_INET6) return true;
    const uint8_t *six = ((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr;
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(six, mapped, sizeof mapped) == 0) return four_special(assay_load_be32(six + 12));
    // Global unicast is 2000::/3; of it, 2001::/23 and the documentation and 6to4 blocks are not.
    if (six[0] >> 5 != 1) return true;
    if (six[0] == 0x20 && six[1] == 0x01 && six[2] < 2) return true;
    if (six[0] == 0x20 && six[1] == 0x01 && six[2] == 0x0d && six[3] == 0xb8) return true;
    return six[0] == 0x20 && six[1] == 0x02;
}

// The last moment before a connection: the name is resolved, redirects included.
static curl_socket_t socket_open(void *context, curlsocktype purpose, struct curl_sockaddr *to) {
    transfer *state = context;
    if (!state->limits->allow_private && address_special(&to->addr)) {
        state->forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static assay_status outcome(const transfer *state, CURLcode result, const char *url,
                            assay_error *err) {
    const assay_fetch_limits *limits = state->limits;
    if (state->too_large)
        return ASSAY_FAIL(err, CAPACITY, "%.120s gives more than %zu bytes", url, limits->size_max);
    if (state->forbidden)
        return ASSAY_FAIL(err, FORBIDDEN, "%.120s leads to a private address, which is not allowed",
                          url);
    switch (result) {
    case CURLE_OK:
        break;
    case CURLE_OPERATION_TIMEDOUT:
        return ASSAY_FAIL(err, TIMEOUT, "%.120s took longer than %u ms", url, limits->timeout_ms);
    case CURLE_UNSUPPORTED_PROTOCOL:
        return ASSAY_FAIL(err, FORBIDDEN, "%.120s has a scheme that is not allowed", url);
    case CURLE_TOO_MANY_REDIRECTS:
        return ASSAY_FAIL(err, FORBIDDEN, "%.120s redirects more than %u times", url,
                          limits->redirects_max);
    case CURLE_FILE_COULDNT_READ_FILE:
        return ASSAY_FAIL(err, NOT_FOUND, "%.120s cannot be read", url);
    case CURLE_URL_MALFORMAT:
        return ASSAY_FAIL(err, FORMAT, "%.120s is no URL", url);
    case CURLE_OUT_OF_MEMORY:
        return ASSAY_FAIL(err, MEMORY, "no memory to fetch %.120s", url);
    default:
        return ASSAY_FAIL(err, NETWORK, "cannot fetch %.120s: %s", url, curl_easy_strerror(result));
    }
    if (state->out->code == 404) return ASSAY_FAIL(err, NOT_FOUND, "%.120s does not exist", url);
    if (state->out->code >= 300 && state->out->code < 400)
        return ASSAY_FAIL(err, FORBIDDEN, "%.120s redirects more than %u times", url,
                          limits->redirects_max);
    return ASSAY_OK;
}

assay_status assay_fetch(assay_fetched *out, const char *url, const assay_bytes *body,
                         const assay_fetch_limits *limits, assay_error *err) {
    static pthread_once_t started = PTHREAD_ONCE_INIT;
    static struct curl_slist json_type = {(char *)"Content-Type: application/json", NULL};
    pthread_once(&started, library_start);
    memset(out, 0, sizeof *out);
    CURL *curl = curl_easy_init();
    if (!curl) return ASSAY_FAIL(err, MEMORY, "no memory to fetch %.120s", url);
    transfer state = {limits, out, 0, false, false};
    const char *schemes = limits->allow_file ? "http,https,file" : "http,https";
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, schemes);
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, limits->redirects_max ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)limits->redirects_max);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)limits->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); // a proxy would hide where the URL leads
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, part_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &state);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, socket_open);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &state);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body->data);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, &json_type);
    }
    CURLcode result = curl_easy_perform(curl);
    long code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    out->code = code ? (unsigned)code : 200;
    curl_easy_cleanup(curl);
    assay_status status = outcome(&state, result, url, err);
    // A 404's body can carry the other side's own error; everything else that failed has none.
    if (status != ASSAY_OK && status != ASSAY_NOT_FOUND) {
        free(out->body);
        memset(out, 0, sizeof *out);
    }
    return status;
}

// The other side's numbered error, taken over as our own.
static assay_status error_take(const json_t *error, const char *url, assay_error *err) {
    const char *name = json_string_value(json_object_get(error, "name"));
    const char *text = json_string_value(json_object_get(error, "text"));
    json_int_t reject = json_integer_value(json_object_get(error, "reject"));
    assay_status status = ASSAY_NETWORK;
#define X(id, number, words)                                                                       \
    if (name && strcmp(name, #id) == 0 && number) status = ASSAY_##id;
    ASSAY_STATUS_LIST(X)
#undef X
    return assay_fail(err, status, reject > 0 && reject < UINT32_MAX ? (uint32_t)reject : 0, "%s",
                      text ? text : url);
}

assay_status assay_fetch_json(json_t **out, const char *url, json_t *body,
                              const assay_fetch_limits *limits, assay_error *err) {
    assay_fetched fetched;
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    assay_bytes bytes = {(const uint8_t *)text, text ? strlen(text) : 0};
    *out = NULL;
    if (body && !text) {
        json_decref(body);
        return ASSAY_FAIL(err, MEMORY, "no memory for a request to %.120s", url);
    }
    assay_status status = assay_fetch(&fetched, url, body ? &bytes : NULL, limits, err);
    json_decref(body);
    free(text);
    if (status == ASSAY_OK || (status == ASSAY_NOT_FOUND && fetched.body_size)) {
        json_t *answer;
        assay_error inner = {0};
        assay_status parsed = assay_json_parse(&answer, fetched.body, fetched.body_size,
                                               limits->size_max, "answer", &inner);
        const json_t *error = parsed == ASSAY_OK ? json_object_get(answer, "error") : NULL;
        if (error) {
            status = error_take(error, url, err);
        } else if (status == ASSAY_OK && (parsed != ASSAY_OK || fetched.code >= 400)) {
            status = ASSAY_FAIL(err, NETWORK, "%.120s answers %u without JSON", url, fetched.code);
        }
        if (status == ASSAY_OK)
            *out = answer;
        else if (parsed == ASSAY_OK)
            json_decref(answer);
    }
    free(fetched.body);
    return status;
}
