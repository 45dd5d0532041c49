// SPDX-License-Identifier: Apache-2.0
// assay bench kernels: every operation of every kernel set this machine can run, against the
// machine's own limits and against ref's bits.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/bench/kernels.h"
#include "node/bench/machine.h"
#include "node/cmd/commands.h"

static const char details[] =
    "Products and attention are given in multiply-adds and as a share of what the set's\n"
    "instructions do without loads; products of one row with weights that fit no cache, and\n"
    "operations on single elements, in bytes and as a share of the memory's read bandwidth (more\n"
    "than 1 where caches hold the operands). Each figure is the fastest of some runs. same bits:\n"
    "memcmp with what ref makes of the same operands.";

enum { SETS_MAX = 16, THREADS_MAX = 256 };

typedef struct {
    const assay_kernels *sets[SETS_MAX]; // that this machine has, best first
    double peak_macs[SETS_MAX];          // 0: ref
    size_t set_count;
    double read_bytes;
    assay_pool *pool;
} session;

static assay_status sets_find(session *s, const char *isa, assay_error *err) {
    const assay_kernels *const *all;
    size_t count = assay_kernels_list(&all);
    if (isa) {
        s->set_count = 1;
        return assay_kernels_find(&s->sets[0], isa, err);
    }
    for (size_t i = 0; i < count && s->set_count < SETS_MAX; i++)
        if (all[i]->available()) s->sets[s->set_count++] = all[i];
    return ASSAY_OK;
}

static int sets_show(const assay_invocation *invocation, const session *s) {
    json_t *list = json_array();
    for (size_t i = 0; i < s->set_count; i++) {
        if (!invocation->json) puts(s->sets[i]->name);
        json_array_append_new(list, json_string(s->sets[i]->name));
    }
    if (invocation->json) return assay_command_print(json_pack("{s:o}", "sets", list));
    json_decref(list);
    return ASSAY_EXIT_OK;
}

static void best_keep(double *best, double value) {
    if (value > *best) *best = value;
}

// What a machine that also does other things shows as its best.
static assay_status limits_measure(session *s, assay_error *err) {
    enum { ROUNDS = 8 };
    assay_bench_machine machine;
    ASSAY_TRY(assay_bench_machine_open(&machine, s->pool, s->sets[0], err));
    for (int round = 0; round < ROUNDS; round++) {
        best_keep(&s->read_bytes, assay_bench_machine_read(&machine));
        for (size_t i = 0; i < s->set_count; i++) {
            machine.kernels = s->sets[i];
            best_keep(&s->peak_macs[i], assay_bench_machine_macs(&machine));
        }
    }
    assay_bench_machine_close(&machine);
    return ASSAY_OK;
}

// The figure of a row, and the limit it is a share of.
typedef struct {
    double rate, limit;
    const char *unit;
} figure;

static figure figure_of(const session *s, size_t set, const assay_trial_kind *kind,
                        const assay_kernel_speed *speed) {
    if (speed->macs > 0 && !kind->memory)
        return (figure){speed->macs / speed->seconds, s->peak_macs[set], "MAC/s"};
    return (figure){speed->bytes / speed->seconds, s->read_bytes, "B/s"};
}

static void row_print(const session *s, size_t set, const assay_trial_kind *kind,
                      const assay_kernel_speed *speed) {
    figure f = figure_of(s, set, kind, speed);
    char shape[40], share[16] = "-";
    int size = snprintf(shape, sizeof shape, "%u x %u", kind->shape[0], kind->shape[1]);
    if (kind->shape[2])
        snprintf(shape + size, sizeof shape - (size_t)size, " x %u", kind->shape[2]);
    if (f.limit > 0) snprintf(share, sizeof share, "%.2f", f.rate / f.limit);
    printf("%-13s %-8s %-18s %8.2f %-10s %6s  %s\n", kind->op, s->sets[set]->name, shape,
           f.rate / 1e9, f.unit[0] == 'M' ? "giga-MAC/s" : "GB/s", share,
           speed->same_bits ? "yes" : "NO");
}

static json_t *row_json(const session *s, size_t set, const assay_trial_kind *kind,
                        const assay_kernel_speed *speed) {
    figure f = figure_of(s, set, kind, speed);
    json_t *shape = json_array();
    for (int i = 0; i < 3 && kind->shape[i]; i++)
        json_array_append_new(shape, json_integer(kind->shape[i]));
    return json_pack("{s:s,s:s,s:o,s:f,s:s,s:o,s:b}", "operation", kind->op, "set",
                     s->sets[set]->name, "shape", shape, "rate", f.rate, "unit", f.unit, "share",
                     f.limit > 0 ? json_real(f.rate / f.limit) : json_null(), "same_bits",
                     (int)speed->same_bits);
}

static assay_status trials_run(session *s, const char *op, json_t *rows, bool *same,
                               uint32_t *run_count, assay_error *err) {
    const assay_trial_kind *kinds;
    size_t count = assay_kernel_trials_list(&kinds);
    for (size_t i = 0; i < count; i++) {
        assay_kernel_speed speeds[SETS_MAX];
        if (op && strcmp(op, kinds[i].op) != 0) continue;
        ASSAY_TRY(assay_kernel_trial_run(speeds, &kinds[i], s->sets, s->set_count, s->pool, err));
        for (size_t set = 0; set < s->set_count; set++) {
            if (rows)
                json_array_append_new(rows, row_json(s, set, &kinds[i], &speeds[set]));
            else
                row_print(s, set, &kinds[i], &speeds[set]);
            *same = *same && speeds[set].same_bits;
        }
        ++*run_count;
    }
    if (*run_count == 0) return ASSAY_FAIL(err, UNKNOWN, "no operation is called '%.32s'", op);
    return ASSAY_OK;
}

static json_t *limits_json(const session *s) {
    json_t *peaks = json_object();
    for (size_t i = 0; i < s->set_count; i++)
        json_object_set_new(peaks, s->sets[i]->name,
                            s->peak_macs[i] > 0 ? json_real(s->peak_macs[i]) : json_null());
    return json_pack("{s:f,s:o}", "memory_read_bytes_per_s", s->read_bytes, "peak_macs_per_s",
                     peaks);
}

static int table_show(const assay_invocation *invocation, session *s, const char *op,
                      assay_error *err) {
    bool same = true;
    uint32_t run_count = 0;
    json_t *rows = invocation->json ? json_array() : NULL;
    if (limits_measure(s, err) != ASSAY_OK) return -1;
    if (!rows) {
        printf("%u threads; memory read %.1f GB/s\n", assay_pool_thread_count(s->pool),
               s->read_bytes / 1e9);
        for (size_t i = 0; i < s->set_count; i++)
            if (s->peak_macs[i] > 0)
                printf("%s: at most %.1f giga-MAC/s\n", s->sets[i]->name, s->peak_macs[i] / 1e9);
        puts("operation     set      shape                 speed             share  same bits");
    }
    if (trials_run(s, op, rows, &same, &run_count, err) != ASSAY_OK) {
        json_decref(rows);
        return -1;
    }
    int code = ASSAY_EXIT_OK;
    if (rows)
        code = assay_command_print(json_pack("{s:i,s:o,s:o}", "threads",
                                             (int)assay_pool_thread_count(s->pool), "limits",
                                             limits_json(s), "rows", rows));
    return code == ASSAY_EXIT_OK && !same ? ASSAY_EXIT_NO : code;
}

int assay_cmd_bench_kernels(assay_invocation *invocation) {
    session s = {0};
    bool list = false;
    const char *op = NULL;
    uint64_t threads = 0;
    const assay_option options[] = {
        {"list", ASSAY_OPTION_FLAG, &list, NULL, "print the sets this machine can run", 0, 0,
         false},
        {"op", ASSAY_OPTION_TEXT, &op, "NAME", "one operation alone, such as gemm_q4", 0, 0, false},
        {"threads", ASSAY_OPTION_U64, &threads, "N", "threads (one a processor)", 1, THREADS_MAX,
         false},
    };
    assay_error err = {0};
    int code;
    if (!assay_command_begin(invocation, options, ASSAY_COUNT(options), details, &code))
        return code;
    unsigned thread_count = threads ? (unsigned)threads : assay_processor_count();
    code = -1;
    if (sets_find(&s, invocation->isa, &err) == ASSAY_OK) {
        if (list)
            code = sets_show(invocation, &s);
        else if (assay_pool_open(&s.pool, thread_count, &err) == ASSAY_OK)
            code = table_show(invocation, &s, op, &err);
    }
    if (code < 0) code = assay_command_fail(invocation, &err, "assay bench kernels --help");
    assay_pool_close(s.pool);
    return code;
}
