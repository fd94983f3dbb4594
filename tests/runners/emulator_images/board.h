/* SPDX-License-Identifier: Apache-2.0 */
/* Just enough of two boards for the emulator's tests: clock, console UART, timer, cycle counter. F446 or F746. */
#ifndef BOARD_H
#define BOARD_H
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))

#define RCC_CR REG(0x40023800)
#define RCC_PLLCFGR REG(0x40023804)
#define RCC_CFGR REG(0x40023808)
#define RCC_AHB1ENR REG(0x40023830)
#define RCC_APB1ENR REG(0x40023840)
#define PWR_CR REG(0x40007000)
#define PWR_CSR REG(0x40007004)
#define FLASH_ACR REG(0x40023C00)
#define TIM2_CR1 REG(0x40000000)
#define TIM2_EGR REG(0x40000014)
#define TIM2_CNT REG(0x40000024)
#define TIM2_PSC REG(0x40000028)
#define DEMCR REG(0xE000EDFC)
#define DWT_CTRL REG(0xE0001000)
#define DWT_CYCCNT REG(0xE0001004)
#define DWT_LAR REG(0xE0001FB0)

#ifdef F446
#define PORT 0x40020000u /* GPIOA: PA2, PA3 */
#define UART 0x40004400u
#define UART_STATUS REG(UART + 0x00)
#define UART_RX REG(UART + 0x04)
#define UART_TX REG(UART + 0x04)
#define UART_BRR REG(UART + 0x08)
#define UART_CR1 REG(UART + 0x0C)
#define UART_ON (1u << 13 | 1u << 3 | 1u << 2)
#define UART_GATE (1u << 17)
#define PLL_N 180u
#define PSC_1MHZ 89u
#define DIVISOR 391u
#define WAIT_STATES 5u
#define FIRST_PIN 2u
#define PORT_GATE 1u
#else
#define PORT 0x40020C00u /* GPIOD: PD8, PD9 */
#define UART 0x40004800u
#define UART_CR1 REG(UART + 0x00)
#define UART_BRR REG(UART + 0x0C)
#define UART_STATUS REG(UART + 0x1C)
#define UART_RX REG(UART + 0x24)
#define UART_TX REG(UART + 0x28)
#define UART_ON (1u << 0 | 1u << 3 | 1u << 2)
#define UART_GATE (1u << 18)
#define PLL_N 216u
#define PSC_1MHZ 107u
#define DIVISOR 469u
#define WAIT_STATES 7u
#define FIRST_PIN 8u
#define PORT_GATE (1u << 3)
#endif

extern uint32_t __stack_top[];
int main(void);

__attribute__((noreturn, used)) void reset(void)
{
    main();
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) void *const vectors[2] = {(void *)__stack_top, (void *)reset};

static void clock_up(void)
{
    RCC_APB1ENR |= 1u << 28;
    PWR_CR |= 3u << 14;
    RCC_PLLCFGR = 8u | PLL_N << 6 | 0u << 16 | 9u << 24 | 2u << 28;
    RCC_CR |= 1u << 24;
    PWR_CR |= 1u << 16;
    while (!(PWR_CSR & 1u << 16)) {
    }
    PWR_CR |= 1u << 17;
    while (!(PWR_CSR & 1u << 17)) {
    }
    while (!(RCC_CR & 1u << 25)) {
    }
    FLASH_ACR = WAIT_STATES | 1u << 8;
    RCC_CFGR = 5u << 10 | 4u << 13;
    RCC_CFGR |= 2u;
    while ((RCC_CFGR >> 2 & 3u) != 2u) {
    }
}

static void uart_up(uint32_t divisor)
{
    RCC_AHB1ENR |= PORT_GATE;
    RCC_APB1ENR |= UART_GATE;
    REG(PORT + 0x00) = 2u << 2 * FIRST_PIN | 2u << 2 * (FIRST_PIN + 1);
    REG(PORT + 0x20 + 4 * (FIRST_PIN / 8)) = 7u << 4 * (FIRST_PIN % 8) | 7u << 4 * (FIRST_PIN % 8 + 1);
    UART_BRR = divisor;
    UART_CR1 = UART_ON;
}

static void timer_up(void)
{
    RCC_APB1ENR |= 1u;
    TIM2_PSC = PSC_1MHZ;
    TIM2_EGR = 1u;
    TIM2_CR1 = 1u;
    DEMCR |= 1u << 24;
    DWT_LAR = 0xC5ACCE55u;
    DWT_CYCCNT = 0;
    DWT_CTRL |= 1u;
}

static void put(char c)
{
    while (!(UART_STATUS & 1u << 7)) {
    }
    UART_TX = (uint8_t)c;
}

static void put_text(const char *text)
{
    while (*text) {
        put(*text++);
    }
}

static void put_number(uint32_t value)
{
    char digits[11];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count) {
        put(digits[--count]);
    }
}

static int get(void)
{
    while (!(UART_STATUS & 1u << 5)) {
    }
    return (int)(UART_RX & 0xFF);
}

static void board_up(void)
{
    clock_up();
    uart_up(DIVISOR);
    timer_up();
}
#endif
