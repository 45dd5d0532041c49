// SPDX-License-Identifier: Apache-2.0
// One row of f32 to the three operand types.
//
// Range rule, common to all (spec N-3): with A = max |x| of the row, A < 2^-96 gives a row of
// zeros (q = 0, scale = 0; q4: ratio 0, code 7). A > 2^40 or an element that is not finite is a
// fault: the call returns false and writes that same row of zeros, so that what follows is defined
// and cheap; the caller decides what a fault means. No call is ever undefined on any input.
#ifndef ASSAY_KERNELS_QUANTISE_H
#define ASSAY_KERNELS_QUANTISE_H

#include <stdbool.h>
#include <stdint.h>

// x[k] -> q[k], scale = A/32767, q = clamp(rint(x * (32767/A)), +-32767). Spec: N-7.
typedef bool assay_quantise_x16_fn(int16_t *q, float *scale, const float *x, uint32_t k);
assay_quantise_x16_fn assay_quantise_x16_ref;

// x[k] -> q[k], scale = A/127, q = clamp(rint(x * (127/A)), +-127). Weights and the KV cache.
// Spec: N-6.
typedef bool assay_quantise_q8_fn(int8_t *q, float *scale, const float *x, uint32_t k);
assay_quantise_q8_fn assay_quantise_q8_ref;

// w[k], k a multiple of 64 -> codes[k/2] (element 2j in the low nibble), ratios[k/64], scale.
// Spec: N-5.
typedef bool assay_quantise_q4_fn(uint8_t *codes, uint8_t *ratios, float *scale, const float *w,
                                  uint32_t k);
assay_quantise_q4_fn assay_quantise_q4_ref;

// N-5 where codes[k/2] and the largest magnitudes absmax[k/64] >= 0 of the blocks are given: fills
// ratios[k/64] and scale, and makes the codes of blocks with ratio 0 7. Faults as above, of absmax.
// Spec: N-5, F-14.
bool assay_requantise_q4_ref(uint8_t *codes, uint8_t *ratios, float *scale, const float *absmax,
                             uint32_t k);

#endif
