// SPDX-License-Identifier: Apache-2.0
// JSON documents as files of a home, ours or CometBFT's.
#ifndef ASSAY_NODE_JSON_FILE_H
#define ASSAY_NODE_JSON_FILE_H

#include <jansson.h>

#include "base/file.h"

// assay_file_create, or assay_file_replace where there may be one already.
typedef assay_status assay_json_file_how(const char *path, const void *data, size_t size,
                                         unsigned mode, assay_error *err);

// Writes the document, indented, as folder/name, and releases it; NULL: memory was out. Its text is
// zeroed before its memory is freed: it may hold a secret. Errors: CAPACITY (path), MEMORY, and
// those of `how`. Spec: F-45, E-30.
assay_status assay_json_file_write(const char *folder, const char *name, json_t *document,
                                   unsigned mode, assay_json_file_how *how, assay_error *err);

#endif
