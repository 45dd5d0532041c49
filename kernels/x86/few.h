// SPDX-License-Identifier: Apache-2.0
// Two to eight activation rows, the text of the sets avx2 and avx512: too few to pay for a panel of
// unfolded weights. Every weight is unfolded in registers, once, and meets all rows, of which a
// stretch stays in the first cache. Included after the set's dot_*.h.

enum {
    COLUMNS = 512, // weight rows whose sums are kept from one stretch to the next
    AHEAD = 4,     // weight rows that are asked for before they are needed
};

typedef int64_t column_sums[DOT_FEW]; // of one weight row

// How many of m activation rows lie in one tile; the others are in the next.
static ASSAY_INLINE int low_rows(const int m) {
    return m <= PACKED_ROWS ? m : DOT_FEW / 2;
}

// One vector of weights meets one of each row.
static ASSAY_INLINE void vector_add(dot_vector *acc, dot_vector w, const packed_rows *low,
                                    const packed_rows *high, const int m) {
    ASSAY_UNROLL for (int i = 0; i < m; i++) {
        const int16_t *row =
            i < low_rows(m) ? low->at + DOT_LANES * i : high->at + DOT_LANES * (i - low_rows(m));
        acc[i] = dot_next(acc[i], w, dot_load(row));
    }
}

// Asks for what a later weight row has at the same place; past the end for nothing.
static ASSAY_INLINE void ahead(const void *row, size_t row_size) {
    _mm_prefetch((const char *)((uintptr_t)row + AHEAD * row_size), _MM_HINT_T0);
}

static ASSAY_INLINE void sums_add(int64_t *sums, const dot_vector *acc, bool first, const int m) {
    ASSAY_UNROLL for (int i = 0; i < m; i += 4) {
        __m256i *to = (__m256i *)(sums + i);
        __m256i four = dot_flush(acc[i], acc[i + 1], acc[i + 2], acc[i + 3]);
        _mm256_storeu_si256(to, first ? four : _mm256_add_epi64(four, _mm256_loadu_si256(to)));
    }
}

// Weight row n over elements from .. end - 1; of the two kinds of weights one is given.
static ASSAY_INLINE void column_run(int64_t *sums, const assay_q4 *q4, const assay_q8 *q8, size_t n,
                                    uint32_t from, uint32_t end, packed_rows low, packed_rows high,
                                    const int m) {
    enum { VECTORS = ASSAY_Q4_BLOCK / DOT_LANES };
    dot_vector acc[DOT_FEW] = {0};
    if (q4) {
        const uint8_t *codes = q4->codes + (n * q4->k + from) / 2;
        const uint8_t *ratios = q4->ratios + (n * q4->k + from) / ASSAY_Q4_BLOCK;
        for (uint32_t at = from; at < end; at += ASSAY_Q4_BLOCK, codes += ASSAY_Q4_BLOCK / 2) {
            dot_vector w[VECTORS];
            ahead(codes, q4->k / 2);
            q4_unfold(w, codes, *ratios++);
            ASSAY_UNROLL for (int v = 0; v < VECTORS; v++) {
                vector_add(acc, w[v], &low, &high, m);
                low.at += low.step;
                high.at += high.step;
            }
        }
    } else {
        const int8_t *q = q8->q + n * q8->k;
        for (uint32_t at = from; at < end; at += DOT_LANES) {
            if (at % 64 == 0) ahead(q + at, q8->k);
            vector_add(acc, q8_unfold(q + at, end - at), &low, &high, m);
            low.at += low.step;
            high.at += high.step;
        }
    }
    sums_add(sums, acc, from == 0, m);
}

// Rows of the part, m of them, by weight rows n .. n + count - 1.
static ASSAY_INLINE void columns_run(const assay_gemm_part *part, const assay_q4 *q4,
                                     const assay_q8 *q8, uint32_t n, uint32_t count, const int m) {
    column_sums *sums = part->scratch;
    uint32_t k = part->x->k, stretch = m <= 4 ? DOT_BLOCK : DOT_BLOCK / 2;
    packed_rows low = packed_rows_at(part->x, part->m_first, DOT_LANES), high = low;
    if (m > low_rows(m)) high = packed_rows_at(part->x, part->m_first + low_rows(m), DOT_LANES);
    for (uint32_t from = 0, end; from < k; from = end) {
        end = k - from < stretch ? k : from + stretch;
        for (uint32_t c = 0; c < count; c++)
            column_run(sums[c], q4, q8, n + c, from, end, low, high, m);
        low.at += (end - from) / DOT_LANES * low.step;
        high.at += (end - from) / DOT_LANES * high.step;
    }
    for (uint32_t i = 0; i < (uint32_t)m; i++)
        for (uint32_t c = 0; c < count; c += 4)
            dot_store(
                part, part->m_first + i, n + c, count - c < 4 ? count - c : 4,
                _mm256_setr_epi64x(sums[c][i], sums[c + 1][i], sums[c + 2][i], sums[c + 3][i]),
                q4 ? q4->scales : q8->scales);
}

static ASSAY_INLINE void rows_run(const assay_gemm_part *part, const assay_q4 *q4,
                                  const assay_q8 *q8) {
    uint32_t n_end = part->n_first + part->n_count;
    for (uint32_t n = part->n_first; n < n_end; n += COLUMNS) {
        uint32_t count = n_end - n < COLUMNS ? n_end - n : COLUMNS;
        switch (part->m_count) {
        case 2:
            columns_run(part, q4, q8, n, count, 2);
            break;
        case 3:
            columns_run(part, q4, q8, n, count, 3);
            break;
        case 4:
            columns_run(part, q4, q8, n, count, 4);
            break;
        case 5:
            columns_run(part, q4, q8, n, count, 5);
            break;
        case 6:
            columns_run(part, q4, q8, n, count, 6);
            break;
        case 7:
            columns_run(part, q4, q8, n, count, 7);
            break;
        default:
            columns_run(part, q4, q8, n, count, DOT_FEW);
            break;
        }
    }
}

// All at once where they are one tile, or the two tiles of seven or eight; else tile by tile.
static ASSAY_INLINE void few_run(const assay_gemm_part *part, const assay_q4 *q4,
                                 const assay_q8 *q8) {
    for (assay_gemm_part rest = *part; rest.m_count > 0;) {
        assay_gemm_part now = rest;
        uint32_t left = packed_rows_at(rest.x, rest.m_first, DOT_LANES).left;
        if (now.m_count > left && (now.m_count <= PACKED_ROWS || left != DOT_FEW / 2))
            now.m_count = left;
        rest.m_first += now.m_count;
        rest.m_count -= now.m_count;
        if (now.m_count > 1)
            rows_run(&now, q4, q8);
        else if (q4)
            ASSAY_OP(one_q4)(&now, q4);
        else
            ASSAY_OP(one_q8)(&now, q8);
    }
}

void ASSAY_OP(few_q4)(const assay_gemm_part *part, const assay_q4 *w) {
    few_run(part, w, NULL);
}

void ASSAY_OP(few_q8)(const assay_gemm_part *part, const assay_q8 *w) {
    few_run(part, NULL, w);
}
