/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONV2D_S8_DSP_H
#define CONV2D_S8_DSP_H

#include "dot.h"

/* Input int8 [in_h][in_w][in_channels], output int8 [out_h][out_w][dot.filters]. A fully-connected layer is the 1x1
 * filter over an image of one pixel.
 *
 * The im2col column of an output pixel is gathered in runs of neighbouring input values: one run per filter row, or
 * one per tap where columns are dilated (run_values, runs_per_row). A run of n values gives n / 4 times the pairs
 * (0, 2), (1, 3) of four bytes, then for a rest of 1: (0, -), of 2: (0, 1), of 3: (0, 1), (2, -); "-" meets a zero weight. */
typedef struct {
    int32_t in_h, in_w, in_channels;
    int32_t out_h, out_w;
    int32_t filter_h;
    int32_t runs_per_row, run_columns, run_values; /* run_values = run_columns * in_channels */
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w; /* dilation_w: columns from one run to the next */
    int32_t pad_top, pad_left;
    int32_t in_zero;                /* what lies outside the input */
    dot_t dot;
} conv2d_s8_dsp_t;

/* As conv2d_s8 or fully_connected_s8, bit for bit. `in` and `out` may lie at any address. `scratch` is word-aligned:
 * four im2col columns of dot.pairs + 1 words, one if there are fewer than four output pixels, then, unless the filter
 * is 1x1 with stride 1 and no padding, run_values bytes. None of the three areas may overlap. */
void conv2d_s8_dsp(const conv2d_s8_dsp_t *op, const int8_t *in, int8_t *out, void *scratch);

#endif
