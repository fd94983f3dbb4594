/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the C library's header that an image has (memory.c). A freestanding compiler does not take memcpy for
 * what it is; through these names it does, and turns a copy of four bytes into one load and one store. */
#ifndef STRING_H
#define STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int value, size_t count);
int memcmp(const void *a, const void *b, size_t count);

#define memcpy(to, from, count) __builtin_memcpy(to, from, count)
#define memmove(to, from, count) __builtin_memmove(to, from, count)
#define memset(to, value, count) __builtin_memset(to, value, count)
#define memcmp(a, b, count) __builtin_memcmp(a, b, count)

#endif
