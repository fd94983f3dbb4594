/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADD_LINEAR_S8_H
#define ADD_LINEAR_S8_H

#include <stdint.h>

#include "broadcast.h"

enum { ADD_FRACTION_BITS = 21 };

typedef struct {
    int32_t elements;
    const int8_t *a_constant, *b_constant; /* the operand when it is a constant, else 0 */
    int32_t a_factor, b_factor;            /* input step / output step, times 2^29 */
    int32_t constant;                      /* zero points and one half, times 2^21 */
    int32_t out_min, out_max;              /* fused activation, within [-128, 127] */
} add_linear_s8_t;

/* out = clamp((constant + (a_factor * a >> 8) + (b_factor * b >> 8)) >> 21)
 *
 * TFLite's sum rounds four times; this one not at all before the last shift. The host finds factors for which all
 * 65,536 pairs of a and b give TFLite's answer and nothing overflows (firmware/codegen/operators/add_linear.py), and
 * takes add_s8 where there are none. `out` may be `a` or `b`; all may lie at any address. */
void add_linear_s8(const add_linear_s8_t *op, const int8_t *a, const int8_t *b, int8_t *out);

/* Rows of values over three outer axes, of which operands may repeat some: strides as in broadcast.h. */
typedef struct {
    int32_t size[BROADCAST_AXES - 1], a_stride[BROADCAST_AXES - 1], b_stride[BROADCAST_AXES - 1];
    const int8_t *a_constant, *b_constant; /* the operand when it is a constant, else 0 */
    add_linear_s8_t row;                   /* one row; its own constants are 0 */
} add_linear_rows_s8_t;

/* add_linear_s8 for each row. `out` may be an operand that does not repeat. */
void add_linear_rows_s8(const add_linear_rows_s8_t *op, const int8_t *a, const int8_t *b, int8_t *out);

#endif
