/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup_s8.h"

void lookup_s8(const lookup_s8_t *op, const int8_t *in, int8_t *out)
{
    for (int32_t i = 0; i < op->elements; i++) {
        out[i] = op->table[(uint8_t)in[i]];
    }
}
