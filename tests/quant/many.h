// SPDX-License-Identifier: Apache-2.0
// Requests that begin and go on together, until the last one ends.
#ifndef ASSAY_TESTS_QUANT_MANY_H
#define ASSAY_TESTS_QUANT_MANY_H

#include "quant/generate.h"

static inline assay_status run_many(assay_generator *generator,
                                    const assay_generate_request *requests, uint32_t count,
                                    assay_output *outs) {
    uint32_t place;
    assay_generator_clear(generator);
    for (uint32_t i = 0; i < count; i++)
        ASSAY_TRY(assay_generator_begin(generator, &requests[i], &outs[i], &place, NULL));
    for (uint32_t i = 0; i < count;) {
        ASSAY_TRY(assay_generator_step(generator, NULL));
        while (i < count && !generator->members[i].request)
            i++;
    }
    return ASSAY_OK;
}

#endif
