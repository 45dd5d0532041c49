// SPDX-License-Identifier: Apache-2.0
#include "tests/checkkernels/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// A case in preparation: buffers come in a fixed order, so two runs compare slot by slot.
typedef struct {
    guard *g;
    const assay_kernels *set;
    const check_case *c;
    uint64_t random;
    unsigned times;
    void *scratch;    // of products
    uint8_t *work[3]; // memory whose content is nobody's business, before an unreadable page
    size_t sizes[3];
    unsigned work_count;
} bench;

static uint64_t draw(bench *b) {
    uint64_t z = b->random += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

static float draw_float(bench *b) { // -1 .. 1
    return (float)(int32_t)(draw(b) >> 32) * 0x1p-31f;
}

static void *take(bench *b, size_t count, size_t size) {
    return guard_take(b->g, count * size, b->c->gap * size);
}

enum { WORK_BYTE = 0x5A };

// Bytes up to the unreadable page, a multiple of `unit`.
static size_t work_room(size_t size, size_t unit) {
    return (size + unit - 1) / unit * unit;
}

// Working memory, aligned to 64, whose content is not compared. What lies between its end and the
// next multiple of 64 is watched, and behind that nothing can be read or written.
static void *work_take(bench *b, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = work_room(size, 64);
    size_t pages = work_room(room, page);
    uint8_t *map =
        mmap(NULL, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSAY_ASSERT(map != MAP_FAILED && mprotect(map + pages, page, PROT_NONE) == 0);
    uint8_t *memory = map + pages - room;
    memset(memory, WORK_BYTE, room);
    b->work[b->work_count] = memory;
    b->sizes[b->work_count++] = size;
    return memory;
}

// Returns: whether nothing was written behind it.
static bool work_give(uint8_t *memory, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = work_room(size, 64);
    size_t pages = work_room(room, page);
    bool intact = true;
    for (size_t i = size; i < room; i++)
        intact = intact && memory[i] == WORK_BYTE;
    munmap(memory + room - pages, pages + page);
    return intact;
}

// `top` is the largest magnitude that the operation takes.
static float *take_floats(bench *b, size_t count, float top) {
    float *x = take(b, count, sizeof *x);
    for (size_t i = 0; i < count; i++) {
        float r = draw_float(b);
        switch (b->c->fill) {
        case FILL_ZEROS:
            x[i] = i % 2 ? -0.0f : 0.0f;
            break;
        case FILL_MAXIMA:
            x[i] = top;
            break;
        case FILL_ALTERNATING:
            x[i] = i % 2 ? -top : top;
            break;
        case FILL_OUTLIER:
            x[i] = i == count / 2 ? -top : r;
            break;
        case FILL_TINY:
            x[i] = r * (i % 3 == 0 ? 0x1p-96f : i % 3 == 1 ? 0x1p-95f : 0x1p-140f);
            break;
        default:
            x[i] = r * 3.0f;
            break;
        }
    }
    if (b->c->fill == FILL_INFINITE && count) x[count - 1] = -__builtin_inff();
    if (b->c->fill == FILL_NAN && count) x[0] = __builtin_nanf("");
    return x;
}

// Integers in -top .. top.
static int draw_integer(bench *b, size_t i, size_t count, int top) {
    int r = (int)(draw(b) % (2 * (unsigned)top + 1)) - top;
    switch (b->c->fill) {
    case FILL_ZEROS:
        return 0;
    case FILL_MAXIMA:
        return top;
    case FILL_ALTERNATING:
        return i % 2 ? -top : top;
    case FILL_OUTLIER:
        return i == count - 1 ? -top : r % 3;
    default:
        return r;
    }
}

static int16_t *take_i16(bench *b, size_t count) {
    int16_t *q = take(b, count, sizeof *q);
    for (size_t i = 0; i < count; i++)
        q[i] = (int16_t)draw_integer(b, i, count, 32767);
    return q;
}

static int8_t *take_i8(bench *b, size_t count) {
    int8_t *q = take(b, count, sizeof *q);
    for (size_t i = 0; i < count; i++)
        q[i] = (int8_t)draw_integer(b, i, count, 127);
    return q;
}

static uint8_t *take_bytes(bench *b, size_t count, uint8_t zero, uint8_t maximum) {
    uint8_t *bytes = take(b, count, 1);
    for (size_t i = 0; i < count; i++) {
        uint8_t r = (uint8_t)draw(b);
        bytes[i] = b->c->fill == FILL_ZEROS     ? zero
                   : b->c->fill == FILL_MAXIMA  ? maximum
                   : b->c->fill == FILL_OUTLIER ? (i == count / 2 ? maximum : zero)
                                                : r;
    }
    return bytes;
}

// Scales are positive and of any size a model may have.
static float *take_scales(bench *b, size_t count) {
    float *s = take(b, count, sizeof *s);
    for (size_t i = 0; i < count; i++) {
        float r = draw_float(b);
        s[i] = b->c->fill == FILL_MAXIMA ? 0x1p20f : (r < 0 ? -r : r) * 0.01f;
    }
    return s;
}

static void run_quantise_q4(bench *b) {
    uint32_t k = b->c->shape[0];
    const float *w = take_floats(b, k, 0x1p20f);
    uint8_t *codes = take(b, k / 2, 1), *ratios = take(b, k / 64, 1);
    float *scale = take(b, 1, sizeof *scale);
    bool *fine = take(b, 1, sizeof *fine);
    for (unsigned i = 0; i < b->times; i++)
        *fine = b->set->quantise_q4(codes, ratios, scale, w, k);
}

static void run_quantise_q8(bench *b) {
    uint32_t k = b->c->shape[0];
    const float *x = take_floats(b, k, 0x1p40f);
    int8_t *q = take(b, k, sizeof *q);
    float *scale = take(b, 1, sizeof *scale);
    bool *fine = take(b, 1, sizeof *fine);
    for (unsigned i = 0; i < b->times; i++)
        *fine = b->set->quantise_q8(q, scale, x, k);
}

static void run_quantise_x16(bench *b) {
    uint32_t k = b->c->shape[0];
    const float *x = take_floats(b, k, 0x1p40f);
    int16_t *q = take(b, k, sizeof *q);
    float *scale = take(b, 1, sizeof *scale);
    bool *fine = take(b, 1, sizeof *fine);
    for (unsigned i = 0; i < b->times; i++)
        *fine = b->set->quantise_x16(q, scale, x, k);
}

// Both kinds of product: all activation and weight rows but the first and the last, where there are
// more than two, once set and once, in two parts, added to what is there.
static void run_gemm(bench *b, const assay_q4 *w4, const assay_q8 *w8) {
    uint32_t m = b->c->shape[0], n = b->c->shape[1], k = b->c->shape[2];
    assay_x16 x = {m, k, take_i16(b, (size_t)m * k), take_scales(b, m), NULL};
    assay_weights_kind kind = w4 ? ASSAY_WEIGHTS_Q4 : ASSAY_WEIGHTS_Q8;
    x.packed = work_take(b, b->set->packed_size(kind, m, k));
    float *y = take(b, (size_t)m * (n + 3) - 3, sizeof *y);
    float *added = take_floats(b, (size_t)m * (n + 3) - 3, 0x1p20f);
    const float delta = 0.7f;
    assay_gemm_part part = {.y = y, .y_stride = n + 3, .x = &x, .scratch = b->scratch};
    part.m_first = m > 2, part.m_count = m - 2 * part.m_first;
    part.n_first = n > 2, part.n_count = n - 2 * part.n_first;
    b->set->pack(&x, kind, 0, m / 2);
    b->set->pack(&x, kind, m / 2, m - m / 2);
    for (unsigned i = 0; i < b->times; i++)
        w4 ? b->set->gemm_q4(&part, w4) : b->set->gemm_q8(&part, w8);
    part.y = added;
    part.add_scale = &delta;
    const uint32_t counts[2] = {part.m_count / 3, part.m_count - part.m_count / 3};
    for (int i = 0; i < 2; i++, part.m_first += part.m_count) {
        part.m_count = counts[i];
        if (part.m_count == 0) continue;
        w4 ? b->set->gemm_q4(&part, w4) : b->set->gemm_q8(&part, w8);
    }
}

static void run_gemm_q4(bench *b) {
    uint32_t n = b->c->shape[1], k = b->c->shape[2];
    assay_q4 w = {.n = n, .k = k};
    w.codes = take_bytes(b, (size_t)n * k / 2, 0x77, 0xFF);
    w.ratios = take_bytes(b, (size_t)n * k / 64, 0, 0xFF);
    w.scales = take_scales(b, n);
    run_gemm(b, &w, NULL);
}

static void run_gemm_q8(bench *b) {
    uint32_t n = b->c->shape[1], k = b->c->shape[2];
    assay_q8 w = {.n = n, .k = k};
    w.q = take_i8(b, (size_t)n * k);
    w.scales = take_scales(b, n);
    run_gemm(b, NULL, &w);
}

static void run_rmsnorm(bench *b) {
    uint32_t d = b->c->shape[0];
    const float *x = take_floats(b, d, 0x1p40f), *w = take_scales(b, d);
    float *y = take(b, d, sizeof *y);
    bool *fine = take(b, 1, sizeof *fine);
    for (unsigned i = 0; i < b->times; i++)
        *fine = b->set->rmsnorm(y, x, w, d, 0x1.4f8b58p-17f);
}

static void run_rope(bench *b) {
    uint32_t heads = b->c->shape[0], half = b->c->shape[1];
    float *x = take_floats(b, (size_t)heads * 2 * half, 0x1p98f);
    float *cos = take(b, half, sizeof *cos), *sin = take(b, half, sizeof *sin);
    for (uint32_t i = 0; i < half; i++) {
        cos[i] = draw_float(b);
        sin[i] = draw_float(b);
    }
    for (unsigned i = 0; i < b->times; i++)
        b->set->rope(x, cos, sin, heads, half);
}

static void run_exp(bench *b) {
    uint32_t n = b->c->shape[0];
    float *x = take_floats(b, n, 0x1p100f), *y = take(b, n, sizeof *y);
    for (uint32_t i = 0; i < n && b->c->fill == FILL_RANDOM; i++)
        x[i] *= 31.0f;
    for (unsigned i = 0; i < b->times; i++)
        b->set->exp(y, x, n);
}

static void run_silu_mul(bench *b) {
    uint32_t n = b->c->shape[0];
    float *g = take_floats(b, n, 0x1p98f);
    const float *u = take_floats(b, n, 0x1p98f);
    for (uint32_t i = 0; i < n && b->c->fill == FILL_RANDOM; i++)
        g[i] *= 31.0f;
    float *y = take(b, n, sizeof *y);
    for (unsigned i = 0; i < b->times; i++)
        b->set->silu_mul(y, g, u, n);
}

// Pages that end at the unreadable one; the block is their second, so that the offset counts.
static void run_attention(bench *b) {
    uint32_t hd = b->c->shape[0], count = b->c->shape[1], queries = b->c->shape[2];
    const int16_t *q = take_i16(b, (size_t)queries * hd);
    const float *q_scales = take_scales(b, queries);
    const uint8_t *pages[64];
    size_t block = assay_kv_block_size(hd);
    uint32_t page_count = (count + ASSAY_KV_PAGE - 1) / ASSAY_KV_PAGE;
    uint8_t *all = guard_take(b->g, (page_count + 1) * block, 0);
    for (uint32_t p = 0; p < page_count; p++) {
        uint8_t *at = all + (p + 1) * block;
        float *scales = (float *)(at + 2 * (size_t)ASSAY_KV_PAGE * hd);
        pages[p] = at - block;
        for (size_t i = 0; i < 2 * (size_t)ASSAY_KV_PAGE * hd; i++)
            at[i] = (uint8_t)draw_integer(b, i, 2 * (size_t)ASSAY_KV_PAGE * hd, 127);
        for (int i = 0; i < 2 * ASSAY_KV_PAGE; i++)
            scales[i] = b->c->fill == FILL_MAXIMA ? 0.01f : (draw_float(b) + 1.0f) * 0.01f;
    }
    float *out = take(b, (size_t)queries * hd, sizeof *out);
    size_t size = assay_attention_scratch_size(queries, count);
    assay_attention_part part = {out, q, q_scales, queries, hd, count, {pages, block}, NULL};
    part.scratch = work_take(b, size);
    for (unsigned i = 0; i < b->times; i++)
        b->set->attention(&part);
}

static void run_add(bench *b) {
    uint32_t n = b->c->shape[0];
    float *y = take_floats(b, n, 0x1p98f);
    const float *x = take_floats(b, n, 0x1p98f);
    for (unsigned i = 0; i < b->times; i++)
        b->set->add(y, x, n);
}

static void run_add_scaled(bench *b) {
    uint32_t n = b->c->shape[0];
    float *y = take_floats(b, n, 0x1p98f);
    const float *x = take_floats(b, n, 0x1p98f);
    for (unsigned i = 0; i < b->times; i++)
        b->set->add_scaled(y, x, 0.7f, n);
}

static void run_unfold_q8(bench *b) {
    uint32_t n = b->c->shape[0];
    const int8_t *q = take_i8(b, n);
    float *y = take(b, n, sizeof *y);
    for (unsigned i = 0; i < b->times; i++)
        b->set->unfold_q8(y, q, 0.3f, n);
}

static void run_unfold_q4(bench *b) {
    uint32_t n = b->c->shape[0];
    const uint8_t *codes = take_bytes(b, n / 2, 0x77, 0xFF);
    const uint8_t *ratios = take_bytes(b, n / 64, 0, 0xFF);
    float *y = take(b, n, sizeof *y);
    for (unsigned i = 0; i < b->times; i++)
        b->set->unfold_q4(y, codes, ratios, 0.3f, n);
}

static const struct {
    const char *name;
    void (*run)(bench *b);
} ops[] = {
#define X(member) {#member, run_##member},
    ASSAY_KERNEL_LIST(X)
#undef X
};

const char *const case_ops[] = {
#define X(member) #member,
    ASSAY_KERNEL_LIST(X)
#undef X
        NULL};

// Returns: whether nothing was written behind the working memory.
static bool case_run(guard *g, const assay_kernels *set, const check_case *c, unsigned times) {
    bench b = {g, set, c, 0x617373617921, times, NULL, {0}, {0}, 0};
    bool intact = true;
    guard_reset(g);
    b.scratch = work_take(&b, ASSAY_GEMM_SCRATCH);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (strcmp(ops[i].name, c->op) == 0) ops[i].run(&b);
    for (unsigned i = 0; i < b.work_count; i++)
        intact &= work_give(b.work[i], b.sizes[i]);
    return intact;
}

void case_repeat(guard *g, const assay_kernels *set, const check_case *c, unsigned times) {
    (void)case_run(g, set, c, times);
}

const char *case_compare(guard *g, const assay_kernels *set, const assay_kernels *right,
                         const check_case *c) {
    static uint8_t *wanted[GUARD_SLOTS];
    const char *finding = NULL;
    (void)case_run(g, right, c, 1);
    unsigned used = g->used;
    for (unsigned i = 0; i < used; i++) {
        wanted[i] = malloc(g->slots[i].size + 1);
        ASSAY_ASSERT(wanted[i]);
        memcpy(wanted[i], g->slots[i].data, g->slots[i].size);
    }
    bool intact = case_run(g, set, c, 1);
    if (!intact || !guard_intact(g)) finding = "wrote outside its buffers";
    for (unsigned i = 0; i < used; i++) {
        if (!finding && memcmp(wanted[i], g->slots[i].data, g->slots[i].size) != 0)
            finding = "other bits";
        free(wanted[i]);
    }
    return finding;
}

void case_print(char *out, size_t size, const check_case *c) {
    snprintf(out, size, "%s:%u,%u,%u:%d:%u", c->op, c->shape[0], c->shape[1], c->shape[2], c->fill,
             c->gap);
}

bool case_parse(check_case *c, const char *text) {
    char name[32];
    unsigned fill_number;
    if (sscanf(text, "%31[a-z0-9_]:%u,%u,%u:%u:%u", name, &c->shape[0], &c->shape[1], &c->shape[2],
               &fill_number, &c->gap) != 6)
        return false;
    c->fill = (fill)fill_number;
    c->op = NULL;
    for (int i = 0; case_ops[i]; i++)
        if (strcmp(case_ops[i], name) == 0) c->op = case_ops[i];
    return c->op && fill_number < FILL_COUNT;
}
