/* SPDX-License-Identifier: Apache-2.0 */
/* The loaded bytes become the input tensor. */
#ifndef INPUT_H
#define INPUT_H

#include <stdint.h>

/* Bytes of `db` data one inference takes. */
uint32_t input_wire_bytes(void);

/* Checks that a complete load of input_wire_bytes() is there and converts it where that takes arithmetic.
 * Returns 1, or prints one e-[...] line and returns 0. */
int input_prepare(void);

/* Writes the input tensor; call it before every model_invoke(), which may overwrite it. Costs a copy. */
void input_write(void);

/* clamp(round_half_away(value / scale) + zero_point) in single precision; not a number gives zero_point. */
int8_t input_quantise(float value, float scale, int32_t zero_point);

/* The `index`-th loaded value of an INPUT_FLOAT32 load. */
float input_float(uint32_t index);

#endif
