// SPDX-License-Identifier: Apache-2.0
#include "node/provider/served_url.h"

#include <curl/curl.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>

#include "node/http/client.h"
#include "node/http/special_address.h"

static bool has_part(CURLU *parts, CURLUPart which) {
    char *text = NULL;
    bool has = curl_url_get(parts, which, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

assay_status assay_served_url_read(char *out, size_t size, const char *text, assay_error *err) {
    size_t length = assay_url_length(text);
    if (length >= size)
        return ASSAY_FAIL(err, USAGE, "--url has %zu characters, limit %zu", length, size - 1);
    memcpy(out, text, length);
    out[length] = 0;
    if (strncasecmp(out, "http://", 7) != 0 && strncasecmp(out, "https://", 8) != 0)
        return ASSAY_FAIL(err, USAGE, "--url \"%.80s\" does not begin with http:// or https://",
                          text);
    CURLU *parts = curl_url();
    bool good = parts && curl_url_set(parts, CURLUPART_URL, out, 0) == CURLUE_OK &&
                has_part(parts, CURLUPART_HOST) && !has_part(parts, CURLUPART_USER) &&
                !has_part(parts, CURLUPART_QUERY) && !has_part(parts, CURLUPART_FRAGMENT) &&
                !strpbrk(out, "?# ");
    curl_url_cleanup(parts);
    if (!good)
        return ASSAY_FAIL(err, USAGE,
                          "--url \"%.80s\" is no URL of a host, port and path, without user, query "
                          "and fragment",
                          text);
    return ASSAY_OK;
}

static bool host_private(char *host) {
    size_t length = strlen(host);
    if (length && host[length - 1] == '.') host[--length] = 0;
    if (length >= 9 && strcasecmp(host + length - 9, "localhost") == 0 &&
        (length == 9 || host[length - 10] == '.'))
        return true;
    if (length && host[length - 1] == ']') {
        host[length - 1] = 0;
        host++;
    }
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (getaddrinfo(host, NULL, &hints, &found) != 0) return false;
    bool special = assay_sockaddr_special(found->ai_addr);
    freeaddrinfo(found);
    return special;
}

bool assay_served_url_private(const char *url) {
    CURLU *parts = curl_url();
    char *host = NULL;
    bool is = parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && host_private(host);
    curl_free(host);
    curl_url_cleanup(parts);
    return is;
}
