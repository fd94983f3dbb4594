/* SPDX-License-Identifier: Apache-2.0 */
#include "pad_s8.h"
#include "bytes.h"

void pad_s8(const pad_s8_t *op, const int8_t *in, int8_t *out)
{
    const int8_t value = (int8_t)op->value;
    const int32_t row = op->out_w * op->out_c;
    const int32_t after_h = op->out_h - op->in_h - op->before_h;
    const int32_t after_w = (op->out_w - op->in_w - op->before_w) * op->out_c;
    const int32_t after_c = op->out_c - op->in_c - op->before_c;

    fill_bytes(out, value, op->before_h * row);
    out += op->before_h * row;
    for (int32_t y = 0; y < op->in_h; y++) {
        fill_bytes(out, value, op->before_w * op->out_c);
        out += op->before_w * op->out_c;
        if (op->in_c == op->out_c) {
            copy_bytes(out, in, op->in_w * op->in_c);
            in += op->in_w * op->in_c;
            out += op->in_w * op->in_c;
        } else {
            for (int32_t x = 0; x < op->in_w; x++) {
                fill_bytes(out, value, op->before_c);
                copy_bytes(out + op->before_c, in, op->in_c);
                fill_bytes(out + op->before_c + op->in_c, value, after_c);
                in += op->in_c;
                out += op->out_c;
            }
        }
        fill_bytes(out, value, after_w);
        out += after_w;
    }
    fill_bytes(out, value, after_h * row);
}
