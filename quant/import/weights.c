// SPDX-License-Identifier: Apache-2.0
#include "quant/import/weights.h"

#include <stdlib.h>

#include "kernels/float.h"
#include "kernels/quantise.h"

enum {
    BLOCK = 64,
    SLICE_ELEMENTS = 1 << 18, // that one task converts: about a millisecond
    TASKS_A_THREAD = 8,       // between two reports of progress
    PARTS_MAX = 3,
};

// Rows in all their forms: as they are read and as they are written.
typedef struct {
    float *values; // [rows][k]; of NF4 to q4 the absmax [rows][k / 64]
    uint8_t *parts[PARTS_MAX];
} slice;

typedef struct conversion conversion;

// Reads rows of the source and fills their parts.
typedef assay_status rows_convert(const slice *rows, const conversion *c, uint64_t first,
                                  uint64_t count, assay_error *err);

struct conversion {
    const assay_weights_target *target;
    const assay_source *source;
    const assay_source_tensor *tensor;
    rows_convert *convert;
    uint32_t part_count;
    const assay_tensor *parts[PARTS_MAX];
    size_t row_sizes[PARTS_MAX]; // bytes
    uint64_t n, k;
    uint64_t slice_rows;
    uint64_t begin;      // the first row of the run in progress
    assay_error *errors; // [tasks of a run]
};

static assay_status q8_convert(const slice *rows, const conversion *c, uint64_t first,
                               uint64_t count, assay_error *err) {
    ASSAY_TRY(assay_source_rows(rows->values, c->source, c->tensor, first, count, err));
    for (uint64_t i = 0; i < count; i++) {
        bool legal =
            assay_quantise_q8_ref((int8_t *)rows->parts[0] + i * c->k, (float *)rows->parts[1] + i,
                                  rows->values + i * c->k, (uint32_t)c->k);
        ASSAY_ASSERT(legal); // the limit on weights is below the quantisers' own
    }
    return ASSAY_OK;
}

static assay_status q4_convert(const slice *rows, const conversion *c, uint64_t first,
                               uint64_t count, assay_error *err) {
    ASSAY_TRY(assay_source_rows(rows->values, c->source, c->tensor, first, count, err));
    for (uint64_t i = 0; i < count; i++) {
        bool legal = assay_quantise_q4_ref(
            rows->parts[0] + i * (c->k / 2), rows->parts[1] + i * (c->k / BLOCK),
            (float *)rows->parts[2] + i, rows->values + i * c->k, (uint32_t)c->k);
        ASSAY_ASSERT(legal);
    }
    return ASSAY_OK;
}

// Codes of NF4 stay as they are; only what scales them takes another form.
static assay_status nf4_convert(const slice *rows, const conversion *c, uint64_t first,
                                uint64_t count, assay_error *err) {
    uint64_t blocks = c->k / BLOCK;
    ASSAY_TRY(assay_source_nf4_rows(rows->parts[0], rows->values, c->source, c->tensor, first,
                                    count, err));
    for (uint64_t i = 0; i < count; i++) {
        bool legal = assay_requantise_q4_ref(
            rows->parts[0] + i * (c->k / 2), rows->parts[1] + i * blocks,
            (float *)rows->parts[2] + i, rows->values + i * blocks, (uint32_t)c->k);
        ASSAY_ASSERT(legal);
    }
    return ASSAY_OK;
}

static assay_status slice_convert(const conversion *c, uint64_t first, assay_error *err) {
    uint64_t count = c->n - first < c->slice_rows ? c->n - first : c->slice_rows;
    slice rows = {.values = malloc(count * c->k * sizeof(float))};
    bool room = rows.values != NULL;
    for (uint32_t i = 0; i < c->part_count; i++) {
        rows.parts[i] = malloc(count * c->row_sizes[i]);
        room = room && rows.parts[i];
    }
    assay_status status = ASSAY_OK;
    if (!room) status = ASSAY_FAIL(err, MEMORY, "no memory for rows of \"%s\"", c->tensor->name);
    if (status == ASSAY_OK) status = c->convert(&rows, c, first, count, err);
    for (uint32_t i = 0; status == ASSAY_OK && i < c->part_count; i++)
        status = assay_canonical_put(c->target->writer, c->parts[i], first * c->row_sizes[i],
                                     rows.parts[i], count * c->row_sizes[i], err);
    assay_source_drop(c->source, c->tensor, first, count);
    free(rows.values);
    for (uint32_t i = 0; i < c->part_count; i++)
        free(rows.parts[i]);
    return status;
}

static void task_run(void *context, size_t index) {
    conversion *c = context;
    uint64_t former = assay_float_enter();
    slice_convert(c, c->begin + index * c->slice_rows, &c->errors[index]);
    assay_float_leave(former);
}

static void progress_report(const conversion *c, uint64_t rows_done, uint64_t *reported) {
    uint64_t done = rows_done == c->n
                        ? c->tensor->size
                        : (uint64_t)((unsigned __int128)c->tensor->size * rows_done / c->n);
    if (c->target->advance) c->target->advance(c->target->context, done - *reported);
    *reported = done;
}

// The error that is kept is that of the first slice that has one: which thread was faster never
// shows.
static assay_status rows_write(conversion *c, assay_error *err) {
    size_t tasks_max = (size_t)TASKS_A_THREAD * assay_pool_thread_count(c->target->pool);
    uint64_t reported = 0;
    c->slice_rows = c->k < SLICE_ELEMENTS ? SLICE_ELEMENTS / c->k : 1;
    while (c->begin < c->n) {
        uint64_t left = (c->n - c->begin + c->slice_rows - 1) / c->slice_rows;
        size_t tasks = left < tasks_max ? (size_t)left : tasks_max;
        memset(c->errors, 0, tasks * sizeof *c->errors);
        assay_pool_run(c->target->pool, tasks, task_run, c);
        for (size_t i = 0; i < tasks; i++)
            if (c->errors[i].status != ASSAY_OK) {
                if (err) *err = c->errors[i];
                return c->errors[i].status;
            }
        uint64_t rows = tasks * c->slice_rows;
        c->begin += rows < c->n - c->begin ? rows : c->n - c->begin;
        progress_report(c, c->begin, &reported);
    }
    return ASSAY_OK;
}

static assay_status matrix_write(conversion *c, const char *name, const char *const *parts,
                                 assay_error *err) {
    const assay_weights_target *target = c->target;
    size_t tasks_max = (size_t)TASKS_A_THREAD * assay_pool_thread_count(target->pool);
    c->n = assay_source_row_count(c->tensor);
    c->k = assay_source_row_size(c->tensor);
    for (uint32_t i = 0; i < c->part_count; i++) {
        c->parts[i] = assay_tensor_list_find(target->list, name, parts[i]);
        c->row_sizes[i] = c->parts[i]->size / c->parts[i]->shape[0];
    }
    c->errors = malloc(tasks_max * sizeof *c->errors);
    if (!c->errors) return ASSAY_FAIL(err, MEMORY, "no memory for %zu tasks", tasks_max);
    assay_status status = rows_write(c, err);
    free(c->errors);
    return status;
}

assay_status assay_weights_write_q8(const assay_weights_target *target, const char *name,
                                    const assay_source *source, const assay_source_tensor *tensor,
                                    assay_error *err) {
    static const char *const parts[] = {".q", ".scales"};
    conversion c = {target, source, tensor, .convert = q8_convert, .part_count = 2};
    return matrix_write(&c, name, parts, err);
}

assay_status assay_weights_write_q4(const assay_weights_target *target, const char *name,
                                    const assay_source *source, const assay_source_tensor *tensor,
                                    assay_error *err) {
    static const char *const parts[] = {".codes", ".ratios", ".scales"};
    conversion c = {target, source, tensor, .part_count = 3};
    c.convert = tensor->kind == ASSAY_SOURCE_NF4 ? nf4_convert : q4_convert;
    return matrix_write(&c, name, parts, err);
}

assay_status assay_weights_write_f32(const assay_weights_target *target, const char *name,
                                     const assay_source *source, const assay_source_tensor *tensor,
                                     assay_error *err) {
    const assay_tensor *part = assay_tensor_list_find(target->list, name, "");
    float *values = malloc(part->size);
    if (!values) return ASSAY_FAIL(err, MEMORY, "no memory for \"%s\"", name);
    assay_status status = assay_source_rows(values, source, tensor, 0, 1, err);
    if (status == ASSAY_OK)
        status = assay_canonical_put(target->writer, part, 0, values, part->size, err);
    free(values);
    if (status == ASSAY_OK && target->advance) target->advance(target->context, tensor->size);
    return status;
}
