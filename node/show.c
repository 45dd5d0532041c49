// SPDX-License-Identifier: Apache-2.0
#include "node/show.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "ledger/params.h"
#include "ledger/tx/tx.h"
#include "node/paint.h"

enum { DECIMALS = 9 };

void assay_open_text(char out[ASSAY_OPEN_TEXT_MAX], uint64_t nopen) {
    char fraction[DECIMALS + 2];
    snprintf(fraction, sizeof fraction, ".%09u", (unsigned)(nopen % ASSAY_OPEN_NOPEN));
    for (size_t end = strlen(fraction); end && (fraction[end - 1] == '0' || end == 1); end--)
        fraction[end - 1] = 0;
    snprintf(out, ASSAY_OPEN_TEXT_MAX, "%llu%s OPEN", (ull)(nopen / ASSAY_OPEN_NOPEN), fraction);
}

ull assay_show_number(const json_t *object, const char *name) {
    uint64_t value = 0;
    return assay_json_u64(&value, object, name, 0, UINT64_MAX, NULL) == ASSAY_OK ? value : 0;
}

void assay_show_text(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    if (!text) text = "?";
    assay_paint_label(stdout, (const uint8_t *)text, strlen(text), 200, ASSAY_PAINT_NONE);
}

void assay_show_line(const char *label, const json_t *object, const char *name, const char *end) {
    printf("%-10s", label);
    assay_show_text(object, name);
    fputs(end, stdout);
}

void assay_show_amount(const char *before, const json_t *object, const char *name,
                       const char *after) {
    char text[ASSAY_OPEN_TEXT_MAX];
    assay_open_text(text, assay_show_number(object, name));
    printf("%s%s%s", before, text, after);
}

void assay_show_bonds(const json_t *bonds) {
    size_t i, j;
    json_t *bond, *part;
    json_array_foreach(bonds, i, bond) {
        assay_show_line(i ? "" : "bonds", bond, "role", "");
        assay_show_amount(" ", bond, "active", "");
        assay_show_amount(", of which ", bond, "effective", " count\n");
        json_array_foreach(json_object_get(bond, "unbonding"), j, part) {
            assay_show_amount("            ", part, "amount", "");
            printf(" come back at block %llu\n", assay_show_number(part, "release"));
        }
    }
}

static void agents_print(const json_t *account) {
    size_t i;
    json_t *agent;
    char scopes[ASSAY_SCOPES_TEXT_MAX];
    const json_t *agents = json_object_get(account, "agents");
    if (json_array_size(agents) == 0) return;
    assay_show_amount("agents    may spend ", account, "agent_left", "");
    assay_show_amount(" of ", account, "agent_limit", " more in this epoch, all together\n");
    json_array_foreach(agents, i, agent) {
        assay_show_line("", agent, "agent", " until block ");
        assay_scopes_text(scopes, (uint32_t)assay_show_number(agent, "scopes"));
        printf("%llu: %s\n", assay_show_number(agent, "expiry"), scopes);
    }
}

void assay_show_account(const json_t *account) {
    const json_t *nonces = json_object_get(account, "nonces");
    size_t i;
    json_t *root;
    assay_show_line("account", account, "address", "\n");
    assay_show_amount("balance   ", account, "balance", "\n");
    printf("%-10s%lld transactions, %lld of verdicts and evidence\n", "sent",
           (long long)json_integer_value(json_array_get(nonces, 0)),
           (long long)json_integer_value(json_array_get(nonces, 1)));
    assay_show_bonds(json_object_get(account, "bonds"));
    agents_print(account);
    json_array_foreach(json_object_get(account, "declared"), i, root) {
        json_t *wrapped = json_pack("{s:O}", "root", root);
        assay_show_line(i ? "" : "reruns", wrapped, "root", "\n");
        json_decref(wrapped);
    }
}

void assay_show_session(const json_t *session, uint64_t close_delay) {
    uint64_t end = assay_show_number(session, "end"), expiry = assay_show_number(session, "expiry");
    assay_show_line("session", session, "id", "\n");
    if (assay_show_number(session, "ended"))
        printf("%-10sended at block %llu\n", "state", assay_show_number(session, "ended"));
    else if (end < expiry + close_delay)
        printf("%-10scloses, ends at block %llu\n", "state", (ull)end);
    else
        printf("%-10sopen since block %llu, until block %llu, ends at block %llu\n", "state",
               assay_show_number(session, "opened"), (ull)expiry, (ull)end);
    assay_show_line("provider", session, "provider", "\n");
    assay_show_line("consumer", session, "principal", ", opened by ");
    assay_show_text(session, "opener");
    printf("\n%-10s%llu nopen a prompt token, %llu an output token\n", "prices",
           assay_show_number(session, "price_in"), assay_show_number(session, "price_out"));
    assay_show_amount("deposit   ", session, "free", " free, ");
    assay_show_amount("", session, "reserved", " reserved by batches not yet settled\n");
    printf("%-10s%llu requests are in batches\n", "used",
           assay_show_number(session, "last_sequence"));
}

void assay_show_tx(const json_t *fate) {
    const char *state = json_string_value(json_object_get(fate, "state"));
    assay_show_line("id", fate, "id", "\n");
    if (!state || strcmp(state, "committed") != 0) {
        printf("%-10swaits for a block\n", "state");
        return;
    }
    printf("%-10sin block %llu, at place %llu\n", "state", assay_show_number(fate, "height"),
           assay_show_number(fate, "index"));
    printf("%-10s", "result");
    if (!assay_show_number(fate, "code")) {
        printf("done\n");
        // P-96: where it is not the transaction's own id, it names what the transaction made.
        if (!json_equal(json_object_get(fate, "data"), json_object_get(fate, "id")))
            assay_show_line("message", fate, "data", ", the id of the session or batch\n");
        return;
    }
    printf("refused by rule %llu, the fee is taken: ", assay_show_number(fate, "code"));
    assay_show_text(fate, "text");
    printf("\n");
}

// Of an adapter: what it adapts, and how many data sets it names.
static void lineage_print(const json_t *entry) {
    const size_t sources = json_array_size(json_object_get(entry, "sources"));
    printf(", base ");
    assay_show_text(entry, "base");
    if (sources)
        printf(", %zu data set%s", sources, sources == 1 ? "" : "s");
    else
        printf(", of no data set");
}

void assay_show_entries(const json_t *list, const char *what) {
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry) {
        assay_show_text(entry, "root");
        printf("  ");
        assay_show_text(entry, "name");
        if (json_object_get(entry, "license")) {
            printf(", ");
            assay_show_text(entry, "license");
        }
        if (json_object_get(entry, "base")) lineage_print(entry);
        if (json_object_get(entry, "royalty_ppm"))
            printf(", royalty %llu ppm", assay_show_number(entry, "royalty_ppm"));
        printf(", %llu bytes, registered at block %llu by ", assay_show_number(entry, "byte_count"),
               assay_show_number(entry, "registered"));
        assay_show_text(entry, "owner");
        if (assay_show_number(entry, "retired"))
            printf(", retired at block %llu", assay_show_number(entry, "retired"));
        if (assay_show_number(entry, "bond")) assay_show_amount(", bond of ", entry, "bond", "");
        if (assay_show_number(entry, "bond") && assay_show_number(entry, "released"))
            printf(" returns at block %llu", assay_show_number(entry, "released"));
        printf("\n");
    }
    if (json_array_size(list) == 0) printf("no %s yet\n", what);
}
