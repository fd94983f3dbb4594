/* SPDX-License-Identifier: Apache-2.0 */
/* Power control of STM32F446 (PWR_CR, PWR_CSR) and F7 (PWR_CR1, PWR_CSR1): same offsets and bits for over-drive. */
#ifndef PWR_H
#define PWR_H

#include "registers.h"

typedef struct {
    register_t CR, CSR;
} pwr_t;

#define PWR ((pwr_t *)0x40007000u)

#define PWR_CR_VOS_SCALE1 (3u << 14)
#define PWR_CR_ODEN BIT(16)
#define PWR_CR_ODSWEN BIT(17)
#define PWR_CSR_ODRDY BIT(16)
#define PWR_CSR_ODSWRDY BIT(17)

#endif
