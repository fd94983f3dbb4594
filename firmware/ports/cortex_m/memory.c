/* SPDX-License-Identifier: Apache-2.0 */
/* The four memory functions a compiler may call in any program, and the Arm ABI's names for them. Words where both
 * ends allow it, four at a time: the compiled engine and the monitor copy whole tensors with these.
 *
 * The build passes -fno-builtin for this file, or the compiler would turn each loop into a call to itself. */
#include <stddef.h>
#include <stdint.h>

typedef uint32_t __attribute__((may_alias)) word_t;

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
int memcmp(const void *a, const void *b, size_t count);

/* Never reads what it wrote if `to` is below `from`, for each block is read before it is written; the pointers are not
 * `restrict`, so that the compiler keeps this order. */
static void copy_forwards(void *to, const void *from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    while (count != 0 && ((uintptr_t)out & 3u) != 0) {
        *out++ = *in++;
        count--;
    }
    if (((uintptr_t)in & 3u) == 0) {
        word_t *out_words = (word_t *)(void *)out;
        const word_t *in_words = (const word_t *)(const void *)in;
        for (; count >= 16; count -= 16) {
            const uint32_t a = in_words[0];
            const uint32_t b = in_words[1];
            const uint32_t c = in_words[2];
            const uint32_t d = in_words[3];
            out_words[0] = a;
            out_words[1] = b;
            out_words[2] = c;
            out_words[3] = d;
            in_words += 4;
            out_words += 4;
        }
        for (; count >= 4; count -= 4) {
            *out_words++ = *in_words++;
        }
        out = (uint8_t *)out_words;
        in = (const uint8_t *)in_words;
    } else {
        /* Single loads and stores may be unaligned on these cores (LDM and LDRD may not: packed keeps them away). */
        typedef struct {
            uint32_t value;
        } __attribute__((packed, may_alias)) unaligned_t;
        for (; count >= 8; count -= 8) {
            const uint32_t a = ((const unaligned_t *)(const void *)in)[0].value;
            const uint32_t b = ((const unaligned_t *)(const void *)in)[1].value;
            ((word_t *)(void *)out)[0] = a;
            ((word_t *)(void *)out)[1] = b;
            in += 8;
            out += 8;
        }
    }
    while (count-- != 0) {
        *out++ = *in++;
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    copy_forwards(to, from, count);
    return to;
}

void *memmove(void *to, const void *from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((uintptr_t)out - (uintptr_t)in >= count) {
        copy_forwards(to, from, count); /* `to` is below `from` or past its end */
        return to;
    }
    if ((((uintptr_t)out ^ (uintptr_t)in) & 3u) == 0) {
        while (count != 0 && ((uintptr_t)(out + count) & 3u) != 0) {
            count--;
            out[count] = in[count];
        }
        for (; count >= 4; count -= 4) {
            *(word_t *)(void *)(out + count - 4) = *(const word_t *)(const void *)(in + count - 4);
        }
    }
    while (count-- != 0) {
        out[count] = in[count];
    }
    return to;
}

void *memset(void *to, int value, size_t count)
{
    uint8_t *out = to;
    const uint32_t four = 0x01010101u * (uint8_t)value;
    while (count != 0 && ((uintptr_t)out & 3u) != 0) {
        *out++ = (uint8_t)value;
        count--;
    }
    word_t *words = (word_t *)(void *)out;
    for (; count >= 16; count -= 16) {
        words[0] = four;
        words[1] = four;
        words[2] = four;
        words[3] = four;
        words += 4;
    }
    for (; count >= 4; count -= 4) {
        *words++ = four;
    }
    out = (uint8_t *)words;
    while (count-- != 0) {
        *out++ = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t count)
{
    const uint8_t *left = a;
    const uint8_t *right = b;
    for (size_t i = 0; i < count; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

#if defined(__arm__)
/* Run-time ABI for the Arm Architecture, 4.3.4: copies return nothing there, and what they return is not used.
 * Note the argument order of memset. */
void *__aeabi_memcpy(void *restrict to, const void *restrict from, size_t count) __attribute__((alias("memcpy")));
void *__aeabi_memcpy4(void *restrict to, const void *restrict from, size_t count) __attribute__((alias("memcpy")));
void *__aeabi_memcpy8(void *restrict to, const void *restrict from, size_t count) __attribute__((alias("memcpy")));
void *__aeabi_memmove(void *to, const void *from, size_t count) __attribute__((alias("memmove")));
void *__aeabi_memmove4(void *to, const void *from, size_t count) __attribute__((alias("memmove")));
void *__aeabi_memmove8(void *to, const void *from, size_t count) __attribute__((alias("memmove")));

void __aeabi_memset(void *to, size_t count, int value);
void __aeabi_memset4(void *to, size_t count, int value) __attribute__((alias("__aeabi_memset")));
void __aeabi_memset8(void *to, size_t count, int value) __attribute__((alias("__aeabi_memset")));
void __aeabi_memclr(void *to, size_t count);
void __aeabi_memclr4(void *to, size_t count) __attribute__((alias("__aeabi_memclr")));
void __aeabi_memclr8(void *to, size_t count) __attribute__((alias("__aeabi_memclr")));

void __aeabi_memset(void *to, size_t count, int value)
{
    memset(to, value, count);
}

void __aeabi_memclr(void *to, size_t count)
{
    memset(to, 0, count);
}
#endif
