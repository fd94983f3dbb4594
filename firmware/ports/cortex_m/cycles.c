/* SPDX-License-Identifier: Apache-2.0 */
#include "core.h"

void cycles_enable(void)
{
    DCB_DEMCR |= DEMCR_TRCENA;
    DWT_LAR = DWT_UNLOCK; /* the M7 needs it, the M4 has no such register and ignores it */
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
}
