// SPDX-License-Identifier: Apache-2.0
// assay node --app kv: CometBFT's example application behind our ABCI server.
#include <errno.h>
#include <stdio.h>

#include "consensus/abci/server.h"
#include "consensus/kvstore/kv.h"
#include "node/cmd/node_kv.h"
#include "node/ending.h"
#include "node/home/refusals.h"

enum { LOOK_MS = 1000 };

// Sleeps until a signal; what goes wrong on a connection meanwhile is told.
static void serve(assay_abci_server *server) {
    assay_refusals refusals = {0};
    bool asked;
    do {
        asked = assay_ending_sleep(LOOK_MS);
        assay_refusals_tell(&refusals, server);
    } while (!asked);
}

static assay_status address_print(const assay_invocation *invocation, const char *address,
                                  assay_error *err) {
    if (invocation->json) {
        if (assay_command_print(json_pack("{s:s}", "abci", address)) != ASSAY_EXIT_OK)
            return ASSAY_FAIL(err, IO, "cannot write to standard output");
        return ASSAY_OK;
    }
    printf("%s\n", address);
    if (fflush(stdout) != 0) return assay_fail_errno(err, errno, "cannot write the address");
    return ASSAY_OK;
}

static assay_status options_check(const char *app, const char *abci, assay_error *err) {
    if (!abci) return ASSAY_FAIL(err, USAGE, "--abci is missing");
    if (strcmp(app, "kv") != 0)
        return ASSAY_FAIL(err, USAGE, "\"%s\" is no application: there is kv", app);
    return ASSAY_OK;
}

int assay_node_kv(const assay_invocation *invocation, const char *app, const char *abci,
                  const char *home) {
    assay_kvstore *kv = NULL;
    assay_abci_server *server = NULL;
    assay_error err = {0};
    assay_status status = options_check(app, abci, &err);
    if (status == ASSAY_OK) status = assay_kvstore_open(&kv, home, &err);
    if (status == ASSAY_OK) {
        assay_abci_server_options options = {.address = abci,
                                             .application = assay_kvstore_application(kv)};
        status = assay_abci_server_open(&server, &options, &err);
    }
    if (status == ASSAY_OK)
        status = address_print(invocation, assay_abci_server_address(server), &err);
    if (status == ASSAY_OK) serve(server);
    assay_abci_server_close(server);
    assay_kvstore_close(kv);
    return status == ASSAY_OK ? ASSAY_EXIT_OK : assay_command_fail(invocation, &err, NULL);
}
