/* SPDX-License-Identifier: Apache-2.0 */
/* The USART of STM32F1, F2 and F4: status and data registers first. */
#ifndef USART_V1_H
#define USART_V1_H

#include "registers.h"

typedef struct {
    register_t SR, DR, BRR, CR1, CR2, CR3, GTPR;
} usart_t;

#define USART_SR_ORE BIT(3)
#define USART_SR_RXNE BIT(5)
#define USART_SR_TC BIT(6)
#define USART_SR_TXE BIT(7)

#define USART_CR1_RE BIT(2)
#define USART_CR1_TE BIT(3)
#define USART_CR1_UE BIT(13)

#endif
