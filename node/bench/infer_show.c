// SPDX-License-Identifier: Apache-2.0
#include "node/bench/infer_show.h"

#include <stdio.h>

static json_t *spread_json(assay_spread s) {
    if (s.max <= 0) return json_null();
    return json_pack("{s:f,s:f,s:f}", "median", s.median, "min", s.min, "max", s.max);
}

static double bits(uint64_t bytes, uint64_t weights) {
    return 8 * (double)bytes / (double)weights;
}

static json_t *against_json(const assay_bench_infer_options *o, const assay_bench_infer_result *r) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < o->against_count; i++) {
        const assay_bench_infer_against *a = &r->against[i];
        json_array_append_new(list, json_pack("{s:s,s:o,s:o,s:o,s:o}", "command", o->against[i],
                                              "prefill_tokens_per_s", spread_json(a->prefill),
                                              "decode_tokens_per_s", spread_json(a->decode),
                                              "prefill_ratio", spread_json(a->prefill_ratio),
                                              "decode_ratio", spread_json(a->decode_ratio)));
    }
    return list;
}

static json_t *result_json(const assay_bench_infer_options *o, const assay_bench_infer_result *r) {
    json_t *json = json_pack(
        "{s:s,s:i,s:i,s:i,s:i,s:i,s:i,s:I,s:I,s:I,s:I,s:f,s:f}", "isa", o->engine.kernels->name,
        "threads", (int)assay_pool_thread_count(o->engine.pool), "runs", (int)o->runs, "tokens",
        (int)o->tokens, "decode", (int)o->decode, "receipt", (int)o->receipt, "adapters",
        (int)o->adapter_count, "rss_bytes", (json_int_t)r->resident_bytes, "model_bytes",
        (json_int_t)o->engine.model->file.size, "kv_bytes", (json_int_t)r->kv_bytes,
        "weight_bytes_per_token", (json_int_t)(r->linear_bytes + r->head_bytes),
        "bits_per_linear_weight", bits(r->linear_bytes, r->linear_weights), "bits_per_head_weight",
        bits(r->head_bytes, r->head_weights));
    json_t *spread = json_object();
    const struct {
        const char *name;
        assay_spread spread;
    } figures[] = {
        {"prefill_tokens_per_s", r->prefill},
        {"decode_tokens_per_s", r->decode},
        {"peak_macs_per_s", r->peak_macs},
        {"memory_read_bytes_per_s", r->read_bytes},
        {"prefill_share_of_peak", r->prefill_share},
        {"decode_share_of_memory_read", r->decode_share},
        {"adapter_prefill_time_ratio", r->adapter_prefill},
        {"adapter_decode_time_ratio", r->adapter_decode},
        {"batch_speed_ratio", r->batch},
        {"verification_time_ratio", r->receipt},
    };
    // Scripts read the medians by their names.
    for (size_t i = 0; i < ASSAY_COUNT(figures); i++) {
        bool measured = figures[i].spread.max > 0;
        json_object_set_new(json, figures[i].name,
                            measured ? json_real(figures[i].spread.median) : json_null());
        json_object_set_new(spread, figures[i].name, spread_json(figures[i].spread));
    }
    json_object_set_new(json, "spread", spread);
    json_object_set_new(json, "against", against_json(o, r));
    return json;
}

static void spread_print(const char *name, assay_spread s, const char *unit) {
    printf("%-9s %9.*f %s (%.*f to %.*f)", name, s.median < 10 ? 3 : 1, s.median, unit,
           s.min < 10 ? 3 : 1, s.min, s.max < 10 ? 3 : 1, s.max);
}

static void speed_print(const assay_bench_infer_options *o, const assay_bench_infer_result *r) {
    spread_print("prefill", r->prefill, "tokens/s");
    printf("  %u tokens", o->tokens);
    if (r->prefill_share.max > 0)
        printf(", %.2f of %.1f giga-MAC/s", r->prefill_share.median, r->peak_macs.median / 1e9);
    putchar('\n');
    spread_print("decode", r->decode, "tokens/s");
    printf("  %u tokens, %.2f of %.1f GB/s\n", o->decode, r->decode_share.median,
           r->read_bytes.median / 1e9);
    if (o->adapter_count) {
        spread_print("adapter", r->adapter_prefill, "x the time of prefill");
        spread_print("\n         ", r->adapter_decode, "x the time of decode");
        putchar('\n');
    }
    if (o->adapter_count > 1) {
        spread_print("batch", r->batch, "x the speed of one");
        printf("  %u requests decode together, each with its adapter\n", o->adapter_count);
    }
    if (o->receipt) {
        spread_print("verify", r->receipt, "x the time of generation");
        printf("  %u tokens in, %u out\n", o->receipt, o->receipt);
    }
}

static void memory_print(const assay_bench_infer_options *o, const assay_bench_infer_result *r) {
    printf("memory    %9.1f MB resident: model file %.1f MB, keys and values %.1f MB\n",
           (double)r->resident_bytes / 1e6, (double)o->engine.model->file.size / 1e6,
           (double)r->kv_bytes / 1e6);
    printf("          %9.3f bits a linear weight, %.3f a weight of the head\n",
           bits(r->linear_bytes, r->linear_weights), bits(r->head_bytes, r->head_weights));
}

static void against_print(const char *what, assay_spread theirs, assay_spread ratio) {
    if (theirs.max <= 0) return;
    printf("  %-7s %9.3f x their %.1f tokens/s (%.3f to %.3f)\n", what, ratio.median, theirs.median,
           ratio.min, ratio.max);
}

int assay_bench_infer_show(const assay_invocation *invocation, const assay_bench_infer_options *o,
                           const assay_bench_infer_result *r) {
    if (invocation->json) return assay_command_print(result_json(o, r));
    printf("%s, %u threads; medians of %u runs that take turns (least to most)\n",
           o->engine.kernels->name, assay_pool_thread_count(o->engine.pool), o->runs);
    speed_print(o, r);
    memory_print(o, r);
    for (uint32_t i = 0; i < o->against_count; i++) {
        printf("against   %s\n", o->against[i]);
        against_print("prefill", r->against[i].prefill, r->against[i].prefill_ratio);
        against_print("decode", r->against[i].decode, r->against[i].decode_ratio);
    }
    return ASSAY_EXIT_OK;
}
