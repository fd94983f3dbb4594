/* SPDX-License-Identifier: Apache-2.0 */
/* Flash interface of STM32F4 and F7: only the access control register is used. */
#ifndef FLASH_H
#define FLASH_H

#include "registers.h"

#define FLASH_ACR (*(register_t *)0x40023C00u)

#define FLASH_ACR_LATENCY_MASK 15u
#define FLASH_ACR_PRFTEN BIT(8)
#define FLASH_ACR_F4_ICEN BIT(9)
#define FLASH_ACR_F4_DCEN BIT(10)
#define FLASH_ACR_F7_ARTEN BIT(9)

#endif
