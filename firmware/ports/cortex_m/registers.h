/* SPDX-License-Identifier: Apache-2.0 */
/* How registers are spelt here: one struct per peripheral, members in the order and with the names of the manuals. */
#ifndef REGISTERS_H
#define REGISTERS_H

#include <stdint.h>

typedef volatile uint32_t register_t;

#define BIT(n) (1u << (n))

#endif
