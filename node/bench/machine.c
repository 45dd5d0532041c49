// SPDX-License-Identifier: Apache-2.0
#include "node/bench/machine.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "kernels/peak.h"
#include "node/measure.h"

enum {
    READ_BYTES = 256 << 20,
    READ_PARTS = 64,
    READ_RUNS = 3,
    PEAK_PARTS = 16, // a thread, so that a late one does not count
    PEAK_RUNS = 3,
};
#define PEAK_PART_SECONDS 0.0005

assay_status assay_bench_machine_open(assay_bench_machine *machine, assay_pool *pool,
                                      const assay_kernels *kernels, assay_error *err) {
    *machine = (assay_bench_machine){.pool = pool, .kernels = kernels};
    machine->words = aligned_alloc(2 << 20, READ_BYTES);
    if (!machine->words) return ASSAY_FAIL(err, MEMORY, "no memory for %d bytes", READ_BYTES);
    madvise(machine->words, READ_BYTES, MADV_HUGEPAGE); // where refused, the figure is lower
    for (size_t i = 0; i < READ_BYTES / sizeof *machine->words; i++)
        machine->words[i] = i;
    return ASSAY_OK;
}

void assay_bench_machine_close(assay_bench_machine *machine) {
    free(machine->words);
    *machine = (assay_bench_machine){0};
}

typedef struct {
    const uint64_t *words;
    uint64_t sums[READ_PARTS];
} reading;

// As products read weights: four runs of 1 KB side by side, and what comes later is asked for. From
// the first word to the last in turn, some processors read less.
static void part_read(void *context, size_t index) {
    enum { RUN = 128, RUNS = 4, LINE = 8, AHEAD = 2 * RUNS * RUN }; // words
    reading *r = context;
    size_t count = READ_BYTES / sizeof *r->words / READ_PARTS;
    const uint64_t *words = r->words + index * count;
    uint64_t sums[LINE] = {0};
    for (size_t i = 0; i < count; i += RUNS * RUN)
        for (size_t at = i; at < i + RUN; at += LINE)
            for (size_t run = 0; run < RUNS * RUN; run += RUN) {
                __builtin_prefetch((const void *)((uintptr_t)&words[at + run] + 8 * AHEAD));
                for (size_t k = 0; k < LINE; k++)
                    sums[k] += words[at + run + k];
            }
    for (int k = 0; k < LINE; k++)
        r->sums[index] += sums[k];
}

double assay_bench_machine_read(const assay_bench_machine *machine) {
    double best = 0;
    volatile uint64_t sink = 0;
    for (int run = 0; run < READ_RUNS; run++) {
        reading r = {.words = machine->words};
        double start = assay_measure_seconds();
        assay_pool_run(machine->pool, READ_PARTS, part_read, &r);
        double rate = READ_BYTES / (assay_measure_seconds() - start);
        for (int i = 0; i < READ_PARTS; i++)
            sink = sink + r.sums[i];
        if (rate > best) best = rate;
    }
    return best;
}

typedef struct {
    assay_peak_fn *peak;
    uint64_t rounds;
} loop;

static void part_multiply(void *context, size_t index) {
    const loop *l = context;
    l->peak(l->rounds);
}

double assay_bench_machine_macs(const assay_bench_machine *machine) {
    loop l = {assay_peak_find(machine->kernels->name), 1};
    if (!l.peak) return 0;
    double best = 0, seconds = 0;
    uint64_t macs = 0;
    while (seconds < PEAK_PART_SECONDS) {
        l.rounds *= 2;
        double start = assay_measure_seconds();
        macs = l.peak(l.rounds);
        seconds = assay_measure_seconds() - start;
    }
    size_t parts = PEAK_PARTS * (size_t)assay_pool_thread_count(machine->pool);
    for (int run = 0; run < PEAK_RUNS; run++) {
        double start = assay_measure_seconds();
        assay_pool_run(machine->pool, parts, part_multiply, &l);
        double rate = (double)macs * (double)parts / (assay_measure_seconds() - start);
        if (rate > best) best = rate;
    }
    return best;
}
