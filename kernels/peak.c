// SPDX-License-Identifier: Apache-2.0
#include "kernels/peak.h"

#include <stddef.h>
#include <string.h>

// ref is what the compiler makes of C: no instruction is its own.
static const struct {
    const char *set;
    assay_peak_fn *run;
} peaks[] = {
#if defined(__x86_64__)
    {"amx", assay_peak_amx},
    {"avx512", assay_peak_avx512},
    {"avx2", assay_peak_avx2},
#elif defined(__aarch64__)
    {"i8mm", assay_peak_i8mm},
    {"neon", assay_peak_neon},
#endif
};

assay_peak_fn *assay_peak_find(const char *set) {
    for (size_t i = 0; i < sizeof peaks / sizeof *peaks; i++)
        if (strcmp(peaks[i].set, set) == 0) return peaks[i].run;
    return NULL;
}
