// SPDX-License-Identifier: Apache-2.0
// The judge judged: the instructions as tests/kernels/simde emulates them, against the pseudo code
// of Intel's manual, lane by lane, on random bits. N-20
#include <stdio.h>
#include <string.h>

#include "tests/test.h"

#if defined(__AVX2__)
#include "tests/kernels/simde/immintrin.h"

enum { ROUNDS = 200 };

// The tiles' registers, as emulated.c has them in its library.
_Thread_local emulated_tiles emulated_tile_state;

// 512 bits in every type that an instruction sees in them.
typedef union {
    __m512i v;
    __m512 f;
    __m256i half;
    __m256 half_f;
    __m128 quarter;
    int8_t i8[64];
    uint8_t u8[64];
    int16_t i16[32];
    int32_t i32[16];
    int64_t i64[8];
    uint64_t u64[8];
    float f32[16];
} bits;

static uint64_t state64 = 0x617373617921;

static bits random_bits(void) {
    bits b;
    for (int i = 0; i < 8; i++) {
        uint64_t z = state64 += 0x9E3779B97F4A7C15;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        b.u64[i] = z ^ z >> 31;
    }
    return b;
}

static uint64_t random_mask(int lanes) {
    return random_bits().u64[0] & (lanes == 64 ? ~0ull : (1ull << lanes) - 1);
}

static void expect(const bits *got, const bits *wanted, size_t size) {
    assert_memory_equal(got, wanted, size);
}

// Lanes of `size` bytes that the mask has are `from`, the others zero.
static bits masked(const bits *from, uint64_t mask, size_t size) {
    bits b = {0};
    for (size_t i = 0; i < sizeof b / size; i++)
        if (mask >> i & 1) memcpy(b.u8 + i * size, from->u8 + i * size, size);
    return b;
}

// The compiler may have no idea of what a mask leaves out, so memory is copied first.
static void test_masked_loads(void **state) {
    for (int round = 0; round < ROUNDS; round++) {
        bits from = random_bits(), got = {0}, wanted;
        uint64_t mask = random_mask(4);
        got.quarter = _mm_maskz_loadu_ps((__mmask8)mask, &from);
        wanted = masked(&from, mask, 4);
        expect(&got, &wanted, 16);
        mask = random_mask(32);
        got.half = _mm256_maskz_loadu_epi8((__mmask32)mask, &from);
        wanted = masked(&from, mask, 1);
        expect(&got, &wanted, 32);
        mask = random_mask(64);
        got.v = _mm512_maskz_loadu_epi8(mask, &from);
        wanted = masked(&from, mask, 1);
        expect(&got, &wanted, 64);
        got.v = _mm512_maskz_loadu_epi16((__mmask32)mask, &from);
        wanted = masked(&from, mask & UINT32_MAX, 2);
        expect(&got, &wanted, 64);
        got.f = _mm512_maskz_loadu_ps((__mmask16)mask, &from);
        wanted = masked(&from, mask & UINT16_MAX, 4);
        expect(&got, &wanted, 64);
    }
}

static void test_masked_stores(void **state) {
    for (int round = 0; round < ROUNDS; round++) {
        bits from = random_bits(), got = random_bits(), wanted = got;
        uint64_t mask = random_mask(4);
        for (int i = 0; i < 4; i++)
            if (mask >> i & 1) wanted.i32[i] = from.i32[i];
        _mm_mask_storeu_ps(&got, (__mmask8)mask, from.quarter);
        expect(&got, &wanted, sizeof got);
        mask = random_mask(16);
        for (int i = 0; i < 16; i++)
            if (mask >> i & 1) wanted.i32[i] = from.i32[i];
        bits words = got;
        _mm512_mask_storeu_ps(&got, (__mmask16)mask, from.f);
        expect(&got, &wanted, sizeof got);
        _mm512_mask_storeu_epi32(&words, (__mmask16)mask, from.v);
        expect(&words, &wanted, sizeof words);
    }
}

// Nearest, ties to even; 2^24 + 1 and its like are the ties of f32.
static void test_conversions(void **state) {
    static const struct {
        int64_t integer;
        float wanted;
    } cases[] = {{0, 0},
                 {-1, -1},
                 {(1 << 24) + 1, 0x1p24f},
                 {(1 << 24) + 3, 0x1.000004p24f},
                 {-(1 << 24) - 1, -0x1p24f},
                 {INT32_MAX, 0x1p31f},
                 {INT32_MIN, -0x1p31f},
                 {(1ll << 40) + (1 << 16), 0x1p40f},
                 {(1ll << 40) + (1 << 16) + 1, 0x1.000002p40f},
                 {-(1ll << 40) - 3 * (1 << 16), -0x1.000004p40f},
                 {INT64_MAX, 0x1p63f},
                 {INT64_MIN, -0x1p63f}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        bits in = {0}, got;
        in.i64[3] = cases[c].integer;
        got.quarter = _mm256_cvtepi64_ps(in.half);
        assert_true(got.f32[3] == cases[c].wanted && got.f32[0] == 0);
        in.i64[7] = cases[c].integer;
        got.half_f = _mm512_cvtepi64_ps(in.v);
        assert_true(got.f32[7] == cases[c].wanted && got.f32[0] == 0);
        in.i64[7] = 0;
        in.i32[13] = (int32_t)cases[c].integer;
        got.f = _mm512_cvtepi32_ps(in.v);
        if (cases[c].integer == in.i32[13]) assert_true(got.f32[13] == cases[c].wanted);
    }
    for (int round = 0; round < ROUNDS; round++) {
        bits in = random_bits(), got, wanted;
        for (int i = 0; i < 8; i++)
            wanted.i64[i] = in.i32[i];
        got.v = _mm512_cvtepi32_epi64(in.half);
        expect(&got, &wanted, 64);
        for (int i = 0; i < 32; i++)
            wanted.i16[i] = in.i8[i];
        got.v = _mm512_cvtepi8_epi16(in.half);
        expect(&got, &wanted, 64);
    }
}

static void test_products(void **state) {
    for (int round = 0; round < ROUNDS; round++) {
        bits a = random_bits(), b = random_bits(), c = random_bits(), got, wanted;
        for (int i = 0; i < 16; i++)
            wanted.i32[i] =
                (int32_t)((uint32_t)c.i32[i] + (uint32_t)((int32_t)a.i16[2 * i] * b.i16[2 * i]) +
                          (uint32_t)((int32_t)a.i16[2 * i + 1] * b.i16[2 * i + 1]));
        got.v = _mm512_dpwssd_epi32(c.v, a.v, b.v);
        expect(&got, &wanted, 64);
        for (int i = 0; i < 32; i++) {
            int32_t sum = a.u8[2 * i] * b.i8[2 * i] + a.u8[2 * i + 1] * b.i8[2 * i + 1];
            wanted.i16[i] = (int16_t)(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
        }
        got.v = _mm512_maddubs_epi16(a.v, b.v);
        expect(&got, &wanted, 64);
    }
}

static void test_shifts(void **state) {
    for (int round = 0; round < ROUNDS; round++) {
        bits a = random_bits(), counts = random_bits(), got, wanted;
        for (int i = 0; i < 8; i++) {
            counts.u64[i] &= 127;
            wanted.u64[i] = counts.u64[i] < 64 ? a.u64[i] >> counts.u64[i] : 0;
        }
        got.v = _mm512_srlv_epi64(a.v, counts.v);
        expect(&got, &wanted, 64);
        for (int i = 0; i < 32; i++)
            wanted.i16[i] = (int16_t)(a.i16[i] >> 8);
        got.v = _mm512_srai_epi16(a.v, 8);
        expect(&got, &wanted, 64);
    }
}

static void test_permutations(void **state) {
    for (int round = 0; round < ROUNDS; round++) {
        bits a = random_bits(), b = random_bits(), c = random_bits(), got, wanted;
        for (int i = 0; i < 64; i++)
            wanted.u8[i] = b.u8[i] & 0x80 ? 0 : a.u8[i / 16 * 16 + (b.u8[i] & 15)];
        got.v = _mm512_shuffle_epi8(a.v, b.v);
        expect(&got, &wanted, 64);
        for (int i = 0; i < 32; i++)
            wanted.i16[i] = (c.i16[i] & 32 ? b : a).i16[c.i16[i] & 31];
        got.v = _mm512_permutex2var_epi16(a.v, c.v, b.v);
        expect(&got, &wanted, 64);
        for (int i = 0; i < 8; i++)
            wanted.u64[i] = (i < 4 ? a : b).u64[i / 2 % 2 * 4 + i % 2];
        got.v = _mm512_shuffle_i32x4(a.v, b.v, 0x88); // lanes 0 and 2 of each
        expect(&got, &wanted, 64);
        for (int i = 0; i < 8; i++)
            wanted.u64[i] = (i < 4 ? a : b).u64[i / 2 % 2 * 4 + 2 + i % 2];
        got.v = _mm512_shuffle_i32x4(a.v, b.v, 0xDD); // lanes 1 and 3
        expect(&got, &wanted, 64);
    }
}

static void test_unpacking(void **state) {
    for (int round = 0; round < ROUNDS; round++) {
        bits a = random_bits(), b = random_bits(), got, wanted, high;
        for (int i = 0; i < 16; i++) {
            int lane = i / 4 * 4, at = lane + i % 4 / 2;
            wanted.i32[i] = (i % 2 ? b : a).i32[at];
            high.i32[i] = (i % 2 ? b : a).i32[at + 2];
        }
        got.v = _mm512_unpacklo_epi32(a.v, b.v);
        expect(&got, &wanted, 64);
        got.v = _mm512_unpackhi_epi32(a.v, b.v);
        expect(&got, &high, 64);
        for (int i = 0; i < 8; i++) {
            wanted.i64[i] = (i % 2 ? b : a).i64[i / 2 * 2];
            high.i64[i] = (i % 2 ? b : a).i64[i / 2 * 2 + 1];
        }
        got.v = _mm512_unpacklo_epi64(a.v, b.v);
        expect(&got, &wanted, 64);
        got.v = _mm512_unpackhi_epi64(a.v, b.v);
        expect(&got, &high, 64);
    }
}

static void test_parts(void **state) {
    for (int round = 0; round < ROUNDS; round++) {
        bits a = random_bits(), got, wanted;
        for (int i = 0; i < 8; i++)
            wanted.u64[i] = a.u64[i % 4];
        got.v = _mm512_broadcast_i64x4(a.half);
        expect(&got, &wanted, 64);
        for (int i = 0; i < 8; i++)
            wanted.u64[i] = a.u64[i % 2];
        got.v = _mm512_broadcast_i32x4(_mm256_castsi256_si128(a.half));
        expect(&got, &wanted, 64);
        got.half = _mm512_castsi512_si256(a.v);
        expect(&got, &a, 32);
        got.half = _mm512_extracti64x4_epi64(a.v, 1);
        assert_memory_equal(&got, a.u64 + 4, 32);
    }
}

// Element (m, n) takes a's row m by the n-th fours of b's rows: by Intel's manual, word by word.
static void test_tiles(void **state) {
    _Alignas(64) static int8_t a[16][64], b[16][64];
    static int32_t c[16][16], signed_sums[16][16], mixed_sums[16][16];
    emulated_tile_config config = {.palette = 1};
    for (int i = 0; i < 8; i++)
        config.rows[i] = 16, config.row_bytes[i] = 64;
    for (int i = 0; i < 16; i++) {
        bits left = random_bits(), right = random_bits(), sums = random_bits();
        memcpy(a[i], &left, 64);
        memcpy(b[i], &right, 64);
        memcpy(c[i], &sums, 64);
    }
    for (int m = 0; m < 16; m++)
        for (int n = 0; n < 16; n++) {
            uint32_t both = (uint32_t)c[m][n], mixed = both;
            for (int k = 0; k < 16; k++)
                for (int i = 0; i < 4; i++) {
                    both += (uint32_t)(a[m][4 * k + i] * b[k][4 * n + i]);
                    mixed += (uint32_t)(a[m][4 * k + i] * (uint8_t)b[k][4 * n + i]);
                }
            signed_sums[m][n] = (int32_t)both;
            mixed_sums[m][n] = (int32_t)mixed;
        }
    int32_t got[16][16];
    _tile_loadconfig(&config);
    _tile_loadd(0, c, 64);
    _tile_loadd(1, c, 64);
    _tile_loadd(2, a, 64);
    _tile_loadd(3, b, 64);
    _tile_dpbssd(0, 2, 3);
    _tile_dpbsud(1, 2, 3);
    _tile_stored(0, got, 64);
    assert_memory_equal(got, signed_sums, sizeof got);
    _tile_stored(1, got, 64);
    assert_memory_equal(got, mixed_sums, sizeof got);
    _tile_zero(1);
    _tile_stored(1, got, 64);
    for (int i = 0; i < 256; i++)
        assert_int_equal(got[i / 16][i % 16], 0);
    _tile_release();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles),         cmocka_unit_test(test_masked_loads),
        cmocka_unit_test(test_masked_stores), cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_products),      cmocka_unit_test(test_shifts),
        cmocka_unit_test(test_permutations),  cmocka_unit_test(test_unpacking),
        cmocka_unit_test(test_parts),
    };
    if (!__builtin_cpu_supports("avx2")) {
        printf("skipped: no AVX2\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
    printf("skipped: no x86-64\n");
    return 77;
}
#endif
