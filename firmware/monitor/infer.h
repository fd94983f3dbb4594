/* SPDX-License-Identifier: Apache-2.0 */
/* The measured part. */
#ifndef INFER_H
#define INFER_H

#include <stdint.h>

/* The `timestamp` command, and the one at boot: a m-lap-us line, or a pulse on the pin in an energy build. */
void infer_timestamp(void);

/* The `infer` command with checked arguments. */
void infer_run(uint32_t count, uint32_t warmups);

#endif
