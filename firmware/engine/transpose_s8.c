/* SPDX-License-Identifier: Apache-2.0 */
#include "transpose_s8.h"

void transpose_s8(const transpose_s8_t *op, const int8_t *in, int8_t *out)
{
    for (int32_t i = 0; i < op->size[0]; i++) {
        for (int32_t j = 0; j < op->size[1]; j++) {
            for (int32_t k = 0; k < op->size[2]; k++) {
                const int8_t *from = in + i * op->stride[0] + j * op->stride[1] + k * op->stride[2];
                for (int32_t n = 0; n < op->size[3]; n++) {
                    *out++ = from[n * op->stride[3]];
                }
            }
        }
    }
}
