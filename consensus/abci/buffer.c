// SPDX-License-Identifier: Apache-2.0
#include "consensus/abci/buffer.h"

#include <stdlib.h>

enum { CAPACITY_LEAST = 4096 };

uint8_t *assay_abci_buffer_room(assay_abci_buffer *buffer, size_t size) {
    size_t wanted;
    if (__builtin_add_overflow(buffer->size, size, &wanted)) return NULL;
    if (wanted > buffer->capacity || !buffer->data) {
        size_t capacity = buffer->capacity > SIZE_MAX / 2 ? SIZE_MAX : buffer->capacity * 2;
        if (capacity < wanted) capacity = wanted;
        if (capacity < CAPACITY_LEAST) capacity = CAPACITY_LEAST;
        uint8_t *grown = realloc(buffer->data, capacity);
        if (!grown) return NULL;
        buffer->data = grown;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

bool assay_abci_buffer_add(assay_abci_buffer *buffer, const void *data, size_t size) {
    if (size == 0) return true;
    uint8_t *room = assay_abci_buffer_room(buffer, size);
    if (!room) return false;
    memcpy(room, data, size);
    buffer->size += size;
    return true;
}

void assay_abci_buffer_reset(assay_abci_buffer *buffer) {
    buffer->size = 0;
    if (buffer->capacity > ASSAY_ABCI_BUFFER_KEPT_MAX) assay_abci_buffer_close(buffer);
}

void assay_abci_buffer_close(assay_abci_buffer *buffer) {
    free(buffer->data);
    *buffer = (assay_abci_buffer){0};
}
