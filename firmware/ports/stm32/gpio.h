/* SPDX-License-Identifier: Apache-2.0 */
/* General-purpose I/O of an STM32. A port's clock enable bit is its letter's place. */
#ifndef GPIO_H
#define GPIO_H

#include "board_config.h"
#include "enable.h"
#include "registers.h"

typedef struct {
    register_t MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFR[2];
} gpio_t;

/* The port of a letter, 'A' and up. */
#define GPIO(letter) ((gpio_t *)(BOARD_GPIO_BASE + 0x400u * (uint32_t)((letter) - 'A')))

static inline void gpio_clock_enable(char letter)
{
    enable_clock(BOARD_GPIO_ENABLE, (uint32_t)(letter - 'A'));
}

static inline void gpio_set_mode(gpio_t *gpio, uint32_t pin, uint32_t mode)
{
    gpio->MODER = (gpio->MODER & ~(3u << (2u * pin))) | mode << (2u * pin);
}

static inline void gpio_output(char letter, uint32_t pin)
{
    gpio_clock_enable(letter);
    gpio_set_mode(GPIO(letter), pin, 1u);
}

static inline void gpio_alternate(char letter, uint32_t pin, uint32_t function)
{
    gpio_clock_enable(letter);
    gpio_t *gpio = GPIO(letter);
    const uint32_t shift = 4u * (pin % 8u);
    gpio->AFR[pin / 8u] = (gpio->AFR[pin / 8u] & ~(15u << shift)) | function << shift;
    gpio->PUPDR = (gpio->PUPDR & ~(3u << (2u * pin))) | 1u << (2u * pin); /* pull-up: an open line reads idle */
    gpio_set_mode(gpio, pin, 2u);
}

static inline void gpio_write(char letter, uint32_t pin, uint32_t high)
{
    GPIO(letter)->BSRR = high ? BIT(pin) : BIT(pin + 16u);
}

#endif
