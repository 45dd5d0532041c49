// SPDX-License-Identifier: Apache-2.0
// One activation row, the text of the sets avx2 and avx512: weights are used as they come out of
// memory, which is the limit. Four weight rows go side by side, so that their sums are added up
// together. Included after the set's dot_*.h.

// Weight row n + r; rows past the part's end stand for its last one.
static ASSAY_INLINE size_t row_of(const assay_gemm_part *part, uint32_t n, int r) {
    uint32_t last = part->n_first + part->n_count - 1;
    return n + (uint32_t)r < last ? n + (uint32_t)r : last;
}

// Four rows are four short streams, which the processor's own prefetching does not follow from one
// four to the next: what is needed two fours later is asked for, into the second cache, because the
// first has few places for what is on its way. Past the end it is for nothing.
enum { AHEAD = 8 };
static ASSAY_INLINE void ahead(const void *row, size_t row_size) {
    _mm_prefetch((const char *)((uintptr_t)row + AHEAD * row_size), _MM_HINT_T1);
}

// Elements from .. end - 1 of four weight rows from n on.
static ASSAY_INLINE __m256i q4_four(const assay_gemm_part *part, packed_rows x, const assay_q4 *w,
                                    uint32_t n, uint32_t from, uint32_t end) {
    enum { VECTORS = ASSAY_Q4_BLOCK / DOT_LANES };
    dot_vector acc[4] = {0};
    const uint8_t *codes[4], *ratios[4];
    ASSAY_UNROLL for (int r = 0; r < 4; r++) {
        size_t first = row_of(part, n, r) * w->k + from;
        codes[r] = w->codes + first / 2;
        ratios[r] = w->ratios + first / ASSAY_Q4_BLOCK;
    }
    size_t blocks = (end - from) / ASSAY_Q4_BLOCK;
    for (size_t b = 0; b < blocks; b++, x.at += VECTORS * x.step)
        ASSAY_UNROLL for (int r = 0; r < 4; r++) {
            dot_vector u[VECTORS];
            if (b % 2 == 0) ahead(codes[r] + b * (ASSAY_Q4_BLOCK / 2), w->k / 2);
            q4_unfold(u, codes[r] + b * (ASSAY_Q4_BLOCK / 2), ratios[r][b]);
            ASSAY_UNROLL for (int v = 0; v < VECTORS; v++) acc[r] =
                dot_next(acc[r], u[v], dot_load(x.at + (size_t)v * x.step));
        }
    return dot_flush(acc[0], acc[1], acc[2], acc[3]);
}

static ASSAY_INLINE __m256i q8_four(const assay_gemm_part *part, packed_rows x, const assay_q8 *w,
                                    uint32_t n, uint32_t from, uint32_t end) {
    dot_vector acc[4] = {0};
    const int8_t *q[4];
    ASSAY_UNROLL for (int r = 0; r < 4; r++) q[r] = w->q + row_of(part, n, r) * w->k;
    uint32_t at = from;
    for (; at + DOT_LANES <= end; at += DOT_LANES, x.at += x.step)
        ASSAY_UNROLL for (int r = 0; r < 4; r++) {
            if (at % 64 == 0) ahead(q[r] + at, w->k);
            acc[r] = dot_add(acc[r], q8_unfold(q[r] + at, DOT_LANES), dot_load(x.at));
        }
    for (int r = 0; at < end && r < 4; r++)
        acc[r] = dot_add(acc[r], q8_unfold(q[r] + at, end - at), dot_load(x.at));
    return dot_flush(acc[0], acc[1], acc[2], acc[3]);
}

// Of the two kinds of weights one is given.
static ASSAY_INLINE void row_run(const assay_gemm_part *part, packed_rows x, const assay_q4 *q4,
                                 const assay_q8 *q8) {
    uint32_t n_end = part->n_first + part->n_count, k = part->x->k;
    for (uint32_t n = part->n_first; n < n_end; n += 4) {
        __m256i sums = _mm256_setzero_si256();
        packed_rows at = x;
        for (uint32_t from = 0; from < k; from += DOT_BLOCK) {
            uint32_t end = k - from < DOT_BLOCK ? k : from + DOT_BLOCK;
            __m256i four =
                q4 ? q4_four(part, at, q4, n, from, end) : q8_four(part, at, q8, n, from, end);
            sums = _mm256_add_epi64(sums, four);
            at.at += DOT_BLOCK / DOT_LANES * x.step;
        }
        dot_store(part, part->m_first, n, n_end - n < 4 ? n_end - n : 4, sums,
                  q4 ? q4->scales : q8->scales);
    }
}

static ASSAY_INLINE void one_run(const assay_gemm_part *part, const assay_q4 *q4,
                                 const assay_q8 *q8) {
    packed_rows x = packed_rows_at(part->x, part->m_first, DOT_LANES);
    if (x.step == DOT_LANES) // as when decoding: let the compiler know
        row_run(part, (packed_rows){x.at, DOT_LANES, 1}, q4, q8);
    else
        row_run(part, x, q4, q8);
}

void ASSAY_OP(one_q4)(const assay_gemm_part *part, const assay_q4 *w) {
    one_run(part, w, NULL);
}

void ASSAY_OP(one_q8)(const assay_gemm_part *part, const assay_q8 *w) {
    one_run(part, NULL, w);
}
