// SPDX-License-Identifier: Apache-2.0
// What a model file is, for a person or a program.
#ifndef ASSAY_NODE_INFERENCE_MODEL_PRINT_H
#define ASSAY_NODE_INFERENCE_MODEL_PRINT_H

#include "node/command.h"
#include "node/inference/perplexity.h"
#include "quant/model.h"

// Prints root, architecture, stop ids and the bytes of the parts, and the perplexity unless it is
// NULL. Returns: as assay_command_print. Spec: F-28.
int assay_model_print(const assay_invocation *invocation, const assay_model *model,
                      const assay_perplexity *perplexity);

#endif
