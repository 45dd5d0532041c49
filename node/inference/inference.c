// SPDX-License-Identifier: Apache-2.0
#include "node/inference/inference.h"

#include <stdlib.h>

static assay_status ids_read(assay_inference *inference, const assay_inference_options *options,
                             bool ids_optional, assay_error *err) {
    if (ids_optional && assay_prompt_empty(&options->prompt)) return ASSAY_OK;
    return assay_prompt_take(&inference->ids, &inference->id_count, &options->prompt,
                             inference->tokenizer, inference->model.shape.vocab_size, err);
}

static assay_status parts_open(assay_inference *inference, const assay_inference_options *options,
                               bool ids_optional, const char *isa, assay_error *err) {
    assay_model *model = &inference->model;
    unsigned threads = options->threads ? (unsigned)options->threads : assay_processor_count();
    ASSAY_TRY(assay_kernels_find(&inference->engine.kernels, isa, err));
    ASSAY_TRY(assay_model_open(model, options->model_file, err));
    if (options->adapter_file) {
        ASSAY_TRY(
            assay_adapter_open(&inference->adapter_storage, options->adapter_file, model, err));
        inference->adapter = &inference->adapter_storage;
    }
    ASSAY_TRY(assay_tokenizer_open(&inference->tokenizer, model->tokenizer.data,
                                   model->tokenizer.size, model->shape.vocab_size, err));
    ASSAY_TRY(ids_read(inference, options, ids_optional, err));
    ASSAY_TRY(assay_pool_open(&inference->pool, threads, err));
    inference->engine.model = model;
    inference->engine.pool = inference->pool;
    return ASSAY_OK;
}

assay_status assay_inference_open(assay_inference *inference,
                                  const assay_inference_options *options, bool ids_optional,
                                  const char *isa, assay_error *err) {
    *inference = (assay_inference){0};
    assay_status status = parts_open(inference, options, ids_optional, isa, err);
    if (status != ASSAY_OK) assay_inference_close(inference);
    return status;
}

void assay_inference_close(assay_inference *inference) {
    assay_pool_close(inference->pool);
    assay_tokenizer_close(inference->tokenizer);
    assay_adapter_close(&inference->adapter_storage);
    assay_model_close(&inference->model);
    free(inference->ids);
    *inference = (assay_inference){0};
}
