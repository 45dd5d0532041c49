// SPDX-License-Identifier: Apache-2.0
// checkkernels [--set NAME] [--op OP] [--case CASE] [--bench]
// Every kernel set this machine can run against ref, and ref against the naive set, case by case.
// A difference or a crash prints the line that replays it; the digest is of all bytes that the
// cases leave, the same on every machine; the last line names the set that a node would run. Exit
// status: 0 only if all agree.
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernels/float.h"
#include "tests/checkkernels/cases.h"
#include "tests/checkkernels/naive.h"

typedef struct {
    guard memory;
    const assay_kernels *set;
    const assay_kernels *right;
    const char *op;  // NULL: all
    const char *one; // NULL: all, else one case as printed
    unsigned run, failed;
    uint64_t digest;
} session;

static char replay[256]; // for the signal handler: the case in progress

static void crashed(int number) {
    static const char text[] = "crashed, replay: ";
    ssize_t ignored = write(STDOUT_FILENO, text, sizeof text - 1);
    ignored = write(STDOUT_FILENO, replay, strlen(replay));
    (void)ignored;
    _exit(1);
}

// FNV-1a of what the set left in the guarded buffers.
static uint64_t digest_add(uint64_t digest, const guard *g) {
    for (unsigned i = 0; i < g->used; i++)
        for (size_t at = 0; at < g->slots[i].size; at++)
            digest = (digest ^ g->slots[i].data[at]) * 0x100000001b3;
    return digest;
}

static bool case_check(void *context, const check_case *c) {
    session *s = context;
    char text[128];
    if (s->op && strcmp(s->op, c->op) != 0) return true;
    case_print(text, sizeof text, c);
    snprintf(replay, sizeof replay, "checkkernels --set '%s' --case %s\n", s->set->name, text);
    const char *finding = case_compare(&s->memory, s->set, s->right, c);
    s->digest = digest_add(s->digest, &s->memory);
    s->run++;
    if (!finding) return true;
    s->failed++;
    printf("%s, replay: %s", finding, replay);
    return true;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// Elements that one run of a case touches: products for gemm and attention.
static double work_of(const check_case *c) {
    double work = c->shape[0];
    if (c->shape[1]) work *= c->shape[1];
    if (c->shape[2]) work *= c->shape[2];
    if (strcmp(c->op, "attention") == 0) work *= 2;
    return strcmp(c->op, "rope") == 0 ? work * 2 : work;
}

static void bench_print(session *s) {
    static const char *const cases[] = {
        "quantise_q8:4096,0,0:4:0",  "quantise_x16:4096,0,0:4:0", "gemm_q4:1,704,256:4:0",
        "gemm_q4:256,704,256:4:0",   "gemm_q4:1,256,704:4:0",     "gemm_q4:256,256,704:4:0",
        "gemm_q8:1,2048,256:4:0",    "gemm_q8:16,2048,256:4:0",   "gemm_q4:1,2048,2048:4:0",
        "gemm_q4:128,2048,2048:4:0", "rmsnorm:4096,0,0:4:0",      "rope:32,32,0:4:0",
        "exp:4096,0,0:4:0",          "silu_mul:4096,0,0:4:0",     "attention:32,512,0:4:0",
        "attention:128,4096,0:4:0",  "add:4096,0,0:4:0",          "add_scaled:4096,0,0:4:0",
        "unfold_q8:4096,0,0:4:0",
    };
    printf("%-10s %-28s %14s  same bits\n", "set", "case", "ns an element");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_case c;
        ASSAY_ASSERT(case_parse(&c, cases[i]));
        if (s->op && strcmp(s->op, c.op) != 0) continue;
        double once = now(), took;
        case_repeat(&s->memory, s->set, &c, 1);
        once = now() - once; // preparation and one run
        unsigned times = 1;
        do {
            times *= 2;
            took = now();
            case_repeat(&s->memory, s->set, &c, times + 1);
            took = now() - took - once;
        } while (took < 0.05 && times < 1u << 24);
        const char *finding = case_compare(&s->memory, s->set, s->right, &c);
        s->failed += finding != NULL;
        printf("%-10s %-28s %14.3f  %s\n", s->set->name, cases[i], took * 1e9 / times / work_of(&c),
               finding ? finding : "yes");
    }
}

static int set_check(session *s, bool timed) {
    check_case c;
    s->run = s->failed = 0;
    s->digest = 0xcbf29ce484222325;
    if (timed) {
        bench_print(s);
    } else if (s->one) {
        if (!case_parse(&c, s->one)) {
            fprintf(stderr, "not a case: %s\n", s->one);
            return 2;
        }
        case_check(s, &c);
    } else {
        cases_enumerate(case_check, s);
    }
    if (!timed)
        printf("%s against %s: %u cases, %u differ, digest %016" PRIx64 "\n", s->set->name,
               s->right->name, s->run, s->failed, s->digest);
    return s->failed > 0;
}

int main(int argument_count, char **arguments) {
    static session s;
    const char *name = NULL;
    bool timed = false;
    for (int i = 1; i < argument_count; i++) {
        bool more = i + 1 < argument_count;
        if (strcmp(arguments[i], "--bench") == 0)
            timed = true;
        else if (strcmp(arguments[i], "--set") == 0 && more)
            name = arguments[++i];
        else if (strcmp(arguments[i], "--op") == 0 && more)
            s.op = arguments[++i];
        else if (strcmp(arguments[i], "--case") == 0 && more)
            s.one = arguments[++i];
        else {
            fprintf(stderr, "usage: checkkernels [--set NAME] [--op OP] [--case CASE] [--bench]\n");
            return 2;
        }
    }
    if (!guard_open(&s.memory)) {
        fprintf(stderr, "no memory for guarded buffers\n");
        return 2;
    }
    signal(SIGSEGV, crashed);
    signal(SIGBUS, crashed);
    assay_float_enter();
    const assay_kernels *const *sets;
    size_t set_count = case_sets(&sets);
    int result = 0, seen = 0;
    for (size_t i = 0; i < set_count; i++) {
        s.set = sets[i];
        s.right = s.set == &assay_kernels_ref ? &naive_kernels : &assay_kernels_ref;
        if (name && strcmp(name, s.set->name) != 0) continue;
        seen++;
        if (s.set->available())
            result |= set_check(&s, timed);
        else
            printf("%s: Skipped, this machine lacks %s\n", s.set->name, s.set->needs);
    }
    const assay_kernels *chosen;
    assay_error err = {0};
    if (!seen) fprintf(stderr, "no kernel set is called %s\n", name);
    if (assay_kernels_find(&chosen, NULL, &err) == ASSAY_OK) {
        printf("chosen: %s\n", chosen->name);
    } else {
        printf("chosen: none, %s\n", err.text);
        result = 1;
    }
    guard_close(&s.memory);
    return seen ? result : 2;
}
