/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADD_S8_H
#define ADD_S8_H

#include "broadcast.h"

typedef struct {
    int32_t size[BROADCAST_AXES], a_stride[BROADCAST_AXES], b_stride[BROADCAST_AXES];
    const int8_t *a_constant, *b_constant; /* the operand when it is a constant, else 0 */
    int32_t a_zero, a_multiplier, a_shift; /* zero in [-128, 127], shift in [-31, 0] */
    int32_t b_zero, b_multiplier, b_shift; /* a subtraction has b_multiplier < 0 */
    int32_t out_zero, out_multiplier, out_shift;
    int32_t out_min, out_max; /* fused activation, within [-128, 127] */
} add_s8_t;

/* out = clamp(requantize(A + B, out_multiplier, out_shift) + out_zero)
 * with A = requantize((a - a_zero) * 2^20, a_multiplier, a_shift), B alike.
 * `a` and `b` are not read where the operand is a constant. `out` may be an operand that does not repeat. */
void add_s8(const add_s8_t *op, const int8_t *a, const int8_t *b, int8_t *out);

#endif
