// SPDX-License-Identifier: Apache-2.0
// A store in a folder of its own, for one test.
#ifndef ASSAY_TESTS_LEDGER_STORE_FOLDER_H
#define ASSAY_TESTS_LEDGER_STORE_FOLDER_H

#include <stdio.h>
#include <stdlib.h>

#include "ledger/state/store.h"
#include "tests/folder.h"
#include "tests/test.h"

enum { FOLDER_MAX = 512 };

static const assay_hash test_genesis = {{0x9e}};

static inline void folder_make(char folder[FOLDER_MAX]) {
    snprintf(folder, FOLDER_MAX, "%s/store-XXXXXX", ASSAY_BINARY_DIR);
    test_folder_make(folder);
}

static inline assay_store *store_open(const char *folder, const assay_store_options *options) {
    assay_store *store;
    assay_error err = {0};
    assay_store_open(&store, folder, &test_genesis, options, &err);
    assert_string_equal(err.text, "");
    return store;
}

#endif
