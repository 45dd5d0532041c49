// SPDX-License-Identifier: Apache-2.0
// The screen of `assay status`.
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "node/home/health.h"
#include "node/paint.h"
#include "node/show.h"

enum { GREEN = 2, RED = 3, DUTIES_SHOWN = 5, WIDTH = 200 };

static void chain_show(const json_t *status, const json_t *node) {
    const json_t *epoch = json_object_get(node, "epoch");
    ull height = assay_show_number(status, "height"), now = assay_show_number(node, "time"),
        last = assay_show_number(node, "block_time"), first = assay_show_number(epoch, "first"),
        end = assay_show_number(epoch, "last"),
        interval = assay_show_number(node, "block_interval_ms"), blocks = end - first + 1;
    assay_show_line("chain", status, "name", "");
    printf(", id %llu%s\n", assay_show_number(status, "chain_id"),
           json_is_true(json_object_get(status, "testnet")) ? ", a testnet" : "");
    assay_show_line("genesis", status, "genesis", "\n");
    printf("%-10s%llu", "height", height);
    if (last && now >= last) printf(", %llu s ago", now - last);
    if (interval) printf(", %llu.%03llu s after the one before", interval / 1000, interval % 1000);
    printf(", epoch %llu", assay_show_number(epoch, "number"));
    if (blocks && height + 1 >= first) printf(" at block %llu of %llu", height + 1 - first, blocks);
    printf(", %llu transactions wait\n", assay_show_number(status, "waiting"));
    assay_show_line("engine", node, "engine", "");
    if (json_is_integer(json_object_get(node, "round")))
        printf(", round %llu", assay_show_number(node, "round"));
    if (json_is_integer(json_object_get(node, "peers")))
        printf(", %llu peers", assay_show_number(node, "peers"));
    printf(", program ");
    assay_show_text(status, "version");
    printf("\n");
}

static void state_show(const json_t *status, const json_t *node) {
    static const char *const parts[] = {"balances", "deposits", "bonds", "claims", "burned"};
    const json_t *supply = json_object_get(status, "supply"),
                 *state = json_object_get(node, "state"), *work = json_object_get(node, "work"),
                 *disk = json_object_get(status, "disk");
    assay_show_amount("supply    ", supply, "genesis", " =");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        assay_show_amount(i ? " + " : " ", supply, parts[i], " ");
        fputs(parts[i], stdout);
    }
    printf("\n");
    assay_show_line("state", status, "state_root", "\n");
    printf("%-10s%llu records, %.1f of %llu MiB", "size", assay_show_number(state, "entries"),
           (double)assay_show_number(state, "bytes") / (1 << 20),
           assay_show_number(state, "bytes_max") >> 20);
    if (disk)
        printf("; %llu of %llu MiB of the disk are free", assay_show_number(disk, "free") >> 20,
               assay_show_number(disk, "size") >> 20);
    printf("\n%-10ssince block %llu: %llu transactions, %llu refused; %llu receipts settled\n",
           "work", assay_show_number(work, "since"), assay_show_number(work, "transactions"),
           assay_show_number(work, "refused"), assay_show_number(work, "receipts_settled"));
    printf("%-10s%llu batches, %llu verdicts of all validators\n", "open",
           assay_show_number(work, "batches_open"), assay_show_number(work, "verdicts_due"));
}

static void duties_show(const json_t *duties) {
    const json_t *list = json_object_get(duties, "duties");
    ull height = assay_show_number(duties, "height");
    size_t size = json_array_size(list);
    if (!size) printf("%-10snothing\n", "due now");
    for (size_t i = 0; i < size && i < DUTIES_SHOWN; i++) {
        const json_t *duty = json_array_get(list, i);
        ull deadline = assay_show_number(duty, "deadline");
        assay_show_line(i ? "" : "due now", duty, "kind", " of batch ");
        assay_show_text(duty, "batch");
        printf(" sample %llu, by block %llu, %llu from now\n", assay_show_number(duty, "sample"),
               deadline, deadline > height ? deadline - height : 0);
    }
    if (size > DUTIES_SHOWN) printf("%-10s… and %zu more\n", "", size - DUTIES_SHOWN);
}

static void validator_show(const json_t *status, const json_t *params) {
    const json_t *account = json_object_get(status, "account"),
                 *own = json_object_get(status, "validator"),
                 *beacon = json_object_get(own, "beacon"),
                 *verdicts = json_object_get(own, "verdicts");
    if (!own) return;
    assay_show_line("account", own, "address", "");
    assay_show_amount(", balance ", account, "balance", "\n");
    assay_show_bonds(json_object_get(account, "bonds"));
    printf("%-10s%llu of %llu", "power", assay_show_number(own, "power"),
           assay_show_number(own, "power_all"));
    if (json_is_true(json_object_get(beacon, "jailed")))
        printf(", in jail until the end of epoch %llu", assay_show_number(beacon, "jailed_epoch"));
    printf("; beacons left: %llu", assay_show_number(beacon, "left"));
    if (assay_show_number(beacon, "pending"))
        printf(" and %llu that wait", assay_show_number(beacon, "pending"));
    printf("\n%-10s%llu asked since block %llu: %llu revealed, %llu missed, %llu not revealed, "
           "%llu wrong, %llu struck",
           "verdicts", assay_show_number(verdicts, "asked"), assay_show_number(own, "since"),
           assay_show_number(verdicts, "revealed"), assay_show_number(verdicts, "missed"),
           assay_show_number(verdicts, "unrevealed"), assay_show_number(verdicts, "wrong"),
           assay_show_number(verdicts, "struck"));
    assay_show_amount(", cost ", verdicts, "slashed", "\n");
    duties_show(json_object_get(status, "duties"));
    if (!assay_show_number(own, "exposure")) return;
    assay_show_amount("exposure  ", own, "exposure",
                      " of fees in batches not final, the bond over ");
    printf("%llu is the limit\n", assay_show_number(params, "bond_multiple"));
}

static void painted(const char *text, int colours, uint8_t colour) {
    assay_paint_label(stdout, (const uint8_t *)text, strlen(text), WIDTH,
                      colours ? colour : ASSAY_PAINT_NONE);
    printf("\n");
}

void assay_health_show(const json_t *status, const json_t *params, const json_t *problems,
                       int colours) {
    const json_t *node = json_object_get(status, "node");
    size_t i;
    json_t *problem;
    chain_show(status, node);
    state_show(status, node);
    validator_show(status, params);
    if (json_array_size(problems) == 0) {
        printf("%-10s", "health");
        painted("healthy", colours, GREEN);
    }
    json_array_foreach(problems, i, problem) {
        printf("%-10s", i ? "" : "health");
        painted(json_string_value(json_object_get(problem, "text")), colours, RED);
        assay_show_line("  next:", problem, "next", "\n");
    }
}
