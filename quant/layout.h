// SPDX-License-Identifier: Apache-2.0
// Which tensors a canonical model file has, by name and shape; shared by its writer and its reader.
#ifndef ASSAY_QUANT_LAYOUT_H
#define ASSAY_QUANT_LAYOUT_H

#include "quant/canonical.h"
#include "quant/model.h"

#define ASSAY_MODEL_FORMAT "assay-model-1"

// The words of `config.shape` [U32], in file order.
#define ASSAY_SHAPE_LIST(X)                                                                        \
    X(layer_count)                                                                                 \
    X(width)                                                                                       \
    X(head_count)                                                                                  \
    X(kv_head_count)                                                                               \
    X(head_size)                                                                                   \
    X(ff_width)                                                                                    \
    X(vocab_size)                                                                                  \
    X(context_size)

enum {
#define X(name) +1
    ASSAY_SHAPE_WORDS = ASSAY_SHAPE_LIST(X)
#undef X
};

// A linear's name below its layer, e.g. "self_attn.q_proj". Spec: F-5.
extern const char *const assay_linear_names[ASSAY_LINEAR_COUNT];

// Rows and columns of a linear's weight.
void assay_linear_shape(uint32_t *n, uint32_t *k, const assay_model_shape *shape,
                        assay_linear linear);

// Checks every count and relation of a shape, its eps and its stop ids. Errors: RANGE, ORDER (stop
// ids). Spec: F-5.
assay_status assay_model_shape_check(const assay_model_shape *shape, assay_error *err);

// Whether a linear has a bias where the shape says that there are biases.
bool assay_linear_biased(assay_linear linear);

// The norms of queries and of keys, by their names below a layer's self_attn.
extern const char *const assay_head_norm_names[2];

// Appends the tensors of a model, unsorted. Errors: in list->status. Spec: F-5.
void assay_model_tensors(assay_tensor_list *list, const assay_model_shape *shape, bool tied,
                         uint64_t tokenizer_size);

// Whether a weight's or a norm's element may stand in a file: finite, magnitude at most 2^20.
// Spec: N-3.
bool assay_weight_legal(float value);

// Checks operands against the form that the quantisers produce. what: the tensor in the sentence.
// Errors: CANONICAL (-128, a scale that is not +0 or normal and at most 2^20, a zero scale over
// values or the reverse, a code other than 7 under ratio 0). Spec: F-5.
assay_status assay_q4_check(const assay_q4 *q4, const char *what, assay_error *err);
assay_status assay_q8_check(const assay_q8 *q8, const char *what, assay_error *err);

#endif
