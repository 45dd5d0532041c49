// SPDX-License-Identifier: Apache-2.0
// A stream cut anywhere gives the same frames, or the same refusal after the same frames (E-2).
#include <stdlib.h>

#include "consensus/abci/frame.h"

enum { FRAME_MAX = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Sums up the frames of a stream that comes in pieces of `piece` bytes.
static uint64_t digest(const uint8_t *data, size_t size, size_t piece, assay_status *status) {
    assay_abci_frames frames;
    assay_bytes out;
    uint64_t sum = 0;
    *status = ASSAY_OK;
    assay_abci_frames_init(&frames, FRAME_MAX);
    for (size_t at = 0; at < size && *status == ASSAY_OK; at += piece) {
        size_t count = size - at < piece ? size - at : piece;
        ASSAY_ASSERT(assay_abci_frames_add(&frames, data + at, count, NULL) == ASSAY_OK);
        while ((*status = assay_abci_frames_next(&frames, &out, NULL)) == ASSAY_OK && out.data) {
            ASSAY_ASSERT(out.size <= FRAME_MAX);
            sum = sum * 31 + out.size + 1;
            for (size_t i = 0; i < out.size; i++)
                sum = sum * 31 + out.data[i];
        }
        ASSAY_ASSERT(assay_abci_frames_left(&frames) <= FRAME_MAX + ASSAY_ABCI_FRAME_HEAD_MAX ||
                     *status != ASSAY_OK);
    }
    assay_abci_frames_close(&frames);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_status whole, cut;
    if (size < 1) return 0;
    uint64_t sum = digest(data + 1, size - 1, size, &whole);
    ASSAY_ASSERT(digest(data + 1, size - 1, 1 + data[0] % 16u, &cut) == sum && cut == whole);
    return 0;
}
