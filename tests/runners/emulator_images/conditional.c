/* SPDX-License-Identifier: Apache-2.0 */
/* A loop whose IT block lies across a 1 KiB boundary, where the emulator's blocks end: one begins inside it. */
#include "board.h"

__attribute__((naked, noinline, aligned(1024))) static uint32_t four_for_each_odd(uint32_t rounds)
{
    __asm volatile("movs r1, #0\n"
                   ".rept 508\n nop\n .endr\n" /* the loop starts 6 bytes before the boundary */
                   "1: lsls r2, r0, #31\n"
                   "itttt ne\n"
                   "addne r1, #1\n"
                   "addne r1, #1\n"
                   "addne r1, #1\n"
                   "addne r1, #1\n"
                   "subs r0, #1\n"
                   "bne 1b\n"
                   "mov r0, r1\n"
                   "bx lr\n");
}

int main(void)
{
    board_up();
    put_number(four_for_each_odd(20001));
    put_text("\r\n");
    for (;;) {
        get();
    }
}
