/* SPDX-License-Identifier: Apache-2.0 */
/* Input by interrupt; answers each line that ends in '%' with the line in brackets, SysTick's ticks and TIM2.
 * WAIT: how it waits: 0 in a loop on a variable, 1 asleep, 2 asleep after CPSID, 3 counting in memory.
 * TICK: SysTick every millisecond. SEND: output by interrupt too. SPIN: everything happens in handlers.
 * BASE: SysTick every millisecond at the lowest priority, which BASEPRI masks.
 * FAULT: 1 no handler, 2 on the process stack, 3 a handler returns to the process stack. */
#include "board.h"

#define RXNEIE (1u << 5)
#define TXEIE (1u << 7)
#ifdef F446
#define POSITION 38u
#else
#define POSITION 39u
#endif

static volatile uint8_t ring[256];
static volatile uint8_t head, tail;
static volatile uint32_t ticks;
static volatile uint32_t iterations;
static const char *volatile to_send;

/* The compiler assumes no floating-point unit: vmov to s0 and s15, vmsr to fpscr, and back. */
#define SPOIL \
    "movs r0, #99\n movs r1, #99\n movs r2, #99\n movs r3, #99\n mov r12, r0\n" \
    ".inst.w 0xee000a10\n .inst.w 0xee070a90\n .inst.w 0xeee11a10\n"

/* A handler may change what the caller of a function would save; the hardware must have saved it. */
static void spoil(void)
{
    __asm volatile(SPOIL "cmp r0, r0" ::: "r0", "r1", "r2", "r3", "r12", "cc");
}

static void on_tick(void)
{
    ticks++;
    spoil();
}

static void on_uart(void)
{
    uint32_t status = UART_STATUS;
    if (status & 1u << 5) {
        ring[head] = (uint8_t)UART_RX;
#ifdef SPIN
        put((char)ring[head]);
#endif
        head++;
    }
    if ((UART_CR1 & TXEIE) && (status & 1u << 7)) {
        if (*to_send) {
            UART_TX = (uint8_t)*to_send++;
        } else {
            UART_CR1 &= ~TXEIE;
        }
    }
    spoil();
}

static __attribute__((used)) void return_to_handler(void)
{
    __asm volatile("ldr r0, =0xfffffff1\n bx r0" ::: "r0");
}

static __attribute__((aligned(512), used)) void *table[16 + 64];

/* Waits in a loop written in assembly, and returns whether every register was as before. */
static uint32_t wait_and_compare(void)
{
    uint32_t same;
    __asm volatile("movs r0, #1\n movs r1, #2\n mov r12, r1\n .inst.w 0xee001a10\n .inst.w 0xee070a90\n"
                   "1: ldrb r2, [%1]\n ldrb r3, [%2]\n cmp r2, r3\n beq 1b\n"
                   ".inst.w 0xee102a10\n .inst.w 0xee173a90\n"
                   "cmp r0, #1\n it eq\n cmpeq r1, #2\n it eq\n cmpeq r12, #2\n it eq\n cmpeq r2, #2\n"
                   "it eq\n cmpeq r3, #1\n ite eq\n moveq %0, #1\n movne %0, #0\n"
                   : "=&r"(same)
                   : "r"(&head), "r"(&tail)
                   : "r0", "r1", "r2", "r3", "r12", "cc", "memory");
    return same;
}

static int receive(void)
{
#if WAIT == 0
    if (!wait_and_compare()) {
        return '!';
    }
#elif WAIT == 1
    while (head == tail) {
        __asm volatile("wfi");
    }
#elif WAIT == 2
    for (int none = 1; none;) {
        __asm volatile("cpsid i");
        none = head == tail;
        if (none) {
            __asm volatile("wfi");
        }
        __asm volatile("cpsie i");
    }
#else
    while (head == tail) {
        iterations++;
    }
#endif
    return ring[tail++];
}

static void send_text(const char *text)
{
#ifdef SEND
    to_send = text;
    UART_CR1 |= TXEIE;
    while (UART_CR1 & TXEIE) {
    }
#else
    put_text(text);
#endif
}

int main(void)
{
    REG(0xE000ED88) |= 0xFu << 20;
    ticks = head = tail = 0; /* nothing else clears the memory here */
    board_up();
    put_text("ready\r\n");
    table[15] = (void *)on_tick;
    table[16 + POSITION] = (void *)on_uart;
#if FAULT == 1
    table[16 + POSITION] = (void *)0;
#endif
#ifdef PROCESS
    __asm volatile("mrs r0, msp\n sub.w r0, r0, #256\n msr psp, r0\n movs r0, #2\n msr control, r0\n isb" ::: "r0",
                   "memory");
#endif
#if FAULT == 2
    table[16 + POSITION] = (void *)return_to_handler;
#endif
    REG(0xE000ED08) = (uint32_t)table;
    UART_CR1 |= RXNEIE;
    REG(0xE000E104) = 1u << (POSITION - 32u);
#ifdef BASE
    REG(0xE000ED20) = 0xF0u << 24;
    __asm volatile("movs r0, #0xF0\n msr basepri, r0" ::: "r0");
#endif
#if defined TICK || defined BASE
    REG(0xE000E014) = PLL_N * 1000u - 1u;
    REG(0xE000E018) = 0;
    REG(0xE000E010) = 7;
#endif
#ifdef SPIN
    for (;;) {
    }
#endif
    for (;;) {
        char line[64];
        int length = 0;
        for (int c = receive(); c != '%'; c = receive()) {
            line[length++] = (char)c;
        }
        line[length] = 0;
        const uint32_t now_ticks = ticks, now_us = TIM2_CNT;
        send_text("[");
        send_text(line);
        send_text("] ");
        put_number(now_ticks);
        put(' ');
        put_number(now_us);
        put_text("\r\n");
    }
}
