/* SPDX-License-Identifier: Apache-2.0 */
/* 64-bit operations the Armv7E-M instruction set lacks, under the Arm run-time ABI's names (4.2 and 4.3.1), so that
 * the image needs no compiler library. Dropped by the linker when nothing calls them. */
#include <stdint.h>

uint64_t __aeabi_llsl(uint64_t value, int shift);
uint64_t __aeabi_llsr(uint64_t value, int shift);
int64_t __aeabi_lasr(int64_t value, int shift);

typedef union {
    uint64_t whole;
    struct {
        uint32_t low;
        uint32_t high;
    } half;
} pair_t;

uint64_t __aeabi_llsl(uint64_t value, int shift)
{
    pair_t pair = {value};
    if (shift >= 32) {
        pair.half.high = pair.half.low << (shift - 32);
        pair.half.low = 0;
    } else if (shift > 0) {
        pair.half.high = pair.half.high << shift | pair.half.low >> (32 - shift);
        pair.half.low <<= shift;
    }
    return pair.whole;
}

uint64_t __aeabi_llsr(uint64_t value, int shift)
{
    pair_t pair = {value};
    if (shift >= 32) {
        pair.half.low = pair.half.high >> (shift - 32);
        pair.half.high = 0;
    } else if (shift > 0) {
        pair.half.low = pair.half.low >> shift | pair.half.high << (32 - shift);
        pair.half.high >>= shift;
    }
    return pair.whole;
}

int64_t __aeabi_lasr(int64_t value, int shift)
{
    pair_t pair = {(uint64_t)value};
    const int32_t high = (int32_t)pair.half.high;
    if (shift >= 32) {
        pair.half.low = (uint32_t)(high >> (shift - 32));
        pair.half.high = (uint32_t)(high >> 31);
    } else if (shift > 0) {
        pair.half.low = pair.half.low >> shift | pair.half.high << (32 - shift);
        pair.half.high = (uint32_t)(high >> shift);
    }
    return (int64_t)pair.whole;
}
