/* SPDX-License-Identifier: Apache-2.0 */
/* The Armv7E-M instructions the DSP kernels are written in: each is one instruction on a Cortex-M4 or M7 and plain C
 * everywhere else, so that the same kernels are tested natively. A "pair" is two int16 in one word, low half first. */
#ifndef SIMD_H
#define SIMD_H

#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
#define HAVE_DSP 1
#else
#define HAVE_DSP 0
#endif

/* Four int8 at any address. On a Cortex-M this is one LDR, which alone may be unaligned. */
INLINE uint32_t load_bytes(const int8_t *p)
{
    uint32_t word;
    __builtin_memcpy(&word, p, sizeof word);
    return word;
}

/* (low of a, low of b) */
INLINE uint32_t pack_low(uint32_t a, uint32_t b)
{
#if HAVE_DSP
    uint32_t r;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(r) : "r"(a), "r"(b));
    return r;
#else
    return (a & 0xffffu) | (b << 16);
#endif
}

/* (high of a, high of b) */
INLINE uint32_t pack_high(uint32_t a, uint32_t b)
{
#if HAVE_DSP
    uint32_t r;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(r) : "r"(b), "r"(a));
    return r;
#else
    return (b & 0xffff0000u) | (a >> 16);
#endif
}

/* Bytes 0 and 2 as a pair. */
INLINE uint32_t extend_even(uint32_t bytes)
{
#if HAVE_DSP
    uint32_t r;
    __asm__("sxtb16 %0, %1" : "=r"(r) : "r"(bytes));
    return r;
#else
    return pack_low((uint32_t)(int8_t)bytes, (uint32_t)(int8_t)(bytes >> 16));
#endif
}

/* Bytes 1 and 3 as a pair. */
INLINE uint32_t extend_odd(uint32_t bytes)
{
#if HAVE_DSP
    uint32_t r;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(bytes));
    return r;
#else
    return extend_even(bytes >> 8);
#endif
}

/* sum + low * low + high * high, modulo 2^32. */
INLINE int32_t dot_add(uint32_t a, uint32_t b, int32_t sum)
{
#if HAVE_DSP
    int32_t r;
    __asm__("smlad %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(sum));
    return r;
#else
    const int32_t low = (int16_t)a * (int16_t)b;
    const int32_t high = (int16_t)(a >> 16) * (int16_t)(b >> 16);
    return (int32_t)((uint32_t)sum + (uint32_t)low + (uint32_t)high);
#endif
}

/* sum + half of a * half of b; the halves are named low or high. Only the portable forms of the kernels in assembler
 * use these two. */
INLINE int32_t mul_add_low_high(uint32_t a, uint32_t b, int32_t sum)
{
    return (int32_t)((uint32_t)sum + (uint32_t)((int16_t)a * (int16_t)(b >> 16)));
}

INLINE int32_t mul_add_high_low(uint32_t a, uint32_t b, int32_t sum)
{
    return (int32_t)((uint32_t)sum + (uint32_t)((int16_t)(a >> 16) * (int16_t)b));
}

/* offset + round(a * b / 2^32), halves upward. */
INLINE int32_t high_mul_add(int32_t a, int32_t b, int32_t offset)
{
#if HAVE_DSP
    int32_t r;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(offset));
    return r;
#else
    return (int32_t)(offset + (((int64_t)a * b + (INT64_C(1) << 31)) >> 32));
#endif
}

/* Nearest int8. */
INLINE int32_t saturate_int8(int32_t x)
{
#if HAVE_DSP
    int32_t r;
    __asm__("ssat %0, #8, %1" : "=r"(r) : "r"(x));
    return r;
#else
    return x < -128 ? -128 : x > 127 ? 127 : x;
#endif
}

#endif
