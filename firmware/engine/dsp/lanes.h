/* SPDX-License-Identifier: Apache-2.0 */
/* Four int8 values in one word, side by side: simd.h has the pairs of int16. By the Armv7E-M DSP instructions, and plain
 * C with the same results elsewhere. Lane 0 is the value at the lowest address, which may be any. */
#ifndef LANES_H
#define LANES_H

#include "simd.h"

/* Keeps a pointer in a register of its own. Compilers like to turn several pointers that step together into one index,
 * which takes an addition for every access. */
#define OWN_REGISTER(pointer) __asm__ volatile("" : "+r"(pointer))

/* What load_bytes reads. */
static inline void store_bytes(int8_t *to, uint32_t word)
{
    __builtin_memcpy(to, &word, 4);
}

/* The values of lanes 1 and 3, times 256, in two halves: what smlawb and smlawt take. */
static inline int32_t odd_halves(uint32_t word)
{
    return (int32_t)(word & UINT32_C(0xff00ff00));
}

/* The same of lanes 0 and 2. */
static inline int32_t even_halves(uint32_t word)
{
    return (int32_t)((word << 8) & UINT32_C(0xff00ff00));
}

static inline int8_t lane(uint32_t word, int32_t index)
{
    return (int8_t)(word >> (8 * index));
}

#if HAVE_DSP

#include <arm_acle.h>

/* sum + (a * bottom half of halves >> 16), of the 48-bit product. */
static inline int32_t smlawb(int32_t a, int32_t halves, int32_t sum)
{
    return __smlawb(a, halves, sum);
}

/* The same with the top half. */
static inline int32_t smlawt(int32_t a, int32_t halves, int32_t sum)
{
    return __smlawt(a, halves, sum);
}

/* Adds lanes 0 and 2 of `word`, as signed values, to the two int16 halves of `sums`. */
static inline uint32_t add_even(uint32_t sums, uint32_t word)
{
    return (uint32_t)__sxtab16((int16x2_t)sums, (int8x4_t)word);
}

/* Adds lanes 1 and 3. */
static inline uint32_t add_odd(uint32_t sums, uint32_t word)
{
    return (uint32_t)__sxtab16((int16x2_t)sums, (int8x4_t)((word >> 8) | (word << 24)));
}

/* The larger value in every lane. The flags that ssub8 leaves for sel stay inside one statement: compilers do not
 * model them. */
static inline uint32_t max4(uint32_t a, uint32_t b)
{
    uint32_t larger;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(larger) : "r"(a), "r"(b) : "cc");
    return larger;
}

/* The smaller value in every lane. */
static inline uint32_t min4(uint32_t a, uint32_t b)
{
    uint32_t smaller;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(smaller) : "r"(a), "r"(b) : "cc");
    return smaller;
}

/* Saturates value >> shift to int8; `shift` must be a constant in [1, 31]. */
#define SATURATE_SHIFTED(value, shift) __ssat((value) >> (shift), 8)

#else

static inline int32_t smlawb(int32_t a, int32_t halves, int32_t sum)
{
    return sum + (int32_t)(((int64_t)a * (int16_t)(halves & 0xffff)) >> 16);
}

static inline int32_t smlawt(int32_t a, int32_t halves, int32_t sum)
{
    return sum + (int32_t)(((int64_t)a * (halves >> 16)) >> 16);
}

static inline uint32_t add_halves(uint32_t sums, int32_t low, int32_t high)
{
    return ((sums + (uint32_t)low) & 0xffffu) | ((((sums >> 16) + (uint32_t)high) & 0xffffu) << 16);
}

static inline uint32_t add_even(uint32_t sums, uint32_t word)
{
    return add_halves(sums, lane(word, 0), lane(word, 2));
}

static inline uint32_t add_odd(uint32_t sums, uint32_t word)
{
    return add_halves(sums, lane(word, 1), lane(word, 3));
}

static inline uint32_t select4(uint32_t a, uint32_t b, int larger)
{
    uint32_t word = 0;
    for (int32_t i = 0; i < 4; i++) {
        const int8_t value = (lane(a, i) > lane(b, i)) == larger ? lane(a, i) : lane(b, i);
        word |= (uint32_t)(uint8_t)value << (8 * i);
    }
    return word;
}

static inline uint32_t max4(uint32_t a, uint32_t b)
{
    return select4(a, b, 1);
}

static inline uint32_t min4(uint32_t a, uint32_t b)
{
    return select4(a, b, 0);
}

#define SATURATE_SHIFTED(value, shift) saturate_int8((value) >> (shift))

#endif

#endif
