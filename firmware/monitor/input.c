/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <string.h>

#include "app_config.h"
#include "formats.h"
#include "load.h"
#include "model.h"
#include "text.h"

#if APP_INPUT_FORMAT == INPUT_FLOAT32
static _Alignas(8) int8_t quantised[APP_INPUT_BYTES];
#endif

uint32_t input_wire_bytes(void)
{
    return APP_INPUT_BYTES * (APP_INPUT_FORMAT == INPUT_FLOAT32 ? 4u : 1u);
}

float input_float(uint32_t index)
{
    /* Hosts and boards alike are little-endian. */
    float value;
    memcpy(&value, load_bytes() + 4u * index, sizeof value);
    return value;
}

int8_t input_quantise(float value, float scale, int32_t zero_point)
{
    const float steps = value / scale;
    int32_t rounded;
    if (steps != steps) {
        rounded = 0;
    } else if (steps >= 512.0f) {
        rounded = 512; /* clamped below whatever the zero point; keeps the conversion to int in range */
    } else if (steps <= -512.0f) {
        rounded = -512;
    } else {
        rounded = (int32_t)steps;
        const float rest = steps - (float)rounded; /* exact: both are multiples of the last place of steps */
        if (rest >= 0.5f) {
            rounded++;
        } else if (rest <= -0.5f) {
            rounded--;
        }
    }
    rounded += zero_point;
    return (int8_t)(rounded < -128 ? -128 : rounded > 127 ? 127 : rounded);
}

int input_prepare(void)
{
    const uint32_t wanted = input_wire_bytes();
    if (load_stored() == wanted && !load_complete()) {
        /* The reference firmware would run on these; but `db load` gave a larger number. */
        text_line("e-[The load is not complete]");
        return 0;
    }
    if (load_stored() != wanted) {
        text_put("e-[Input db has ");
        text_unsigned(load_stored());
        text_put(" elemented, expected ");
        text_unsigned(wanted);
        text_line("]");
        return 0;
    }
#if APP_INPUT_FORMAT == INPUT_FLOAT32
    for (uint32_t i = 0; i < APP_INPUT_BYTES; i++) {
        quantised[i] = input_quantise(input_float(i), model_info.input_scale, model_info.input_zero_point);
    }
#endif
    return 1;
}

void input_write(void)
{
    int8_t *tensor = model_input();
#if APP_INPUT_FORMAT == INPUT_FLOAT32
    memcpy(tensor, quantised, APP_INPUT_BYTES);
#elif APP_INPUT_FORMAT == INPUT_UINT8
    /* Subtracting 128 flips the top bit; four values at a time, since this runs inside the timed window. */
    const uint8_t *bytes = load_bytes();
    uint32_t i = 0;
    for (; i + 4u <= APP_INPUT_BYTES; i += 4u) {
        uint32_t four;
        memcpy(&four, bytes + i, 4);
        four ^= 0x80808080u;
        memcpy(tensor + i, &four, 4);
    }
    for (; i < APP_INPUT_BYTES; i++) {
        tensor[i] = (int8_t)(bytes[i] ^ 0x80u);
    }
#else
    memcpy(tensor, load_bytes(), APP_INPUT_BYTES);
#endif
}
