/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOOKUP_S8_H
#define LOOKUP_S8_H

#include <stdint.h>

typedef struct {
    int32_t elements;
    const int8_t *table; /* 256 answers: of 0..127, then of -128..-1 */
} lookup_s8_t;

/* out[i] = table[in[i] as a byte]. `out` may be `in`. */
void lookup_s8(const lookup_s8_t *op, const int8_t *in, int8_t *out);

#endif
