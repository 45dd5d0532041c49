// SPDX-License-Identifier: Apache-2.0
// SIGTERM and SIGINT ask a long-running command to end. A thread of its own waits for them,
// whatever the command does meanwhile: what it asks somebody ends by the flag, and so does what it
// sleeps. Signals are the process's, and so is this.
#ifndef ASSAY_NODE_ENDING_H
#define ASSAY_NODE_ENDING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

// From here on they do not end the process by themselves. Once, before any other thread starts.
// Errors: MEMORY. Spec: F-77.
assay_status assay_ending_listen(assay_error *err);

// Whether one has come, for those that look at a flag. Lives: for ever. Any thread.
const atomic_bool *assay_ending_asked(void);

// Whether a command's status says no more than that it was asked to end. Any thread.
bool assay_ending_stopped(assay_status status);

// Asks as a signal would. Any thread.
void assay_ending_ask(void);

// Sleeps, not beyond being asked to end. Returns: whether it was asked. Needs listen. Any thread.
bool assay_ending_sleep(uint64_t ms);

#endif
