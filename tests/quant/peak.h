// SPDX-License-Identifier: Apache-2.0
// What a process takes of memory, as the system sees it.
#ifndef ASSAY_TESTS_QUANT_PEAK_H
#define ASSAY_TESTS_QUANT_PEAK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The most that was ever resident, in KiB.
static inline long peak_kib(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0) kib = strtol(line + 6, NULL, 10);
    if (file) fclose(file);
    return kib;
}

#endif
