// SPDX-License-Identifier: Apache-2.0
#include "tests/checkkernels/cases.h"

#if defined(__x86_64__)
#include "tests/kernels/simde/emulated.h"
#endif

size_t case_sets(const assay_kernels *const **sets) {
    static const assay_kernels *all[16];
    const assay_kernels *const *some;
    size_t all_count = 0, count = assay_kernels_list(&some);
    for (size_t i = 0; i < count; i++)
        all[all_count++] = some[i];
#if defined(__x86_64__)
    count = emulated_kernels_list(&some);
    for (size_t i = 0; i < count; i++)
        all[all_count++] = some[i];
#endif
    ASSAY_ASSERT(all_count <= sizeof all / sizeof all[0]);
    *sets = all;
    return all_count;
}
