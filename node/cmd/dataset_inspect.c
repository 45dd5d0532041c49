// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "attribution/corpus.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "node/cmd/commands.h"

static const char details[] =
    "Cuts the file into chunks and prints what a registration of it would name (A-1 to A-3).";

int assay_cmd_dataset_inspect(assay_invocation *invocation) {
    const char *path = NULL;
    const assay_option options[] = {
        {"", ASSAY_OPTION_TEXT, &path, "FILE", "the data set, UTF-8 text", 0, 0, true},
    };
    assay_mapping file = {0};
    assay_corpus corpus = {0};
    assay_error err = {0};
    int code;
    if (!assay_command_begin(invocation, options, 1, details, &code)) return code;
    if (assay_mapping_open(&file, path, ASSAY_CORPUS_SIZE_MAX, &err) != ASSAY_OK ||
        assay_fail_in(&err, assay_corpus_open(&corpus, (assay_bytes){file.data, file.size}, &err),
                      path) != ASSAY_OK) {
        code = assay_command_fail(invocation, &err, NULL);
    } else if (invocation->json) {
        code = assay_command_print(
            json_pack("{s:o,s:I,s:I}", "root", assay_json_from_hash(&corpus.root), "chunk_count",
                      (json_int_t)corpus.chunk_count, "byte_count", (json_int_t)corpus.text.size));
    } else {
        char root[ASSAY_HEX_HASH_MAX];
        assay_hex_encode_0x(root, corpus.root.bytes, ASSAY_HASH_SIZE);
        printf("root    %s\nchunks  %u\nbytes   %zu\n", root, corpus.chunk_count, corpus.text.size);
    }
    assay_corpus_close(&corpus);
    assay_mapping_close(&file);
    return code;
}
