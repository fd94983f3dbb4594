/* SPDX-License-Identifier: Apache-2.0 */
/* errno without the rest: newlib keeps it in a structure of a kilobyte of RAM that is otherwise for standard I/O, and
 * the mathematical functions of some kernels (expf) set it. */
int *__errno(void);

int *__errno(void)
{
    static int value;

    return &value;
}
