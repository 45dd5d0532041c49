// SPDX-License-Identifier: Apache-2.0
#include "kernels/nf4.h"

const float assay_nf4_levels[16] = {
    -1.0f,           -0x1.647362p-1f, -0x1.0cd660p-1f, -0x1.946540p-2f,
    -0x1.23449ap-2f, -0x1.7a6a7ep-3f, -0x1.74f0e2p-4f, 0.0f,
    0x1.45f5fep-4f,  0x1.4995c6p-3f,  0x1.f809bap-3f,  0x1.5a0674p-2f,
    0x1.c34970p-2f,  0x1.200f56p-1f,  0x1.722766p-1f,  1.0f,
};

// C(code) * ratio / 4080, halves away from zero. The C are rint(level * 2032).
#define T(c, r) (((c) < 0 ? -1 : 1) * ((((c) < 0 ? -(c) : (c)) * (r) + 2040) / 4080))
#define ROW(r)                                                                                     \
    {                                                                                              \
        T(-2032, r), T(-1415, r), T(-1067, r), T(-802, r), T(-578, r), T(-375, r), T(-185, r), 0,  \
            T(162, r), T(327, r), T(500, r), T(687, r), T(896, r), T(1143, r), T(1469, r),         \
            T(2032, r)                                                                             \
    }
#define ROWS4(r)   ROW(r), ROW((r) + 1), ROW((r) + 2), ROW((r) + 3)
#define ROWS16(r)  ROWS4(r), ROWS4((r) + 4), ROWS4((r) + 8), ROWS4((r) + 12)
#define ROWS64(r)  ROWS16(r), ROWS16((r) + 16), ROWS16((r) + 32), ROWS16((r) + 48)
#define ROWS256(r) ROWS64(r), ROWS64((r) + 64), ROWS64((r) + 128), ROWS64((r) + 192)

_Alignas(64) const int8_t assay_nf4_table[256][16] = {ROWS256(0)};
