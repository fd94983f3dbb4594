// SPDX-License-Identifier: Apache-2.0
// An interpreter for tests of the glue: the tensors are where the script puts them, and output value i is the sum of the
// input values i, i + outputs, ... in eight bits. Input and output lie in the arena it was given, which it overwrites.
#ifndef FAKE_MICRO_INTERPRETER_H_
#define FAKE_MICRO_INTERPRETER_H_

#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

struct TfLiteTensor {
    TfLiteType type;
    size_t bytes;
    struct {
        float scale;
        int32_t zero_point;
    } params;
    struct {
        int8_t *int8;
    } data;
};

namespace tflite {

class MicroInterpreter {
 public:
  MicroInterpreter(const Model* model, const MicroOpResolver& resolver, uint8_t* arena, size_t arena_bytes)
      : model_(model), resolver_(resolver), arena_(arena), arena_bytes_(arena_bytes) {}
  ~MicroInterpreter() {}

  TfLiteStatus AllocateTensors() {
    const int operators = 2;
    if (model_ == nullptr || resolver_.added != operators || arena_bytes_ < FAKE_NEEDED_BYTES ||
        reinterpret_cast<uintptr_t>(arena_) % 16 != 0) {
      return kTfLiteError;
    }
    // A smaller arena than stated, or one that is used for something else, is noticed.
    for (size_t i = 0; i < arena_bytes_; i++) {
      arena_[i] = 0xA5;
    }
    input_ = {FAKE_INPUT_TYPE, FAKE_INPUT_BYTES, {0.5847029089927673f, 83}, {reinterpret_cast<int8_t*>(arena_)}};
    int8_t* after_input = reinterpret_cast<int8_t*>(arena_) + FAKE_INPUT_BYTES;
    output_ = {FAKE_OUTPUT_TYPE, 12, {1.0f / 256, FAKE_OUTPUT_ZERO_POINT}, {after_input}};
    return kTfLiteOk;
  }

  TfLiteStatus Invoke() {
    for (size_t i = 0; i < output_.bytes; i++) {
      uint8_t sum = 0;
      for (size_t k = i; k < input_.bytes; k += output_.bytes) {
        sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(input_.data.int8[k]));
      }
      output_.data.int8[i] = static_cast<int8_t>(sum);
    }
    return FAKE_INVOKE_STATUS;
  }

  TfLiteTensor* input(size_t index) { return index == 0 ? &input_ : nullptr; }
  size_t inputs_size() const { return FAKE_INPUTS; }
  TfLiteTensor* output(size_t index) { return index == 0 ? &output_ : nullptr; }
  size_t outputs_size() const { return FAKE_OUTPUTS; }
  size_t arena_used_bytes() const { return FAKE_USED_BYTES; }

 private:
  const Model* model_;
  const MicroOpResolver& resolver_;
  uint8_t* arena_;
  size_t arena_bytes_;
  TfLiteTensor input_ = {};
  TfLiteTensor output_ = {};
};

}  // namespace tflite

#endif
