/* Division in places that come up again and again: many processors take 40 to 90 cycles for 64 bits, and 26 for 32. */
#ifndef SCL_DIVIDE_H
#define SCL_DIVIDE_H

#include <stdint.h>

/* a / b and a % b. */
static inline int64_t scl_div(int64_t a, int64_t b) { return (a | b) >> 32 ? a / b : (int64_t)((uint32_t)a / (uint32_t)b); }
static inline int64_t scl_mod(int64_t a, int64_t b) { return (a | b) >> 32 ? a % b : (int64_t)((uint32_t)a % (uint32_t)b); }

#endif
