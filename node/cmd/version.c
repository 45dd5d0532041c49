// SPDX-License-Identifier: Apache-2.0
#include <curl/curl.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "node/cmd/commands.h"

int assay_cmd_version(assay_invocation *invocation) {
    int code;
    if (!assay_command_begin(invocation, NULL, 0, NULL, &code)) return code;
    if (invocation->json)
        return assay_command_print(
            json_pack("{s:s,s:s,s:s,s:s,s:s}", "version", ASSAY_PROGRAM_VERSION, "libcrypto",
                      OpenSSL_version(OPENSSL_VERSION), "libcurl", curl_version(), "jansson",
                      jansson_version_str(), "libmicrohttpd", MHD_get_version()));
    printf("assay %s\n%s\n%s\njansson %s\nlibmicrohttpd %s\n", ASSAY_PROGRAM_VERSION,
           OpenSSL_version(OPENSSL_VERSION), curl_version(), jansson_version_str(),
           MHD_get_version());
    return ASSAY_EXIT_OK;
}
