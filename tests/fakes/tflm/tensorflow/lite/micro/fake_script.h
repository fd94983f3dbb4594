// SPDX-License-Identifier: Apache-2.0
// How the fake interpreter behaves: set by -D where a test wants something else. The tensors are those of tiny_kws().
#ifndef FAKE_SCRIPT_H_
#define FAKE_SCRIPT_H_

#ifndef FAKE_SCHEMA_VERSION
#define FAKE_SCHEMA_VERSION 3
#endif
#ifndef FAKE_ADD_STATUS
#define FAKE_ADD_STATUS kTfLiteOk
#endif
#ifndef FAKE_INPUT_TYPE
#define FAKE_INPUT_TYPE kTfLiteInt8
#endif
#ifndef FAKE_OUTPUT_TYPE
#define FAKE_OUTPUT_TYPE kTfLiteInt8
#endif
#ifndef FAKE_INPUT_BYTES
#define FAKE_INPUT_BYTES 490
#endif
#ifndef FAKE_INPUTS
#define FAKE_INPUTS 1
#endif
#ifndef FAKE_OUTPUTS
#define FAKE_OUTPUTS 1
#endif
#ifndef FAKE_OUTPUT_ZERO_POINT
#define FAKE_OUTPUT_ZERO_POINT -128
#endif
#ifndef FAKE_INVOKE_STATUS
#define FAKE_INVOKE_STATUS kTfLiteOk
#endif
// Bytes of the arena that are in use after AllocateTensors(), and that it takes to get there.
#ifndef FAKE_USED_BYTES
#define FAKE_USED_BYTES 600
#endif
#ifndef FAKE_NEEDED_BYTES
#define FAKE_NEEDED_BYTES FAKE_USED_BYTES
#endif

#endif
