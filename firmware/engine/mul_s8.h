/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUL_S8_H
#define MUL_S8_H

#include "broadcast.h"

typedef struct {
    int32_t size[BROADCAST_AXES], a_stride[BROADCAST_AXES], b_stride[BROADCAST_AXES];
    const int8_t *a_constant, *b_constant; /* the operand when it is a constant, else 0 */
    int32_t a_zero, b_zero;                /* in [-128, 127] */
    int32_t out_zero, out_multiplier, out_shift;
    int32_t out_min, out_max; /* fused activation, within [-128, 127] */
} mul_s8_t;

/* out = clamp(requantize((a - a_zero) * (b - b_zero), out_multiplier, out_shift) + out_zero)
 * `a` and `b` are not read where the operand is a constant. `out` may be an operand that does not repeat. */
void mul_s8(const mul_s8_t *op, const int8_t *a, const int8_t *b, int8_t *out);

#endif
