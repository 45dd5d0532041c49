// SPDX-License-Identifier: Apache-2.0
// E-22: what is verified ahead is not verified again, and answers are what they would be without.
// Every recovery of a key is counted, by standing before libsecp256k1's.
#include <dlfcn.h>
#include <secp256k1_recovery.h>
#include <stdatomic.h>

#include "ledger/tx/reject.h"
#include "ledger/verify.h"
#include "tests/ledger/chain.h"

static atomic_uint recoveries;

int secp256k1_ecdsa_recover(const secp256k1_context *context, secp256k1_pubkey *point,
                            const secp256k1_ecdsa_recoverable_signature *signature,
                            const unsigned char *digest) {
    static int (*real)(const secp256k1_context *, secp256k1_pubkey *,
                       const secp256k1_ecdsa_recoverable_signature *, const unsigned char *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "secp256k1_ecdsa_recover");
    recoveries++;
    return real(context, point, signature, digest);
}

typedef struct {
    chain c;
    assay_verifier *verifier;
    assay_pool *pool;
} fixture;

static int setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    chain_init(&f->c);
    chain_start(&f->c);
    must(assay_verifier_open(&f->verifier, &f->c.genesis, err));
    must(assay_pool_open(&f->pool, 2, err));
    *state = f;
    recoveries = 0;
    return 0;
}

static int teardown(void **state) {
    fixture *f = *state;
    assay_pool_close(f->pool);
    assay_verifier_close(f->verifier);
    chain_close(&f->c);
    free(f);
    return 0;
}

// Adds `count` transfers to the chain's transactions.
static void transfers_add(chain *c, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        assay_tx tx = chain_tx(c, 1 + i % 5, ASSAY_TX_TRANSFER);
        tx.body.transfer = (assay_tx_transfer){c->actors[7], 1 + i};
        chain_add(c, &tx);
    }
}

// Asks for one transaction. Returns: its code; *made: recoveries that this took.
static uint32_t check(assay_verifier *verifier, assay_bytes bytes, uint32_t *made, char *text) {
    assay_verified_tx tx;
    assay_arena arena;
    uint32_t before = recoveries;
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX);
    must(assay_verifier_check(verifier, &tx, bytes, &arena, err));
    snprintf(text, ASSAY_ERROR_TEXT_MAX, "%s", tx.text);
    assay_arena_close(&arena);
    *made = recoveries - before;
    return tx.code;
}

static void test_once(void **state) {
    fixture *f = *state;
    chain *c = &f->c;
    uint32_t made;
    char text[ASSAY_ERROR_TEXT_MAX];
    transfers_add(c, ASSAY_VERIFIER_AHEAD_MAX + 1);
    assay_verifier_expect(f->verifier, c->txs, c->tx_count, f->pool);
    assert_int_equal(recoveries, ASSAY_VERIFIER_AHEAD_MAX);
    for (uint32_t i = 0; i < c->tx_count; i++) {
        assert_int_equal(check(f->verifier, c->txs[i], &made, text), 0);
        assert_int_equal(made, i == ASSAY_VERIFIER_AHEAD_MAX); // the one beyond the bound
    }
    assay_verifier_expect(f->verifier, c->txs, c->tx_count, f->pool); // all are remembered
    assert_int_equal(recoveries, ASSAY_VERIFIER_AHEAD_MAX + 1);
}

// What is refused is refused in the same words; a signature that is wrong is verified twice, copies
// of a transaction once more in all, and what does not decode never.
static void test_refusals(void **state) {
    fixture *f = *state;
    chain *c = &f->c;
    assay_verifier *plain;
    uint8_t wrong[512];
    must(assay_verifier_open(&plain, &c->genesis, err));
    transfers_add(c, 2);
    size_t size = c->txs[1].size;
    memcpy(wrong, c->txs[1].data, size);
    wrong[size - ASSAY_SIGNATURE_SIZE - 1] ^= 1; // another amount than was signed
    chain_add_bytes(c, wrong, size);
    chain_add_bytes(c, wrong, size);
    chain_add_bytes(c, wrong, size - 1);
    chain_add_bytes(c, "junk", 4);
    chain_add_bytes(c, c->txs[0].data, c->txs[0].size);
    assay_verifier_expect(f->verifier, c->txs, c->tx_count, f->pool);
    assert_int_equal(recoveries, 3); // two good ones and a wrong one
    static const uint32_t ahead[] = {0, 0, 1, 1, 0, 0, 0}, alone[] = {1, 1, 1, 1, 0, 0, 0};
    for (uint32_t i = 0; i < c->tx_count; i++) {
        char text[ASSAY_ERROR_TEXT_MAX], expected[ASSAY_ERROR_TEXT_MAX];
        uint32_t made, made_alone;
        uint32_t code = check(f->verifier, c->txs[i], &made, text);
        assert_int_equal(code, check(plain, c->txs[i], &made_alone, expected));
        assert_string_equal(text, expected);
        assert_int_equal(code != 0, i > 1 && i < 6);
        assert_int_equal(made, ahead[i]);
        assert_int_equal(made_alone, alone[i]);
    }
    assay_verifier_close(plain);
}

// One transaction gains nothing, nor do copies of one, nor what is remembered beside one.
static void test_run_of_one(void **state) {
    fixture *f = *state;
    chain *c = &f->c;
    transfers_add(c, 1);
    chain_add_bytes(c, c->txs[0].data, c->txs[0].size);
    assay_verifier_expect(f->verifier, c->txs, 1, f->pool);
    assay_verifier_expect(f->verifier, c->txs, 2, f->pool);
    assay_verifier_expect(f->verifier, NULL, 0, f->pool);
    assert_int_equal(recoveries, 0);
}

typedef struct {
    fixture *f;
    uint32_t made;
} busy;

static void expect_inside(void *context, size_t index) {
    busy *b = context;
    if (index > 0) return;
    assay_verifier_expect(b->f->verifier, b->f->c.txs, b->f->c.tx_count, b->f->pool);
    b->made = recoveries;
}

// A pool that a block uses is not waited for.
static void test_busy_pool(void **state) {
    fixture *f = *state;
    busy b = {.f = f, .made = UINT32_MAX};
    transfers_add(&f->c, 8);
    assay_pool_run(f->pool, 2, expect_inside, &b);
    assert_int_equal(b.made, 0);
    assay_verifier_expect(f->verifier, f->c.txs, f->c.tx_count, f->pool);
    assert_int_equal(recoveries, 8);
}

// An application whose pool is the caller's thread says that it gains nothing.
static void test_application(void **state) {
    fixture *f = *state;
    chain *c = &f->c;
    assay_hash id;
    transfers_add(c, 10);
    assert_false(assay_app_pooled(c->app));
    assay_app_close(c->app);
    const assay_app_options options = {.skip_sync = true, .map_size = c->map_size, .pool = f->pool};
    must(assay_app_open(&c->app, c->folder, &c->genesis, &options, err));
    assert_true(assay_app_pooled(c->app));
    assay_app_expect(c->app, c->txs, c->tx_count);
    assert_int_equal(recoveries, 10);
    for (uint32_t i = 0; i < c->tx_count; i++)
        must(assay_app_check_tx(c->app, c->txs[i].data, c->txs[i].size, false, &id, err));
    assert_int_equal(recoveries, 10);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_once),      TEST(test_refusals),    TEST(test_run_of_one),
        TEST(test_busy_pool), TEST(test_application),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
