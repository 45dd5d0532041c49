// SPDX-License-Identifier: Apache-2.0
// sim: runs seeds, and names the one that fails with the command that runs it again.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/sim.h"

enum { JOBS_MAX = 64 };

typedef struct {
    uint64_t first, last;
    uint32_t jobs, nodes;
    uint64_t seconds; // 0: until the last seed
    sim_defect defect;
} request;

// What a worker has done; shared with the parent, who reads it when the worker has ended.
typedef struct {
    uint64_t seed, done;
    sim_report report;
} slot;

static int usage(void) {
    fputs(
        "usage: sim [--seed N | --seeds A:B] [--minutes M] [--nodes N] [--jobs J] [--defect D]\n"
        "  --seeds    A to B, both counted; without it all from 1 on (with --minutes), or 1:1000\n"
        "  --minutes  stops after that time\n"
        "  --nodes    3 to 7; without it each seed draws its own\n"
        "  --defect   what is wrong, with the last node or all, by number:\n",
        stderr);
    for (int i = 0; i < SIM_DEFECT_COUNT; i++)
        fprintf(stderr, "    %2d  %s\n", i, sim_defect_text((sim_defect)i));
    return 2;
}

static int number(const char *text, char end, uint64_t *out, const char **rest) {
    char *after;
    errno = 0;
    *out = strtoull(text, &after, 10);
    if (rest != NULL) *rest = after + 1;
    return errno == 0 && after != text && *after == end;
}

static int option(request *ask, const char *name, const char *value) {
    uint64_t n;
    const char *rest;
    if (strcmp(name, "--seeds") == 0)
        return number(value, ':', &ask->first, &rest) && number(rest, 0, &ask->last, NULL);
    if (!number(value, 0, &n, NULL)) return 0;
    if (strcmp(name, "--seed") == 0) {
        ask->first = ask->last = n;
        return 1;
    }
    if (strcmp(name, "--minutes") == 0) {
        ask->seconds = n * 60;
        return n > 0 && n < 1000000;
    }
    if (strcmp(name, "--nodes") == 0) {
        ask->nodes = (uint32_t)n;
        return n >= SIM_NODES_MIN && n <= SIM_NODES_MAX;
    }
    if (strcmp(name, "--jobs") == 0) {
        ask->jobs = (uint32_t)n;
        return n >= 1 && n <= JOBS_MAX;
    }
    ask->defect = (sim_defect)n;
    return strcmp(name, "--defect") == 0 && n < SIM_DEFECT_COUNT;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Every jobs-th seed from `first + index` on. Ends the process: 0, or 1 after a failure.
static void work(const request *ask, slot *mine, uint32_t index) {
    double end = seconds_now() + (double)ask->seconds;
    sim_seed_now = &mine->seed;
    for (mine->seed = ask->first + index; mine->seed <= ask->last; mine->seed += ask->jobs) {
        if (ask->seconds != 0 && seconds_now() >= end) break;
        sim_run(&(sim_options){.seed = mine->seed, .node_count = ask->nodes, .defect = ask->defect},
                &mine->report);
        if (mine->report.failed) break;
        mine->done++;
    }
    sim_close();
    _exit(mine->report.failed);
}

static void failure_print(const request *ask, const slot *from, int code) {
    printf("seed %llu failed: ", (ull)from->seed);
    if (from->report.failed)
        printf("%s\n", from->report.text);
    else if (WIFSIGNALED(code))
        printf("signal %d (%s)\n", WTERMSIG(code), strsignal(WTERMSIG(code)));
    else
        printf("the process ended with %d\n", WEXITSTATUS(code));
    printf("again with: sim --seed %llu", (ull)from->seed);
    if (ask->nodes != 0) printf(" --nodes %u", ask->nodes);
    if (ask->defect != SIM_DEFECT_NONE) printf(" --defect %d", (int)ask->defect);
    printf("\n");
}

static void counts_print(const slot *slots, uint32_t jobs, double seconds) {
    sim_report sum = {0};
    uint64_t done = 0;
    for (uint32_t i = 0; i < jobs; i++) {
        done += slots[i].done;
#define X(name) sum.name += slots[i].report.name;
        SIM_COUNT_LIST(X)
#undef X
        for (uint32_t kind = 0; kind <= ASSAY_TX_KIND_COUNT; kind++)
            sum.accepted_of[kind] += slots[i].report.accepted_of[kind];
    }
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("%llu seeds in %.1f s: %.0f a minute, %.0f a minute of processor time\n", (ull)done,
           seconds, (double)done * 60 / seconds, (double)done * 60 / cpu);
#define X(name) printf("  %-16s %llu\n", #name, (ull)sum.name);
    SIM_COUNT_LIST(X)
#undef X
    printf("  accepted by kind:");
    for (uint32_t kind = 1; kind <= ASSAY_TX_KIND_COUNT; kind++)
        printf(" %s %llu", assay_tx_kind_name(kind), (ull)sum.accepted_of[kind]);
    printf("\n");
}

int main(int count, char **words) {
    request ask = {.first = 1, .last = 1000, .jobs = 1};
    bool seeds = false;
    for (int i = 1; i < count; i += 2) {
        if (i + 1 == count || !option(&ask, words[i], words[i + 1])) return usage();
        seeds |= strncmp(words[i], "--seed", 6) == 0;
    }
    if (!seeds && ask.seconds != 0) ask.last = UINT64_MAX - JOBS_MAX;
    slot *slots = mmap(NULL, ask.jobs * sizeof *slots, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (slots == MAP_FAILED) return 2;
    pid_t workers[JOBS_MAX];
    double start = seconds_now();
    for (uint32_t i = 0; i < ask.jobs; i++) {
        workers[i] = fork();
        if (workers[i] == 0) work(&ask, &slots[i], i);
        if (workers[i] < 0) return 2;
    }
    int failures = 0;
    for (uint32_t i = 0; i < ask.jobs; i++) {
        int code;
        if (waitpid(workers[i], &code, 0) != workers[i]) return 2;
        if (code == 0) continue;
        sim_folder_remove(workers[i]);
        failure_print(&ask, &slots[i], code);
        failures++;
    }
    counts_print(slots, ask.jobs, seconds_now() - start);
    return failures != 0;
}
