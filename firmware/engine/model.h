/* SPDX-License-Identifier: Apache-2.0 */
/* The one interface between an engine and the benchmark firmware. The compiled engine's generated model.c implements
 * it; so does the TensorFlow Lite Micro glue. Input and output are always int8 tensors. */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

typedef struct {
    const char *engine;      /* "compiled" or "tflm" */
    uint32_t input_bytes;    /* int8 values in the input tensor */
    uint32_t output_bytes;   /* int8 values in the output tensor */
    float input_scale;       /* real = scale * (q - zero_point) */
    int32_t input_zero_point;
    float output_scale;
    int32_t output_zero_point;
    uint32_t arena_bytes;    /* RAM for activations and scratch */
} model_info_t;

extern const model_info_t model_info;

/* Why an engine cannot run its model, for the message to the host. An engine may have codes of its own from 16 on. */
enum {
    MODEL_SCHEMA = 1,    /* the model file is of another version of its format */
    MODEL_OPERATORS = 2, /* the engine's table of operators is too small or holds one twice */
    MODEL_TENSORS = 3,   /* the arena is too small, or an operator refuses its tensors */
    MODEL_INPUT = 4,     /* the input is not the int8 tensor that model_info describes */
    MODEL_OUTPUT = 5     /* the same of the output */
};

/* Sets the engine up once after reset. Returns 0, or a non-zero code when the engine cannot run the model. */
int model_init(void);

/* Where the caller writes the input tensor before each model_invoke(). An inference may overwrite it. */
int8_t *model_input(void);

/* One inference, no I/O. Returns 0, or a non-zero code. */
int model_invoke(void);

/* The output tensor of the last model_invoke(); stays valid until the next write to the input. */
const int8_t *model_output(void);

#endif
