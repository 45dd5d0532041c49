// SPDX-License-Identifier: Apache-2.0
#include "consensus/abci/frame.h"

enum { LENGTH_BYTES_MAX = 5 }; // of lengths below 2^35

assay_status assay_abci_frame_next(assay_bytes *frame, size_t *used, bool *whole,
                                   const uint8_t *data, size_t size, uint32_t frame_max,
                                   assay_error *err) {
    uint64_t length = 0;
    *whole = false;
    for (size_t i = 0; i < size; i++) {
        if (i == LENGTH_BYTES_MAX)
            return ASSAY_FAIL(err, FORMAT, "a frame's length of more than %d bytes",
                              LENGTH_BYTES_MAX);
        length |= (uint64_t)(data[i] & 0x7f) << (7 * i);
        if (data[i] & 0x80) continue;
        if (i > 0 && data[i] == 0)
            return ASSAY_FAIL(err, FORMAT, "a frame's length is not in its shortest form");
        if (length > frame_max)
            return ASSAY_FAIL(err, CAPACITY, "a frame of %llu bytes, limit %u",
                              (unsigned long long)length, frame_max);
        if (length > size - i - 1) return ASSAY_OK;
        *frame = (assay_bytes){data + i + 1, length};
        *used = i + 1 + length;
        *whole = true;
        return ASSAY_OK;
    }
    return ASSAY_OK;
}
