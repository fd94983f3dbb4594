/* SPDX-License-Identifier: Apache-2.0 */
/* STM32F446 on NUCLEO-F446RE: 180 MHz, the ST-LINK's virtual COM port on USART2, D7 = PA8 (UM1724). */
#ifndef CHIP_H
#define CHIP_H

#define PLL_M 8u
#define PLL_N 180u
#define PLL_Q 8u
#define PLL_R 2u

#define CHIP_HAS_CACHES 0
#define FLASH_ACR_ACCELERATOR (FLASH_ACR_F4_ICEN | FLASH_ACR_F4_DCEN)

#define CONSOLE_CLOCK_ENABLE RCC_APB1ENR_USART2EN
#define CONSOLE_PORT 'A'
#define CONSOLE_TX_PIN 2u
#define CONSOLE_RX_PIN 3u
#define CONSOLE_FUNCTION 7u

#define TIMESTAMP_PORT 'A'
#define TIMESTAMP_PIN 8u

#endif
