/* SPDX-License-Identifier: Apache-2.0 */
#include "copy_blocks_s8.h"
#include "bytes.h"

void copy_blocks_s8(const copy_blocks_s8_t *op, const int8_t *in, int8_t *out)
{
    out += op->out_first;
    for (int32_t n = 0; n < op->blocks; n++) {
        copy_bytes(out, in, op->block);
        in += op->block;
        out += op->out_stride;
    }
}
