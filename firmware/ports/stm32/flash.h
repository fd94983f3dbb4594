/* SPDX-License-Identifier: Apache-2.0 */
/* Flash interface of STM32F4 and F7: only the access control register is used. */
#ifndef FLASH_H
#define FLASH_H

#include "registers.h"

#define FLASH_ACR (*(register_t *)0x40023C00u)

#define FLASH_ACR_LATENCY_MASK 15u
#define FLASH_ACR_PRFTEN BIT(8)
#define FLASH_ACR_LINES BIT(9)       /* F4: ICEN, for instructions; F7: ARTEN, for both */
#define FLASH_ACR_DATA_LINES BIT(10) /* F4: DCEN */

#endif
