// SPDX-License-Identifier: Apache-2.0
// Kernel sets: const tables of functions, chosen by name at run time. `ref` defines the bits; a set
// that differs from it in one bit is refused.
#ifndef ASSAY_KERNELS_TABLE_H
#define ASSAY_KERNELS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "kernels/add.h"
#include "kernels/attention.h"
#include "kernels/exp.h"
#include "kernels/gemm.h"
#include "kernels/norm.h"
#include "kernels/pack.h"
#include "kernels/quantise.h"
#include "kernels/rope.h"

// X(member): every operation of a set, as assay_<member>_fn *<member>. Those on single elements are
// the text of kernels/ref compiled for the set; products and attention are written for it.
#define ASSAY_KERNEL_ELEMENT_LIST(X)                                                               \
    X(quantise_q4)                                                                                 \
    X(quantise_q8)                                                                                 \
    X(quantise_x16)                                                                                \
    X(rmsnorm)                                                                                     \
    X(rope)                                                                                        \
    X(exp)                                                                                         \
    X(silu_mul)                                                                                    \
    X(add)                                                                                         \
    X(add_scaled)                                                                                  \
    X(unfold_q8)                                                                                   \
    X(unfold_q4)
#define ASSAY_KERNEL_PRODUCT_LIST(X)                                                               \
    X(gemm_q4)                                                                                     \
    X(gemm_q8)                                                                                     \
    X(attention)
#define ASSAY_KERNEL_LIST(X)                                                                       \
    ASSAY_KERNEL_ELEMENT_LIST(X)                                                                   \
    ASSAY_KERNEL_PRODUCT_LIST(X)

typedef struct {
    const char *name;
    const char *needs;       // what the machine must have, for the refusal's sentence
    bool (*available)(void); // whether this machine and system have it
    assay_packed_size_fn *packed_size;
    assay_pack_fn *pack;
#define X(member) assay_##member##_fn *member;
    ASSAY_KERNEL_LIST(X)
#undef X
} assay_kernels;

extern const assay_kernels assay_kernels_ref;
#if defined(__x86_64__)
extern const assay_kernels assay_kernels_avx2, assay_kernels_avx512, assay_kernels_amx;
#elif defined(__aarch64__)
extern const assay_kernels assay_kernels_neon, assay_kernels_i8mm;
#endif

// All sets of this build, best first. Returns: their number. Lives: for ever. Spec: N-20.
size_t assay_kernels_list(const assay_kernels *const **sets);

// The set called `name`, or the best this machine can run if name is NULL, checked against ref.
// Errors: UNKNOWN (lists the names), UNSUPPORTED (names what is missing), MISMATCH (differs from
// ref; says how another is asked for, if name is NULL). Lives: for ever. Spec: N-20.
assay_status assay_kernels_find(const assay_kernels **out, const char *name, assay_error *err);

// The same among sets of the caller's own. Errors: as above. Spec: N-20.
assay_status assay_kernels_find_in(const assay_kernels **out, const assay_kernels *const *sets,
                                   size_t set_count, const char *name, assay_error *err);

// Runs every operation of a set and of ref on the same small inputs, in at most 50 ms.
// Errors: MISMATCH (names set and operation). Spec: N-20.
assay_status assay_kernels_check(const assay_kernels *set, assay_error *err);

#endif
