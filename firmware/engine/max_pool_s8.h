/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAX_POOL_S8_H
#define MAX_POOL_S8_H

#include "pool_s8.h"

/* out[y][x][c] = clamp(largest of the window's elements inside the input). `in` and `out` may not overlap. */
void max_pool_s8(const pool_s8_t *op, const int8_t *in, int8_t *out);

#endif
