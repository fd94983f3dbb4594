/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

static void instruction_cache_enable(void)
{
    dsb();
    isb();
    SCB_ICIALLU = 0;
    dsb();
    isb();
    SCB_CCR |= CCR_IC;
    dsb();
    isb();
}

static void data_cache_enable(void)
{
    if (SCB_CCR & CCR_DC) {
        return; /* already on (a debugger's loader): invalidating now would lose what it holds */
    }
    SCB_CSSELR = 0; /* level 1, data */
    dsb();
    /* Lines come out of reset with arbitrary valid bits: every set and way is invalidated first. */
    const uint32_t geometry = SCB_CCSIDR;
    const uint32_t last_set = geometry >> 13 & 0x7FFFu;
    const uint32_t last_way = geometry >> 3 & 0x3FFu;
    for (uint32_t set = 0; set <= last_set; set++) {
        for (uint32_t way = 0; way <= last_way; way++) {
            SCB_DCISW = way << 30 | set << 5;
        }
    }
    dsb();
    SCB_CCR |= CCR_DC;
    dsb();
    isb();
}

void cache_enable(void)
{
    instruction_cache_enable();
    data_cache_enable();
}
