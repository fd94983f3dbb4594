/* SPDX-License-Identifier: Apache-2.0 */
/* The output tensor becomes the m-results line. */
#ifndef RESULTS_H
#define RESULTS_H

/* Call after the last inference of a window, before the loaded bytes can change. */
void results_keep(void);

/* Call when an inference failed: there is nothing to show until the next good one. */
void results_forget(void);

/* One m-results-[...] line of the last inference, or one e-[...] line when there is none. */
void results_print(void);

#endif
