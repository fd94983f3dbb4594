/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of both poolings. Input int8 [in_h][in_w][channels], output int8 [out_h][out_w][channels].
 * Output (y, x) covers rows y * stride_h - pad_top .. + filter_h - 1, and columns alike; what lies outside the input
 * does not count. Every window holds at least one element, which both paddings of TFLite guarantee. */
#ifndef POOL_S8_H
#define POOL_S8_H

#include <stdint.h>

typedef struct {
    int32_t in_h, in_w, channels;
    int32_t out_h, out_w;
    int32_t filter_h, filter_w;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left;
    int32_t out_min, out_max; /* fused activation, within [-128, 127] */
} pool_s8_t;

#endif
