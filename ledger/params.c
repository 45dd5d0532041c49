// SPDX-License-Identifier: Apache-2.0
#include "ledger/params.h"

#include "base/json.h"
#include "ledger/tx/tx.h"

// Every legal transaction must fit its half of a block.
static_assert(2 * ASSAY_TX_SIZE_MAX == ASSAY_PARAM_BLOCK_BYTES_MIN, "half a block holds any tx");

void assay_params_init(assay_params *params) {
    *params = (assay_params){
#define X(name, value, min, max) .name = value,
        ASSAY_PARAM_LIST(X)
#undef X
    };
}

assay_status assay_params_override(assay_params *params, const json_t *object, assay_error *err) {
    static const char *const names[] = {
#define X(name, value, min, max) #name,
        ASSAY_PARAM_LIST(X)
#undef X
            NULL};
    ASSAY_TRY(assay_json_names(object, names, "params", err));
#define X(name, value, min, max)                                                                   \
    if (json_object_get(object, #name) != NULL)                                                    \
        ASSAY_TRY(assay_json_u64(&params->name, object, #name, min, max, err));
    ASSAY_PARAM_LIST(X)
#undef X
    return ASSAY_OK;
}

static assay_status range_check(uint64_t value, const char *name, uint64_t min, uint64_t max,
                                assay_error *err) {
    if (value < min || value > max)
        return ASSAY_FAIL(err, RANGE, "%s is %llu, limits %llu to %llu", name, (ull)value, (ull)min,
                          (ull)max);
    return ASSAY_OK;
}

assay_status assay_params_check(const assay_params *params, assay_error *err) {
#define X(name, value, min, max) ASSAY_TRY(range_check(params->name, #name, min, max, err));
    ASSAY_PARAM_LIST(X)
#undef X
    uint64_t shares =
        params->burn_ppm + 2 * params->max_royalty_ppm + params->data_ppm + params->validators_ppm;
    if (shares > ASSAY_PPM)
        return ASSAY_FAIL(err, RANGE,
                          "burn, two royalties, data and validators take %llu ppm, limit %llu",
                          (ull)shares, (ull)ASSAY_PPM);
    if (params->settle_max * params->samples > ASSAY_CASES_BLOCK_MAX)
        return ASSAY_FAIL(err, RANGE, "settle_max %llu times samples %llu is over %d, the limit",
                          (ull)params->settle_max, (ull)params->samples, ASSAY_CASES_BLOCK_MAX);
    return ASSAY_OK;
}

void assay_params_write(assay_writer *writer, const assay_params *params) {
#define X(name, value, min, max) assay_writer_u64(writer, params->name);
    ASSAY_PARAM_LIST(X)
#undef X
}

json_t *assay_params_json(const assay_params *params) {
    json_t *object = json_object();
    int failed = object == NULL;
#define X(name, value, min, max)                                                                   \
    failed |= json_object_set_new(object, #name, assay_json_from_u64(params->name));
    ASSAY_PARAM_LIST(X)
#undef X
    if (!failed) return object;
    json_decref(object);
    return NULL;
}

uint64_t assay_params_window(const assay_params *params) {
    // The beacon, the first draw, one redraw, two answers, the escalations and their waits.
    uint64_t rounds = 2 + 2 * params->escalation_rounds;
    return 2 * params->beacon_delay + ASSAY_BEACON_WAIT_MAX +
           rounds * (params->commit_blocks + params->reveal_blocks) + 2 * params->answer_blocks;
}

uint64_t assay_params_unbond_blocks(const assay_params *params) {
    return assay_params_window(params) + 2 * params->epoch_blocks + params->unbond_trust_blocks;
}

// With a share p an epoch two thirds are gone after ln 3 / p steps. Steps are floored, so that all
// that is at least k / p falls by k an epoch: from 3 / p it takes 0.5 / p + 1 / p, from elsewhere
// no more.
uint64_t assay_params_leave_epochs(const assay_params *params) {
    return (3 * ASSAY_PPM / 2 + params->power_step_ppm - 1) / params->power_step_ppm;
}

assay_status assay_params_unbond_check(const assay_params *params, assay_error *err) {
    uint64_t blocks = assay_params_unbond_blocks(params);
    uint64_t least = params->epoch_blocks * (2 + assay_params_leave_epochs(params));
    if (blocks < least)
        return ASSAY_FAIL(err, RANGE,
                          "bonds leave after %llu blocks, power needs up to %llu, the least for a "
                          "chain that is no testnet",
                          (ull)blocks, (ull)least);
    return ASSAY_OK;
}

uint64_t assay_misbehavior_blocks(const assay_params *params) {
    return assay_params_unbond_blocks(params) - 2 * params->epoch_blocks;
}

uint64_t assay_params_epoch(const assay_params *params, uint64_t height) {
    return (height - 1) / params->epoch_blocks;
}

bool assay_params_epoch_ends(const assay_params *params, uint64_t height) {
    return height % params->epoch_blocks == 0;
}
