/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of so many words loaded and stored that the emulator's own code for them gets too long: it cuts them. */
#include "board.h"

static uint32_t words[8] = {1, 2, 3, 4, 5, 6, 7, 8};

__attribute__((naked, noinline, aligned(1024))) static uint32_t shuffled(uint32_t rounds, uint32_t *eight)
{
    __asm volatile("push {r4-r9, lr}\n"
                   "1:\n"
                   ".rept 100\n"
                   "ldmia.w r1, {r2-r9}\n"
                   "adds r2, r2, r9\n"
                   "stmia.w r1, {r2-r9}\n"
                   ".endr\n"
                   "subs r0, #1\n"
                   "bne.w 1b\n"
                   "mov r0, r2\n"
                   "pop {r4-r9, pc}\n");
}

int main(void)
{
    board_up();
    for (;;) {
        if (get() == '%') {
            put_number(shuffled(50, words));
            put_text("\r\n");
        }
    }
}
