// SPDX-License-Identifier: Apache-2.0
#include "ledger/tx/typed.h"

#include <stdio.h>

#include "base/json.h"
#include "base/keccak.h"
#include "ledger/tx/field.h"
#include "ledger/tx/field_json.h"
#include "ledger/tx/reject.h"

enum { WORD_SIZE = 32, TYPE_TEXT_MAX = 1024 };

static const char domain_type[] = "EIP712Domain(string name,string version,uint256 chainId,"
                                  "bytes32 salt)";
static const char domain_name[] = "Assay";
static const char domain_version[] = "1";

// Every transaction's message begins with these; chain id is the domain's (P-5).
static const assay_field head_fields[] = {
    {"signer", ASSAY_FIELD_ADDRESS, offsetof(assay_tx, signer), 0, 0, NULL},
    {"principal", ASSAY_FIELD_ADDRESS, offsetof(assay_tx, principal), 0, 0, NULL},
    {"lane", ASSAY_FIELD_U8, offsetof(assay_tx, lane), 0, 0, NULL},
    {"nonce", ASSAY_FIELD_U64, offsetof(assay_tx, nonce), 0, 0, NULL},
};
static const assay_schema head_schema = {
    "", head_fields, ASSAY_COUNT(head_fields), sizeof(assay_tx), 0, 0};

// What a signature covers: fields of the envelope, then of the body. head is NULL for a request.
typedef struct {
    const assay_schema *head;
    const void *head_data;
    const assay_schema *body;
    const void *body_data;
} message;

static message tx_message(const assay_tx *tx) {
    return (message){&head_schema, tx, assay_tx_schema(tx->kind), &tx->body};
}

static message request_message(const assay_request *request) {
    return (message){NULL, NULL, &assay_request_schema, request};
}

static const char *atom_type(assay_field_type type) {
    static const char *const names[] = {
        [ASSAY_FIELD_U8] = "uint8",        [ASSAY_FIELD_U16] = "uint16",
        [ASSAY_FIELD_U32] = "uint32",      [ASSAY_FIELD_U64] = "uint64",
        [ASSAY_FIELD_U128] = "uint128",    [ASSAY_FIELD_HASH] = "bytes32",
        [ASSAY_FIELD_TEXT] = "string",     [ASSAY_FIELD_BLOB] = "bytes",
        [ASSAY_FIELD_ADDRESS] = "address",
    };
    return names[type];
}

// "uint64", "SessionRow[]", "bytes32[]" into out[ASSAY_FIELD_NAME_MAX].
static void field_type(char *out, const assay_field *field) {
    if (field->type != ASSAY_FIELD_LIST)
        snprintf(out, ASSAY_FIELD_NAME_MAX, "%s", atom_type(field->type));
    else if (field->rows->name)
        snprintf(out, ASSAY_FIELD_NAME_MAX, "%s[]", field->rows->name);
    else
        snprintf(out, ASSAY_FIELD_NAME_MAX, "%s[]", atom_type(field->rows->fields[0].type));
}

static bool refers(const assay_schema *body, const assay_schema *rows) {
    for (uint32_t i = 0; i < body->field_count; i++)
        if (body->fields[i].rows == rows) return true;
    return false;
}

typedef struct {
    char *data;
    size_t size;
    size_t capacity;
} text;

static void text_add(text *out, const char *piece) {
    size_t size = strlen(piece);
    ASSAY_ASSERT(size < out->capacity - out->size);
    memcpy(out->data + out->size, piece, size + 1);
    out->size += size;
}

static void members_add(text *out, const assay_schema *schema, bool first) {
    for (uint32_t i = 0; i < schema->field_count; i++) {
        char type[ASSAY_FIELD_NAME_MAX], name[ASSAY_FIELD_NAME_MAX];
        field_type(type, &schema->fields[i]);
        assay_field_camel(name, schema->fields[i].name, false);
        if (!first) text_add(out, ",");
        text_add(out, type);
        text_add(out, " ");
        text_add(out, name);
        first = false;
    }
}

// encodeType: the struct, then the row types it refers to by ascending name.
static size_t type_text(char *data, size_t capacity, const assay_schema *head,
                        const assay_schema *body) {
    text out = {data, 0, capacity};
    char name[ASSAY_FIELD_NAME_MAX];
    assay_field_camel(name, body->name, true);
    text_add(&out, name);
    text_add(&out, "(");
    if (head) members_add(&out, head, true);
    members_add(&out, body, !head);
    text_add(&out, ")");
    for (uint32_t i = 0; i < ASSAY_ROW_TYPE_COUNT; i++) {
        const assay_schema *rows = assay_row_schemas[i];
        if (!refers(body, rows)) continue;
        text_add(&out, rows->name);
        text_add(&out, "(");
        members_add(&out, rows, true);
        text_add(&out, ")");
    }
    return out.size;
}

static void type_hash(assay_hash *out, const assay_schema *head, const assay_schema *body) {
    char data[TYPE_TEXT_MAX];
    size_t size = type_text(data, sizeof data, head, body);
    assay_keccak256_of(out, data, size);
}

static void word_u64(uint8_t word[WORD_SIZE], uint64_t value) {
    memset(word, 0, WORD_SIZE);
    assay_store_be64(word + 24, value);
}

void assay_domain_init(assay_domain *out, uint64_t chain_id, const assay_hash *genesis) {
    *out = (assay_domain){.chain_id = chain_id, .genesis = *genesis};
    assay_hash words[5];
    assay_keccak256_of(&words[0], domain_type, sizeof domain_type - 1);
    assay_keccak256_of(&words[1], domain_name, sizeof domain_name - 1);
    assay_keccak256_of(&words[2], domain_version, sizeof domain_version - 1);
    word_u64(words[3].bytes, chain_id);
    words[4] = *genesis;
    assay_keccak256_of(&out->separator, words, sizeof words);
    for (uint32_t kind = 1; kind <= ASSAY_TX_KIND_COUNT; kind++)
        type_hash(&out->tx_types[kind], &head_schema, assay_tx_schema((assay_tx_kind)kind));
    for (uint32_t i = 0; i < ASSAY_ROW_TYPE_COUNT; i++)
        type_hash(&out->row_types[i], NULL, assay_row_schemas[i]);
    type_hash(&out->request_type, NULL, &assay_request_schema);
}

static void fields_hash(assay_keccak *keccak, const assay_schema *schema, const void *in,
                        const assay_domain *domain);

// keccak of the rows' words: a struct's word is its own hash, a plain value is itself.
static void list_word(uint8_t word[WORD_SIZE], const assay_field *field, const void *in,
                      const assay_domain *domain) {
    const assay_schema *rows = field->rows;
    assay_any_list list = assay_field_list(field, in);
    const assay_hash *type = NULL;
    for (uint32_t i = 0; i < ASSAY_ROW_TYPE_COUNT; i++)
        if (assay_row_schemas[i] == rows) type = &domain->row_types[i];
    assay_keccak all;
    assay_keccak_init(&all);
    for (uint32_t i = 0; i < list.count; i++) {
        const uint8_t *row = (const uint8_t *)list.items + (size_t)i * rows->size;
        if (!type) {
            fields_hash(&all, rows, row, domain);
            continue;
        }
        assay_keccak one;
        assay_hash hash;
        assay_keccak_init(&one);
        assay_keccak_update(&one, type->bytes, ASSAY_HASH_SIZE);
        fields_hash(&one, rows, row, domain);
        assay_keccak_final(&one, &hash);
        assay_keccak_update(&all, hash.bytes, ASSAY_HASH_SIZE);
    }
    assay_hash hash;
    assay_keccak_final(&all, &hash);
    memcpy(word, hash.bytes, WORD_SIZE);
}

static void field_word(uint8_t word[WORD_SIZE], const assay_field *field, const void *in,
                       const assay_domain *domain) {
    const uint8_t *at = (const uint8_t *)in + field->offset;
    memset(word, 0, WORD_SIZE);
    switch (field->type) {
    case ASSAY_FIELD_HASH:
        memcpy(word, at, ASSAY_HASH_SIZE);
        break;
    case ASSAY_FIELD_ADDRESS:
        memcpy(word + WORD_SIZE - ASSAY_ADDRESS_SIZE, at, ASSAY_ADDRESS_SIZE);
        break;
    case ASSAY_FIELD_U128: {
        assay_u128 value = *(const assay_u128 *)at;
        assay_store_be64(word + 16, (uint64_t)(value >> 64));
        assay_store_be64(word + 24, (uint64_t)value);
        break;
    }
    case ASSAY_FIELD_TEXT:
    case ASSAY_FIELD_BLOB: {
        assay_hash hash;
        const assay_bytes *bytes = (const assay_bytes *)at;
        assay_keccak256_of(&hash, bytes->data, bytes->size);
        memcpy(word, hash.bytes, WORD_SIZE);
        break;
    }
    case ASSAY_FIELD_LIST:
        list_word(word, field, in, domain);
        break;
    default:
        word_u64(word, assay_field_number(field, in));
    }
}

static void fields_hash(assay_keccak *keccak, const assay_schema *schema, const void *in,
                        const assay_domain *domain) {
    for (uint32_t i = 0; i < schema->field_count; i++) {
        uint8_t word[WORD_SIZE];
        field_word(word, &schema->fields[i], in, domain);
        assay_keccak_update(keccak, word, sizeof word);
    }
}

// keccak(0x19 0x01 || separator || keccak(type || words)).
static void message_digest(assay_hash *out, const message *in, const assay_hash *type,
                           const assay_domain *domain) {
    uint8_t data[2 + 2 * ASSAY_HASH_SIZE] = {0x19, 0x01};
    assay_keccak keccak;
    assay_hash hash;
    assay_keccak_init(&keccak);
    assay_keccak_update(&keccak, type->bytes, ASSAY_HASH_SIZE);
    if (in->head) fields_hash(&keccak, in->head, in->head_data, domain);
    fields_hash(&keccak, in->body, in->body_data, domain);
    assay_keccak_final(&keccak, &hash);
    memcpy(data + 2, domain->separator.bytes, ASSAY_HASH_SIZE);
    memcpy(data + 2 + ASSAY_HASH_SIZE, hash.bytes, ASSAY_HASH_SIZE);
    assay_keccak256_of(out, data, sizeof data);
}

void assay_tx_digest(assay_hash *out, const assay_tx *tx, const assay_domain *domain) {
    message in = tx_message(tx);
    message_digest(out, &in, &domain->tx_types[tx->kind], domain);
}

static assay_status chain_check(const assay_tx *tx, const assay_domain *domain, assay_error *err) {
    if (tx->chain_id == domain->chain_id) return ASSAY_OK;
    return ASSAY_REJECT(err, TX_CHAIN, "chain id %llu, must be %llu", (ull)tx->chain_id,
                        (ull)domain->chain_id);
}

assay_status assay_tx_verify(const assay_tx *tx, const assay_domain *domain, assay_error *err) {
    ASSAY_TRY(chain_check(tx, domain, err));
    if (tx->kind == ASSAY_TX_BEACON) return ASSAY_OK;
    assay_hash digest;
    assay_tx_digest(&digest, tx, domain);
    return assay_signature_check(&tx->signature, &digest, &tx->signer, err);
}

assay_status assay_tx_sign(assay_tx *tx, const assay_domain *domain, const assay_key *key,
                           assay_error *err) {
    ASSAY_TRY(chain_check(tx, domain, err));
    assay_address own;
    ASSAY_TRY(assay_key_address(&own, key, err));
    if (!assay_address_equal(&own, &tx->signer))
        return ASSAY_REJECT(err, SIGNATURE_SIGNER, "the key is not the named signer's");
    assay_hash digest;
    assay_tx_digest(&digest, tx, domain);
    return assay_key_sign(&tx->signature, key, &digest, err);
}

void assay_request_digest(assay_hash *out, const assay_request *request,
                          const assay_domain *domain) {
    message in = request_message(request);
    message_digest(out, &in, &domain->request_type, domain);
}

assay_status assay_request_sign(assay_request *request, const assay_domain *domain,
                                const assay_key *key, assay_error *err) {
    assay_hash digest;
    assay_request_digest(&digest, request, domain);
    return assay_key_sign(&request->signature, key, &digest, err);
}

assay_status assay_request_signer(assay_address *out, const assay_request *request,
                                  const assay_domain *domain, assay_error *err) {
    assay_hash digest;
    assay_request_digest(&digest, request, domain);
    return assay_signature_recover(out, &request->signature, &digest, err);
}

static bool set(json_t *object, const char *name, json_t *value) {
    return json_object_set_new(object, name, value) == 0;
}

static bool member_json_add(json_t *array, const char *type, const char *name) {
    json_t *member = json_object();
    bool ok =
        member && set(member, "name", json_string(name)) && set(member, "type", json_string(type));
    return json_array_append_new(array, member) == 0 && ok;
}

static bool members_json_add(json_t *array, const assay_schema *schema) {
    for (uint32_t i = 0; i < schema->field_count; i++) {
        char type[ASSAY_FIELD_NAME_MAX], name[ASSAY_FIELD_NAME_MAX];
        field_type(type, &schema->fields[i]);
        assay_field_camel(name, schema->fields[i].name, false);
        if (!member_json_add(array, type, name)) return false;
    }
    return true;
}

// A new list under `name`, owned by types; NULL if memory is out.
static json_t *type_json_add(json_t *types, const char *name) {
    json_t *array = json_array();
    return set(types, name, array) ? array : NULL;
}

static bool types_json_fill(json_t *types, const char *name, const message *in) {
    json_t *domain = type_json_add(types, "EIP712Domain");
    if (!domain || !member_json_add(domain, "string", "name") ||
        !member_json_add(domain, "string", "version") ||
        !member_json_add(domain, "uint256", "chainId") ||
        !member_json_add(domain, "bytes32", "salt"))
        return false;
    json_t *body = type_json_add(types, name);
    if (!body || (in->head && !members_json_add(body, in->head)) ||
        !members_json_add(body, in->body))
        return false;
    for (uint32_t i = 0; i < ASSAY_ROW_TYPE_COUNT; i++) {
        if (!refers(in->body, assay_row_schemas[i])) continue;
        json_t *row = type_json_add(types, assay_row_schemas[i]->name);
        if (!row || !members_json_add(row, assay_row_schemas[i])) return false;
    }
    return true;
}

static bool domain_json_fill(json_t *object, const assay_domain *domain) {
    char chain_id[24];
    snprintf(chain_id, sizeof chain_id, "%llu", (ull)domain->chain_id);
    return set(object, "name", json_string(domain_name)) &&
           set(object, "version", json_string(domain_version)) &&
           set(object, "chainId", json_string(chain_id)) &&
           set(object, "salt", assay_json_from_hash(&domain->genesis));
}

static json_t *message_json(const message *in, const assay_domain *domain) {
    char name[ASSAY_FIELD_NAME_MAX];
    assay_field_camel(name, in->body->name, true);
    json_t *types = json_object(), *domain_part = json_object(), *values = json_object();
    bool ok =
        types && domain_part && values && types_json_fill(types, name, in) &&
        domain_json_fill(domain_part, domain) &&
        (!in->head || assay_schema_json_add(values, in->head, in->head_data, ASSAY_JSON_TYPED)) &&
        assay_schema_json_add(values, in->body, in->body_data, ASSAY_JSON_TYPED);
    json_t *document = ok ? json_object() : NULL;
    ok = document && set(document, "types", json_incref(types)) &&
         set(document, "primaryType", json_string(name)) &&
         set(document, "domain", json_incref(domain_part)) &&
         set(document, "message", json_incref(values));
    json_decref(types);
    json_decref(domain_part);
    json_decref(values);
    if (ok) return document;
    json_decref(document);
    return NULL;
}

json_t *assay_tx_typed_json(const assay_tx *tx, const assay_domain *domain) {
    message in = tx_message(tx);
    return message_json(&in, domain);
}
