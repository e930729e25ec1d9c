/* The register tile of a matrix product, shared by the dense kernels.
 *
 * Before including: a simd header, TILE_M (rows: 4, 6 or 8) and TILE_V (vectors: 2 or 3), the size of the largest tile.
 */
#ifndef GEMM_TILE_H
#define GEMM_TILE_H

#include "parts.h"

#define TILE_N (TILE_V * VL)

/* acc[i][j] = sum over k of a[k*ak + i*ai] * b[k*ldb + j*VL ...], i < mr, j < nv; mr and nv are constants where this is inlined, and so
 * are a_ahead and b_ahead: by how many floats a and b are fetched in advance, 0 where they are in the cache already. What is behind a and b
 * should be what is read next: the hardware's own prefetch has too little time between two short runs. */
static inline __attribute__((always_inline)) void gemm_tile(int mr, int nv, int64_t k, const float *a, int64_t ak,
                                                            int64_t ai, const float *b, int64_t ldb, int a_ahead, int b_ahead,
                                                            vf acc[TILE_M][TILE_V])
{
#pragma GCC unroll 8
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++)
            acc[i][j] = vf_zero();
    for (; k > 0; k--, a += ak, b += ldb) {
        vf bv[TILE_V];
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++)
            bv[j] = vf_load(b + j * VL);
        if (a_ahead)
            __builtin_prefetch(a + a_ahead);
        for (int j = 0; b_ahead && j < nv * VL; j += 16)
            __builtin_prefetch(b + b_ahead + j);
#pragma GCC unroll 8
        for (int i = 0; i < mr; i++) {
            vf av = vf_set1(a[i * ai]);
#pragma GCC unroll 8
            for (int j = 0; j < nv; j++)
                acc[i][j] = vf_fma(av, bv[j], acc[i][j]);
        }
    }
}

/* TILE_EACH(TILE) is TILE(mr, nv) for every size up to the largest, in the order of a table [TILE_M][TILE_V]. */
#if TILE_V == 3
#define TILE_ROW(TILE, mr) TILE(mr, 1) TILE(mr, 2) TILE(mr, 3)
#elif TILE_V == 2
#define TILE_ROW(TILE, mr) TILE(mr, 1) TILE(mr, 2)
#endif
#define TILE_4_ROWS(TILE) TILE_ROW(TILE, 1) TILE_ROW(TILE, 2) TILE_ROW(TILE, 3) TILE_ROW(TILE, 4)
#if TILE_M == 8
#define TILE_EACH(TILE) TILE_4_ROWS(TILE) TILE_ROW(TILE, 5) TILE_ROW(TILE, 6) TILE_ROW(TILE, 7) TILE_ROW(TILE, 8)
#elif TILE_M == 6
#define TILE_EACH(TILE) TILE_4_ROWS(TILE) TILE_ROW(TILE, 5) TILE_ROW(TILE, 6)
#elif TILE_M == 4
#define TILE_EACH(TILE) TILE_4_ROWS(TILE)
#endif

#endif
