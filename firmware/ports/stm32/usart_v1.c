/* SPDX-License-Identifier: Apache-2.0 */
#include "usart_v1.h"

#include "app_config.h"
#include "board_config.h"
#include "enable.h"
#include "gpio.h"
#include "port.h"
#include "stm32.h"

#define USART ((usart_t *)BOARD_UART_BASE)

/* Clocks per bit, rounded. Receivers tolerate about 2 % between both ends. */
#define CLOCKS_PER_BIT ((BOARD_UART_CLOCK_HZ + APP_BAUD / 2u) / APP_BAUD)
#define REAL_BAUD (BOARD_UART_CLOCK_HZ / CLOCKS_PER_BIT)

_Static_assert(CLOCKS_PER_BIT >= 16u && CLOCKS_PER_BIT <= 0xFFFFu, "the console cannot run at this baud rate");
_Static_assert(REAL_BAUD <= APP_BAUD + APP_BAUD / 50u && REAL_BAUD >= APP_BAUD - APP_BAUD / 50u,
               "the console's clock gives this baud rate with more than 2 % error");

void usart_init(void)
{
    enable_clock(BOARD_UART_ENABLE, BOARD_UART_ENABLE_BIT);
    gpio_alternate(BOARD_UART_TX_PORT, BOARD_UART_TX_PIN, BOARD_UART_FUNCTION);
    gpio_alternate(BOARD_UART_RX_PORT, BOARD_UART_RX_PIN, BOARD_UART_FUNCTION);
    USART->BRR = CLOCKS_PER_BIT; /* oversampling by 16: the register's fields line up to this integer */
    USART->CR1 = USART_CR1_UE | USART_CR1_TE | USART_CR1_RE;
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
        status = USART->SR;
    } while (!(status & (USART_SR_RXNE | USART_SR_ORE)));
    const int byte = (int)(USART->DR & 0xFFu); /* reading SR, then DR, clears the overrun */
    if (!(status & USART_SR_RXNE)) {
        return PORT_BYTE_LOST; /* the overrun fell between the last two reads of SR and DR */
    }
    lost = (status & USART_SR_ORE) != 0; /* this byte is good, a later one was overwritten */
    return byte;
}

void port_putchar(char byte)
{
    while (!(USART->SR & USART_SR_TXE)) {
    }
    USART->DR = (uint8_t)byte;
}

void port_flush(void)
{
    while (!(USART->SR & USART_SR_TC)) {
    }
}
