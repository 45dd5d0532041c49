// SPDX-License-Identifier: Apache-2.0
#include "node/inference/ids.h"

#include <stdlib.h>
#include <string.h>

#include "quant/model.h"

// One id from *at on; leaves *at behind it.
static assay_status id_read(uint32_t *id, const char **at, size_t place, uint32_t vocab_size,
                            assay_error *err) {
    uint64_t value = 0;
    const char *start = *at;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if (value < vocab_size) value = value * 10 + (uint64_t)(**at - '0');
    if (*at == start)
        return ASSAY_FAIL(err, USAGE, "ids have \"%.20s\" at place %zu, wanted 1,2,3", start,
                          place);
    if (value >= vocab_size)
        return ASSAY_FAIL(err, RANGE, "id %.*s at place %zu, vocabulary %u",
                          *at - start < 20 ? (int)(*at - start) : 20, start, place, vocab_size);
    *id = (uint32_t)value;
    return ASSAY_OK;
}

assay_status assay_ids_parse(uint32_t **ids, size_t *count, const char *text, uint32_t vocab_size,
                             assay_error *err) {
    size_t wanted = *text != 0, got = 0;
    *ids = NULL;
    *count = 0;
    for (const char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ','))
        wanted++;
    if (wanted > ASSAY_MODEL_CONTEXT_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%zu ids, limit %d", wanted, ASSAY_MODEL_CONTEXT_MAX);
    uint32_t *out = malloc((wanted + 1) * sizeof *out);
    if (!out) return ASSAY_FAIL(err, MEMORY, "no memory for %zu ids", wanted);
    assay_status status = ASSAY_OK;
    for (const char *at = text; got < wanted && status == ASSAY_OK; got++) {
        status = id_read(&out[got], &at, got, vocab_size, err);
        if (status == ASSAY_OK && *at != (got + 1 < wanted ? ',' : 0))
            status = ASSAY_FAIL(err, USAGE, "ids have \"%.20s\" behind place %zu, wanted 1,2,3", at,
                                got);
        if (*at) at++;
    }
    if (status != ASSAY_OK) {
        free(out);
        return status;
    }
    *ids = out;
    *count = wanted;
    return ASSAY_OK;
}
