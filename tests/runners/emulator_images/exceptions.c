/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions of all kinds. Each handler writes a letter into a log, which main sends.
 *
 * CASE 0: an interrupt made pending by hand, with one of higher priority made pending in its handler.
 * CASE 1: the same, where both are of one group of priorities: the second waits.
 * CASE 2: PendSV made pending in the handler of SVC: it comes after it.
 * CASE 3: two threads on stacks of their own, switched by PendSV.
 * CASE 4: a timer's update interrupt every 100 us for a millisecond.
 * CASE 5: a timer's compare interrupts.
 * CASE 6: an interrupt whose handler leaves its source pending comes again. */
#include "board.h"

#define NVIC_ENABLE REG(0xE000E100)
#define NVIC_PEND REG(0xE000E200)
#define ICSR REG(0xE000ED04)
#define PRIORITY(position) (*(volatile uint8_t *)(0xE000E400 + (position)))
#define TIM3 0x40000400u
#define TIM3_POSITION 29u

static char log_text[64];
static uint32_t logged;
static __attribute__((aligned(512), used)) void *table[16 + 64];

static void note(char letter)
{
    log_text[logged++] = letter;
}

static __attribute__((used)) void on_low(void)
{
    note('a');
    NVIC_PEND = 1u << 7;
    __asm volatile("dsb\n isb" ::: "memory");
    note('b');
}

static __attribute__((used)) void on_high(void)
{
    note('H');
    if (*(volatile uint32_t *)0xE000ED04 & 0x1FF) {
        note('0' + (*(volatile uint32_t *)0xE000ED04 & 0x1FF) % 10);
    }
}

static __attribute__((used)) void on_call(void)
{
    note('s');
    ICSR = 1u << 28;
    __asm volatile("dsb\n isb" ::: "memory");
    note('t');
}

static __attribute__((used)) void on_pend(void)
{
    note('p');
}

static uint32_t stacks[2][128] __attribute__((aligned(8)));
uint32_t *other; /* named in assembly */

/* The registers that no frame holds go to the stack; with the FPU off they are eight. */
static __attribute__((naked, used)) void on_switch(void)
{
    __asm volatile("mrs r0, psp\n stmdb r0!, {r4-r11}\n"
                   "ldr r1, =other\n ldr r2, [r1]\n str r0, [r1]\n"
                   "ldmia r2!, {r4-r11}\n msr psp, r2\n bx lr\n .ltorg" ::: "memory");
}

static void yield(void)
{
    ICSR = 1u << 28;
    __asm volatile("dsb\n isb" ::: "memory");
}

static __attribute__((used, noreturn)) void second_thread(void)
{
    for (char letter = 'x';; letter++) {
        note(letter);
        yield();
    }
}

static void two_threads(void)
{
    uint32_t *frame = &stacks[1][128 - 8];
    frame[6] = (uint32_t)second_thread & ~1u;
    frame[7] = 1u << 24;
    other = frame - 8;
    __asm volatile("msr psp, %0\n movs r0, #2\n msr control, r0\n isb" ::"r"(&stacks[0][128]) : "r0", "memory");
    note('1');
    yield();
    note('2');
    yield();
    note('3');
    __asm volatile("movs r0, #0\n msr control, r0\n isb" ::: "r0", "memory");
}

static __attribute__((used)) void on_timer(void)
{
    const uint32_t status = REG(TIM3 + 0x10);
#if CASE != 6
    REG(TIM3 + 0x10) = ~status;
#else
    if (logged >= 2) {
        REG(TIM3 + 0x10) = 0;
    }
#endif
    note((char)('0' + status));
}

static void timer(uint32_t reload, uint32_t events)
{
    RCC_APB1ENR |= 2u;
    REG(TIM3 + 0x28) = PSC_1MHZ;
    REG(TIM3 + 0x2C) = reload;
    REG(TIM3 + 0x34) = 30;
    REG(TIM3 + 0x38) = 60;
    REG(TIM3 + 0x14) = 1;
    REG(TIM3 + 0x10) = 0;
    REG(TIM3 + 0x0C) = events;
    NVIC_ENABLE = 1u << TIM3_POSITION;
    REG(TIM3 + 0x00) = 1;
    const uint32_t start = TIM2_CNT;
    while (TIM2_CNT - start < 1050u) {
    }
    REG(TIM3 + 0x0C) = 0;
}

int main(void)
{
    logged = 0;
    board_up();
    table[11] = (void *)on_call;
    table[14] = (void *)on_pend;
    table[16 + 6] = (void *)on_low;
    table[16 + 7] = (void *)on_high;
    table[16 + TIM3_POSITION] = (void *)on_timer;
    REG(0xE000ED08) = (uint32_t)table;
#if CASE < 2
    PRIORITY(6) = CASE == 0 ? 0x80 : 0x50;
    PRIORITY(7) = 0x40;
    REG(0xE000ED0C) = 0x05FA0000u | 5u << 8; /* groups of 0x40 */
    NVIC_ENABLE = 1u << 6 | 1u << 7;
    NVIC_PEND = 1u << 6;
    __asm volatile("dsb\n isb" ::: "memory");
#elif CASE == 2
    REG(0xE000ED20) = 0xFFu << 16; /* PendSV last */
    __asm volatile("svc #0" ::: "memory");
#elif CASE == 3
    table[14] = (void *)on_switch;
    two_threads();
#elif CASE == 4
    timer(99, 1);
#elif CASE == 5
    timer(999, 2 | 4);
#elif CASE == 6
    timer(499, 1);
#endif
    note('.');
    log_text[logged] = 0;
    put_text(log_text);
    put_text("\r\n");
    for (;;) {
        (void)get();
    }
}
