// SPDX-License-Identifier: Apache-2.0
// The products of the set "i8mm"; the rest of it is the set "neon". Internal to kernels/arm.
#ifndef ASSAY_KERNELS_ARM_I8MM_H
#define ASSAY_KERNELS_ARM_I8MM_H

#include "kernels/arm/neon.h"

assay_gemm_q4_fn assay_gemm_q4_i8mm;
assay_gemm_q8_fn assay_gemm_q8_i8mm;

#endif
