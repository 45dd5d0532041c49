// SPDX-License-Identifier: Apache-2.0
// What `assay status` calls wrong, each by the number at which it begins (F-74).
#include <stdio.h>
#include <string.h>

#include "node/home/health.h"
#include "tests/test.h"

// A node and a validator with which all is well, and the params of their chain.
static const char well[] =
    "{'healthy':true,'problem':'','waiting':0,'height':1000,"
    "'node':{'time':5000,'block_time':4990,'peers':3,'validators':4,'work':{'batches_open':0},"
    "'state':{'bytes':100,'bytes_max':1000000}},"
    "'disk':{'free':100000000000,'size':200000000000},"
    "'account':{'bonds':[{'role':'verification','active':20,'effective':20},"
    "{'role':'provider','active':1000,'effective':1000}]},"
    "'validator':{'height':1000,'power':5,'exposure':10,'last_fault':null,"
    "'beacon':{'jailed':false,'left':8000,'pending':0,'revealed':990},"
    "'verdicts':{'missed':0,'unrevealed':0,'wrong':0,'struck':0}},"
    "'duties':{'height':1000,'duties':[{'kind':'commit','deadline':1090}]}}";
static const char params_text[] = "{'epoch_blocks':500,'bond_multiple':10,'commit_blocks':100,"
                                  "'reveal_blocks':60,'answer_blocks':20}";

static json_t *read_text(const char *text) {
    char json[4096];
    snprintf(json, sizeof json, "%s", text);
    for (char *at = json; *at; at++)
        if (*at == '\'') *at = '"';
    json_t *document = json_loads(json, 0, NULL);
    assert_non_null(document);
    return document;
}

// Replaces the first `from` of what is well by `to`.
static json_t *with(const char *from, const char *to) {
    char text[4096];
    const char *at = strstr(well, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - well), well, to, at + strlen(from));
    return read_text(text);
}

static void expect(const char *from, const char *to, const char *part) {
    json_t *status = with(from, to), *params = read_text(params_text);
    json_t *problems = assay_health_judge(status, params);
    size_t count = json_array_size(problems);
    if (count != (part != NULL)) fail_msg("%s: %zu problems", to, count);
    if (part) {
        const json_t *problem = json_array_get(problems, 0);
        const char *text = json_string_value(json_object_get(problem, "text"));
        if (!strstr(text, part)) fail_msg("%s: \"%s\" without \"%s\"", to, text, part);
        assert_true(json_string_length(json_object_get(problem, "next")) > 10);
    }
    json_decref(problems);
    json_decref(status);
    json_decref(params);
}

static void each_fault_has_its_number(void **state) {
    static const struct {
        const char *from, *to;
        const char *part; // NULL: still well
    } cases[] = {
        {"'healthy':true", "'healthy':true", NULL},
        {"'healthy':true,'problem':''", "'healthy':false,'problem':'disk'", "no blocks: disk"},
        {"'healthy':true", "'healthy':0", "does not say why"},
        // 60 s without a block, but nothing waits.
        {"'block_time':4990", "'block_time':1000", NULL},
        {"'block_time':4990,'peers':3,'validators':4,'work':{'batches_open':0}",
         "'block_time':4940,'peers':3,'validators':4,'work':{'batches_open':1}", NULL},
        {"'block_time':4990,'peers':3,'validators':4,'work':{'batches_open':0}",
         "'block_time':4939,'peers':3,'validators':4,'work':{'batches_open':1}",
         "no block for 61 s"},
        {"'peers':3", "'peers':0", "no other node"},
        {"'peers':3", "'peers':null", NULL},
        {"'peers':3", "'engine':'solo','uptime':60,'connections':null,'peers':null", NULL},
        {"'peers':3", "'engine':'abci','uptime':60,'connections':4,'peers':3", NULL},
        {"'peers':3", "'engine':'abci','uptime':59,'connections':0,'peers':null", NULL},
        {"'peers':3", "'engine':'abci','uptime':60,'connections':1,'peers':null",
         "CometBFT's RPC does not answer"},
        {"'peers':3,'validators':4", "'peers':0,'validators':2", "no other node"},
        {"'peers':3,'validators':4", "'peers':0,'validators':1", NULL},
        {"'bytes':100,", "'bytes':900000,", NULL},
        {"'bytes':100,", "'bytes':900001,", "the state takes"},
        {"'free':100000000000", "'free':10000000000", NULL},
        {"'free':100000000000", "'free':9999999999", "are free"},
        {"'free':100000000000,'size':200000000000", "'free':1073741823,'size':2000000000",
         "1023 MiB"},
        {"'jailed':false", "'jailed':true,'jailed_epoch':7", "until the end of epoch 7"},
        {"'left':8000", "'left':7999", "ends in 7999"},
        {"'left':8000,'pending':0", "'left':7999,'pending':5", NULL},
        {"'left':8000", "'left':0", "is used up: batches are void"},
        {"'left':8000,'pending':0", "'left':0,'pending':5", "is used up: batches are void"},
        {"'left':8000,'pending':0,'revealed':990", "'left':0,'pending':0",
         "no beacon chain is registered"},
        {"'left':8000,'pending':0,'revealed':990", "'left':0,'pending':5", NULL},
        {"'power':5,'exposure':10,'last_fault':null,'beacon':{'jailed':false,'left':8000",
         "'power':0,'exposure':10,'last_fault':null,'beacon':{'jailed':false,'left':0", NULL},
        {"'power':5", "'power':0", NULL},
        {"'deadline':1090", "'deadline':1017", NULL},
        {"'deadline':1090", "'deadline':1016", "1 verdicts are due"},
        {"'kind':'commit','deadline':1090", "'kind':'reveal','deadline':1011", NULL},
        {"'kind':'commit','deadline':1090", "'kind':'reveal','deadline':1010", "nearly late"},
        {"'kind':'commit','deadline':1090", "'kind':'answer_leaf','deadline':1003", "evidence"},
        {"'last_fault':null", "'last_fault':500", NULL},
        {"'last_fault':null", "'last_fault':501", "last at block 501"},
        {"'active':20,'effective':20", "'active':20,'effective':0", "verification bond is below"},
        {"'exposure':10", "'exposure':90", NULL},
        {"'exposure':10", "'exposure':91", "more are not taken"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(cases[i].from, cases[i].to, cases[i].part);
}

// Its blocks come, but nobody's beacons count.
static void a_solo_operator_needs_power(void **state) {
    static const char *const operators[] = {"0x2", "0x1"}, *const engines[] = {"abci", "solo"};
    for (int i = 0; i < 4; i++) {
        json_t *status = with("'power':5", "'address':'0x1','power':0"),
               *node = json_object_get(status, "node"), *params = read_text(params_text);
        json_object_set_new(node, "operator", json_string(operators[i / 2]));
        json_object_set_new(node, "engine", json_string(engines[i % 2]));
        json_t *problems = assay_health_judge(status, params);
        assert_int_equal(json_array_size(problems), i == 3);
        json_decref(problems);
        json_decref(params);
        json_decref(status);
    }
}

// A node may answer anything: what is not there, or of another type, is no reason to fail.
static void odd_documents_are_judged_too(void **state) {
    static const char *const odd[] = {"{}", "[]", "{'node':[],'validator':7,'duties':{'duties':7}}",
                                      "{'validator':{},'account':{'bonds':[7,{}]},"
                                      "'duties':{'duties':[{},{'kind':9,'deadline':'x'}]}}"};
    json_t *params = read_text("{}");
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        json_t *status = read_text(odd[i]);
        json_t *problems = assay_health_judge(status, params);
        assert_true(json_array_size(problems) >= 1); // it does not say that it is healthy
        json_decref(problems);
        json_decref(status);
    }
    json_decref(params);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_its_number),
        cmocka_unit_test(a_solo_operator_needs_power),
        cmocka_unit_test(odd_documents_are_judged_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
