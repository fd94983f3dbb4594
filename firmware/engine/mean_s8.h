/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MEAN_S8_H
#define MEAN_S8_H

#include <stdint.h>

typedef struct {
    int32_t kept[2], kept_stride[2];     /* axes of the output, outermost first; strides in input elements */
    int32_t summed[2], summed_stride[2]; /* axes summed over */
    int32_t zero_sum;                    /* the input's zero point times the number of elements summed */
    int32_t out_zero, out_multiplier, out_shift;
} mean_s8_t;

/* out[k0][k1] = clamp(requantize(sum over s0, s1 of in[k0, k1, s0, s1] - zero_sum) + out_zero), clamped to int8.
 * out_multiplier holds 1 / number of elements as well. `in` and `out` may not overlap. */
void mean_s8(const mean_s8_t *op, const int8_t *in, int8_t *out);

#endif
