// SPDX-License-Identifier: Apache-2.0
// What LMDB writes passes here first: pwrite, writev and ftruncate of this program, which a shared
// library's calls come to as well. A fault strikes one write, counted from when it was armed.
#ifndef ASSAY_TESTS_SIM_WRITES_H
#define ASSAY_TESTS_SIM_WRITES_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    SIM_WRITES_PASS,
    SIM_WRITES_FAIL, // this one write fails for want of room
    SIM_WRITES_DIE,  // it lands half, and nothing after it lands at all: the process has died
} sim_writes_fault;

// at: 0 strikes the next write.
void sim_writes_arm(sim_writes_fault fault, uint32_t at);

// Writes pass again. Returns: whether a fault has struck since the last call.
bool sim_writes_disarm(void);

// Writes asked for since the program began.
uint64_t sim_writes_count(void);

#endif
