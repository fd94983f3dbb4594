// SPDX-License-Identifier: Apache-2.0
// TensorFlow Lite Micro as model.h declares an engine: one interpreter, one static arena, no heap.
//
// tflm_model.h is generated: the .tflite as constant data, its sizes and scales, and the calls that add exactly its
// operators. The interpreter and the resolver live in static storage and are built in model_init(), so that nothing
// runs before main() and nothing is ever destroyed.
#include <cstddef>
#include <cstdint>
#include <new>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

extern "C" {
#include "model.h"
}

#include "tflm_model.h"

namespace {

constexpr uint32_t kSchemaVersion = 3;

alignas(16) uint8_t arena[TFLM_ARENA_BYTES];
alignas(TflmResolver) uint8_t resolver_storage[sizeof(TflmResolver)];
alignas(tflite::MicroInterpreter) uint8_t interpreter_storage[sizeof(tflite::MicroInterpreter)];

tflite::MicroInterpreter *interpreter;
int8_t *input_values;
const int8_t *output_values;

bool is_int8(const TfLiteTensor *tensor, uint32_t size_bytes, float scale, int32_t zero_point)
{
    return tensor != nullptr && tensor->type == kTfLiteInt8 && tensor->bytes == size_bytes &&
           tensor->params.scale == scale && tensor->params.zero_point == zero_point;
}

}  // namespace

extern "C" {

const model_info_t model_info = {
    "tflm",
    TFLM_INPUT_BYTES,
    TFLM_OUTPUT_BYTES,
    TFLM_INPUT_SCALE,
    TFLM_INPUT_ZERO_POINT,
    TFLM_OUTPUT_SCALE,
    TFLM_OUTPUT_ZERO_POINT,
    TFLM_ARENA_BYTES,
};

// How the arena is found (harness/image/arena.py): an image with an ample one is booted, what the interpreter took of it is
// read by this symbol, and the limit, volatile so that the compiler does not take it for a constant, is changed from
// boot to boot.
extern uint32_t tflm_arena_used_bytes;
uint32_t tflm_arena_used_bytes;
extern const volatile uint32_t tflm_arena_limit_bytes;
const volatile uint32_t tflm_arena_limit_bytes = TFLM_ARENA_BYTES;

int model_init(void)
{
    const tflite::Model *model = tflite::GetModel(tflm_model);
    if (model->version() != kSchemaVersion) {
        return MODEL_SCHEMA;
    }
    TflmResolver *resolver = new (resolver_storage) TflmResolver;
    if (tflm_add_operators(*resolver) != kTfLiteOk) {
        return MODEL_OPERATORS;
    }
    interpreter = new (interpreter_storage) tflite::MicroInterpreter(model, *resolver, arena, tflm_arena_limit_bytes);
    if (interpreter->AllocateTensors() != kTfLiteOk) {
        return MODEL_TENSORS;
    }
    tflm_arena_used_bytes = static_cast<uint32_t>(interpreter->arena_used_bytes());
    if (interpreter->inputs_size() != 1 ||
        !is_int8(interpreter->input(0), TFLM_INPUT_BYTES, TFLM_INPUT_SCALE, TFLM_INPUT_ZERO_POINT)) {
        return MODEL_INPUT;
    }
    if (interpreter->outputs_size() != 1 ||
        !is_int8(interpreter->output(0), TFLM_OUTPUT_BYTES, TFLM_OUTPUT_SCALE, TFLM_OUTPUT_ZERO_POINT)) {
        return MODEL_OUTPUT;
    }
    input_values = interpreter->input(0)->data.int8;
    output_values = interpreter->output(0)->data.int8;
    return 0;
}

int8_t *model_input(void)
{
    return input_values;
}

int model_invoke(void)
{
    return static_cast<int>(interpreter->Invoke());
}

const int8_t *model_output(void)
{
    return output_values;
}

}  // extern "C"
