/* SPDX-License-Identifier: Apache-2.0 */
/* The output tensor becomes the m-results line. */
#ifndef RESULTS_H
#define RESULTS_H

#include <stdint.h>

/* The int8 output tensor of the last good inference. Nothing here reads it: a debugger or an emulator with the
 * image's symbols finds the raw output by it, which m-results rounds to three decimals. */
extern const int8_t *results_tensor;

/* Call after the last inference of a window, before the loaded bytes can change. */
void results_store(void);

/* Call when an inference failed: there is nothing to show until the next good one. */
void results_clear(void);

/* One m-results-[...] line of the last inference, or one e-[...] line when there is none. */
void results_print(void);

#endif
