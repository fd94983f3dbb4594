/* SPDX-License-Identifier: Apache-2.0 */
/* A validation image: 'g' runs 1000 iterations of a loop and sends what they took, 'o' lists two operators. MUTE makes
 * it one that is never ready. */
#include "board.h"

int main(void)
{
    board_up();
#ifndef MUTE
    put_text("arena 12\nready 0\n");
#else
    put_text("failed 1\n");
#endif
    for (;;) {
        const int command = get();
        if (command == 'g') {
            const uint32_t start = DWT_CYCCNT;
            uint32_t iterations = 1000;
            __asm__ volatile(".balign 16\n1: subs %0, #1\n bne 1b\n" : "+r"(iterations) : : "cc");
            const uint32_t cycles = DWT_CYCCNT - start;
            put_text("cycles ");
            put_number(cycles);
            put_text("\n");
        } else if (command == 'o') {
            put_text("CONV 2D 70\nRESHAPE 3\nend\n");
        }
    }
}
