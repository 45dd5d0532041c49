// SPDX-License-Identifier: Apache-2.0
// Rows to byte planes, and those to the order of tiles. A call writes its own rows' words of a tile
// and no others; what lies in a tile past the last row enters sums that nobody reads.
#include "kernels/x86/tile_amx.h"

typedef struct {
    _Alignas(64) uint32_t high[AMX_ROWS][AMX_STEP / 4];
    uint32_t low[AMX_ROWS][AMX_STEP / 4];
} planes;

// Where the bytes come from that vpackuswb takes from its first operand, in lanes of eight: bytes
// 0-7, 16-23, 32-39, 48-55 of the plane. Those of the second lie `apart` further.
typedef struct {
    int16_t first[32];
    int16_t apart;
} order;

_Alignas(64) static const order natural = {{0,  1,  2,  3,  4,  5,  6,  7,  16, 17, 18,
                                            19, 20, 21, 22, 23, 32, 33, 34, 35, 36, 37,
                                            38, 39, 48, 49, 50, 51, 52, 53, 54, 55},
                                           8};
_Alignas(64) static const order evens_odds = {{0,  2,  4,  6,  8,  10, 12, 14, 32, 34, 36,
                                               38, 40, 42, 44, 46, 1,  3,  5,  7,  9,  11,
                                               13, 15, 33, 35, 37, 39, 41, 43, 45, 47},
                                              16};

// Row r of the planes: `count` <= 64 elements, zeros behind them.
static ASSAY_INLINE void row_split(planes *p, uint32_t r, const int16_t *q, uint32_t count,
                                   const order *o) {
    uint64_t mask = count == 64 ? ~0ull : (1ull << count) - 1;
    __m512i low_half = _mm512_maskz_loadu_epi16((__mmask32)mask, q);
    __m512i high_half = _mm512_maskz_loadu_epi16((__mmask32)(mask >> 32), q + 32);
    __m512i first = _mm512_loadu_si512(o->first);
    __m512i second = _mm512_add_epi16(first, _mm512_set1_epi16(o->apart));
    __m512i a = _mm512_permutex2var_epi16(low_half, first, high_half);
    __m512i b = _mm512_permutex2var_epi16(low_half, second, high_half);
    const __m512i byte = _mm512_set1_epi16(255);
    _mm512_store_si512(p->high[r],
                       _mm512_packus_epi16(_mm512_srli_epi16(a, 8), _mm512_srli_epi16(b, 8)));
    _mm512_store_si512(p->low[r],
                       _mm512_packus_epi16(_mm512_and_si512(a, byte), _mm512_and_si512(b, byte)));
}

static ASSAY_INLINE void plane_store(uint32_t (*out)[AMX_ROWS], const uint32_t (*plane)[16],
                                     __mmask16 rows) {
    for (int at = 0; at < AMX_STEP / 4; at += 4) {
        __m512i columns[4];
        columns_load(columns, plane, at);
        for (int i = 0; i < 4; i++)
            _mm512_mask_storeu_epi32(out[at + i], rows, columns[i]);
    }
}

// Rows first .. end - 1 of tile t.
static void tile_pack(const assay_x16 *x, const order *o, uint32_t t, uint32_t first,
                      uint32_t end) {
    size_t steps = assay_amx_steps(x->k);
    assay_amx_step *out = (assay_amx_step *)x->packed + t * steps;
    __mmask16 rows = (__mmask16)((1u << end) - (1u << first));
    planes p = {0};
    for (size_t s = 0; s < steps; s++) {
        uint32_t at = (uint32_t)s * AMX_STEP;
        uint32_t count = x->k - at < AMX_STEP ? x->k - at : AMX_STEP;
        for (uint32_t r = first; r < end; r++)
            row_split(&p, r, x->q + (size_t)(t * AMX_ROWS + r) * x->k + at, count, o);
        plane_store(out[s].high, (const uint32_t(*)[16])p.high, rows);
        plane_store(out[s].low, (const uint32_t(*)[16])p.low, rows);
    }
}

size_t assay_packed_size_amx(assay_weights_kind kind, uint32_t m, uint32_t k) {
    if (m <= AMX_FEW) return assay_packed_size_avx512(kind, m, k);
    return ((size_t)m + AMX_ROWS - 1) / AMX_ROWS * assay_amx_steps(k) * sizeof(assay_amx_step);
}

void assay_pack_amx(const assay_x16 *x, assay_weights_kind kind, uint32_t m_first,
                    uint32_t m_count) {
    if (x->m <= AMX_FEW) {
        assay_pack_avx512(x, kind, m_first, m_count);
        return;
    }
    const order *o = kind == ASSAY_WEIGHTS_Q4 ? &evens_odds : &natural;
    uint32_t m_end = m_first + m_count;
    for (uint32_t i = m_first; i < m_end;) {
        uint32_t t = i / AMX_ROWS, first = i % AMX_ROWS;
        uint32_t end = m_end - t * AMX_ROWS < AMX_ROWS ? m_end - t * AMX_ROWS : AMX_ROWS;
        tile_pack(x, o, t, first, end);
        i = t * AMX_ROWS + end;
    }
}
