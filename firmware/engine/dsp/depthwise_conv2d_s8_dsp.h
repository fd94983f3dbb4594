/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEPTHWISE_CONV2D_S8_DSP_H
#define DEPTHWISE_CONV2D_S8_DSP_H

#include <stdint.h>

/* One axis of the image. `in_bytes` and `out_bytes` lead from one position to the next one along it. */
typedef struct {
    int32_t in_size, out_size;
    int32_t in_bytes, out_bytes;
    int32_t filter, stride, pad;
} depthwise_axis_t;

/* Depthwise convolution with one filter per channel and no dilation (depthwise_dilated_s8_dsp has one). The host makes one axis the outer and one the
 * inner, whichever way round is cheaper. A line is all positions of the inner axis at one position of the outer axis.
 *
 * Four channels at a time: their input lines are widened to int16 into a circular line buffer of `outer.filter` lines,
 * two neighbouring positions in a word, and each channel's filter then runs along the lines from registers. A word of
 * the line buffer is at ((word * 4 + channel) * outer.filter + line); there are `line_words` words in a line.
 *
 * weights: int8 [channels][outer.filter][inner.filter]. requant_parameters: int32 [channels][3 or 4]: the two or three
 * parameters of the requantisation as in dot.h with the bias as third word: slope, offset, bias (linear) or
 * multiplier, offset, bias, shift (rounding). There is no exact kind. */
typedef struct {
    int32_t channels;
    depthwise_axis_t outer, inner;
    int32_t in_zero; /* what lies outside the input */
    int32_t requant; /* REQUANT_LINEAR or REQUANT_ROUNDING */
    int32_t linear_shift;
    int32_t line_words;
    const int8_t *weights;
    const int32_t *requant_parameters;
} depthwise_conv2d_s8_dsp_t;

/* As depthwise_conv2d_s8, bit for bit. `out` may be `in` where both strides are 1 and the sizes are equal: a line is
 * written after it was read. `in`, `out` and `weights` may lie at any address, `requant_parameters` and `scratch` at
 * words. `scratch` holds the line buffer, line_words * 4 * outer.filter words, then for each of four channels the
 * filter as pairs: outer.filter * (inner.filter / 2 + 1) * 2 words, or 10 for a 3x3 filter whose inner axis has stride
 * 1 or 2 and whose requantisation depthwise_line_has(). It overlaps neither `in` nor `out`. */
void depthwise_conv2d_s8_dsp(const depthwise_conv2d_s8_dsp_t *op, const int8_t *in, int8_t *out, void *scratch);

/* One axis of a dilated convolution. Outputs p, p + dilation, p + 2 dilation ... read such inputs only: for each p below
 * the dilation they are a convolution without one. `in_bytes` and `out_bytes` lead from one position to the next. */
typedef struct {
    int32_t in_size, out_size;
    int32_t in_bytes, out_bytes;
    int32_t dilation;
} depthwise_dilated_axis_t;

typedef struct {
    depthwise_dilated_axis_t outer, inner;
    depthwise_conv2d_s8_dsp_t part; /* the convolution that starts at position 0 of both axes, the largest */
} depthwise_dilated_s8_dsp_t;

/* As depthwise_conv2d_s8, bit for bit, with strides of 1. `scratch` and `out` as of the largest part. */
void depthwise_dilated_s8_dsp(const depthwise_dilated_s8_dsp_t *op, const int8_t *in, int8_t *out, void *scratch);

#endif
