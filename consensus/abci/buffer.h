// SPDX-License-Identifier: Apache-2.0
// Bytes that grow at the end. Whoever adds bounds what it adds.
#ifndef ASSAY_CONSENSUS_ABCI_BUFFER_H
#define ASSAY_CONSENSUS_ABCI_BUFFER_H

#include "base/bytes.h"

enum { ASSAY_ABCI_BUFFER_KEPT_MAX = 1 << 20 }; // bytes that an empty buffer keeps

// A zeroed struct is empty and is safe to close.
typedef struct {
    uint8_t *data;
    size_t size;
    size_t capacity;
} assay_abci_buffer;

// Makes room for `size` more bytes. Returns: where they go, or NULL if memory is out; the caller
// then raises buffer->size. Lives: until the next call.
uint8_t *assay_abci_buffer_room(assay_abci_buffer *buffer, size_t size);

// Returns: false if memory is out; nothing is then added.
bool assay_abci_buffer_add(assay_abci_buffer *buffer, const void *data, size_t size);

// Empties it; what one great message took is given back.
void assay_abci_buffer_reset(assay_abci_buffer *buffer);
void assay_abci_buffer_close(assay_abci_buffer *buffer);

static inline void assay_abci_buffer_swap(assay_abci_buffer *a, assay_abci_buffer *b) {
    assay_abci_buffer kept = *a;
    *a = *b;
    *b = kept;
}

#endif
