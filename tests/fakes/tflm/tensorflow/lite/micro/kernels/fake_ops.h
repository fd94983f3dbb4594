// SPDX-License-Identifier: Apache-2.0
#ifndef FAKE_OPS_H_
#define FAKE_OPS_H_

typedef enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;
typedef enum { kTfLiteFloat32 = 1, kTfLiteInt8 = 9 } TfLiteType;

struct TFLMRegistration {
    int kind;
    bool int8_only;
};

namespace tflite {

inline TFLMRegistration Register_FULLY_CONNECTED()
{
    return {9, false};
}
inline TFLMRegistration Register_SOFTMAX()
{
    return {25, false};
}

#if defined(CMSIS_NN)
TFLMRegistration Register_FULLY_CONNECTED_INT8();
inline TFLMRegistration Register_FULLY_CONNECTED_INT8()
{
    return {9, true};
}
#else
inline TFLMRegistration Register_FULLY_CONNECTED_INT8()
{
    return Register_FULLY_CONNECTED();
}
#endif

}  // namespace tflite

#endif
