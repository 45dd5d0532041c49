// SPDX-License-Identifier: Apache-2.0
// One node's seed whose chances are the input: who sends what, how validators vote, which blocks
// are made, where the node crashes. E-80 to E-84, E-97, and that the money adds up.
#include "base/bytes.h"
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { SEED_SIZE = 4 }; // what is drawn after the last choice
    static bool started;
    sim_report report = {0};
    if (!started) atexit(sim_close);
    started = true;
    if (size <= SEED_SIZE) return 0;
    sim_run(&(sim_options){.seed = assay_load_be32(data),
                           .node_count = 1,
                           .choices = data + SEED_SIZE,
                           .choice_count = size - SEED_SIZE},
            &report);
    if (!report.failed) return 0;
    fprintf(stderr, "%s\n", report.text);
    abort();
}
