/* SPDX-License-Identifier: Apache-2.0 */
/* The device side of the EE dialect: commands ended by '%', replies in lines, each reply ended by m-ready. */
#ifndef MONITOR_H
#define MONITOR_H

/* Boots, then answers commands. Returns only when the port says that no more input will come. */
void monitor_run(void);

#endif
