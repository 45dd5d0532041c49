// SPDX-License-Identifier: Apache-2.0
#include "node/json_file.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

assay_status assay_json_file_write(const char *folder, const char *name, json_t *document,
                                   unsigned mode, assay_json_file_how *how, assay_error *err) {
    char path[PATH_MAX];
    assay_status status = assay_path_join(path, sizeof path, folder, name, err);
    char *text = document ? json_dumps(document, JSON_INDENT(2)) : NULL;
    json_decref(document);
    if (status == ASSAY_OK)
        status = text ? how(path, text, strlen(text), mode, err)
                      : ASSAY_FAIL(err, MEMORY, "no memory to write %s", path);
    if (text) OPENSSL_cleanse(text, strlen(text));
    free(text);
    return status;
}
