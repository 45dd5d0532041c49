// SPDX-License-Identifier: Apache-2.0
// One to four activation rows, the text of the sets avx2 and avx512: every weight is unfolded in
// registers, once, and meets them all. Included after the set's dot_*.h, with FEW_STEP(m): of how
// many weight rows, 2 or 4, the sums with m activation rows fit the registers.

// Four weight rows from n on; rows past the part's end stand for its last one.
static ASSAY_INLINE size_t row_of(const assay_gemm_part *part, uint32_t n, int r) {
    uint32_t last = part->n_first + part->n_count - 1;
    return n + (uint32_t)r < last ? n + (uint32_t)r : last;
}

// Four rows are four short streams, which the processor's own prefetching does not follow from one
// four to the next: what is needed two fours later is asked for. Past the end it is for nothing.
enum { AHEAD = 8 };
static ASSAY_INLINE void ahead(const void *row, size_t row_size) {
    _mm_prefetch((const char *)((uintptr_t)row + AHEAD * row_size), _MM_HINT_T0);
}

static ASSAY_INLINE void rows_store(const assay_gemm_part *part, uint32_t n, const __m256i *totals,
                                    const float *w_scales, const int m) {
    uint32_t left = part->n_first + part->n_count - n;
    ASSAY_UNROLL for (int i = 0; i < m; i++)
        dot_store(part, part->m_first + (uint32_t)i, n, left < 4 ? left : 4, totals[i], w_scales);
}

static ASSAY_INLINE void flush(__m256i *totals, dot_vector (*sums)[4], const int m) {
    ASSAY_UNROLL for (int i = 0; i < m; i++) {
        __m256i four = dot_flush(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
        totals[i] = _mm256_add_epi64(totals[i], four);
    }
}

// Rows first .. first + step - 1 of the four, elements from .. end - 1: their sums and one block of
// weights stay in registers.
static ASSAY_INLINE void q4_group(dot_vector (*sums)[4], const assay_gemm_part *part, packed_rows x,
                                  const assay_q4 *w, uint32_t n, uint32_t from, uint32_t end,
                                  const int m, const int first, const int step) {
    enum { VECTORS = ASSAY_Q4_BLOCK / DOT_LANES };
    dot_vector acc[DOT_FEW][4] = {0};
    x.at += from / DOT_LANES * x.step;
    for (uint32_t at = from; at < end; at += ASSAY_Q4_BLOCK, x.at += VECTORS * x.step)
        ASSAY_UNROLL for (int r = 0; r < step; r++) {
            size_t row = row_of(part, n, first + r);
            const uint8_t *codes = w->codes + row * (w->k / 2) + at / 2;
            dot_vector u[VECTORS];
            ahead(codes, w->k / 2);
            q4_unfold(u, codes, w->ratios[row * (w->k / ASSAY_Q4_BLOCK) + at / ASSAY_Q4_BLOCK]);
            ASSAY_UNROLL for (int i = 0; i < m; i++) ASSAY_UNROLL for (int v = 0; v < VECTORS; v++)
                acc[i][r] =
                    dot_add(acc[i][r], u[v], dot_load(x.at + (size_t)v * x.step + DOT_LANES * i));
        }
    ASSAY_UNROLL for (int i = 0; i < m; i++) ASSAY_UNROLL for (int r = 0; r < step; r++)
        sums[i][first + r] = acc[i][r];
}

static ASSAY_INLINE void q8_group(dot_vector (*sums)[4], const assay_gemm_part *part, packed_rows x,
                                  const assay_q8 *w, uint32_t n, uint32_t from, uint32_t end,
                                  const int m, const int first, const int step) {
    dot_vector acc[DOT_FEW][4] = {0};
    x.at += from / DOT_LANES * x.step;
    for (uint32_t at = from; at < end; at += DOT_LANES, x.at += x.step)
        ASSAY_UNROLL for (int r = 0; r < step; r++) {
            const int8_t *q = w->q + row_of(part, n, first + r) * w->k + at;
            dot_vector u = q8_unfold(q, end - at);
            if (at % 64 == 0) ahead(q, w->k);
            ASSAY_UNROLL for (int i = 0; i < m; i++) acc[i][r] =
                dot_add(acc[i][r], u, dot_load(x.at + DOT_LANES * i));
        }
    ASSAY_UNROLL for (int i = 0; i < m; i++) ASSAY_UNROLL for (int r = 0; r < step; r++)
        sums[i][first + r] = acc[i][r];
}

// Four weight rows from n on; of the two kinds of weights one is given.
static ASSAY_INLINE void four_run(const assay_gemm_part *part, packed_rows x, const assay_q4 *q4,
                                  const assay_q8 *q8, uint32_t n, const int m) {
    uint32_t k = q4 ? q4->k : q8->k;
    __m256i totals[DOT_FEW] = {0};
    for (uint32_t from = 0; from < k; from += DOT_BLOCK) {
        uint32_t end = k - from < DOT_BLOCK ? k : from + DOT_BLOCK;
        dot_vector sums[DOT_FEW][4];
        for (int first = 0; first < 4; first += FEW_STEP(m))
            if (q4)
                q4_group(sums, part, x, q4, n, from, end, m, first, FEW_STEP(m));
            else
                q8_group(sums, part, x, q8, n, from, end, m, first, FEW_STEP(m));
        flush(totals, sums, m);
    }
    rows_store(part, n, totals, q4 ? q4->scales : q8->scales, m);
}

static ASSAY_INLINE void few_run(const assay_gemm_part *part, const assay_q4 *q4,
                                 const assay_q8 *q8) {
    for (assay_gemm_part rest = *part; rest.m_count > 0;) {
        packed_rows x = packed_rows_at(rest.x, rest.m_first, DOT_LANES);
        assay_gemm_part tile = rest;
        tile.m_count = x.left < rest.m_count ? x.left : rest.m_count;
        rest.m_first += tile.m_count;
        rest.m_count -= tile.m_count;
        for (uint32_t n = part->n_first; n < part->n_first + part->n_count; n += 4)
            switch (tile.m_count) {
            case 1:
                if (x.step == DOT_LANES) // as when decoding: let the compiler know
                    four_run(&tile, (packed_rows){x.at, DOT_LANES, 1}, q4, q8, n, 1);
                else
                    four_run(&tile, x, q4, q8, n, 1);
                break;
            case 2:
                four_run(&tile, x, q4, q8, n, 2);
                break;
            case 3:
                four_run(&tile, x, q4, q8, n, 3);
                break;
            default:
                four_run(&tile, x, q4, q8, n, DOT_FEW);
                break;
            }
    }
}

void ASSAY_OP(few_q4)(const assay_gemm_part *part, const assay_q4 *w) {
    few_run(part, w, NULL);
}

void ASSAY_OP(few_q8)(const assay_gemm_part *part, const assay_q8 *w) {
    few_run(part, NULL, w);
}
