// SPDX-License-Identifier: Apache-2.0
// The start-up self check: some elements through every operation of a set and of ref, enough that
// no loop over blocks ends with its first. tests/checkkernels is the thorough one; this one catches
// a set built wrongly for this machine, and is the only one that has run on it.
#include <string.h>

#include "base/philox.h"
#include "kernels/float.h"
#include "kernels/table.h"

enum {
    M = 17,         // activation rows: more than a tile of any set, 16 in amx
    N = 7,          // weight rows: no multiple of the four that are stored together
    MANY = 49,      // past a panel of any set: 8 in neon, 32 (two tiles of 16) in amx, 48 in avx2
    K = 64 * 9,     // elements of most rows: past ref's block of 512, and no power of two
    LONG = 64 * 65, // past a block of any set: 1,024 in neon and amx, 2,048 in avx2
    SHORT = 40,     // as a low-rank factor's rows: less than a block
    HEAD = 40,      // not a multiple of any vector
    QUERIES = 3,
    SEEN = 600, // positions: past the 512 whose values are added up in int32, and within a page
    PAGES = (SEEN + ASSAY_KV_PAGE - 1) / ASSAY_KV_PAGE,
};

typedef struct {
    float x[M][K]; // gaussian-like, alternating, outlier, tiny, beyond the range
    float w[N][K];
} inputs;

// The products. Sets go other ways about one row, as a decode has it, some (to four, to eight) and
// many, and about short rows; those are q8 only.
static const struct {
    uint32_t m, n, k;
} products[] = {{1, N, K},    {5, N, K},    {M, N, K},    {1, N, SHORT},  {3, N, SHORT},
                {1, N, LONG}, {3, N, LONG}, {8, N, LONG}, {M, MANY, LONG}};
enum { PRODUCTS = ASSAY_COUNT(products) };

// One member an operation, named as in ASSAY_KERNEL_LIST; padding is zeroed before use.
typedef struct {
    struct {
        uint8_t codes[N][K / 2];
        uint8_t ratios[N][K / 64];
        float scales[N];
        bool fine[N];
    } quantise_q4;
    struct {
        int8_t q[N][K];
        float scales[N];
        bool fine[N];
    } quantise_q8;
    struct {
        int16_t q[M][K];
        float scales[M];
        bool fine[M];
    } quantise_x16;
    float gemm_q4[PRODUCTS][M][MANY];
    float gemm_q8[PRODUCTS][M][MANY];
    struct {
        float y[M][K];
        bool fine[M];
    } rmsnorm;
    float rope[K];
    float exp[K];
    float silu_mul[K];
    float attention[QUERIES][HEAD];
    float add[K];
    float add_scaled[K];
    float unfold_q8[K];
    float unfold_q4[K];
} outputs;

static void inputs_fill(inputs *in) {
    const uint32_t key[2] = {0x61737361, 0x79};
    float *all = &in->x[0][0];
    for (uint32_t i = 0; i < sizeof *in / sizeof(float); i++) {
        uint32_t words[4];
        assay_philox4x32(words, (const uint32_t[4]){i, 0, 0, 0}, key);
        float sum = 0; // of four uniform numbers: a bell of width about 1
        for (int j = 0; j < 4; j++)
            sum += (float)(words[j] >> 8) * 0x1p-24f - 0.5f;
        all[i] = sum;
    }
    for (int i = 0; i < K; i++) {
        in->x[1][i] = i % 2 ? -1.0f : 1.0f;
        in->x[2][i] *= i == 77 ? 1e6f : 1e-3f;
        in->x[3][i] *= 0x1p-98f;
        in->x[4][i] *= i == K - 1 ? 0x1p60f : 10.0f;
    }
    memset(in->w[1], 0, sizeof in->w[1]);
}

static void quantisers_run(outputs *out, const assay_kernels *set, const inputs *in) {
    for (int i = 0; i < N; i++) {
        out->quantise_q4.fine[i] =
            set->quantise_q4(out->quantise_q4.codes[i], out->quantise_q4.ratios[i],
                             &out->quantise_q4.scales[i], in->w[i], K);
        out->quantise_q8.fine[i] =
            set->quantise_q8(out->quantise_q8.q[i], &out->quantise_q8.scales[i], in->w[i], K);
    }
    for (int i = 0; i < M; i++)
        out->quantise_x16.fine[i] =
            set->quantise_x16(out->quantise_x16.q[i], &out->quantise_x16.scales[i], in->x[i], K);
}

// Operands of all products, whose rows of any length follow each other: what the quantisers made,
// over and over.
typedef struct {
    uint8_t codes[MANY * LONG / 2];
    uint8_t ratios[MANY * LONG / 64];
    float q4_scales[MANY];
    int8_t q8[MANY * LONG];
    float q8_scales[MANY];
    int16_t x16[M * LONG];
    float x16_scales[M];
} rows;

static void repeat(void *out, size_t out_size, const void *from, size_t size) {
    for (size_t at = 0; at < out_size; at += size)
        memcpy((uint8_t *)out + at, from, out_size - at < size ? out_size - at : size);
}

static void rows_fill(rows *out, const outputs *made) {
#define REPEAT(to, from) repeat(out->to, sizeof out->to, made->from, sizeof made->from)
    REPEAT(codes, quantise_q4.codes);
    REPEAT(ratios, quantise_q4.ratios);
    REPEAT(q4_scales, quantise_q4.scales);
    REPEAT(q8, quantise_q8.q);
    REPEAT(q8_scales, quantise_q8.scales);
    REPEAT(x16, quantise_x16.q);
    REPEAT(x16_scales, quantise_x16.scales);
#undef REPEAT
}

// Working memory of one call, the same content for every set.
typedef struct {
    _Alignas(64) uint8_t gemm[ASSAY_GEMM_SCRATCH];
    _Alignas(64) uint8_t packed[2 * 16 * LONG * sizeof(int16_t)]; // whole tiles, as amx has them
    _Alignas(64) uint8_t pages[PAGES][2 * ASSAY_KV_PAGE * (HEAD + sizeof(float))];
    _Alignas(64) uint8_t attention[QUERIES * PAGES * ASSAY_KV_PAGE * 6];
} scratch;

static void gemms_run(outputs *out, const assay_kernels *set, const outputs *operands,
                      const rows *of, scratch *work) {
    for (int i = 0; i < PRODUCTS; i++) {
        uint32_t m = products[i].m, n = products[i].n, k = products[i].k;
        assay_q4 w4 = {n, k, of->codes, of->ratios, of->q4_scales};
        assay_q8 w8 = {n, k, of->q8, of->q8_scales};
        assay_x16 x = {m, k, of->x16, of->x16_scales, work->packed};
        ASSAY_ASSERT(set->packed_size(ASSAY_WEIGHTS_Q4, m, k) <= sizeof work->packed);
        ASSAY_ASSERT(set->packed_size(ASSAY_WEIGHTS_Q8, m, k) <= sizeof work->packed);
        assay_gemm_part part = {&out->gemm_q4[i][0][0], MANY, &x, 0, m, 0, n, NULL, work->gemm};
        if (k % ASSAY_Q4_BLOCK == 0) {
            set->pack(&x, ASSAY_WEIGHTS_Q4, 0, m);
            set->gemm_q4(&part, &w4);
        }
        part.y = &out->gemm_q8[i][0][0];
        set->pack(&x, ASSAY_WEIGHTS_Q8, 0, m);
        set->gemm_q8(&part, &w8);
        part.add_scale = operands->exp;
        set->gemm_q8(&part, &w8);
    }
}

// The cache is what quantise_q8 would have left: bytes of its results, and positive scales.
static void attention_run(outputs *out, const assay_kernels *set, const outputs *operands,
                          scratch *work) {
    const int8_t *codes = &operands->quantise_q8.q[0][0];
    const uint8_t *pages[PAGES];
    for (int page = 0; page < PAGES; page++) {
        float *scales = (float *)(work->pages[page] + 2 * ASSAY_KV_PAGE * HEAD);
        for (int i = 0; i < 2 * ASSAY_KV_PAGE * HEAD; i++)
            work->pages[page][i] = (uint8_t)codes[(i + page) % (N * K)];
        for (int i = 0; i < 2 * ASSAY_KV_PAGE; i++)
            scales[i] = operands->exp[i + page];
        pages[page] = work->pages[page];
    }
    // One query whose weights are all of a size, lest the last positions go unseen, and one that
    // sees hardly more than one position.
    static const float sharpness[QUERIES] = {0x1p-6f, 1, 201};
    float q_scales[QUERIES];
    for (int i = 0; i < QUERIES; i++)
        q_scales[i] = operands->quantise_x16.scales[0] * sharpness[i];
    assay_attention_part part = {&out->attention[0][0],
                                 &operands->quantise_x16.q[0][0],
                                 q_scales,
                                 QUERIES,
                                 HEAD,
                                 SEEN,
                                 {pages, 0},
                                 work->attention};
    set->attention(&part);
}

// Products take the operands that ref made, so that one wrong operation names itself alone.
static void products_run(outputs *out, const assay_kernels *set, const outputs *operands,
                         const rows *of) {
    scratch work;
    memset(&work, 0, sizeof work);
    gemms_run(out, set, operands, of, &work);
    attention_run(out, set, operands, &work);
}

static void elements_run(outputs *out, const assay_kernels *set, const inputs *in,
                         const outputs *operands) {
    for (int i = 0; i < M; i++)
        out->rmsnorm.fine[i] = set->rmsnorm(out->rmsnorm.y[i], in->x[i], in->w[0], K, 0x1p-17f);
    memcpy(out->rope, in->x[0], sizeof out->rope);
    set->rope(out->rope, in->w[2], in->w[3], K / 16, 8);
    set->exp(out->exp, in->x[0], K);
    set->silu_mul(out->silu_mul, in->x[2], in->w[0], K);
    memcpy(out->add, in->x[0], sizeof out->add);
    set->add(out->add, in->w[0], K);
    memcpy(out->add_scaled, in->x[0], sizeof out->add_scaled);
    set->add_scaled(out->add_scaled, in->w[0], 0.7f, K);
    set->unfold_q8(out->unfold_q8, operands->quantise_q8.q[0], 0.3f, K);
    set->unfold_q4(out->unfold_q4, operands->quantise_q4.codes[0], operands->quantise_q4.ratios[0],
                   0.3f, K);
}

assay_status assay_kernels_check(const assay_kernels *set, assay_error *err) {
    inputs in;
    outputs wanted, got;
    rows of;
    memset(&wanted, 0, sizeof wanted);
    memset(&got, 0, sizeof got);
    uint64_t former = assay_float_enter();
    inputs_fill(&in);
    quantisers_run(&wanted, &assay_kernels_ref, &in);
    elements_run(&wanted, &assay_kernels_ref, &in, &wanted);
    rows_fill(&of, &wanted);
    products_run(&wanted, &assay_kernels_ref, &wanted, &of);
    quantisers_run(&got, set, &in);
    elements_run(&got, set, &in, &wanted);
    products_run(&got, set, &wanted, &of);
    assay_float_leave(former);
#define X(member)                                                                                  \
    if (memcmp(&wanted.member, &got.member, sizeof wanted.member) != 0)                            \
        return ASSAY_FAIL(err, MISMATCH, "kernel set '%s' differs from ref in " #member, set->name);
    ASSAY_KERNEL_LIST(X)
#undef X
    return ASSAY_OK;
}
