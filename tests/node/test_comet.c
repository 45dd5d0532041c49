// SPDX-License-Identifier: Apache-2.0
// F-60: what becomes of a transaction that CometBFT's RPC was given, by its answer.
#include "node/comet.h"
#include "tests/vectors.h"

// E-22: a rule's refusal is the transaction's fault, code 2 is not.
static void answers_to_transactions(void **unused) {
    static const struct {
        const char *answer;
        assay_status status;
        uint32_t reject;
        const char *text;
    } cases[] = {
        {"{\"result\":{\"code\":0,\"log\":\"\"}}", ASSAY_OK, 0, ""},
        {"{\"result\":{\"code\":140,\"log\":\"nonce 1\"}}", ASSAY_REJECTED, 140, "nonce 1"},
        {"{\"result\":{\"code\":2,\"log\":\"no state yet\"}}", ASSAY_BUSY, 0,
         "CometBFT: no state yet"},
        {"{\"result\":{\"code\":2}}", ASSAY_BUSY, 0, "CometBFT: not now"},
        {"{\"error\":{\"message\":\"m\",\"data\":\"tx already exists in cache\"}}", ASSAY_OK, 0,
         ""},
        {"{\"error\":{\"message\":\"m\",\"data\":\"mempool is full\"}}", ASSAY_CAPACITY, 0,
         "CometBFT: mempool is full"},
        {"{\"error\":{\"message\":\"m\",\"data\":\"d\"}}", ASSAY_NETWORK, 0, "CometBFT: m: d"},
        {"{}", ASSAY_MISSING, 0, "CometBFT's answer has no result"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assay_error err = {0};
        const char *answer = cases[i].answer;
        assay_status status = assay_comet_submit_read(answer, strlen(answer), &err);
        if (status != cases[i].status || err.reject != cases[i].reject ||
            strcmp(err.text, cases[i].text) != 0)
            fail_msg("case %zu: %s %u \"%s\"", i, assay_status_name(status), err.reject, err.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_to_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
