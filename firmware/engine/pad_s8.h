/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PAD_S8_H
#define PAD_S8_H

#include <stdint.h>

typedef struct {
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c;
    int32_t before_h, before_w, before_c; /* where the input starts in the output */
    int32_t value;                        /* of the border, in [-128, 127] */
} pad_s8_t;

/* out[y][x][c] = in[y - before_h][x - before_w][c - before_c], or `value` outside. `in` and `out` may not overlap. */
void pad_s8(const pad_s8_t *op, const int8_t *in, int8_t *out);

#endif
