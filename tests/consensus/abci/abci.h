// SPDX-License-Identifier: Apache-2.0
// Requests as CometBFT would write them, for tests.
#ifndef ASSAY_TESTS_CONSENSUS_ABCI_ABCI_H
#define ASSAY_TESTS_CONSENSUS_ABCI_ABCI_H

#include <stdio.h>
#include <stdlib.h>

#include "consensus/abci/message.h"
#include "consensus/types/protobuf.h"
#include "tests/test.h"

static inline assay_bytes bytes_of(const char *text) {
    return (assay_bytes){(const uint8_t *)text, strlen(text)};
}

static inline bool bytes_are(assay_bytes bytes, const char *text) {
    return bytes.size == strlen(text) && (!*text || memcmp(bytes.data, text, bytes.size) == 0);
}

// Puts a request around what `content` holds. Returns: its size.
static inline size_t request_make(uint8_t *out, size_t capacity, uint32_t kind, const void *content,
                                  size_t size) {
    assay_writer writer;
    assay_writer_init(&writer, out, capacity);
    assay_protobuf_entry(&writer, kind, content, size);
    assert_false(writer.failed);
    return writer.size;
}

// A CheckTx, Echo or other request whose first field is the text. Returns: its size.
static inline size_t text_request_make(uint8_t *out, size_t capacity, uint32_t kind,
                                       const void *text, size_t size) {
    assay_writer writer;
    uint8_t *content = malloc(size + 16);
    assert_non_null(content);
    assay_writer_init(&writer, content, size + 16);
    assay_protobuf_bytes(&writer, 1, text, size);
    size_t whole = request_make(out, capacity, kind, content, writer.size);
    free(content);
    return whole;
}

#endif
