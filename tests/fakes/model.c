/* SPDX-License-Identifier: Apache-2.0 */
/* An engine for tests of the monitor and the ports. Output value i is the sum of input values i, i + OUTPUT, ... in
 * eight bits, so that every input byte matters; the input is overwritten by each inference, as a real engine's may be. */
#include "model.h"

#include "fake_config.h"

static int8_t input[FAKE_INPUT_BYTES];
static int8_t output[FAKE_OUTPUT_BYTES];

const model_info_t model_info = {
    .engine = "fake",
    .input_bytes = FAKE_INPUT_BYTES,
    .output_bytes = FAKE_OUTPUT_BYTES,
    .input_scale = FAKE_INPUT_SCALE,
    .input_zero_point = FAKE_INPUT_ZERO_POINT,
    .output_scale = FAKE_OUTPUT_SCALE,
    .output_zero_point = FAKE_OUTPUT_ZERO_POINT,
    .arena_bytes = FAKE_INPUT_BYTES + FAKE_OUTPUT_BYTES,
};

int model_init(void)
{
    return FAKE_INIT_CODE;
}

int8_t *model_input(void)
{
    return input;
}

int model_invoke(void)
{
    static uint8_t sums[FAKE_OUTPUT_BYTES];
    for (uint32_t i = 0; i < FAKE_OUTPUT_BYTES; i++) {
        sums[i] = 0;
    }
    for (uint32_t i = 0; i < FAKE_INPUT_BYTES; i++) {
        sums[i % FAKE_OUTPUT_BYTES] = (uint8_t)(sums[i % FAKE_OUTPUT_BYTES] + (uint8_t)input[i]);
        input[i] = 85;
    }
    for (uint32_t i = 0; i < FAKE_OUTPUT_BYTES; i++) {
        output[i] = (int8_t)sums[i];
    }
    return FAKE_INVOKE_CODE;
}

const int8_t *model_output(void)
{
    return output;
}
