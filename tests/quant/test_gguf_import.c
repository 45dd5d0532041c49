// SPDX-License-Identifier: Apache-2.0
// GGUF models and adapters become the bytes that folders with the same numbers become (F-22, F-23,
// F-25, F-26).
#include "kernels/float.h"
#include "quant/adapter_import.h"
#include "quant/gguf_names.h"
#include "quant/import.h"
#include "quant/source_gguf.h"
#include "tests/quant/gguf_tiny.h"

static char tokenizer[] = ASSAY_SOURCE_DIR "/testnet/model/tokenizer.json";
static const assay_import_options with_tokenizer = {.tokenizer = tokenizer};

static void root_expect(const assay_hash *wanted, assay_status status, const assay_hash *root,
                        const assay_error *err) {
    if (status != ASSAY_OK) fail_msg("%s", err->text);
    assert_memory_equal(root, wanted, sizeof *root);
}

// Writes a folder and, beside it, the file with its numbers.
static void model_write(tiny *t, char *path, size_t size, const gguf_meta *changed,
                        const char *without) {
    assay_source *source;
    assay_error err = {0};
    gguf_out out;
    tiny_write(t);
    if (assay_source_safetensors_folder(&source, t->folder, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    gguf_start(&out);
    gguf_metas_write(&out, gguf_tiny_meta, GGUF_TINY_META, changed);
    gguf_tensors_write(&out, source, gguf_tiny_names, GGUF_TINY_NAMES, without);
    assay_source_close(source);
    gguf_save(&out, t, path, size);
}

static void a_model_is_its_folder_s(void **state) {
    tiny t;
    char path[128];
    assay_hash folder, root;
    assay_error err = {0};
    tiny_open(&t);
    model_write(&t, path, sizeof path, NULL, NULL);
    assert_int_equal(assay_model_import(&folder, t.folder, t.out, NULL, NULL, NULL), ASSAY_OK);
    assay_status status = assay_model_import(&root, path, t.out, &with_tokenizer, NULL, &err);
    root_expect(&folder, status, &root, &err);
    // A folder's tokenizer may come from elsewhere too (F-26).
    char own[160];
    tiny_path(own, sizeof own, &t, "tokenizer.json");
    unlink(own);
    assert_int_equal(assay_model_import(&root, t.folder, t.out, NULL, NULL, NULL), ASSAY_NOT_FOUND);
    status = assay_model_import(&root, t.folder, t.out, &with_tokenizer, NULL, &err);
    root_expect(&folder, status, &root, &err);
    // A GGUF file has none of its own.
    assert_int_equal(assay_model_import(&root, path, t.out, NULL, NULL, NULL), ASSAY_MISSING);
    // What does not begin as a GGUF file is no folder either.
    assert_int_equal(truncate(path, 0), 0);
    assert_int_not_equal(assay_model_import(&root, path, t.out, &with_tokenizer, NULL, NULL),
                         ASSAY_OK);
    unlink(path);
    tiny_close(&t);
}

// Every tensor is needed, and what metadata say of shapes must be theirs.
static void models_without_something_are_refused(void **state) {
    static const gguf_meta changes[] = {
        {"llama.block_count", ASSAY_GGUF_TYPE_U32, 2, 0, NULL},
        {"llama.feed_forward_length", ASSAY_GGUF_TYPE_U32, 64, 0, NULL},
        {"llama.attention.head_count_kv", ASSAY_GGUF_TYPE_U32, 2, 0, NULL},
    };
    tiny t;
    char path[128];
    assay_hash root;
    for (size_t i = 0; i < GGUF_TINY_NAMES; i++) {
        tiny_open(&t);
        model_write(&t, path, sizeof path, NULL, gguf_tiny_names[i].to);
        assert_int_equal(assay_model_import(&root, path, t.out, &with_tokenizer, NULL, NULL),
                         ASSAY_MISSING);
        unlink(path);
        tiny_close(&t);
    }
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        tiny_open(&t);
        model_write(&t, path, sizeof path, &changes[i], NULL);
        assert_int_equal(assay_model_import(&root, path, t.out, &with_tokenizer, NULL, NULL),
                         i == 0 ? ASSAY_MISSING : ASSAY_MISMATCH);
        unlink(path);
        tiny_close(&t);
    }
}

// A base for adapters: the tiny model.
static void base_open(assay_model *base) {
    tiny t;
    assay_hash root;
    assay_error err = {0};
    tiny_open(&t);
    tiny_write(&t);
    if (assay_model_import(&root, t.folder, t.out, NULL, NULL, &err) != ASSAY_OK ||
        assay_model_open(base, t.out, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    tiny_close(&t); // the mapping stays
}

static void adapter_start(tiny *t) {
    tiny_adapter_open(t);
    for (uint32_t i = 4; i < t->count; i++)
        t->tensors[i].rows = 0; // the tiny model has one layer
}

static void adapter_write(tiny *t, char *path, size_t size, const gguf_meta *changed,
                          const gguf_renamed *names) {
    assay_source *source;
    assay_error err = {0};
    char weights[160];
    gguf_out out;
    tiny_write(t);
    tiny_path(weights, sizeof weights, t, t->weights_name);
    if (assay_source_safetensors_file(&source, weights, &err) != ASSAY_OK) fail_msg("%s", err.text);
    gguf_start(&out);
    gguf_metas_write(&out, gguf_tiny_adapter_meta, GGUF_TINY_ADAPTER_META, changed);
    gguf_tensors_write(&out, source, names, GGUF_TINY_ADAPTER_NAMES, NULL);
    assay_source_close(source);
    gguf_save(&out, t, path, size);
}

static void an_adapter_is_its_folder_s(void **state) {
    tiny t;
    char path[128];
    assay_model base;
    assay_hash folder, root;
    assay_error err = {0};
    base_open(&base);
    adapter_start(&t);
    adapter_write(&t, path, sizeof path, NULL, gguf_tiny_adapter_names);
    if (assay_adapter_import(&folder, t.folder, t.out, &base, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    assay_status status = assay_adapter_import(&root, path, t.out, &base, &err);
    root_expect(&folder, status, &root, &err);
    // How many rows a head has is not in the file.
    assert_int_equal(assay_adapter_import(&root, path, t.out, NULL, NULL), ASSAY_MISSING);
    unlink(path);
    tiny_close(&t);
    assay_model_close(&base);
}

static void adapters_are_checked(void **state) {
    enum { NONE = ASSAY_GGUF_TYPE_COUNT, TEXT = ASSAY_GGUF_TYPE_TEXT, F32 = ASSAY_GGUF_TYPE_F32 };
    static const struct {
        gguf_meta changed;
        assay_status status;
    } cases[] = {
        {{"adapter.lora.alpha", NONE, 0, 0, NULL}, ASSAY_MISSING},
        {{"adapter.lora.alpha", F32, 0, 0.0f, NULL}, ASSAY_RANGE},
        {{"adapter.lora.alpha", F32, 0, -0.0f, NULL}, ASSAY_RANGE},
        {{"adapter.lora.alpha", F32, 0, 0x1.1p20f, NULL}, ASSAY_RANGE},
        {{"adapter.lora.alpha", F32, 0, __builtin_inff(), NULL}, ASSAY_NONFINITE},
        {{"adapter.lora.alpha", F32, 0, __builtin_nanf(""), NULL}, ASSAY_NONFINITE},
        {{"adapter.lora.alpha", ASSAY_GGUF_TYPE_U32, 8, 0, NULL}, ASSAY_FORMAT},
        {{"adapter.type", NONE, 0, 0, NULL}, ASSAY_MISSING},
        {{"adapter.type", TEXT, 0, 0, "control"}, ASSAY_UNSUPPORTED},
        {{"adapter.alora.invocation_tokens", ASSAY_GGUF_TYPE_U32, 1, 0, NULL}, ASSAY_UNSUPPORTED},
        {{"general.type", NONE, 0, 0, NULL}, ASSAY_MISSING},
        {{"general.type", TEXT, 0, 0, "model"}, ASSAY_UNSUPPORTED},
        {{"general.architecture", TEXT, 0, 0, "gemma"}, ASSAY_UNSUPPORTED},
        {{"general.architecture", NONE, 0, 0, NULL}, ASSAY_MISSING},
    };
    static const struct {
        const char *second, *third; // names of the second and third tensor
        assay_status status;
    } names[] = {
        {"blk.0.attn_v.weight.lora_b", "blk.0.ffn_down.weight.lora_a", ASSAY_MISSING},
        {"blk.0.attn_q.weight.lora_c", "blk.0.ffn_down.weight.lora_a", ASSAY_UNKNOWN},
        {"blk.0.attn_q.weight", "blk.0.ffn_down.weight.lora_a", ASSAY_UNKNOWN},
        {"blk.0.attn_q.lora_b", "blk.0.ffn_down.weight.lora_a", ASSAY_UNKNOWN},
        {"blk.0.attn_q.weight.lora_b", "token_embd.weight.lora_a", ASSAY_UNKNOWN},
        {"blk.0.attn_q.weight.lora_b", "blk.0.ffn_norm.weight.lora_a", ASSAY_MISSING},
        {"blk.0.attn_q.weight.lora_b", "blk.1.ffn_down.weight.lora_a", ASSAY_MISSING},
    };
    tiny t;
    char path[128];
    assay_model base;
    assay_hash root;
    assay_error err = {0};
    size_t count = sizeof cases / sizeof *cases;
    base_open(&base);
    for (size_t i = 0; i < count + sizeof names / sizeof *names; i++) {
        gguf_renamed renamed[GGUF_TINY_ADAPTER_NAMES];
        memcpy(renamed, gguf_tiny_adapter_names, sizeof renamed);
        if (i >= count) {
            renamed[1].to = names[i - count].second;
            renamed[2].to = names[i - count].third;
        }
        adapter_start(&t);
        adapter_write(&t, path, sizeof path, i < count ? &cases[i].changed : NULL, renamed);
        assay_status wanted = i < count ? cases[i].status : names[i - count].status;
        assay_status status = assay_adapter_import(&root, path, t.out, &base, &err);
        if (status != wanted)
            fail_msg("case %zu: %s (%s), expected %s", i, assay_status_name(status), err.text,
                     assay_status_name(wanted));
        unlink(path);
        tiny_close(&t);
    }
    assay_model_close(&base);
}

static void names_are_translated(void **state) {
    static const struct {
        const char *from, *to; // NULL: refused
        bool rotated;
    } cases[] = {
        {"token_embd.weight", "model.embed_tokens.weight", false},
        {"output.weight", "lm_head.weight", false},
        {"blk.255.attn_k.weight", "model.layers.255.self_attn.k_proj.weight", true},
        {"blk.0.attn_q.bias", "model.layers.0.self_attn.q_proj.bias", true},
        {"blk.7.attn_q_norm.weight", "model.layers.7.self_attn.q_norm.weight", false},
        {"blk.256.attn_k.weight", NULL, false},
        {"blk.4294967296.attn_k.weight", NULL, false},
        {"blk.00.attn_k.weight", NULL, false},
        {"blk.07.attn_k.weight", NULL, false},
        {"blk.-1.attn_k.weight", NULL, false},
        {"blk..attn_k.weight", NULL, false},
        {"blk.1", NULL, false},
        {"blk.1.", NULL, false},
        {"blk.1.attn_k", NULL, false},
        {"blk.1.attn_k.weight.lora_a", NULL, false},
        {"blk.1.attn_output.bias", NULL, false},
        {"blk.1.ffn_gate_exps.weight", NULL, false},
        {"output.bias", NULL, false},
        {"token_embd", NULL, false},
        {"model.norm.weight", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assay_gguf_named named;
        assay_status status = assay_gguf_name_read(&named, cases[i].from, NULL);
        assert_int_equal(status, cases[i].to ? ASSAY_OK : ASSAY_UNKNOWN);
        if (!cases[i].to) continue;
        assert_string_equal(named.name, cases[i].to);
        assert_int_equal(named.rotated, cases[i].rotated);
    }
}

// A source over two tensors of which one is wrong.
static void sources_are_checked(void **state) {
    static const struct {
        const char *name;
        uint64_t rows, columns;
        uint32_t head_size;
        assay_status status;
    } cases[] = {
        {"blk.0.attn_q.weight", 64, 4, 32, ASSAY_OK},
        {"blk.0.attn_q.weight", 48, 4, 32, ASSAY_MISMATCH},
        {"blk.0.attn_q.weight", 48, 4, 0, ASSAY_OK},
        {"blk.0.attn_v.weight", 48, 4, 32, ASSAY_OK},
        {"blk.0.attn_q.bias", 64, 0, 32, ASSAY_UNSUPPORTED},
        {"blk.0.attn_q.bias", 64, 0, 0, ASSAY_OK},
        {"blk.0.rope_freqs.weight", 16, 0, 0, ASSAY_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_out out;
        assay_gguf file;
        assay_source *source;
        gguf_start(&out);
        gguf_tensor(&out, cases[i].name, 0, cases[i].rows, cases[i].columns, 0);
        uint64_t size = cases[i].rows * (cases[i].columns ? cases[i].columns : 1) * 4;
        gguf_tensor(&out, "rope_freqs.weight", 0, 8, 0, size);
        gguf_data(&out, 32, size + 32);
        assert_int_equal(assay_gguf_bind(&file, out.data, out.size, NULL), ASSAY_OK);
        assert_int_equal(
            assay_source_gguf_open(&source, &file, ASSAY_GGUF_MODEL, cases[i].head_size, NULL),
            cases[i].status);
        if (source) assert_int_equal(source->count, 1);
        assay_source_close(source);
        assay_gguf_close(&file);
        free(out.data);
    }
}

// N-3 holds for what blocks stand for.
static void elements_are_bounded(void **state) {
    static const struct {
        uint16_t half; // scale of a Q8_0 block
        int8_t code;
        assay_status status;
    } cases[] = {
        {0x7bff, 16, ASSAY_OK},       {0x7bff, 17, ASSAY_RANGE},    {0xfbff, -17, ASSAY_RANGE},
        {0x7c00, 0, ASSAY_NONFINITE}, {0x7e00, 1, ASSAY_NONFINITE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gguf_out out;
        assay_gguf file;
        assay_source *source;
        float values[32];
        gguf_start(&out);
        gguf_tensor(&out, "output.weight", 8, 1, 32, 0);
        gguf_data(&out, 32, 34);
        uint8_t *block = out.data + out.size - 34;
        block[0] = (uint8_t)cases[i].half;
        block[1] = (uint8_t)(cases[i].half >> 8);
        block[2 + 31] = (uint8_t)cases[i].code;
        assert_int_equal(assay_gguf_bind(&file, out.data, out.size, NULL), ASSAY_OK);
        assert_int_equal(assay_source_gguf_open(&source, &file, ASSAY_GGUF_MODEL, 0, NULL),
                         ASSAY_OK);
        uint64_t former = assay_float_enter();
        assert_int_equal(assay_source_rows(values, source, &source->tensors[0], 0, 1, NULL),
                         cases[i].status);
        assay_float_leave(former);
        assay_source_close(source);
        assay_gguf_close(&file);
        free(out.data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_its_folder_s),
        cmocka_unit_test(models_without_something_are_refused),
        cmocka_unit_test(an_adapter_is_its_folder_s),
        cmocka_unit_test(adapters_are_checked),
        cmocka_unit_test(names_are_translated),
        cmocka_unit_test(sources_are_checked),
        cmocka_unit_test(elements_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
