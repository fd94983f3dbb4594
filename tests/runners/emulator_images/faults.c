/* SPDX-License-Identifier: Apache-2.0 */
/* One way to crash per CASE; sends "up" first. */
#include "board.h"

static uint8_t scratch[64] __attribute__((aligned(8)));

__attribute__((noinline)) static uint32_t recurse(uint32_t depth)
{
    volatile uint32_t frame[32];
    frame[depth % 32] = depth;
    uint32_t below = recurse(depth + 1);
    return below + frame[depth % 32];
}

__attribute__((noinline, used)) static void crash(void)
{
#if CASE == 0
    (void)REG(0x60000000);
#elif CASE == 1
    REG(0x08000100) = 1;
#elif CASE == 2
    __asm volatile("udf #1");
#elif CASE == 3
    __asm volatile("bkpt #0");
#elif CASE == 4
    ((void (*)(void))0x30000001)();
#elif CASE == 5
    recurse(0);
#elif CASE == 6
    for (;;) {
    }
#elif CASE == 7
    for (volatile uint32_t i = 0;; i++) {
    }
#elif CASE == 8
    (void)REG(0x40013400);
#elif CASE == 9
    REG(UART + 0x80) = 3;
#elif CASE == 10
    (void)REG(0x40000C24); /* TIM5, clock off */
#elif CASE == 11
    FLASH_ACR = 0;
#elif CASE == 12
    static __attribute__((aligned(128))) void *table[16];
    for (uint32_t row = 0; row < 16; row++) {
        table[row] = (void *)0;
    }
    REG(0xE000ED08) = (uint32_t)table;
    __asm volatile("svc #0" ::: "memory");
#elif CASE == 13
    REG(0xE000ED04) = 1u << 31;
#elif CASE == 14
    __asm volatile("bx %0" ::"r"(0xFFFFFFF9));
#elif CASE == 15
    __asm volatile("ldrd r2, r3, [%0]" ::"r"(scratch + 1) : "r2", "r3");
#elif CASE == 16
    __asm volatile("ldm %0, {r2, r3}" ::"r"(scratch + 2) : "r2", "r3");
#elif CASE == 17
    while (!(TIM2_CNT & 0x80000000u)) { /* 35 minutes */
    }
#elif CASE == 18
    REG(0xE0100000) = 1;
#elif CASE == 19
    while (REG(0xE000ED04) != 1) { /* a register that Python answers */
    }
#elif CASE == 20
    __asm volatile("ldrex r2, [%0]" ::"r"(scratch + 1) : "r2");
#elif CASE == 21
    __asm volatile("cpsid i\n1: wfi\nb 1b");
#elif CASE == 22
    __asm volatile("bx %0" ::"r"(0x08000100)); /* even: Arm state */
#elif CASE == 23
    __asm volatile(".inst.w 0xee000a10"); /* vmov s0, r0: CPACR was never written */
#endif
}

int main(void)
{
    board_up();
    put_text("up\r\n");
    scratch[0] = 1;
    crash();
    put_text("survived\r\n");
    return 0;
}
