/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEPTHWISE_CONV2D_S8_DSP_H
#define DEPTHWISE_CONV2D_S8_DSP_H

#include <stdint.h>

/* One axis of the picture. `in_bytes` and `out_bytes` lead from one position to the next one along it. */
typedef struct {
    int32_t in_size, out_size;
    int32_t in_bytes, out_bytes;
    int32_t filter, stride, pad;
} depthwise_axis_t;

/* Depthwise convolution with one filter per channel and no dilation. The host calls one axis "lines" and the other
 * "places", whichever way round is cheaper.
 *
 * Four channels at a time: their input lines are widened to int16 into a ring of `lines.filter` line buffers, two
 * neighbouring places in a word, and each channel's filter then runs along the lines from registers. A word of the
 * ring is at ((word * 4 + channel) * lines.filter + line); there are `ring_words` words in a line.
 *
 * weights: int8 [channels][lines.filter][places.filter]. tails: int32 [channels][3 or 4]: the two or three words of the
 * requantisation as in dot.h with the bias as third word: slope, offset, bias (linear) or
 * multiplier, offset, bias, shift (rounding). There is no exact kind. */
typedef struct {
    int32_t channels;
    depthwise_axis_t lines, places;
    int32_t in_zero; /* what lies outside the input */
    int32_t requant; /* REQUANT_LINEAR or REQUANT_ROUNDING */
    int32_t linear_shift;
    int32_t ring_words;
    const int8_t *weights;
    const int32_t *tails;
} depthwise_conv2d_s8_dsp_t;

/* As depthwise_conv2d_s8, bit for bit. `out` may be `in` where both strides are 1 and the sizes are equal: a line is
 * written after it was read. `in`, `out` and `weights` may lie at any address, `tails` and `scratch` at words. `scratch`
 * holds ring_words * 4 * lines.filter words of the ring, then for each of four channels the filter as pairs:
 * lines.filter * (places.filter / 2 + 1) * 2 words, or 10 for a 3x3 filter whose places have stride 1 or 2 and whose
 * requantisation depthwise_line_knows(). It overlaps neither `in` nor `out`. */
void depthwise_conv2d_s8_dsp(const depthwise_conv2d_s8_dsp_t *op, const int8_t *in, int8_t *out, void *scratch);

#endif
