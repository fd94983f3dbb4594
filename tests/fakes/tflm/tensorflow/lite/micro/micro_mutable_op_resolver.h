// SPDX-License-Identifier: Apache-2.0
// As much of the op resolver as the glue and the reader of its header know. It remembers what was added.
#ifndef FAKE_MICRO_MUTABLE_OP_RESOLVER_H_
#define FAKE_MICRO_MUTABLE_OP_RESOLVER_H_

#include "tensorflow/lite/micro/fake_script.h"
#include "tensorflow/lite/micro/kernels/fake_ops.h"

namespace tflite {

enum { BuiltinOperator_FULLY_CONNECTED = 9, BuiltinOperator_SOFTMAX = 25 };

inline int ParseFullyConnected()
{
    return 0;
}
inline int ParseSoftmax()
{
    return 0;
}

class MicroOpResolver {
 public:
  int added = 0;
  int int8_only = 0;
};

template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  TfLiteStatus AddFullyConnected(
      const TFLMRegistration& registration = Register_FULLY_CONNECTED()) {
    return AddBuiltin(BuiltinOperator_FULLY_CONNECTED, registration, ParseFullyConnected);
  }

  TfLiteStatus AddSoftmax(const TFLMRegistration& registration = Register_SOFTMAX()) {
    return AddBuiltin(BuiltinOperator_SOFTMAX, registration, ParseSoftmax);
  }

 private:
  TfLiteStatus AddBuiltin(int op, const TFLMRegistration& registration, int (*)()) {
    if (static_cast<unsigned int>(added) == tOpCount || registration.kind != op) {
      return kTfLiteError;
    }
    added += 1;
    int8_only += registration.int8_only;
    return FAKE_ADD_STATUS;
  }
};

}  // namespace tflite

#endif
