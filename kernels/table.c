// SPDX-License-Identifier: Apache-2.0
#include "kernels/table.h"

#include <stdio.h>
#include <string.h>

static bool always(void) {
    return true;
}

const assay_kernels assay_kernels_ref = {.name = "ref",
                                         .needs = "nothing",
                                         .available = always,
                                         .packed_size = assay_packed_size_ref,
                                         .pack = assay_pack_ref,
#define X(member) .member = assay_##member##_ref,
                                         ASSAY_KERNEL_LIST(X)
#undef X
};

static const assay_kernels *const all_sets[] = {
#if defined(__x86_64__)
    &assay_kernels_amx,
    &assay_kernels_avx512,
    &assay_kernels_avx2,
#elif defined(__aarch64__)
    &assay_kernels_i8mm,
    &assay_kernels_neon,
#endif
    &assay_kernels_ref,
};

size_t assay_kernels_list(const assay_kernels *const **sets) {
    *sets = all_sets;
    return sizeof all_sets / sizeof all_sets[0];
}

static const assay_kernels *set_pick(const assay_kernels *const *sets, size_t set_count,
                                     const char *name) {
    for (size_t i = 0; i < set_count; i++)
        if (name ? strcmp(sets[i]->name, name) == 0 : sets[i]->available()) return sets[i];
    return NULL;
}

static assay_status unknown_name(const assay_kernels *const *sets, size_t set_count,
                                 const char *name, assay_error *err) {
    char known[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < set_count && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, " %s", sets[i]->name);
    return ASSAY_FAIL(err, UNKNOWN, "no kernel set is called '%.32s', known:%s", name ? name : "",
                      known);
}

assay_status assay_kernels_find_in(const assay_kernels **out, const assay_kernels *const *sets,
                                   size_t set_count, const char *name, assay_error *err) {
    *out = NULL;
    const assay_kernels *set = set_pick(sets, set_count, name);
    if (!set) return unknown_name(sets, set_count, name, err);
    if (!set->available())
        return ASSAY_FAIL(err, UNSUPPORTED, "kernel set '%s' needs %s, which this machine lacks",
                          set->name, set->needs);
    assay_error why;
    assay_status status = assay_kernels_check(set, &why);
    // Whoever named it knows the way out. No other set is taken in silence: that a machine or a
    // build computes wrongly is for its owner to know.
    if (status != ASSAY_OK)
        return assay_fail(err, status, 0, "%s%s", why.text,
                          name ? "" : "; --isa (or ASSAY_ISA) asks for another");
    *out = set;
    return ASSAY_OK;
}

assay_status assay_kernels_find(const assay_kernels **out, const char *name, assay_error *err) {
    const assay_kernels *const *sets;
    size_t set_count = assay_kernels_list(&sets);
    return assay_kernels_find_in(out, sets, set_count, name, err);
}
