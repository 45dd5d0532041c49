// SPDX-License-Identifier: Apache-2.0
// A signal ends what a command sleeps, whichever thread has it and whenever it comes. Rule F-77.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "consensus/clock.h"
#include "node/ending.h"
#include "tests/test.h"

enum { SHORT_MS = 20, LONG_MS = 60000 };

static void *sleep_run(void *context) {
    *(bool *)context = assay_ending_sleep(LONG_MS);
    return NULL;
}

static void a_signal_ends_what_is_slept(void **state) {
    pthread_t thread;
    bool asked = false;
    uint64_t begun = assay_clock_ms();
    assert_int_equal(assay_ending_listen(NULL), ASSAY_OK);
    assert_false(assay_ending_sleep(SHORT_MS));
    assert_true(assay_clock_ms() - begun >= SHORT_MS);
    assert_false(atomic_load(assay_ending_asked()));
    assert_int_equal(pthread_create(&thread, NULL, sleep_run, &asked), 0);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGINT); // a second one changes nothing
    assert_true(assay_ending_sleep(LONG_MS));
    pthread_join(thread, NULL);
    assert_true(asked);
    assert_true(atomic_load(assay_ending_asked()));
    assert_true(assay_ending_sleep(LONG_MS)); // it stays so
    assert_true(assay_clock_ms() - begun < LONG_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_ends_what_is_slept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
