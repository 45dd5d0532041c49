// SPDX-License-Identifier: Apache-2.0
#include "kernels/norm.h"

#include "kernels/ref/scalar.h"

bool ASSAY_OP(rmsnorm)(float *y, const float *x, const float *w, uint32_t d, float eps) {
    float max;
    if (!range_of(&max, x, d)) {
        memset(y, 0, d * sizeof *y);
        return false;
    }
    int64_t squares = 0;
    float r = max == 0.0f ? 0.0f : 32767.0f / max;
    for (uint32_t i = 0; i < d; i++) {
        int32_t q = quantum(x[i], r, 32767);
        squares += q * q;
    }
    float s = max / 32767.0f;
    float mean = (float)squares * (s * s) / (float)d;
    float norm = 1.0f / __builtin_sqrtf(mean + eps);
    for (uint32_t i = 0; i < d; i++)
        y[i] = x[i] * norm * w[i];
    return true;
}
