// SPDX-License-Identifier: Apache-2.0
#include "consensus/types/comet_json.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <time.h>

#include "base/base64.h"
#include "base/hex.h"

enum { TEXT_SIZE = 64, BYTES_MAX = 64 };

json_t *assay_comet_number_json(uint64_t value) {
    char text[TEXT_SIZE];
    snprintf(text, sizeof text, "%llu", (ull)value);
    return json_string(text);
}

json_t *assay_comet_hex_json(const uint8_t *data, size_t size) {
    char text[2 * ASSAY_HASH_SIZE + 1];
    ASSAY_ASSERT(size <= ASSAY_HASH_SIZE);
    assay_hex_encode(text, data, size);
    for (char *at = text; *at; at++)
        if (*at >= 'a') *at -= 'a' - 'A';
    return json_string(text);
}

json_t *assay_comet_time_json(const assay_time *time) {
    char text[TEXT_SIZE];
    struct tm parts;
    time_t seconds = (time_t)time->seconds;
    gmtime_r(&seconds, &parts);
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%09uZ", parts.tm_year + 1900,
             parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
             time->nanos);
    return json_string(text);
}

json_t *assay_comet_base64_json(const uint8_t *data, size_t size) {
    char text[ASSAY_BASE64_SIZE(BYTES_MAX) + 1];
    ASSAY_ASSERT(size <= BYTES_MAX);
    assay_base64_encode(text, data, size);
    json_t *value = json_string(text);
    OPENSSL_cleanse(text, sizeof text); // it may have been a secret
    return value;
}

json_t *assay_comet_key_json(const char *type, const uint8_t *key, size_t size) {
    return json_pack("{s:s,s:o}", "type", type, "value", assay_comet_base64_json(key, size));
}
