// SPDX-License-Identifier: Apache-2.0
// The fastest multiply-adds a set's instructions can do: no loads, no dependencies, no result. What
// a product reaches is named as a share of it.
#ifndef ASSAY_KERNELS_PEAK_H
#define ASSAY_KERNELS_PEAK_H

#include <stdint.h>

// Runs `rounds` of the loop. Returns: how many multiply-adds of an x16 element by a weight that
// was; a set that splits x16 into bytes needs two of its byte products for one. Spec: N-8.
typedef uint64_t assay_peak_fn(uint64_t rounds);
#if defined(__x86_64__)
assay_peak_fn assay_peak_avx2;   // vpmaddwd, vpaddd: 16
assay_peak_fn assay_peak_avx512; // vpdpwssd: 32
assay_peak_fn assay_peak_amx;    // tdpbssd, two byte products for one: 8,192
#elif defined(__aarch64__)
assay_peak_fn assay_peak_neon; // sdot, two byte products for one: 8
assay_peak_fn assay_peak_i8mm; // smmla, the same: 16
#endif

// The loop of the set of that name, to be run only where the set is available. Returns: NULL for
// ref, which has no instructions of its own, and for unknown names. Lives: for ever. Spec: N-20.
assay_peak_fn *assay_peak_find(const char *set);

#endif
