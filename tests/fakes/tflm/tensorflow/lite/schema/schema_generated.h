// SPDX-License-Identifier: Apache-2.0
// A model that claims the version of the script, and is there only when the bytes are those of a .tflite on 16 bytes.
#ifndef FAKE_SCHEMA_GENERATED_H_
#define FAKE_SCHEMA_GENERATED_H_

#include <cstdint>

#include "tensorflow/lite/micro/fake_script.h"

namespace tflite {

struct Model {
  uint32_t version() const {
    const unsigned char* bytes = reinterpret_cast<const unsigned char*>(this);
    const bool valid = bytes[4] == 'T' && bytes[7] == '3' && reinterpret_cast<uintptr_t>(bytes) % 16 == 0;
    return valid ? FAKE_SCHEMA_VERSION : 0;
  }
};

inline const Model* GetModel(const void* bytes) {
  return reinterpret_cast<const Model*>(bytes);
}

}  // namespace tflite

#endif
