// SPDX-License-Identifier: Apache-2.0
// No answer that the chain would not pay for: model and adapter registered, and declared by enough.
// Rules P-36, P-54, F-53.
#include <fcntl.h>

#include "ledger/tx/reject.h"
#include "tests/node/desk.h"

static void roots_declare(uint32_t actor, const assay_hash *root) {
    assay_tx tx = {.kind = ASSAY_TX_DECLARE_ROOTS};
    tx.body.declare_roots.roots = (assay_hash_list){root, 1};
    work_send(&world, actor, &tx);
}

static void expect_refusal(desk *d, const assay_request *request, uint32_t reject) {
    assay_receipt receipt;
    assay_error why = {0};
    if (answer_to(d, request, &receipt, &why) != ASSAY_REJECTED || why.reject != reject)
        fail_msg("error %u, not %u: %s", why.reject, reject, why.text);
}

// Asks until the provider has heard of it.
static void await_answer(desk *d, const assay_request *request) {
    assay_receipt receipt;
    for (int i = 0; i < 500 && answer_to(d, request, &receipt, NULL) != ASSAY_OK; i++)
        work_sleep(10);
    must(answer_to(d, request, &receipt, err));
}

// F-53: one receipt that no batch can hold would keep all after it from being paid. Others are
// answered meanwhile, and what becomes payable from then on.
static void what_no_batch_can_hold_is_not_answered(void **state) {
    desk d;
    assay_request r;
    desk_open(&d);
    work_declare(&world, VALIDATOR_3, true, false);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, REJECTED, "2000000000000 nopen of verification bond declare the adapter");
    expect_refusal(&d, &r, ASSAY_REJECT_NOT_DECLARED);
    assert_int_equal(files_in(&d, "pending"), 0);
    memset(&r.adapter, 0, sizeof r.adapter);
    work_sign(&world, &r, CONSUMER);
    assay_receipt receipt;
    must(answer_to(&d, &r, &receipt, err));
    batched(&d, 1);
    r = work_request(&world, &session, 2, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    work_declare(&world, VALIDATOR_3, true, true);
    await_answer(&d, &r);
    batched(&d, 1);
    assay_provider_close(&d.provider);
}

static void transfer(uint32_t from, uint32_t to, uint64_t amount) {
    assay_tx tx = {.kind = ASSAY_TX_TRANSFER};
    tx.body.transfer = (assay_tx_transfer){world.wallets[to].principal, amount};
    work_send(&world, from, &tx);
}

static uint64_t balance_of(uint32_t actor) {
    char address[ASSAY_HEX_HASH_MAX];
    uint64_t balance;
    json_t *account;
    const assay_wallet *wallet = &world.wallets[actor];
    assay_hex_encode_0x(address, wallet->principal.bytes, ASSAY_ADDRESS_SIZE);
    must(assay_client_get(&account, &wallet->client, err, "account/%s", address));
    must(assay_json_u64(&balance, account, "balance", 0, UINT64_MAX, err));
    json_decref(account);
    return balance;
}

// F-53: while the provider cannot pay for its batches' checks, all that is asked would be lost.
static void behind_a_refused_batch_nothing_is_answered(void **state) {
    enum { LEFT = 50000 };
    desk d;
    assay_provider_batched batch;
    assay_receipt receipt;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    asked(&d, &session, 1);
    uint64_t away = balance_of(PROVIDER) - LEFT;
    transfer(PROVIDER, CONSUMER, away);
    work_refused(assay_provider_batch(&d.provider, &batch, err), REJECTED, "balance");
    assert_false(batch.narrowed);
    assay_request r = work_request(&world, &session, 2, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, REJECTED, "no batch of this provider is taken: balance");
    expect_refusal(&d, &r, ASSAY_REJECT_BALANCE_SHORT);
    transfer(CONSUMER, PROVIDER, away / 2);
    batched(&d, 1);
    must(answer_to(&d, &r, &receipt, err));
    batched(&d, 1);
    assay_provider_close(&d.provider);
}

// A standard error that nobody reads, until it is let go.
typedef struct {
    int pipe[2], before;
} deaf;

static void deaf_begin(deaf *e) {
    assert_int_equal(pipe2(e->pipe, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(e->pipe[1], "", 1) == 1) {
    }
    assert_int_equal(fcntl(e->pipe[1], F_SETFL, 0), 0); // who writes waits
    e->before = dup(2);
    dup2(e->pipe[1], 2);
}

static void deaf_end(deaf *e, const atomic_bool *told) {
    char heard[4096];
    while (!atomic_load(told))
        if (read(e->pipe[0], heard, sizeof heard) < 0) work_sleep(1);
    dup2(e->before, 2);
    close(e->before);
    close(e->pipe[0]);
    close(e->pipe[1]);
}

typedef struct {
    desk *d;
    const assay_request *request; // NULL: it looks
    atomic_bool told;
} teller;

static void *teller_run(void *context) {
    teller *t = context;
    assay_receipt receipt;
    if (t->request)
        answer_to(t->d, t->request, &receipt, NULL);
    else
        assay_provider_payable_look(&t->d->provider, NULL);
    atomic_store(&t->told, true);
    return NULL;
}

// Whether the adapter is known to be refused; whoever has the lock keeps it from being seen.
static bool is_noted(desk *d) {
    if (pthread_mutex_trylock(&d->provider.lock) != 0) return false;
    bool noted = d->provider.payable.rows[1].refusal.reject;
    pthread_mutex_unlock(&d->provider.lock);
    return noted;
}

// A change is told without the lock: a log that nobody reads stops no other request, nor the end.
static void nobody_waits_for_the_log(void **state) {
    desk d;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_request r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    work_declare(&world, VALIDATOR_3, true, false);
    for (int asks = 0; asks < 2; asks++) {
        deaf e;
        pthread_t thread;
        teller t = {.d = &d, .request = asks ? &r : NULL};
        memset(&d.provider.payable, 0, sizeof d.provider.payable);
        deaf_begin(&e);
        if (pthread_create(&thread, NULL, teller_run, &t) != 0) abort();
        bool noted = false;
        for (int i = 0; i < 20000 && !noted; i++, work_sleep(1))
            noted = is_noted(&d);
        bool before_told = !atomic_load(&t.told);
        deaf_end(&e, &t.told);
        pthread_join(thread, NULL);
        assert_true(noted && before_told);
    }
    work_declare(&world, VALIDATOR_3, true, true);
    assay_provider_close(&d.provider);
}

// P-54: each root declared by 3/4, both together by half. The last test: there is a validator more.
static void enough_for_each_is_not_enough_for_both(void **state) {
    desk d;
    desk_open(&d);
    work_bond(&world, OPERATOR, ASSAY_ROLE_VERIFICATION);
    roots_declare(OPERATOR, &world.adapter);
    work_declare(&world, VALIDATOR_3, true, false);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_request r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    expect_refusal(&d, &r, ASSAY_REJECT_BATCH_ROOTS);
    work_declare(&world, VALIDATOR_3, true, true);
    await_answer(&d, &r);
    batched(&d, 1);
    assay_provider_close(&d.provider);
}

// The node's word on what it was never told of.
static void expect_unpayable(const assay_hash *model, const assay_hash *adapter, uint32_t reject) {
    char address[ASSAY_HEX_HASH_MAX], base[ASSAY_HEX_HASH_MAX], tuned[ASSAY_HEX_HASH_MAX];
    json_t *answer;
    assay_error why = {0};
    assay_hex_encode_0x(address, world.wallets[PROVIDER].address.bytes, ASSAY_ADDRESS_SIZE);
    assay_hex_encode_0x(base, model->bytes, ASSAY_HASH_SIZE);
    assay_hex_encode_0x(tuned, adapter->bytes, ASSAY_HASH_SIZE);
    assay_status status = assay_client_get(&answer, &world.wallets[PROVIDER].client, &why,
                                           "payable/%s/%s/%s", address, base, tuned);
    json_decref(answer);
    if (status != (reject ? ASSAY_REJECTED : ASSAY_OK) || why.reject != reject)
        fail_msg("error %u, not %u: %s", why.reject, reject, why.text);
}

static void the_unregistered_is_not_payable(void **state) {
    const assay_hash none = {{0}}, other = {{1}};
    expect_unpayable(&world.model, &none, 0);
    expect_unpayable(&world.model, &world.adapter, 0);
    expect_unpayable(&other, &none, ASSAY_REJECT_MODEL_UNKNOWN);
    expect_unpayable(&world.model, &other, ASSAY_REJECT_ADAPTER_UNKNOWN);
}

static int world_make(void **state) {
    work_init(&world);
    work_start(&world);
    work_prompt(prompt, 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_unregistered_is_not_payable),
        cmocka_unit_test(what_no_batch_can_hold_is_not_answered),
        cmocka_unit_test(behind_a_refused_batch_nothing_is_answered),
        cmocka_unit_test(nobody_waits_for_the_log),
        cmocka_unit_test(enough_for_each_is_not_enough_for_both),
    };
    return cmocka_run_group_tests(tests, world_make, world_end);
}
