/* SPDX-License-Identifier: Apache-2.0 */
/* The USART of STM32F0, F3, F7 and L4: separate receive, transmit, status and clear registers. */
#ifndef USART_V2_H
#define USART_V2_H

#include "registers.h"

typedef struct {
    register_t CR1, CR2, CR3, BRR, GTPR, RTOR, RQR, ISR, ICR, RDR, TDR;
} usart_t;

#define USART_ISR_ORE BIT(3)
#define USART_ISR_RXNE BIT(5)
#define USART_ISR_TC BIT(6)
#define USART_ISR_TXE BIT(7)
#define USART_ISR_TEACK BIT(21)
#define USART_ISR_REACK BIT(22)

#define USART_ICR_ORECF BIT(3)

#define USART_CR1_UE BIT(0)
#define USART_CR1_RE BIT(2)
#define USART_CR1_TE BIT(3)

#endif
