// SPDX-License-Identifier: Apache-2.0
// The synthetic model for cmocka's tests.
#ifndef ASSAY_TESTS_QUANT_SYNTHETIC_H
#define ASSAY_TESTS_QUANT_SYNTHETIC_H

#include "tests/quant/synthetic_model.h"
#include "tests/test.h"

#endif
