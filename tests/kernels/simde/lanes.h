// SPDX-License-Identifier: Apache-2.0
// What SIMDe 0.7.4 lacks of AVX-512, lane by lane as Intel's manual has it. A lane that a mask
// leaves out is neither read nor written. tests/kernels/test_simde.c holds each to examples.
#ifndef ASSAY_TESTS_KERNELS_SIMDE_LANES_H
#define ASSAY_TESTS_KERNELS_SIMDE_LANES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// count lanes of `size` bytes: those in the mask come from memory, the others are zero.
static inline void lanes_load(void *lanes, const void *from, uint64_t mask, int count,
                              size_t size) {
    memset(lanes, 0, (size_t)count * size);
    for (int i = 0; i < count; i++)
        if (mask >> i & 1)
            memcpy((uint8_t *)lanes + (size_t)i * size, (const uint8_t *)from + (size_t)i * size,
                   size);
}

static inline void lanes_store(void *to, const void *lanes, uint64_t mask, int count, size_t size) {
    for (int i = 0; i < count; i++)
        if (mask >> i & 1)
            memcpy((uint8_t *)to + (size_t)i * size, (const uint8_t *)lanes + (size_t)i * size,
                   size);
}

#define MASKZ_LOAD(name, vector, mask_type, count, size)                                           \
    static inline vector emulated_##name(mask_type mask, const void *from) {                       \
        vector lanes;                                                                              \
        lanes_load(&lanes, from, mask, count, size);                                               \
        return lanes;                                                                              \
    }
#define MASK_STORE(name, vector, mask_type, count, size)                                           \
    static inline void emulated_##name(void *to, mask_type mask, vector lanes) {                   \
        lanes_store(to, &lanes, mask, count, size);                                                \
    }
#define CONVERT(name, to_vector, to_type, from_vector, from_type, count)                           \
    static inline to_vector emulated_##name(from_vector from) {                                    \
        from_type in[count];                                                                       \
        to_type out[count];                                                                        \
        to_vector to;                                                                              \
        memcpy(in, &from, sizeof in);                                                              \
        for (int i = 0; i < (count); i++)                                                          \
            out[i] = (to_type)in[i];                                                               \
        memcpy(&to, out, sizeof to);                                                               \
        return to;                                                                                 \
    }

MASKZ_LOAD(maskz_loadu_ps_128, __m128, __mmask8, 4, 4)
MASKZ_LOAD(maskz_loadu_epi8_256, __m256i, __mmask32, 32, 1)
MASKZ_LOAD(maskz_loadu_epi8, __m512i, __mmask64, 64, 1)
MASKZ_LOAD(maskz_loadu_epi16, __m512i, __mmask32, 32, 2)
MASKZ_LOAD(maskz_loadu_ps, __m512, __mmask16, 16, 4)
MASK_STORE(mask_storeu_ps_128, __m128, __mmask8, 4, 4)
MASK_STORE(mask_storeu_ps, __m512, __mmask16, 16, 4)
MASK_STORE(mask_storeu_epi32, __m512i, __mmask16, 16, 4)
CONVERT(cvtepi32_ps, __m512, float, __m512i, int32_t, 16)
CONVERT(cvtepi32_epi64, __m512i, int64_t, __m256i, int32_t, 8)
CONVERT(cvtepi64_ps, __m256, float, __m512i, int64_t, 8)
CONVERT(cvtepi64_ps_256, __m128, float, __m256i, int64_t, 4)

#undef _mm_maskz_loadu_ps
#undef _mm256_maskz_loadu_epi8
#undef _mm_mask_storeu_ps
#undef _mm512_maskz_loadu_epi8
#undef _mm512_maskz_loadu_epi16
#undef _mm512_maskz_loadu_ps
#undef _mm512_mask_storeu_ps
#undef _mm512_mask_storeu_epi32
#undef _mm512_cvtepi64_ps
#undef _mm512_cvtepi32_ps
#undef _mm512_cvtepi32_epi64
#undef _mm256_cvtepi64_ps
#define _mm_maskz_loadu_ps       emulated_maskz_loadu_ps_128
#define _mm256_maskz_loadu_epi8  emulated_maskz_loadu_epi8_256
#define _mm_mask_storeu_ps       emulated_mask_storeu_ps_128
#define _mm512_maskz_loadu_epi8  emulated_maskz_loadu_epi8
#define _mm512_maskz_loadu_epi16 emulated_maskz_loadu_epi16
#define _mm512_maskz_loadu_ps    emulated_maskz_loadu_ps
#define _mm512_mask_storeu_ps    emulated_mask_storeu_ps
#define _mm512_mask_storeu_epi32 emulated_mask_storeu_epi32
#define _mm512_cvtepi64_ps       emulated_cvtepi64_ps
#define _mm512_cvtepi32_ps       emulated_cvtepi32_ps
#define _mm512_cvtepi32_epi64    emulated_cvtepi32_epi64
#define _mm256_cvtepi64_ps       emulated_cvtepi64_ps_256

#endif
