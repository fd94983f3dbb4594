/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOFTMAX_S8_H
#define SOFTMAX_S8_H

#include <stdint.h>

typedef struct {
    int32_t rows;        /* independent vectors that follow each other */
    int32_t depth;       /* values in each, 1..4095 */
    int32_t exp_entries; /* 1..256 */
    const int32_t *exp;  /* exp(-n * scale * beta) in Q0.31; differences of exp_entries and more count as 0 */
} softmax_s8_t;

/* out = 256 * exp(in[i] - max) / sum of exp(in[j] - max) - 128, saturated, in 32-bit fixed point:
 * the sum in Q12.19, its reciprocal by three Newton-Raphson steps in Q0.31. `out` may be `in`. */
void softmax_s8(const softmax_s8_t *op, const int8_t *in, int8_t *out);

#endif
