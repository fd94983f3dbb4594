/* SPDX-License-Identifier: Apache-2.0 */
/* Names for the values app_config.h gives; the rows are in firmware/wire.py. */
#ifndef FORMATS_H
#define FORMATS_H

/* APP_INPUT_FORMAT: what `db` loads, and what is done to it. */
#define INPUT_INT8 0    /* the input tensor itself */
#define INPUT_UINT8 1   /* one unsigned byte a value: subtract 128 */
#define INPUT_FLOAT32 2 /* little-endian: clamp(round_half_away(x / scale) + zero_point) */

/* APP_RESULT_FORMAT: what m-results-[...] shows. */
#define RESULT_TRUNCATED 0 /* dequantised values, cut off after three decimals */
#define RESULT_ROUNDED 1   /* dequantised values, as %0.3f prints them */
#define RESULT_MSE 2       /* mean of (dequantised output - float input)^2, as %0.3f prints it */
#define RESULT_FINE 3      /* dequantised values, as %0.6f prints them */

#endif
