/* SPDX-License-Identifier: Apache-2.0 */
/* STM32F746 on NUCLEO-F746ZG: 216 MHz, the ST-LINK's virtual COM port on USART3, D7 = PF13 (UM1974). */
#ifndef CHIP_H
#define CHIP_H

#define PLL_M 8u
#define PLL_N 216u
#define PLL_Q 9u
#define PLL_R 2u

#define CHIP_HAS_CACHES 1
/* ART serves the ITCM alias of the flash only; on, it costs nothing when code runs from the AXI side. */
#define FLASH_ACR_ACCELERATOR FLASH_ACR_F7_ARTEN

#define CONSOLE_CLOCK_ENABLE RCC_APB1ENR_USART3EN
#define CONSOLE_PORT 'D'
#define CONSOLE_TX_PIN 8u
#define CONSOLE_RX_PIN 9u
#define CONSOLE_FUNCTION 7u

#define TIMESTAMP_PORT 'F'
#define TIMESTAMP_PIN 13u

#endif
