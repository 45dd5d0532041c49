// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/private.h"

#include <malloc.h>
#include <stdarg.h>
#include <sys/stat.h>

static const uint64_t no_seed;
volatile uint64_t *sim_seed_now = (uint64_t *)&no_seed;

const char *sim_defect_text(sim_defect defect) {
    static const char *const texts[] = {
#define X(name, text) text,
        SIM_DEFECT_LIST(X)
#undef X
    };
    return texts[defect];
}

bool sim_fail(sim *s, const sim_node *node, const char *format, ...) {
    char what[SIM_TEXT_MAX / 2], who[24] = "";
    va_list args;
    if (s->report->failed) return false;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (node == &s->judge)
        snprintf(who, sizeof who, ", judge");
    else if (node != NULL)
        snprintf(who, sizeof who, ", node %u", node->index);
    s->report->failed = true;
    snprintf(s->report->text, sizeof s->report->text, "height %llu%s: %s", (ull)s->height, who,
             what);
    return false;
}

_Noreturn void sim_die(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "seed %llu: ", (ull)*sim_seed_now);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

static struct {
    sim *s; // the largest part of it is the same memory for all seeds
    char folder[SIM_PATH_MAX / 2];
} simulator;

// In memory where the machine has that.
static void folder_name(char *out, size_t size, pid_t process) {
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(out, size, "%s/assay_sim_%ld", base, (long)process);
}

void sim_folder_remove(pid_t process) {
    char folder[SIM_PATH_MAX];
    folder_name(folder, sizeof folder, process);
    assay_folder_remove(folder);
}

static void node_make(sim_node *node, uint32_t index) {
    snprintf(node->folder, sizeof node->folder, "%s/%u", simulator.folder, index);
    node->mempool = calloc(SIM_ENTRIES_MAX, sizeof *node->mempool);
    node->forgetful = calloc(SIM_BLOCK_TXS, sizeof *node->forgetful);
    if (mkdir(node->folder, 0700) != 0 || node->mempool == NULL || node->forgetful == NULL)
        sim_die("cannot make %s", node->folder);
}

static void simulator_open(void) {
    // What every opening of a store takes comes zeroed from the system, not from the heap.
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    folder_name(simulator.folder, sizeof simulator.folder, getpid());
    simulator.s = calloc(1, sizeof *simulator.s);
    if (simulator.s == NULL || mkdir(simulator.folder, 0700) != 0)
        sim_die("cannot make %s", simulator.folder);
    for (uint32_t i = 0; i < SIM_NODES_MAX; i++)
        node_make(&simulator.s->nodes[i], i);
    node_make(&simulator.s->judge, SIM_NODES_MAX);
}

void sim_close(void) {
    if (simulator.s == NULL) return;
    sim_folder_remove(getpid());
    for (uint32_t i = 0; i < SIM_NODES_MAX; i++) {
        free(simulator.s->nodes[i].mempool);
        free(simulator.s->nodes[i].forgetful);
    }
    free(simulator.s->judge.mempool);
    free(simulator.s->judge.forgetful);
    free(simulator.s);
    simulator.s = NULL;
}

static void seed_init(sim *s, const sim_options *options, sim_report *report) {
    sim_random_init(&s->random, options->seed, 0);
    sim_rules_defect = options->defect;
    s->random.choices = options->choices;
    s->random.choice_count = options->choice_count;
    s->seed = options->seed;
    s->report = report;
    s->world = sim_world_get(draw(s, SIM_WORLDS));
    s->trial = s->world->trial;
    s->height = s->world->height;
    memcpy(s->decisions, s->world->decisions, sizeof s->decisions);
    s->entry_count = s->bundle_count = 0;
    s->quiet = false;
    s->trial->session = s->world->session;
    s->trial->chain.height = s->height;
    chain_block_clear(&s->trial->chain);
    s->node_count = SIM_NODES_MIN + draw(s, SIM_NODES_MAX - SIM_NODES_MIN + 1);
    if (options->node_count != 0) s->node_count = options->node_count;
    for (uint32_t i = 0; i < s->node_count; i++) {
        s->nodes[i].actor = i; // of the genesis's validators, or an outsider
        s->nodes[i].defect = SIM_DEFECT_NONE;
        sim_node_init(s, &s->nodes[i], i, chance(s, 15));
    }
    s->nodes[s->node_count - 1].defect = options->defect;
    sim_node_init(s, &s->judge, SIM_NODES_MAX, false);
}

void sim_run(const sim_options *options, sim_report *report) {
    if (simulator.s == NULL) simulator_open();
    sim *s = simulator.s;
    seed_init(s, options, report);
    sim_seed(s);
    sim_writes_disarm();
    for (uint32_t i = 0; i < s->node_count; i++)
        sim_node_crash(&s->nodes[i]);
    sim_node_crash(&s->judge);
    s->trial->chain.app = NULL;
    for (uint64_t h = s->world->height + 1; h < SIM_HEIGHTS_MAX; h++)
        sim_decision_free(&s->decisions[h]);
}
