/* The register tile of a matrix product, shared by the dense kernels.
 *
 * Before including: a simd header, TILE_M (rows: 4, 6 or 8) and TILE_V (vectors: 2 or 3), the size of the largest tile.
 */
#ifndef GEMM_TILE_H
#define GEMM_TILE_H

#define TILE_N (TILE_V * VL)

/* acc[i][j] += sum over k of a[k*ak + i*ai] * b[k*ldb + j*VL ...], i < mr, j < nv; mr and nv are constants where this is inlined. */
static inline __attribute__((always_inline)) void gemm_tile(int mr, int nv, int64_t k, const float *a, int64_t ak,
                                                            int64_t ai, const float *b, int64_t ldb,
                                                            vf acc[TILE_M][TILE_V])
{
    for (; k > 0; k--, a += ak, b += ldb) {
        vf bv[TILE_V];
#pragma GCC unroll 8
        for (int j = 0; j < nv; j++)
            bv[j] = vf_load(b + j * VL);
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

/* `total` things in as few parts of at most `most` as will do, as even as can be: how many parts, and where part i begins. */
static inline int64_t even_count(int64_t total, int64_t most) { return (total + most - 1) / most; }
static inline int64_t even_begin(int64_t total, int64_t parts, int64_t i)
{
    int64_t rest = total % parts;
    return i * (total / parts) + (i < rest ? i : rest);
}

/* Splits nt threads into a grid of tm x tn over m units by n units so that the slowest thread has least to do, where the work on one
 * of the n units costs `once` units of m on top (packing). Sets this thread's ranges [m0, m1) and [n0, n1). */
static inline void grid_part(int64_t m, int64_t n, int64_t once, int tid, int nt, int64_t *m0, int64_t *m1, int64_t *n0,
                             int64_t *n1)
{
    int best = nt;
    int64_t least = INT64_MAX;
    for (int tn = nt; tn > 0; tn--) {
        int tm = nt / tn;
        int64_t cost = even_count(n, tn) * (even_count(m, tm) + once);
        if (tm * tn == nt && cost < least) {
            least = cost;
            best = tn;
        }
    }
    int tm = nt / best;
    *m0 = even_begin(m, tm, tid / best);
    *m1 = even_begin(m, tm, tid / best + 1);
    *n0 = even_begin(n, best, tid % best);
    *n1 = even_begin(n, best, tid % best + 1);
}

#endif
