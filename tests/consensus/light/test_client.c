// SPDX-License-Identifier: Apache-2.0
// E-45, E-95: following a chain whose validators change, past sources that fail, lie or fork.
#include "consensus/light/client.h"
#include "tests/consensus/light/light.h"
#include "tests/consensus/light/made_chain.h"

enum { CHAIN_ARENA_MAX = 64 << 20 };

static assay_light_options trust(chain *c, uint64_t height) {
    assay_light_options options = {.policy = {"light-7001", 100000, 10, 1, 3},
                                   .trusted_height = height,
                                   .primary = source_of(c, "primary"),
                                   .now = {START_SECONDS + c->latest + 5, 0}};
    header_hash(c, height, &options.trusted_hash);
    return options;
}

// Follows to `height`; the sentence of a refusal goes to `text`.
static assay_status follow(const assay_light_options *options, uint64_t height, uint64_t *reached,
                           assay_light_report *report, char text[ASSAY_ERROR_TEXT_MAX]) {
    assay_arena arena;
    assay_light_block block;
    assay_error why = {0};
    assay_arena_init(&arena, CHAIN_ARENA_MAX);
    assay_status status = assay_light_follow(&block, report, options, height, &arena, &why);
    *reached = status == ASSAY_OK ? block.header.height : 0;
    memcpy(text, why.text, sizeof why.text);
    if (status == ASSAY_OK) {
        assay_hash expected;
        header_hash(options->primary.self, *reached, &expected);
        assert_memory_equal(&expected, &block.hash, sizeof expected);
    }
    assay_arena_close(&arena);
    return status;
}

typedef struct {
    uint64_t latest, steady, from, to, reached;
    uint32_t fetches_max;
} journey;

static void it_arrives(void **unused) {
    static const journey journeys[] = {
        {1000, 100000, 1, 1000, 1000, 2},   // the same set: one step
        {1000, 100000, 1, 0, 1000, 2},      // the latest
        {1000, 100000, 500, 500, 500, 1},   // the trusted one itself
        {1000, 100000, 999, 1000, 1000, 2}, // its neighbour
        {1000, 300, 1, 1000, 1000, 2},      // three of six left: more than a third
        {1000, 100, 1, 1000, 1000, 10},     // nobody left: by way of others
        {100, 1, 1, 100, 100, 64},          // the set moves at every height
        {3, 1, 1, 3, 3, 3},
        {100, 1, 40, 30, 30, 11}, // back, header by header
        {100, 1, 2, 1, 1, 2},
    };
    for (size_t i = 0; i < sizeof journeys / sizeof journeys[0]; i++) {
        const journey *j = &journeys[i];
        chain c = chain_of(j->latest, j->steady);
        assay_light_options options = trust(&c, j->from);
        uint64_t reached;
        assay_light_report report;
        char text[ASSAY_ERROR_TEXT_MAX];
        if (follow(&options, j->to, &reached, &report, text) != ASSAY_OK)
            fail_msg("journey %zu: %s", i, text);
        assert_int_equal(reached, j->reached);
        assert_int_equal(report.fetches, c.asked);
        print_message("%llu to %llu: %u headers\n", (ull)j->from, (ull)reached, report.fetches);
        assert_in_range(report.fetches, 1, j->fetches_max);
        free(c.hashes);
    }
}

static void expect(const assay_light_options *options, uint64_t height, assay_status expected,
                   const char *sentence) {
    uint64_t reached;
    assay_light_report report;
    char text[ASSAY_ERROR_TEXT_MAX];
    assay_status status = follow(options, height, &reached, &report, text);
    if (status != expected || !strstr(text, sentence))
        fail_msg("%s \"%s\", expected \"%s\"", assay_status_name(status), text, sentence);
}

static void a_source_that_lies_is_refused(void **unused) {
    chain c = chain_of(1000, 100);
    assay_light_options options = trust(&c, 1);
    options.trusted_hash.bytes[0] ^= 1;
    expect(&options, 1000, ASSAY_MISMATCH, "primary has header");
    options = trust(&c, 1);
    options.policy.chain_id = "light-7002";
    expect(&options, 1000, ASSAY_MISMATCH, "is of chain \"light-7001\", not");
    options = trust(&c, 1);
    c.bent = 1;
    expect(&options, 1000, ASSAY_SIGNATURE, "did not sign height 1 ");
    c.bent = 500; // the first header half-way
    expect(&options, 1000, ASSAY_SIGNATURE, "did not sign height 500 ");
    c.bent = 1000;
    expect(&options, 1000, ASSAY_SIGNATURE, "did not sign height 1000 ");
    c.bent = 0, c.shifted = 500;
    expect(&options, 1000, ASSAY_MISMATCH, "primary gives height 501, not 500");
    c.shifted = 0, c.absent = 500;
    expect(&options, 1000, ASSAY_NOT_FOUND, "height 500 is not there");
    c.absent = 0;
    expect(&options, 1001, ASSAY_NOT_FOUND, "height 1001 is not there");
    options.now.seconds = START_SECONDS + 2 + 100000;
    expect(&options, 1000, ASSAY_RANGE, "may be trusted");
    options.now.seconds = START_SECONDS + 900;
    expect(&options, 1000, ASSAY_RANGE, "now is");
    free(c.hashes);
}

static uint64_t clock_asked;

static assay_time later_each_time(void) {
    return (assay_time){START_SECONDS + 1000 + 100 * clock_asked++, 0};
}

// E-43: by the clock of when a header is verified, not of when the first was asked for.
static void the_clock_goes_on(void **unused) {
    chain c = chain_of(1000, 100);
    assay_light_options options = trust(&c, 1);
    options.clock = later_each_time;
    uint64_t reached;
    assay_light_report report;
    char text[ASSAY_ERROR_TEXT_MAX];
    options.now.seconds = 0;
    assert_int_equal(follow(&options, 1000, &reached, &report, text), ASSAY_OK);
    assert_true(clock_asked >= report.fetches - 1 && clock_asked > 1);
    clock_asked = 0;
    options.policy.trusting_seconds = 1098; // the first is too old for the second look
    expect(&options, 1000, ASSAY_RANGE, "may be trusted");
    assert_int_equal(clock_asked, 2);
    free(c.hashes);
}

// Below what is trusted a header is believed for its hash, which the one above names.
static void going_back_is_checked_too(void **unused) {
    chain c = chain_of(100, 7);
    assay_light_options options = trust(&c, 40);
    c.hashed = 0, c.fork_from = 20; // what the source has above 20 is not what 40 goes back to
    options.primary.self = &c;
    expect(&options, 30, ASSAY_MISMATCH, "primary has header");
    chain whole = chain_of(100, 7);
    options = trust(&whole, 40);
    whole.absent = 35;
    expect(&options, 30, ASSAY_NOT_FOUND, "height 35 is not there");
    whole.absent = 0, whole.bent = 33;
    expect(&options, 30, ASSAY_SIGNATURE, "did not sign height 33 ");
    free(c.hashes);
    free(whole.hashes);
}

// A fork that too few of the trusted set signed, however whole it is in itself.
static void a_fork_of_strangers_is_refused(void **unused) {
    chain c = chain_of(1000, 100000);
    assay_light_options options = trust(&c, 1);
    chain_fork(&c, 500, 4); // two thirds exactly
    expect(&options, 1000, ASSAY_RANGE, "power 40 of 60 in its own set");
    c.fork_signers = 2; // a third exactly: no reason to believe even what lies between
    expect(&options, 1000, ASSAY_RANGE, "power 20 of 60");
    c.fork_signers = 5;
    uint64_t reached;
    assay_light_report report;
    char text[ASSAY_ERROR_TEXT_MAX];
    assert_int_equal(follow(&options, 1000, &reached, &report, text), ASSAY_OK);
    free(c.hashes);
}

static void hex_of(char *out, chain *c, uint64_t height) {
    assay_hash hash;
    header_hash(c, height, &hash);
    assay_hex_encode(out, hash.bytes, sizeof hash.bytes);
}

// What came of asking up to two witnesses, one of them after the other.
static void expect_witnesses(assay_light_options *options, uint64_t height, assay_status expected,
                             chain *const witnesses[2], const assay_witness_verdict verdicts[2],
                             assay_light_report *report, char text[ASSAY_ERROR_TEXT_MAX]) {
    assay_light_source sources[2];
    uint64_t reached;
    options->witness_count = 0;
    for (uint32_t i = 0; i < 2 && witnesses[i]; i++)
        sources[options->witness_count++] = source_of(witnesses[i], i ? "second" : "first");
    options->witnesses = sources;
    assay_status status = follow(options, height, &reached, report, text);
    if (status != expected) fail_msg("%s \"%s\"", assay_status_name(status), text);
    for (uint32_t i = 0; i < options->witness_count; i++)
        assert_string_equal(assay_witness_verdict_name(report->witnesses[i].verdict),
                            assay_witness_verdict_name(verdicts[i]));
}

#define AGREES  ASSAY_WITNESS_AGREES
#define SILENT  ASSAY_WITNESS_SILENT
#define FAULTY  ASSAY_WITNESS_FAULTY
#define PROVES  ASSAY_WITNESS_PROVES
#define UNASKED ASSAY_WITNESS_UNASKED
#define EXPECT(height, status, first, one, second, other)                                          \
    expect_witnesses(&options, height, ASSAY_##status, (chain *const[]){first, second},            \
                     (const assay_witness_verdict[]){one, other}, &report, text)

// Both headers hold before the trusted set: only another source tells of it. Which of the two is
// the chain's nobody can tell here, so that it makes no difference who is the witness.
static void a_witness_proves_a_fork(void **unused) {
    static const uint64_t steady[] = {100000, 100};
    for (size_t i = 0; i < 2; i++) {
        chain c = chain_of(1000, steady[i]), forked = chain_of(1000, steady[i]);
        chain same = chain_of(1000, steady[i]);
        char ours[65], theirs[65], text[ASSAY_ERROR_TEXT_MAX];
        assay_light_report report;
        chain_fork(&forked, 700, 0);
        assay_light_options options = trust(&c, 1);
        EXPECT(700, OK, &same, AGREES, &forked, AGREES); // before the fork
        assert_int_equal(report.common_height, 0);
        EXPECT(900, FORK, &same, AGREES, &forked, PROVES);
        EXPECT(900, FORK, &forked, PROVES, &same, UNASKED);
        options.primary = source_of(&forked, "primary");
        EXPECT(900, FORK, &same, PROVES, NULL, 0);
        // The last height below the fork at which the primary's way had a header, no better one.
        if (steady[i] == 100000)
            assert_int_equal(report.common_height, 1);
        else
            assert_in_range(report.common_height, 2, 700);
        uint64_t parted = report.common_height;
        do
            hex_of(ours, &c, ++parted);
        while (parted < 900 && !strstr(text, ours));
        hex_of(theirs, &forked, parted);
        assert_in_range(parted, 701, 900);
        assert_non_null(strstr(text, ours));
        assert_non_null(strstr(text, theirs));
        free(c.hashes);
        free(forked.hashes);
        free(same.hashes);
    }
}

// A header that its witness cannot prove says nothing of the primary's.
static void a_witness_that_cannot_prove_its_header_is_dropped(void **unused) {
    chain c = chain_of(1000, 100), same = chain_of(1000, 100), liar = chain_of(1000, 100);
    char text[ASSAY_ERROR_TEXT_MAX];
    assay_light_report report;
    assay_light_options options = trust(&c, 1);
    chain_fork(&liar, 700, 2); // too few signed
    EXPECT(900, OK, &liar, FAULTY, &same, AGREES);
    assert_non_null(strstr(report.witnesses[0].why.text, "cannot prove it: power "));
    EXPECT(900, MISMATCH, &liar, FAULTY, NULL, 0);
    assert_non_null(strstr(text, "no witness has the header: first: it has header "));
    chain_fork(&liar, 700, 0);
    liar.bent = 900; // badly signed
    EXPECT(900, OK, &same, AGREES, &liar, FAULTY);
    assert_non_null(strstr(report.witnesses[1].why.text, "did not sign height 900 "));
    liar.bent = 0, liar.absent = 1; // it has no way to show
    EXPECT(900, OK, &same, AGREES, &liar, FAULTY);
    liar.absent = 0;
    chain_fork(&liar, 0, 0); // from another beginning
    EXPECT(900, OK, &same, AGREES, &liar, FAULTY);
    assert_non_null(strstr(report.witnesses[1].why.text, "at height 1, not"));
    liar.shifted = 900; // no answer to what was asked
    EXPECT(900, MISMATCH, &liar, FAULTY, NULL, 0);
    liar.shifted = 0;
    // What is reached backwards, or given, is known by its hash: nothing proves another.
    options = trust(&c, 500);
    chain_fork(&liar, 300, 0);
    EXPECT(500, OK, &liar, FAULTY, &same, AGREES);
    EXPECT(490, MISMATCH, &liar, FAULTY, NULL, 0);
    free(c.hashes);
    free(same.hashes);
    free(liar.hashes);
}

// The trusted header with other validators beside it, and what those sign.
static assay_status swapped_fetch(void *self, uint64_t height, assay_light_block *out,
                                  assay_arena *arena, assay_error *err) {
    chain *const *faces = self;
    if (height > 1) return chain_fetch(faces[1], height, out, arena, err);
    ASSAY_TRY(chain_fetch(faces[0], height, out, arena, err));
    out->set = set_of(faces[1], 900, arena);
    return ASSAY_OK;
}

// Whoever has no key of the chain's proves nothing, whatever set he puts beside the trusted header.
static void a_witness_chooses_no_validators(void **unused) {
    chain c = chain_of(1000, 100000), same = chain_of(1000, 100000), strange = chain_of(1000, 1);
    chain *faces[] = {&same, &strange};
    const assay_light_source witness = {faces, "swapped", swapped_fetch};
    assay_light_options options = trust(&c, 1);
    options.witnesses = &witness;
    options.witness_count = 1;
    expect(&options, 900, ASSAY_MISMATCH, "and cannot prove it");
    free(c.hashes);
    free(same.hashes);
    free(strange.hashes);
}

static void a_witness_that_has_nothing_is_silent(void **unused) {
    chain c = chain_of(1000, 100), same = chain_of(1000, 100), other = chain_of(1000, 100);
    char text[ASSAY_ERROR_TEXT_MAX];
    assay_light_report report;
    assay_light_options options = trust(&c, 1);
    other.absent = 900;
    EXPECT(900, OK, &other, SILENT, &same, AGREES);
    EXPECT(900, NOT_FOUND, &other, SILENT, NULL, 0);
    assert_non_null(strstr(text, "no witness has the header: first: height 900 is not there"));
    other.absent = 0, other.latest = 899; // it is behind
    EXPECT(900, NOT_FOUND, &other, SILENT, NULL, 0);
    chain liar = chain_of(1000, 100);
    chain_fork(&liar, 700, 2);
    EXPECT(900, MISMATCH, &other, SILENT, &liar, FAULTY); // the worse of the two is told
    free(c.hashes);
    free(same.hashes);
    free(other.hashes);
    free(liar.hashes);
}

// Answers "the last one" from a chain of its own.
static assay_status two_faced_fetch(void *self, uint64_t height, assay_light_block *out,
                                    assay_arena *arena, assay_error *err) {
    chain *const *faces = self;
    return chain_fetch(faces[height == 0], height, out, arena, err);
}

// A primary may be ahead of the chain with headers that hold: the witness has no such height, and a
// last header that is lower, but no earlier.
static void a_height_that_the_chain_has_not_reached(void **unused) {
    chain c = chain_of(1000, 100), slow = chain_of(900, 100), liar = chain_of(900, 100);
    char text[ASSAY_ERROR_TEXT_MAX];
    assay_light_report report;
    assay_light_options options = trust(&c, 500);
    options.now.seconds = START_SECONDS + 5000;
    slow.fork_late = 200;
    chain_fork(&slow, 700, 0);
    EXPECT(1000, FORK, &slow, PROVES, NULL, 0);
    assert_in_range(report.common_height, 500, 700);
    slow.fork_signers = 2;
    EXPECT(1000, MISMATCH, &slow, FAULTY, NULL, 0);
    slow.fork_signers = 0, slow.fork_late = 50;
    EXPECT(1000, NOT_FOUND, &slow, SILENT, NULL, 0);
    // It says that its last header is another one of the trusted height, with a time that suits it.
    slow = (chain){.latest = 500, .steady = 100, .fork_from = UINT64_MAX, .hashes = slow.hashes};
    liar.latest = 500, liar.fork_late = 2000;
    chain_fork(&liar, 499, 0);
    chain *faces[] = {&slow, &liar};
    const assay_light_source witness = {faces, "two-faced", two_faced_fetch};
    options.witnesses = &witness;
    options.witness_count = 1;
    expect(&options, 1000, ASSAY_MISMATCH, "cannot prove it: the witness has header ");
    free(c.hashes);
    free(slow.hashes);
    free(liar.hashes);
}

static assay_status full_fetch(void *self, uint64_t height, assay_light_block *out,
                               assay_arena *arena, assay_error *err) {
    return ASSAY_FAIL(err, CAPACITY, "there is no room for height %llu", (ull)height);
}

// What could not be looked into for want of room may have been the truth: nothing is believed.
static void a_witness_without_room_ends_it(void **unused) {
    chain c = chain_of(1000, 100), same = chain_of(1000, 100);
    assay_light_options options = trust(&c, 1);
    const assay_light_source witnesses[] = {source_of(&same, "first"), {NULL, "full", full_fetch}};
    options.witnesses = witnesses;
    options.witness_count = 2;
    expect(&options, 900, ASSAY_CAPACITY, "witness full: there is no room for height 900");
    free(c.hashes);
    free(same.hashes);
}

// A chain whose whole set is new at every height offers no shortcut: the work has an end.
static void the_way_is_bounded(void **unused) {
    chain c = chain_of(2000, 1);
    assay_light_options options = trust(&c, 1);
    options.policy.trust_numerator = options.policy.trust_denominator = 1; // all of them, always
    expect(&options, 2000, ASSAY_CAPACITY, "1024 headers were fetched");
    assert_int_equal(c.asked, ASSAY_LIGHT_FETCHES_MAX);
    free(c.hashes);
}

// Backwards it is known at once.
static void the_way_back_is_bounded(void **unused) {
    chain c = chain_of(2000, 100000);
    assay_light_options options = trust(&c, 1500);
    expect(&options, 476, ASSAY_CAPACITY,
           "height 476 is 1024 blocks below the trusted header, limit 1023");
    assert_int_equal(c.asked, 0);
    uint64_t reached;
    assay_light_report report;
    char text[ASSAY_ERROR_TEXT_MAX];
    assert_int_equal(follow(&options, 477, &reached, &report, text), ASSAY_OK);
    free(c.hashes);
}

static void a_small_arena_ends_it(void **unused) {
    chain c = chain_of(1000, 1);
    assay_light_options options = trust(&c, 1);
    assay_arena arena;
    assay_light_block block;
    assay_light_report report;
    assay_arena_init(&arena, 16 << 10);
    assert_int_equal(assay_light_follow(&block, &report, &options, 1000, &arena, NULL),
                     ASSAY_CAPACITY);
    assay_arena_close(&arena);
    free(c.hashes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_arrives),
        cmocka_unit_test(a_source_that_lies_is_refused),
        cmocka_unit_test(the_clock_goes_on),
        cmocka_unit_test(going_back_is_checked_too),
        cmocka_unit_test(a_fork_of_strangers_is_refused),
        cmocka_unit_test(a_witness_proves_a_fork),
        cmocka_unit_test(a_witness_that_cannot_prove_its_header_is_dropped),
        cmocka_unit_test(a_witness_chooses_no_validators),
        cmocka_unit_test(a_witness_that_has_nothing_is_silent),
        cmocka_unit_test(a_height_that_the_chain_has_not_reached),
        cmocka_unit_test(a_witness_without_room_ends_it),
        cmocka_unit_test(the_way_is_bounded),
        cmocka_unit_test(the_way_back_is_bounded),
        cmocka_unit_test(a_small_arena_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
