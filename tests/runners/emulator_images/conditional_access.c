/* SPDX-License-Identifier: Apache-2.0 */
/* Conditional loads and stores right before a branch, its target an instruction under no condition. Sends '+' when all
 * is as on silicon: every iteration of the loop adds 1 + 3, whatever the condition was. */
#include "board.h"

__attribute__((naked, noinline)) static uint32_t sum(uint32_t count, uint32_t *word)
{
    __asm__ volatile("push {r4, lr}\n"
                     "movs r2, #0\n"
                     "movs r4, #3\n"
                     "1: ands r3, r0, #1\n"
                     "ite ne\n"
                     "ldrne r3, [r1]\n"
                     "streq r4, [r1]\n"
                     "b 2f\n"
                     "nop\n"
                     "2: adds r2, #1\n"
                     "cmp r0, #1000\n"
                     "it lt\n"
                     "ldrlt r3, [r1]\n"
                     "b 3f\n"
                     "nop\n"
                     "3: ldr r3, [r1]\n"
                     "add r2, r3\n"
                     "subs r0, #1\n"
                     "bne 1b\n"
                     "mov r0, r2\n"
                     "pop {r4, pc}\n");
}

int main(void)
{
    static uint32_t word;
    board_up();
    for (;;) {
        (void)get();
        word = 3;
        put(sum(2000, &word) == 2000u * 4u ? '+' : '-');
    }
}
