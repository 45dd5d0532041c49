// SPDX-License-Identifier: Apache-2.0
// What became of a seed's batches, against what the simulator knows of them: the truth that an
// honest rerun finds (s->truths) and the votes as the chain has them. E-97
#include "tests/sim/private.h"

#include "ledger/tally.h"

// One case of a batch, and the bond behind the votes of its last round.
typedef struct {
    sim *s;
    assay_reader *reader;
    assay_hash id;
    assay_batch batch;
    uint32_t sample;
    assay_case record;
    uint8_t truth; // what an honest vote says,
    assay_hash probe;
    assay_u128 called, revealed, honest;
    bool contradicted;            // an honest vote in some round
    uint64_t fined[CHAIN_ACTORS]; // for lies
    bool lied[CHAIN_ACTORS];
} hearing;

// What all cases of a seed together explain.
typedef struct {
    uint64_t votes[CHAIN_ACTORS]; // of verification bonds
    uint64_t frauds, reruns;      // of the provider's: exactly, and at most
    uint32_t accusations[CHAIN_ACTORS], struck[CHAIN_ACTORS]; // by draws' votes
} reasons;

static bool speaks(const assay_vote *vote) {
    return vote->revealed && !vote->struck;
}

static bool is_truth(const hearing *h, uint8_t verdict, const assay_hash *probe) {
    return verdict == h->truth && assay_hash_equal(probe, &h->probe);
}

// Of bytes that are answered, "unavailable" is nobody's honest vote any more. P-60
static bool is_honest(const hearing *h, const assay_vote *vote) {
    return speaks(vote) && is_truth(h, vote->verdict, &vote->probe) &&
           !assay_vote_is_neutral(&h->record, vote);
}

static bool is_lie(const hearing *h, const assay_vote *vote) {
    return speaks(vote) && !is_truth(h, vote->verdict, &vote->probe) &&
           !assay_verdict_is_unavailable(vote->verdict);
}

static bool found_truth(const hearing *h) {
    return h->record.state == ASSAY_CASE_RIGHT && is_truth(h, h->record.verdict, &h->record.probe);
}

// The provider was asked for something and has not posted it in time.
static bool omitted(const assay_case *record) {
    bool leaf = record->leaf_answered > 0 && record->leaf_answered <= record->answer_end;
    bool table = record->table_answered > 0 && record->table_answered <= record->answer_end;
    return (record->leaf_asked && !leaf) || (record->table_asked && !table);
}

static bool case_fail(const hearing *h, const char *what) {
    return sim_fail(h->s, &h->s->judge, "sample %u, truth %u, state %u, verdict %u: %s", h->sample,
                    h->truth, h->record.state, h->record.verdict, what);
}

static uint32_t round_load(const hearing *h, uint32_t round, assay_vote votes[ASSAY_VOTERS_MAX]) {
    uint32_t count;
    must(assay_case_votes(votes, &count, h->reader, &h->id, h->sample, (uint8_t)round, err));
    return count;
}

static void weigh(hearing *h) {
    static assay_vote votes[ASSAY_VOTERS_MAX];
    h->called = h->revealed = h->honest = 0;
    h->contradicted = false;
    for (uint32_t round = 0; round <= h->record.round; round++) {
        uint32_t count = round_load(h, round, votes);
        for (uint32_t i = 0; i < count; i++) {
            h->contradicted |= is_honest(h, &votes[i]);
            if (round < h->record.round) continue;
            h->called += votes[i].bond;
            h->revealed += speaks(&votes[i]) ? votes[i].bond : 0;
            h->honest += is_honest(h, &votes[i]) ? votes[i].bond : 0;
        }
    }
}

// A case ends with a lie only where liars had the bond for it, and with the truth where honest
// voters had. P-58, P-59
static bool end_check(const hearing *h) {
    const assay_case *record = &h->record;
    bool lie = record->state == ASSAY_CASE_RIGHT && !found_truth(h);
    lie |= record->state == ASSAY_CASE_GUILTY && !assay_verdict_is_guilty(h->truth);
    if (lie && record->escalations == 0 && h->contradicted)
        return case_fail(h, "a draw has passed over an honest vote");
    if (lie && record->escalations > 0 && h->honest * 3 >= h->revealed)
        return case_fail(h, "honest voters had a third of the bond");
    bool asked = h->truth == ASSAY_VERDICT_UNAVAILABLE ? record->leaf_asked : true;
    if (record->escalations > 0 && asked && h->honest * 3 > h->revealed * 2 && !found_truth(h))
        return case_fail(h, "honest voters had two thirds of the bond");
    bool undecided = record->state == ASSAY_CASE_UNDECIDED;
    if ((undecided && omitted(record)) ||
        (record->state == ASSAY_CASE_WITHHELD && !omitted(record)))
        return case_fail(h, "whether bytes were withheld");
    return true;
}

static bool accuses(const hearing *h, uint32_t round, const assay_vote *vote) {
    uint32_t draws = h->record.round + 1u - h->record.escalations;
    return round < draws && vote->revealed && vote->verdict != ASSAY_VERDICT_MATCH &&
           !assay_verdict_is_unavailable(vote->verdict);
}

// P-60, P-61: in vain are an accusation too many, for nothing, and "unavailable" of what had been
// posted before the round.
static bool struck_check(hearing *h, uint32_t round, const assay_vote *vote, uint32_t actor,
                         reasons *all) {
    uint64_t due = h->s->trial->chain.genesis.params.no_vote_slash;
    bool leaf = vote->verdict == ASSAY_VERDICT_UNAVAILABLE;
    bool table = vote->verdict == ASSAY_VERDICT_TABLE_UNAVAILABLE;
    if (accuses(h, round, vote)) {
        all->struck[actor]++;
        return vote->slashed == 0 || case_fail(h, "an accusation in vain has cost something");
    }
    if (!(leaf ? h->record.leaf_answered : table ? h->record.table_answered : 0))
        return case_fail(h, "a vote is struck, and for nothing");
    bool spent = h->s->bonds.spent[ASSAY_ROLE_VERIFICATION - 1][actor];
    return vote->slashed == due || (vote->slashed < due && spent) ||
           case_fail(h, "a vote that is none has another price");
}

// P-61: what one vote has cost so far is what it costs.
static bool vote_check(hearing *h, uint32_t round, const assay_vote *vote, uint32_t actor) {
    const assay_params *params = &h->s->trial->chain.genesis.params;
    const assay_case *record = &h->record;
    bool spent = h->s->bonds.spent[ASSAY_ROLE_VERIFICATION - 1][actor];
    bool closed = round < record->round || record->state != ASSAY_CASE_VOTING;
    if (closed && !vote->revealed) {
        uint64_t due = vote->committed ? params->wrong_verdict_slash : params->no_vote_slash;
        if (vote->slashed > due || (vote->slashed < due && !spent))
            return case_fail(h, "an absent vote has another price");
    }
    if (is_lie(h, vote)) {
        h->lied[actor] = true;
        h->fined[actor] += vote->slashed;
    }
    if (!speaks(vote) || vote->slashed == 0) return true;
    if (assay_vote_is_neutral(record, vote)) {
        bool leaf = vote->verdict == ASSAY_VERDICT_UNAVAILABLE;
        return vote->slashed <= (leaf ? record->leaf_cost : record->table_cost) ||
               case_fail(h, "\"unavailable\" cost more than its answer");
    }
    bool overruled = record->ended > 0 && (h->revealed - h->honest) * 3 > h->called;
    if (is_honest(h, vote) && !overruled) return case_fail(h, "an honest vote was slashed");
    if (assay_verdict_is_unavailable(vote->verdict))
        return case_fail(h, "\"unavailable\" was slashed");
    return true;
}

static bool votes_check(hearing *h, reasons *all) {
    static assay_vote votes[ASSAY_VOTERS_MAX];
    for (uint32_t round = 0; round <= h->record.round; round++) {
        uint32_t count = round_load(h, round, votes);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t actor = trial_actor(h->s->trial, &votes[i].validator);
            all->accusations[actor] += accuses(h, round, &votes[i]);
            SIM_TRY(votes[i].struck ? struck_check(h, round, &votes[i], actor, all)
                                    : vote_check(h, round, &votes[i], actor));
            all->votes[actor] += votes[i].slashed;
            h->s->report->fined += votes[i].slashed > 0;
            h->s->report->cleared += is_honest(h, &votes[i]) && votes[i].slashed == 0;
        }
    }
    return true;
}

// P-61: with the truth found and a third of all bond behind it, no lie is free.
static bool lies_check(const hearing *h) {
    uint64_t due = h->s->trial->chain.genesis.params.wrong_verdict_slash;
    if (!found_truth(h) || assay_verdict_is_unavailable(h->truth) || h->honest * 3 <= h->called)
        return true;
    for (uint32_t actor = 0; actor < CHAIN_ACTORS; actor++)
        if (h->lied[actor] && h->fined[actor] < due &&
            !h->s->bonds.spent[ASSAY_ROLE_VERIFICATION - 1][actor])
            return case_fail(h, "a lie was free");
    return true;
}

static bool case_check(hearing *h, reasons *all) {
    static const assay_duty nobody;
    assay_duty duty = nobody;
    ballot mind = {.verdict = h->truth, .dataset = h->s->trial->datasets[0]};
    duty.batch = h->id;
    duty.sample = h->sample;
    h->probe = trial_ballot_probe(&mind, &duty, 0);
    memset(h->fined, 0, sizeof h->fined);
    memset(h->lied, 0, sizeof h->lied);
    if (h->record.state == ASSAY_CASE_VOTING && h->record.reveal_end < h->s->height)
        return case_fail(h, "a round was not closed");
    weigh(h);
    SIM_TRY(votes_check(h, all));
    if (h->record.ended == 0) return true;
    if (h->record.escalations > 0 && omitted(&h->record))
        all->reruns += h->batch.check_price * ASSAY_VOTERS_MAX;
    return end_check(h) && lies_check(h);
}

// P-62, P-66: a batch ends as its cases say, and fraud alone costs its provider a multiple.
static bool batch_check(hearing *h, uint32_t ended, uint32_t guilty, uint32_t undecided) {
    const assay_batch *batch = &h->batch;
    uint64_t due = batch->fee_total * h->s->trial->chain.genesis.params.bond_multiple;
    bool fraud = batch->reason == ASSAY_VOID_FRAUD;
    bool whole = batch->beacon_height > 0 && ended == batch->sample_count;
    bool checked = batch->state >= ASSAY_BATCH_FINAL && batch->reason != ASSAY_VOID_NO_BEACON;
    assay_void_reason reason = !whole          ? ASSAY_VOID_NOT
                               : guilty > 0    ? ASSAY_VOID_FRAUD
                               : undecided > 0 ? ASSAY_VOID_UNDECIDED
                                               : ASSAY_VOID_NOT;
    if (checked != whole || (checked && reason != batch->reason))
        return case_fail(h, "the batch has ended otherwise than its cases");
    if ((!fraud && batch->slashed > 0) || batch->slashed > due ||
        (fraud && batch->slashed < due && !h->s->bonds.spent[ASSAY_ROLE_PROVIDER - 1][PROVIDER]))
        return case_fail(h, "another slash than the fraud's");
    return true;
}

static bool bundle_check(sim *s, assay_reader *reader, uint32_t index, reasons *all) {
    static hearing h;
    uint32_t ended = 0, guilty = 0, undecided = 0;
    bool found;
    h.s = s;
    h.reader = reader;
    h.id = s->bundles[index].id;
    h.truth = s->truths[index];
    must(assay_batch_get(&h.batch, &found, reader, &h.id, err));
    if (!found) return true;
    for (h.sample = 0; h.sample < h.batch.sample_count; h.sample++) {
        must(assay_case_get(&h.record, &found, reader, &h.id, h.sample, err));
        if (!found) continue;
        SIM_TRY(case_check(&h, all));
        bool over = h.record.ended > 0, open = h.record.state == ASSAY_CASE_UNDECIDED;
        ended += over;
        undecided += over && open;
        guilty += over && !open && assay_verdict_is_guilty(h.record.verdict);
    }
    all->frauds += h.batch.slashed;
    s->report->settled += h.batch.state == ASSAY_BATCH_SETTLED;
    s->report->frauds += h.batch.reason == ASSAY_VOID_FRAUD;
    s->report->undecided += h.batch.reason == ASSAY_VOID_UNDECIDED;
    s->report->no_beacon += h.batch.reason == ASSAY_VOID_NO_BEACON;
    return batch_check(&h, ended, guilty, undecided);
}

bool sim_verdicts_check(sim *s) {
    reasons all = {.frauds = 0};
    assay_view view = chain_view(&s->trial->chain);
    bool good = true;
    for (uint32_t i = 0; good && i < s->bundle_count; i++)
        good = bundle_check(s, &view.reader, i, &all);
    assay_view_close(&view);
    SIM_TRY(good);
    for (uint32_t actor = 0; actor < CHAIN_ACTORS; actor++) {
        uint64_t provided = s->bonds.lost[ASSAY_ROLE_PROVIDER - 1][actor];
        uint64_t least = actor == PROVIDER ? all.frauds : 0;
        uint64_t most = actor == PROVIDER ? all.frauds + all.reruns : 0;
        if (provided < least || provided > most)
            return sim_fail(s, &s->judge, "provider %u has lost %llu, frauds and reruns: %llu",
                            actor, (ull)provided, (ull)most);
        uint32_t open = all.accusations[actor] - all.struck[actor];
        if (all.struck[actor] > 0 && open < s->trial->chain.genesis.params.open_escalations_max)
            return sim_fail(s, &s->judge, "validator %u: %u accusations, and %u in vain", actor,
                            open, all.struck[actor]);
        uint64_t lost = s->bonds.lost[ASSAY_ROLE_VERIFICATION - 1][actor];
        if (lost != all.votes[actor])
            return sim_fail(s, &s->judge, "validator %u has lost %llu, its votes: %llu", actor,
                            (ull)lost, (ull)all.votes[actor]);
    }
    return true;
}
