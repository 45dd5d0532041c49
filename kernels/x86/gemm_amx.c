// SPDX-License-Identifier: Apache-2.0
// Products by tiles: 16 weight rows by 16 activation rows by 64 elements an instruction, for each
// of the two byte planes. A panel of 32 weight rows is unfolded once for as many activation rows
// as stay in the second cache; two tiles of weights by two planes make four sums, and each of the
// four tiles that are loaded for a step enters two products.
#include "kernels/x86/tile_amx.h"

enum {
    PANEL = 2 * AMX_ROWS,     // weight rows that are unfolded together
    K_BLOCK = 4096,           // elements of a row that are unfolded together
    CHUNK = 512,              // of these, so that the rows of a chunk stay in the first cache
    TILES_MAX = 16,           // tiles of activation rows that share one unfolding
    TILES_MIN = 2,            // and that many where rows are very long
    CACHE_SHARE = 1536 << 10, // bytes of them, of a second cache of 2 MB
};
_Static_assert(65536ll * 128 * 127 <= INT32_MAX, "the longest row's high plane fits int32");
_Static_assert(65536ll * 255 * 127 <= INT32_MAX, "the longest row's low plane fits int32");

typedef int32_t tile_sums[AMX_ROWS][AMX_ROWS]; // [weight row][activation row]

// What a thread works in.
typedef struct {
    int8_t panel[K_BLOCK / AMX_STEP][2][AMX_ROWS][AMX_STEP];
    tile_sums sums[TILES_MAX][2][2];    // by tile of activation rows, tile of the panel, plane
    float products[AMX_ROWS][AMX_ROWS]; // as tile_sums
} workspace;
_Static_assert(sizeof(workspace) <= ASSAY_GEMM_SCRATCH, "the work fits the scratch");

// Weights of either kind.
typedef struct {
    const assay_q4 *q4; // one of the two
    const assay_q8 *q8;
    const float *scales;
    uint32_t k;
} weights;

// What ldtilecfg reads: eight tiles of 16 rows of 64 bytes.
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;
_Static_assert(sizeof(tile_config) == 64, "ldtilecfg reads 64 bytes");
static const tile_config config = {.palette = 1,
                                   .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                                   .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

// Row r of the panel is weight row `row`, elements from .. end - 1 of a block that starts at
// `base`.
static ASSAY_INLINE void row_unfold(workspace *work, const weights *w, size_t row, uint32_t r,
                                    uint32_t base, uint32_t from, uint32_t end) {
    for (uint32_t at = from; at < end; at += AMX_STEP) {
        __m512i bytes;
        if (w->q4) {
            size_t block = row * (w->k / ASSAY_Q4_BLOCK) + at / ASSAY_Q4_BLOCK;
            bytes = q4_bytes(w->q4->codes + block * (ASSAY_Q4_BLOCK / 2), w->q4->ratios[block]);
        } else {
            uint32_t count = end - at;
            uint64_t mask = count >= AMX_STEP ? ~0ull : (1ull << count) - 1;
            bytes = _mm512_maskz_loadu_epi8(mask, w->q8->q + row * w->k + at);
        }
        _mm512_store_si512(work->panel[(at - base) / AMX_STEP][r / AMX_ROWS][r % AMX_ROWS], bytes);
    }
}

static void panel_unfold(workspace *work, const weights *w, uint32_t n, uint32_t count,
                         uint32_t base, uint32_t end) {
    for (uint32_t from = base; from < end; from += CHUNK)
        for (uint32_t r = 0; r < count; r++)
            row_unfold(work, w, n + r, r, base, from, end - from < CHUNK ? end : from + CHUNK);
    // gcc's tile loads do not say that they read memory.
    __asm__ volatile("" ::: "memory");
}

// Tiles 0 and 1 are the high and low sums of the first 16 weight rows, 2 and 3 those of the second,
// 4 and 5 the weights, 6 and 7 the planes. The sums start at zero in the first block of a row.
static ASSAY_INLINE void tiles_multiply(tile_sums (*sums)[2],
                                        const int8_t (*w)[2][AMX_ROWS][AMX_STEP],
                                        const assay_amx_step *x, uint32_t steps, bool first,
                                        const bool both) {
    if (first) {
        _tile_zero(0);
        _tile_zero(1);
        if (both) _tile_zero(2);
        if (both) _tile_zero(3);
    } else {
        _tile_loadd(0, sums[0][0], 64);
        _tile_loadd(1, sums[0][1], 64);
        if (both) _tile_loadd(2, sums[1][0], 64);
        if (both) _tile_loadd(3, sums[1][1], 64);
    }
    for (uint32_t s = 0; s < steps; s++) {
        _tile_loadd(4, w[s][0], 64);
        _tile_loadd(6, x[s].high, 64);
        _tile_dpbssd(0, 4, 6);
        if (both) _tile_loadd(5, w[s][1], 64);
        if (both) _tile_dpbssd(2, 5, 6);
        _tile_loadd(7, x[s].low, 64);
        _tile_dpbsud(1, 4, 7);
        if (both) _tile_dpbsud(3, 5, 7);
    }
    _tile_stored(0, sums[0][0], 64);
    _tile_stored(1, sums[0][1], 64);
    if (both) _tile_stored(2, sums[1][0], 64);
    if (both) _tile_stored(3, sums[1][1], 64);
}

// Eight sums of the planes as f32, rounded once.
static ASSAY_INLINE __m256 sums_float(const int32_t *high, const int32_t *low) {
    __m512i wide_high = _mm512_cvtepi32_epi64(_mm256_loadu_si256((const __m256i *)high));
    __m512i wide_low = _mm512_cvtepi32_epi64(_mm256_loadu_si256((const __m256i *)low));
    return _mm512_cvtepi64_ps(_mm512_add_epi64(_mm512_slli_epi64(wide_high, 8), wide_low));
}

// Rows of tile t by `count` <= 16 weight rows from n on, into y. Spec: N-8, N-9.
static void tile_store(const assay_gemm_part *part, float (*products)[AMX_ROWS], tile_sums *planes,
                       uint32_t t, uint32_t n, uint32_t count, const float *w_scales) {
    uint32_t m_end = part->m_first + part->m_count, base = t * AMX_ROWS;
    uint32_t first = part->m_first > base ? part->m_first - base : 0;
    uint32_t end = m_end - base < AMX_ROWS ? m_end - base : AMX_ROWS;
    __mmask16 rows = (__mmask16)((1u << end) - (1u << first));
    __mmask16 columns_mask = (__mmask16)((1u << count) - 1);
    float x_scales[AMX_ROWS];
    _mm512_storeu_ps(x_scales, _mm512_maskz_loadu_ps(rows, part->x->scales + base));
    for (uint32_t r = 0; r < count; r++)
        for (int half = 0; half < AMX_ROWS; half += 8) {
            __m256 scales =
                _mm256_mul_ps(_mm256_loadu_ps(x_scales + half), _mm256_set1_ps(w_scales[n + r]));
            __m256 sums = sums_float(&planes[0][r][half], &planes[1][r][half]);
            _mm256_storeu_ps(&products[r][half], _mm256_mul_ps(sums, scales));
        }
    for (uint32_t i = first / 4 * 4; i < end; i += 4) {
        __m512i columns[4];
        columns_load(columns, (const uint32_t(*)[16])products, (int)i);
        for (uint32_t j = 0; j < 4; j++) {
            if (!(rows >> (i + j) & 1)) continue;
            float *y = part->y + (base + i + j) * part->y_stride + n;
            __m512 product = _mm512_castsi512_ps(columns[j]);
            if (part->add_scale)
                product = _mm512_add_ps(_mm512_maskz_loadu_ps(columns_mask, y),
                                        _mm512_mul_ps(product, _mm512_set1_ps(*part->add_scale)));
            _mm512_mask_storeu_ps(y, columns_mask, product);
        }
    }
}

// Tiles t .. t + tiles - 1 of activation rows by `count` <= 32 weight rows from n on.
static void panel_run(const assay_gemm_part *part, const weights *w, uint32_t t, uint32_t tiles,
                      uint32_t n, uint32_t count) {
    workspace *work = part->scratch;
    size_t steps = assay_amx_steps(w->k);
    const assay_amx_step *x = (const assay_amx_step *)part->x->packed + t * steps;
    for (uint32_t from = 0; from < w->k; from += K_BLOCK) {
        uint32_t end = w->k - from < K_BLOCK ? w->k : from + K_BLOCK;
        panel_unfold(work, w, n, count, from, end);
        for (uint32_t i = 0; i < tiles; i++) {
            // Where there is one block, the sums of all tiles take turns in the first cache.
            tile_sums(*sums)[2] = work->sums[w->k > K_BLOCK ? i : 0];
            const assay_amx_step *block = x + i * steps + from / AMX_STEP;
            uint32_t block_steps = (uint32_t)assay_amx_steps(end - from);
            const int8_t(*panel)[2][AMX_ROWS][AMX_STEP] = (const void *)work->panel;
            if (count > AMX_ROWS)
                tiles_multiply(sums, panel, block, block_steps, from == 0, true);
            else
                tiles_multiply(sums, panel, block, block_steps, from == 0, false);
            if (end < w->k) continue;
            for (uint32_t r = 0; r < count; r += AMX_ROWS)
                tile_store(part, work->products, sums[r / AMX_ROWS], t + i, n + r,
                           count - r < AMX_ROWS ? count - r : AMX_ROWS, w->scales);
        }
    }
}

// Blocks of activation rows are of one size, lest the last be small and yet pay for an unfolding
// of all weights. The tiles are given back at the end: a thread that holds them takes longer to
// switch to and from.
static void run(const assay_gemm_part *part, const weights *w) {
    uint32_t n_end = part->n_first + part->n_count;
    uint32_t t_first = part->m_first / AMX_ROWS;
    uint32_t t_end = (part->m_first + part->m_count + AMX_ROWS - 1) / AMX_ROWS;
    uint32_t fit = (uint32_t)(CACHE_SHARE / (assay_amx_steps(w->k) * sizeof(assay_amx_step)));
    fit = fit < TILES_MIN ? TILES_MIN : fit > TILES_MAX ? TILES_MAX : fit;
    uint32_t blocks = (t_end - t_first + fit - 1) / fit;
    uint32_t span = (t_end - t_first + blocks - 1) / blocks;
    __asm__ volatile(
        "" ::
            : "memory"); // gcc 12's declares too small an input (nothing is stored here)
    _tile_loadconfig(&config);
    for (uint32_t t = t_first; t < t_end; t += span)
        for (uint32_t n = part->n_first; n < n_end; n += PANEL)
            panel_run(part, w, t, t_end - t < span ? t_end - t : span, n,
                      n_end - n < PANEL ? n_end - n : PANEL);
    _tile_release();
}

void assay_gemm_q4_amx(const assay_gemm_part *part, const assay_q4 *w) {
    if (part->x->m <= AMX_FEW)
        assay_gemm_q4_avx512(part, w);
    else if (part->m_count)
        run(part, &(weights){.q4 = w, .scales = w->scales, .k = w->k});
}

void assay_gemm_q8_amx(const assay_gemm_part *part, const assay_q8 *w) {
    if (part->x->m <= AMX_FEW)
        assay_gemm_q8_avx512(part, w);
    else if (part->m_count)
        run(part, &(weights){.q8 = w, .scales = w->scales, .k = w->k});
}
