/* How fast this machine multiplies and adds: chains enough to keep its units busy, and nothing from memory between the ends. */
#include "scl_kernels.h"

enum { CHAINS = 12 };  /* latency times units is 8 to 10 on the processors of the last ten years; 16 registers hold 12 and a and b */

void SCL_NAME(scl_probe_fma)(const void *args, int tid, int nt)
{
    const scl_args_probe *p = args;
    const float *x = p->x;
    const vf a = vf_set1(p->a), b = vf_set1(p->b);
    int64_t begin, end;
    scl_part(p->rows, 1, tid, nt, &begin, &end);
    for (int64_t i = begin * p->k; i < end * p->k; i += CHAINS * VL) {
        vf v[CHAINS];
        for (int j = 0; j < CHAINS; j++) {
            const int64_t left = end * p->k - i - j * VL;
            v[j] = vf_loadn(x + (left > 0 ? i + j * VL : i), left < 0 ? 0 : left < VL ? left : VL);
        }
        for (int64_t r = 0; r < p->repeats; r++)
            for (int j = 0; j < CHAINS; j++)
                v[j] = vf_fma(v[j], a, b);
        for (int j = 0; j < CHAINS; j++) {
            const int64_t left = end * p->k - i - j * VL;
            if (left > 0)
                vf_storen(p->y + i + j * VL, left < VL ? left : VL, v[j]);
        }
    }
}
