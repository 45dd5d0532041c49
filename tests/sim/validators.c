// SPDX-License-Identifier: Apache-2.0
// What an engine keeps of validators: the first set, changed by every block's updates. E-96
#include "tests/sim/private.h"

// Everyone with power in the judge's state.
static uint32_t powers_read(sim *s, assay_validator_power out[ASSAY_POWER_MAX]) {
    uint32_t count, kept = 0;
    assay_view view = chain_view(&s->trial->chain);
    must(assay_validator_list(out, &count, &view.reader, err));
    assay_view_close(&view);
    for (uint32_t i = 0; i < count; i++)
        if (out[i].power > 0) out[kept++] = out[i];
    return kept;
}

bool sim_has_power(sim *s, uint32_t actor) {
    static assay_validator_power list[ASSAY_POWER_MAX];
    for (uint32_t i = powers_read(s, list); i > 0; i--)
        if (assay_address_equal(&list[i - 1].address, &s->trial->chain.actors[actor])) return true;
    return false;
}

static uint32_t set_find(const sim *s, const uint8_t *key) {
    uint32_t i = 0;
    while (i < s->set_count && memcmp(s->set[i].ed25519, key, ASSAY_ED25519_KEY_SIZE) != 0)
        i++;
    return i;
}

bool sim_set_start(sim *s) {
    static assay_validator_power list[ASSAY_POWER_MAX];
    s->set_count = powers_read(s, list);
    for (uint32_t i = 0; i < s->set_count; i++) {
        memcpy(s->set[i].ed25519, list[i].ed25519, ASSAY_ED25519_KEY_SIZE);
        s->set[i].power = list[i].power;
    }
    return s->set_count > 0 || sim_fail(s, &s->judge, "nobody has power at the start");
}

static bool update_take(sim *s, const assay_validator_update *update) {
    uint32_t at = set_find(s, update->ed25519);
    bool known = at < s->set_count;
    if (update->power == 0 && !known)
        return sim_fail(s, &s->judge, "an update removes whom the engine does not have");
    if (known && update->power == s->set[at].power)
        return sim_fail(s, &s->judge, "an update changes nothing");
    s->report->joined += !known;
    s->report->left += update->power == 0;
    if (update->power == 0)
        s->set[at] = s->set[--s->set_count];
    else if (!known && s->set_count == ASSAY_POWER_MAX)
        return sim_fail(s, &s->judge, "more than %d validators", ASSAY_POWER_MAX);
    else
        s->set[known ? at : s->set_count++] = *update;
    return true;
}

bool sim_set_follow(sim *s, const sim_decision *decided) {
    static assay_validator_power list[ASSAY_POWER_MAX];
    for (uint32_t i = 0; i < decided->update_count; i++) {
        const assay_validator_update *update = &decided->updates[i];
        if (i > 0 && memcmp(update[-1].ed25519, update->ed25519, ASSAY_ED25519_KEY_SIZE) >= 0)
            return sim_fail(s, &s->judge, "updates do not ascend by key");
        SIM_TRY(update_take(s, update));
    }
    uint32_t count = powers_read(s, list);
    if (count == 0 || count != s->set_count)
        return sim_fail(s, &s->judge, "%u have power, the engine has %u", count, s->set_count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = set_find(s, list[i].ed25519);
        if (at == s->set_count || s->set[at].power != list[i].power)
            return sim_fail(s, &s->judge, "the engine has another power than %llu of validator %u",
                            (ull)list[i].power, i);
    }
    return true;
}
