/* SPDX-License-Identifier: Apache-2.0 */
/* Dot products of one or four im2col columns with all filters of a layer, requantised: the inside of convolutions and
 * fully-connected layers.
 *
 * Im2col columns. A column is the input values under one output pixel, widened to int16 and stored as `pairs` words of
 * two. Four columns are interleaved: word 4 * p + q is pair p of column q. The order of the values is free as long as
 * the filters have the same; widening four bytes gives bytes (0, 2), then (1, 3).
 *
 * Packed weights. The host lays out filters, biases and requant parameters in the order of use, in words:
 *   two filters:   bias 0, bias 1, then per pair p: bytes (f0[2p], f1[2p], f0[2p+1], f1[2p+1]), then the parameters of
 *                  filter 0, then those of filter 1
 *   an odd last filter:  bias, then per two pairs: bytes (f[4i], f[4i+2], f[4i+1], f[4i+3]), then its parameters
 * Packed pairs: where `packed_pairs` is set, the two bytes of a value in a word of two filters are one int16,
 * 256 * f1 + f0, and the second bias is 256 * bias 1 + bias 0. One multiplication by the word as it is gives
 * 256 * sum 1 + sum 0, and sum 0 is known: no need to widen f1. The host packs where every such int16 exists and
 * |sum 1| < 2^23.
 * An odd last filter with an odd number of pairs reads one pair after the column, times 0.
 * The input's zero point is folded into the bias. Sums are modulo 2^32 on the way and exact at the end.
 *
 * Requantisation, one kind for a layer, with its parameters per filter. The host has proved the first two equal to the
 * layer's own arithmetic for every sum that int8 inputs can give:
 *   REQUANT_LINEAR    slope, offset              saturate((offset + round(sum * slope / 2^32)) >> shift)
 *   REQUANT_ROUNDING  multiplier - 2^32, offset, shift   v = sum + round(sum * multiplier' / 2^32), which is
 *                     high_mul of requant.h; saturate((v - (v < 0) + offset) >> shift)
 *   REQUANT_EXACT     multiplier, shift          as the portable kernel */
#ifndef DOT_H
#define DOT_H

#include <stdint.h>

enum { REQUANT_LINEAR, REQUANT_ROUNDING, REQUANT_EXACT };

typedef struct {
    int32_t requant;                    /* one of the three */
    int32_t linear_shift;               /* of REQUANT_LINEAR, 0..15; 4 and 2 are the fast ones */
    int32_t packed_pairs;               /* 1 or 0 */
    int32_t pairs;                      /* words in an im2col column, at least 1 */
    int32_t filters;                    /* bytes from one output pixel to the next */
    int32_t out_zero, out_min, out_max; /* of REQUANT_EXACT */
    const int32_t *packed_weights;
} dot_t;

#endif
