/* SPDX-License-Identifier: Apache-2.0 */
/* Pages the core touches for the first time under a condition, and code in RAM that is overwritten. */
#include "board.h"

#define PAGES 64u
#define FIRST_PAGE 0x20008000u
#define CODE 0x20005000u

/* One load under "ne" from each page, then a block that starts where "ne" does not hold: how often that began whole. */
__attribute__((naked, noinline)) static uint32_t first_loads(uint32_t page, uint32_t pages)
{
    __asm__ volatile("movs r2, #0\n"
                     "1: cmp r1, #0\n"
                     "it ne\n"
                     "ldrne r3, [r0]\n"
                     "cmp r1, r1\n"
                     "b 2f\n"
                     "2: adds r2, #1\n"
                     "add.w r0, r0, #1024\n"
                     "subs r1, #1\n"
                     "bne 1b\n"
                     "mov r0, r2\n"
                     "bx lr\n");
}

/* movs r0, #number; bx lr */
static void write_function(uint32_t number)
{
    REG(CODE) = 0x47702000u | number;
    __asm__ volatile("dsb\nisb" ::: "memory");
}

int main(void)
{
    board_up();
    put_number(first_loads(FIRST_PAGE, PAGES));
    uint32_t (*const in_ram)(void) = (uint32_t (*)(void))(CODE | 1u);
    for (uint32_t number = 1; number <= 4; number++) {
        /* Other pages drive this one out of the translation buffer; data on it then brings it back. */
        for (uint32_t page = 0; page < 512; page++) {
            (void)REG(0x08000000u + 1024u * page);
        }
        REG(CODE - 4) = number;
        write_function(number);
        REG(CODE + 64) = REG(CODE - 4);
        put(' ');
        put_number(in_ram());
    }
    put_text("\r\n");
    for (;;) {
        get();
    }
}
