/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVG_POOL_S8_H
#define AVG_POOL_S8_H

#include "pool_s8.h"

/* out[y][x][c] = clamp(round(sum of the window's elements inside the input / their number)), halves away from zero.
 * `in` and `out` may not overlap. */
void avg_pool_s8(const pool_s8_t *op, const int8_t *in, int8_t *out);

#endif
