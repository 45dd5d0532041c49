// SPDX-License-Identifier: Apache-2.0
// How messages stand in the stream: an unsigned LEB128 length, then that many bytes.
#ifndef ASSAY_CONSENSUS_ABCI_FRAME_H
#define ASSAY_CONSENSUS_ABCI_FRAME_H

#include "base/bytes.h"
#include "base/status.h"

// Looks at the beginning of a stream. *whole: whether a frame is all there; then `frame` is its
// message and *used counts both. A length is read as soon as it is there, so that one over the
// limit is refused before its bytes come. Errors: CAPACITY (over frame_max), FORMAT (a length of
// more than five bytes, or not in its shortest form). Lives: frame, as data. Spec: E-1.
assay_status assay_abci_frame_next(assay_bytes *frame, size_t *used, bool *whole,
                                   const uint8_t *data, size_t size, uint32_t frame_max,
                                   assay_error *err);

#endif
