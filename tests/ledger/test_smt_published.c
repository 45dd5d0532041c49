// SPDX-License-Identifier: Apache-2.0
// The published proofs of cosmos/ics23 (testdata/smt), as tests/oracles/smt_vectors.py transcribes
// them from a checkout.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <unistd.h>

#include "tests/ledger/smt_vectors.h"
#include "tests/skip.h"

static const char path[] = ASSAY_SOURCE_DIR "/tests/vectors/ics23_smt.json";

static void published_ics23_vectors(void **state) { // P-82, P-83
    smt_vectors_run(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(published_ics23_vectors)};
    if (access(path, R_OK) != 0)
        return assay_test_skip("%s is not here: smt_vectors.py makes it from cosmos/ics23", path);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
