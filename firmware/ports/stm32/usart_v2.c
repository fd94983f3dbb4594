/* SPDX-License-Identifier: Apache-2.0 */
#include "usart_v2.h"

#include "app_config.h"
#include "board_config.h"
#include "enable.h"
#include "gpio.h"
#include "port.h"
#include "stm32.h"

#define USART ((usart_t *)BOARD_UART_BASE)

/* What BRR takes: clocks per bit, of an LPUART 256ths of one; rounded. Receivers tolerate about 2 % between both ends. */
#define UNITS_HZ ((uint64_t)BOARD_UART_CLOCK_HZ * BOARD_UART_UNITS)
#define UNITS_PER_BIT ((UNITS_HZ + APP_BAUD / 2u) / APP_BAUD)
#define REAL_BAUD (UNITS_HZ / UNITS_PER_BIT)

_Static_assert(UNITS_PER_BIT >= BOARD_UART_MIN_UNITS && UNITS_PER_BIT <= BOARD_UART_MAX_UNITS,
               "the console cannot run at this baud rate");
_Static_assert(REAL_BAUD <= APP_BAUD + APP_BAUD / 50u && REAL_BAUD >= APP_BAUD - APP_BAUD / 50u,
               "the console's clock gives this baud rate with more than 2 % error");

void usart_init(void)
{
    const uint32_t acknowledged = USART_ISR_TEACK | USART_ISR_REACK;
    enable_clock(BOARD_UART_ENABLE, BOARD_UART_ENABLE_BIT);
    if (BOARD_UART_SELECT_VALUE) {
        *(register_t *)BOARD_UART_SELECT |= BOARD_UART_SELECT_VALUE;
    }
    gpio_alternate(BOARD_UART_TX_PORT, BOARD_UART_TX_PIN, BOARD_UART_FUNCTION);
    gpio_alternate(BOARD_UART_RX_PORT, BOARD_UART_RX_PIN, BOARD_UART_FUNCTION);
    USART->BRR = (uint32_t)UNITS_PER_BIT; /* oversampling by 16: the register's fields line up to this integer */
    USART->CR1 = USART_CR1_UE | USART_CR1_TE | USART_CR1_RE;
    while ((USART->ISR & acknowledged) != acknowledged) {
    }
}

int port_getchar(void)
{
    static int lost;
    if (lost) {
        lost = 0;
        return PORT_BYTE_LOST;
    }
    uint32_t status;
    do {
        status = USART->ISR;
    } while (!(status & (USART_ISR_RXNE | USART_ISR_ORE)));
    if (status & USART_ISR_ORE) {
        USART->ICR = USART_ICR_ORECF;
        if (!(status & USART_ISR_RXNE)) {
            return PORT_BYTE_LOST; /* the overrun fell between the last two reads of ISR and RDR */
        }
        lost = 1; /* this byte is good, a later one was overwritten */
    }
    return (int)(USART->RDR & 0xFFu);
}

void port_putchar(char byte)
{
    while (!(USART->ISR & USART_ISR_TXE)) {
    }
    USART->TDR = (uint8_t)byte;
}

void port_flush(void)
{
    while (!(USART->ISR & USART_ISR_TC)) {
    }
}
