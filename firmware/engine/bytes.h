/* SPDX-License-Identifier: Apache-2.0 */
/* Copying and filling int8 values four at a time, without the C library. */
#ifndef BYTES_H
#define BYTES_H

#include <stdint.h>

/* Copies `count` values; the two may not overlap. Words may lie at any address: Armv7E-M loads and stores them so. */
static inline void copy_bytes(int8_t *to, const int8_t *from, int32_t count)
{
    for (; count >= 4; count -= 4, to += 4, from += 4) {
        __builtin_memcpy(to, from, 4);
    }
    while (count-- > 0) {
        *to++ = *from++;
    }
}

/* Writes `value` `count` times. */
static inline void fill_bytes(int8_t *to, int8_t value, int32_t count)
{
    const uint32_t word = UINT32_C(0x01010101) * (uint8_t)value;
    for (; count >= 4; count -= 4, to += 4) {
        __builtin_memcpy(to, &word, 4);
    }
    while (count-- > 0) {
        *to++ = value;
    }
}

#endif
