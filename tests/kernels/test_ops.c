// SPDX-License-Identifier: Apache-2.0
// Every operation of every kernel set against tests/vectors/exact.json, byte for byte. The file was
// made by an independent numpy implementation of the numeric specification.
#include "tests/vectors.h"

#include "base/philox.h"
#include "base/sha256.h"
#include "kernels/nf4.h"
#include "kernels/table.h"

static json_t *vectors;
static const assay_kernels *set;

static int vectors_open(void **state) {
    vectors = vectors_read("exact.json");
    return assay_kernels_find(&set, NULL, NULL);
}

static int vectors_close(void **state) {
    json_decref(vectors);
    return 0;
}

static void *bytes_of(const char *path, size_t size_wanted) {
    size_t size;
    void *bytes = vectors_bytes(vectors, path, &size);
    assert_int_equal(size, size_wanted);
    return bytes;
}

// Compares and releases `wanted`.
static void expect_bytes(const char *path, const void *got, size_t size) {
    void *wanted = bytes_of(path, size);
    assert_memory_equal(got, wanted, size);
    free(wanted);
}

// N-4
static void test_table_has_its_digest(void **state) {
    assay_hash hash;
    assay_sha256_of(&hash, assay_nf4_table, sizeof assay_nf4_table);
    vectors_expect_sha256(vectors, "ops.T_sha256", &hash);
}

// N-14
static void test_philox(void **state) {
    size_t index;
    json_t *item;
    json_array_foreach(vectors_at(vectors, "ops.philox"), index, item) {
        uint64_t seed, position, wanted;
        assert_int_equal(assay_json_u64(&seed, item, "seed", 0, UINT64_MAX, NULL), ASSAY_OK);
        assert_int_equal(assay_json_u64(&position, item, "position", 0, UINT64_MAX, NULL),
                         ASSAY_OK);
        assert_int_equal(assay_json_u64(&wanted, item, "r64", 0, UINT64_MAX, NULL), ASSAY_OK);
        uint32_t words[4];
        assay_philox4x32(words,
                         (const uint32_t[4]){(uint32_t)position, (uint32_t)(position >> 32), 0, 0},
                         (const uint32_t[2]){(uint32_t)seed, (uint32_t)(seed >> 32)});
        assert_int_equal(words[0] | (uint64_t)words[1] << 32, wanted);
    }
    assert_true(index > 0);
}

// N-11
static void test_exp(void **state) {
    size_t size;
    float *x = vectors_bytes(vectors, "ops.exp.x", &size);
    set->exp(x, x, (uint32_t)(size / sizeof *x));
    expect_bytes("ops.exp.y", x, size);
    free(x);
}

// N-11
static void test_silu_mul(void **state) {
    size_t size;
    float *g = vectors_bytes(vectors, "ops.silu_mul.g", &size);
    float *u = bytes_of("ops.silu_mul.u", size);
    set->silu_mul(g, g, u, (uint32_t)(size / sizeof *g));
    expect_bytes("ops.silu_mul.y", g, size);
    free(g);
    free(u);
}

enum { N = 5, M = 4, K = 192 };

typedef struct {
    uint8_t codes[N][K / 2];
    uint8_t ratios[N][K / 64];
    float q4_scales[N];
    int8_t w8[N][K];
    float q8_scales[N];
    int16_t x[M][K];
    float x_scales[M];
} operands;

static void operands_make(operands *out) {
    float *w = bytes_of("ops.quant_q4.w", N * K * sizeof *w);
    float *x = bytes_of("ops.quant_x16.x", M * K * sizeof *x);
    for (int i = 0; i < N; i++) {
        assert_true(
            set->quantise_q4(out->codes[i], out->ratios[i], &out->q4_scales[i], w + i * K, K));
        assert_true(set->quantise_q8(out->w8[i], &out->q8_scales[i], w + i * K, K));
    }
    for (int i = 0; i < M; i++)
        assert_true(set->quantise_x16(out->x[i], &out->x_scales[i], x + i * K, K));
    free(w);
    free(x);
}

// N-5, N-6, N-7
static void test_quantisers(void **state) {
    operands o;
    operands_make(&o);
    uint8_t codes[N][K];
    int8_t folded[N][K];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < K; j++) {
            codes[i][j] = o.codes[i][j / 2] >> 4 * (j % 2) & 15;
            folded[i][j] = assay_nf4_table[o.ratios[i][j / 64]][codes[i][j]];
        }
    expect_bytes("ops.quant_q4.codes", codes, sizeof codes);
    expect_bytes("ops.quant_q4.ratios", o.ratios, sizeof o.ratios);
    expect_bytes("ops.quant_q4.scales", o.q4_scales, sizeof o.q4_scales);
    expect_bytes("ops.quant_q4.w8", folded, sizeof folded);
    expect_bytes("ops.quant_q8.q", o.w8, sizeof o.w8);
    expect_bytes("ops.quant_q8.scales", o.q8_scales, sizeof o.q8_scales);
    expect_bytes("ops.quant_x16.q", o.x, sizeof o.x);
    expect_bytes("ops.quant_x16.scales", o.x_scales, sizeof o.x_scales);
}

// N-8
static void test_products(void **state) {
    operands o;
    operands_make(&o);
    float y[M][N];
    _Alignas(64) static uint8_t packed[1 << 16], scratch[ASSAY_GEMM_SCRATCH];
    assert_true(set->packed_size(ASSAY_WEIGHTS_Q4, M, K) <= sizeof packed);
    assert_true(set->packed_size(ASSAY_WEIGHTS_Q8, M, K) <= sizeof packed);
    assay_x16 x = {M, K, o.x[0], o.x_scales, packed};
    assay_q4 w4 = {N, K, o.codes[0], o.ratios[0], o.q4_scales};
    assay_q8 w8 = {N, K, o.w8[0], o.q8_scales};
    assay_gemm_part part = {y[0], N, &x, 0, M, 0, N, NULL, scratch};
    set->pack(&x, ASSAY_WEIGHTS_Q4, 0, M);
    set->gemm_q4(&part, &w4);
    expect_bytes("ops.gemm_q4.y", y, sizeof y);
    set->pack(&x, ASSAY_WEIGHTS_Q8, 0, M);
    part.n_count = 2;
    set->gemm_q8(&part, &w8);
    part.n_first = 2;
    part.n_count = N - 2;
    set->gemm_q8(&part, &w8);
    expect_bytes("ops.gemm_q8.y", y, sizeof y);
}

// N-3: the edges of the range rule, and what lies past them.
static void test_range_rule(void **state) {
    enum { ROWS = 5, WIDTH = 64 };
    float *x = bytes_of("ops.quant_x16_edges.x", ROWS * WIDTH * sizeof *x);
    int16_t q[ROWS][WIDTH];
    float scales[ROWS];
    for (int i = 0; i < ROWS; i++)
        assert_true(set->quantise_x16(q[i], &scales[i], x + i * WIDTH, WIDTH));
    expect_bytes("ops.quant_x16_edges.q", q, sizeof q);
    expect_bytes("ops.quant_x16_edges.scales", scales, sizeof scales);
    free(x);

    static const int16_t zeros[WIDTH];
    const float bad[] = {0x1.000002p40f,   -0x1.000002p40f,   0x1p127f,
                         __builtin_inff(), -__builtin_inff(), __builtin_nanf("")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        float row[WIDTH] = {1, 2, 3}, norm[WIDTH], ones[WIDTH];
        int8_t q8[WIDTH];
        uint8_t codes[WIDTH / 2], ratio;
        for (int j = 0; j < WIDTH; j++)
            ones[j] = 1;
        row[WIDTH - 1] = bad[i];
        assert_false(set->quantise_x16(q[0], &scales[0], row, WIDTH));
        assert_memory_equal(q[0], zeros, sizeof zeros);
        assert_true(scales[0] == 0);
        assert_false(set->quantise_q8(q8, &scales[0], row, WIDTH));
        assert_memory_equal(q8, zeros, sizeof q8);
        assert_true(scales[0] == 0);
        assert_false(set->quantise_q4(codes, &ratio, &scales[0], row, WIDTH));
        assert_int_equal(ratio, 0);
        assert_int_equal(codes[0], 0x77);
        assert_int_equal(codes[WIDTH / 2 - 1], 0x77);
        assert_false(set->rmsnorm(norm, row, ones, WIDTH, 1e-5f));
        for (int j = 0; j < WIDTH; j++)
            assert_true(norm[j] == 0);
    }
}

// N-12
static void test_rmsnorm(void **state) {
    float *x = bytes_of("ops.quant_x16.x", M * K * sizeof *x);
    float *w = bytes_of("ops.rmsnorm.w", K * sizeof *w);
    float *eps = bytes_of("ops.rmsnorm.eps", sizeof *eps);
    for (int i = 0; i < M; i++)
        assert_true(set->rmsnorm(x + i * K, x + i * K, w, K, *eps));
    expect_bytes("ops.rmsnorm.y", x, M * K * sizeof *x);
    free(x);
    free(w);
    free(eps);
}

// N-10
static void test_rope_rotates(void **state) {
    enum { HEAD = 32 };
    size_t size, table_size;
    float *x = vectors_bytes(vectors, "ops.rope.x", &size);
    float *cos = vectors_bytes(vectors, "ops.rope.cos", &table_size);
    float *sin = bytes_of("ops.rope.sin", table_size);
    size_t positions = table_size / sizeof(float) / (HEAD / 2);
    size_t heads = size / sizeof(float) / HEAD / positions;
    for (size_t p = 0; p < positions; p++)
        set->rope(x + p * heads * HEAD, cos + p * HEAD / 2, sin + p * HEAD / 2, (uint32_t)heads,
                  HEAD / 2);
    expect_bytes("ops.rope.y", x, size);
    free(x);
    free(cos);
    free(sin);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_has_its_digest),
        cmocka_unit_test(test_philox),
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_silu_mul),
        cmocka_unit_test(test_quantisers),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_range_rule),
        cmocka_unit_test(test_rmsnorm),
        cmocka_unit_test(test_rope_rotates),
    };
    return cmocka_run_group_tests(tests, vectors_open, vectors_close);
}
