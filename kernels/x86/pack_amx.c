// SPDX-License-Identifier: Apache-2.0
// Rows to byte planes. A call writes its own rows of a tile and no others; what lies in a tile past
// the last row enters sums that nobody reads.
#include "kernels/x86/tile_amx.h"
#include "kernels/x86/turn_avx512.h"

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

// Row r of a step: `count` <= 64 elements, zeros behind them.
static ASSAY_INLINE void row_split(assay_amx_step *step, uint32_t r, const int16_t *q,
                                   uint32_t count, const order *o) {
    uint64_t mask = count == 64 ? ~0ull : (1ull << count) - 1;
    __m512i low_half = _mm512_maskz_loadu_epi16((__mmask32)mask, q);
    __m512i high_half = _mm512_maskz_loadu_epi16((__mmask32)(mask >> 32), q + 32);
    __m512i first = _mm512_loadu_si512(o->first);
    __m512i second = _mm512_add_epi16(first, _mm512_set1_epi16(o->apart));
    __m512i a = _mm512_permutex2var_epi16(low_half, first, high_half);
    __m512i b = _mm512_permutex2var_epi16(low_half, second, high_half);
    const __m512i byte = _mm512_set1_epi16(255);
    _mm512_store_si512(step->high[r],
                       _mm512_packus_epi16(_mm512_srli_epi16(a, 8), _mm512_srli_epi16(b, 8)));
    _mm512_store_si512(step->low[r],
                       _mm512_packus_epi16(_mm512_and_si512(a, byte), _mm512_and_si512(b, byte)));
}

static void row_pack(const assay_x16 *x, const order *o, uint32_t row) {
    size_t steps = assay_amx_steps(x->k);
    assay_amx_step *out = (assay_amx_step *)x->packed + row / AMX_ROWS * steps;
    const int16_t *q = x->q + (size_t)row * x->k;
    for (uint32_t at = 0; at < x->k; at += AMX_STEP)
        row_split(out++, row % AMX_ROWS, q + at, x->k - at < AMX_STEP ? x->k - at : AMX_STEP, o);
}

static void plane_turn(void *out, const void *plane, __mmask16 rows) {
    _Alignas(64) words turned;
    words_turn(turned, plane);
    for (int i = 0; i < AMX_STEP / 4; i++)
        _mm512_mask_storeu_epi32((uint32_t *)out + i * AMX_ROWS, rows,
                                 _mm512_load_si512(turned[i]));
}

// Rows m_first .. m_end - 1 of the only tile, turned over.
static void rows_pack(const assay_x16 *x, const order *o, uint32_t m_first, uint32_t m_end) {
    assay_amx_step *out = x->packed;
    _Alignas(64) assay_amx_step step = {0};
    __mmask16 rows = (__mmask16)((1u << m_end) - (1u << m_first));
    for (uint32_t at = 0; at < x->k; at += AMX_STEP, out++) {
        uint32_t count = x->k - at < AMX_STEP ? x->k - at : AMX_STEP;
        for (uint32_t r = m_first; r < m_end; r++)
            row_split(&step, r, x->q + (size_t)r * x->k + at, count, o);
        plane_turn(out->high, step.high, rows);
        plane_turn(out->low, step.low, rows);
    }
}

size_t assay_packed_size_amx(assay_weights_kind kind, uint32_t m, uint32_t k) {
    if (amx_way_of(kind, m, k) == AMX_NOT) return assay_packed_size_avx512(kind, m, k);
    return ((size_t)m + AMX_ROWS - 1) / AMX_ROWS * assay_amx_steps(k) * sizeof(assay_amx_step);
}

void assay_pack_amx(const assay_x16 *x, assay_weights_kind kind, uint32_t m_first,
                    uint32_t m_count) {
    const order *o = kind == ASSAY_WEIGHTS_Q4 ? &evens_odds : &natural;
    amx_way way = amx_way_of(kind, x->m, x->k);
    if (way == AMX_NOT) assay_pack_avx512(x, kind, m_first, m_count);
    if (way == AMX_FEW) rows_pack(x, o, m_first, m_first + m_count);
    for (uint32_t row = m_first; way == AMX_MANY && row < m_first + m_count; row++)
        row_pack(x, o, row);
}
