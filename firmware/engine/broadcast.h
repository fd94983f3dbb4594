/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of the two-operand kernels: a loop over four axes, outermost first. A stride counts elements of an operand
 * from one index of the axis to the next; it is 0 where that operand has one value for the whole axis. The output is
 * dense. */
#ifndef BROADCAST_H
#define BROADCAST_H

#include <stdint.h>

enum { BROADCAST_AXES = 4 };

/* First element of `operand` for index (i, j, k, 0). */
static inline const int8_t *broadcast_row(const int8_t *operand, const int32_t *stride, int32_t i, int32_t j, int32_t k)
{
    return operand + i * stride[0] + j * stride[1] + k * stride[2];
}

#endif
