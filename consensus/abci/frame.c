// SPDX-License-Identifier: Apache-2.0
#include "consensus/abci/frame.h"

void assay_abci_frames_init(assay_abci_frames *frames, uint32_t frame_max) {
    *frames = (assay_abci_frames){.frame_max = frame_max};
}

size_t assay_abci_frames_left(const assay_abci_frames *frames) {
    return frames->bytes.size - frames->at;
}

assay_status assay_abci_frames_add(assay_abci_frames *frames, const void *data, size_t size,
                                   assay_error *err) {
    size_t left = assay_abci_frames_left(frames);
    if (frames->at > 0) {
        if (left > 0) memmove(frames->bytes.data, frames->bytes.data + frames->at, left);
        frames->bytes.size = left;
        frames->at = 0;
        if (left == 0) assay_abci_buffer_reset(&frames->bytes);
    }
    if (assay_abci_buffer_add(&frames->bytes, data, size)) return ASSAY_OK;
    return ASSAY_FAIL(err, MEMORY, "no memory for %zu bytes of a frame", left + size);
}

// Reads a length at `at`. *head: its bytes, 0 where it is not whole.
static assay_status length_read(const assay_abci_frames *frames, uint64_t *length, size_t *head,
                                assay_error *err) {
    size_t left = assay_abci_frames_left(frames);
    *length = 0;
    *head = 0;
    for (size_t i = 0; i < left; i++) {
        uint8_t byte = frames->bytes.data[frames->at + i];
        *length |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            if (byte == 0 && i > 0)
                return ASSAY_FAIL(err, CANONICAL, "a frame's length %llu takes %zu bytes",
                                  (ull)*length, i + 1);
            *head = i + 1;
            return ASSAY_OK;
        }
        if (i + 1 == ASSAY_ABCI_FRAME_HEAD_MAX)
            return ASSAY_FAIL(err, CAPACITY, "a frame's length has over %d bytes, limit %u",
                              ASSAY_ABCI_FRAME_HEAD_MAX, frames->frame_max);
    }
    return ASSAY_OK;
}

assay_status assay_abci_frames_next(assay_abci_frames *frames, assay_bytes *out, assay_error *err) {
    uint64_t length;
    size_t head;
    *out = (assay_bytes){0};
    ASSAY_TRY(length_read(frames, &length, &head, err));
    if (head == 0) return ASSAY_OK;
    if (length > frames->frame_max)
        return ASSAY_FAIL(err, CAPACITY, "a frame of %llu bytes, limit %u", (ull)length,
                          frames->frame_max);
    if (assay_abci_frames_left(frames) - head < length) return ASSAY_OK;
    *out = (assay_bytes){frames->bytes.data + frames->at + head, (size_t)length};
    frames->at += head + (size_t)length;
    return ASSAY_OK;
}

void assay_abci_frames_close(assay_abci_frames *frames) {
    assay_abci_buffer_close(&frames->bytes);
    *frames = (assay_abci_frames){0};
}
