// SPDX-License-Identifier: Apache-2.0
// Frames out of a stream of bytes that comes in any pieces: an unsigned LEB128 length, then that
// many bytes.
#ifndef ASSAY_CONSENSUS_ABCI_FRAME_H
#define ASSAY_CONSENSUS_ABCI_FRAME_H

#include "base/status.h"
#include "consensus/abci/buffer.h"

enum { ASSAY_ABCI_FRAME_HEAD_MAX = 5 }; // bytes of a length below 2^32

// A zeroed struct is safe to close.
typedef struct {
    assay_abci_buffer bytes;
    size_t at; // before it, bytes are done with
    uint32_t frame_max;
} assay_abci_frames;

// Allocates nothing. frame_max: bytes of a frame without its length.
void assay_abci_frames_init(assay_abci_frames *frames, uint32_t frame_max);

// Takes what the stream brought. While the caller takes all whole frames in between, at most
// frame_max + 5 bytes are held beside what one call adds. Errors: MEMORY. Spec: E-2.
assay_status assay_abci_frames_add(assay_abci_frames *frames, const void *data, size_t size,
                                   assay_error *err);

// The next whole frame; out->data is NULL where there is none yet. Errors, after which the stream
// cannot be read on: CAPACITY (a length over frame_max), CANONICAL (a length with more bytes than
// it needs). Lives: until the next add. A copy of the struct reads ahead, until then. Spec: E-2.
assay_status assay_abci_frames_next(assay_abci_frames *frames, assay_bytes *out, assay_error *err);

// How many bytes of a frame that is not whole yet are held.
size_t assay_abci_frames_left(const assay_abci_frames *frames);

void assay_abci_frames_close(assay_abci_frames *frames);

#endif
