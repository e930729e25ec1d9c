/* The kernels that read no packed weights, for libFuzzer: the bytes are decoded to a kind of step, legal shapes and numbers; every
 * instruction set of this machine computes it in 1 to 3 parts, and must agree with the scalar kernel. Each array is alone in its memory,
 * exactly as long as the contract says, so that AddressSanitizer sees whatever is touched beside it.
 */
#include "scl_cpu.h"
#include "scl_kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Those of the list whose form is "plain". */
typedef struct {
    const char *kind, *isa;
    scl_kernel run;
} plain_kernel;

#define IF_plain(...) __VA_ARGS__
#define IF_dense(...)
#define IF_blas(...)
#define IF_csr(...)
#define IF_gemm(...)
#define IF_pointwise(...)
#define IF_depthwise(...)
#define IF_group_in(...)
#define IF_group_out(...)
#define IF_winograd23(...)
#define IF_winograd25(...)
#define IF_winograd43(...)
#define IF_fma(...)
#define IF_read(...)
#define KERNEL(kind, form, isa, tile_m, tile_n, group, symbol) IF_##form({#kind, #isa, symbol},)
static const plain_kernel KERNELS[] = {
#include "scl_kernels.def"
};
#undef KERNEL

typedef struct {
    const uint8_t *at, *end;
} bytes;

static int64_t number(bytes *b, int64_t low, int64_t high)
{
    int64_t value = b->at < b->end ? *b->at++ : 0;
    if (high - low > 255 && b->at < b->end)
        value = value << 8 | *b->at++;
    return low + value % (high - low + 1);
}

/* Finite numbers of moderate size: half of them from the bytes, so that equal ones, zeros of both signs and steps occur. */
static float *array(bytes *b, int64_t count)
{
    float *made = malloc((size_t)count * sizeof(float));
    uint32_t state = (uint32_t)number(b, 0, 65535) * 2654435761u + 1;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        made[i] = state >> 31 ? (float)((int)(state >> 20 & 7) - 3) * 0.5f : (float)(int32_t)(state << 1) * (1.f / (1 << 29));
    }
    return made;
}

/* One step. Kernels of all kinds take their struct by address; `slots` are the places of the arrays in it. */
typedef struct {
    const char *kind;
    union {
        scl_args_pool pool; scl_args_lrn lrn; scl_args_softmax softmax; scl_args_unary unary; scl_args_affine affine;
        scl_args_eltwise eltwise; scl_args_broadcast broadcast; scl_args_copy copy; scl_args_reduce reduce; scl_args_mvn mvn;
        scl_args_norm norm; scl_args_interp interp;
    } args;
    const void *owned[8];           /* to be freed */
    int count;
    float **y, **y2, **scratch;     /* where the outputs and the scratch memory are named */
    int64_t size, size2, scratch_size;
    int64_t *scratch_stride, *lanes;
    float tolerance;                /* relative to the greatest magnitude of the output */
} step;

static float *give(step *s, bytes *b, int64_t count)
{
    float *made = array(b, count);
    s->owned[s->count++] = made;
    return made;
}

static void *give_places(step *s, bytes *b, int64_t count, int64_t below)
{
    int32_t *made = malloc((size_t)count * sizeof *made);
    for (int64_t i = 0; i < count; i++)
        made[i] = (int32_t)number(b, 0, below - 1);
    s->owned[s->count++] = made;
    return made;
}

static void epilogue(step *s, bytes *b, int64_t *act, float *p0, float *p1, const void **slope, int64_t channels)
{
    *act = number(b, 0, SCL_ACT_PRELU);
    *p0 = *act == SCL_ACT_CLIP ? -1.f : *act == SCL_ACT_RELU ? 0.125f * (float)number(b, 0, 8) : 0.f;
    *p1 = *act == SCL_ACT_CLIP ? 1.5f : 0.f;
    if (*act == SCL_ACT_PRELU)
        *slope = give(s, b, channels);
}

static void decode_pool(step *s, bytes *b)
{
    scl_args_pool *a = &s->args.pool;
    a->n = number(b, 1, 2), a->c = number(b, 1, 3), a->h = number(b, 1, 40), a->wd = number(b, 1, 70);
    a->kh = number(b, 1, 9), a->kw = number(b, 1, 9), a->sh = number(b, 1, 5), a->sw = number(b, 1, 5);
    a->ph = number(b, 0, a->kh - 1), a->pw = number(b, 0, a->kw - 1), a->ave = number(b, 0, 1);
    if (a->h + 2 * a->ph < a->kh) a->kh = 1, a->ph = 0;
    if (a->wd + 2 * a->pw < a->kw) a->kw = 1, a->pw = 0;
    a->oh = (a->h + 2 * a->ph - a->kh + a->sh - 1) / a->sh + 1, a->ow = (a->wd + 2 * a->pw - a->kw + a->sw - 1) / a->sw + 1;
    if ((a->oh - 1) * a->sh >= a->h + a->ph) a->oh--;
    if ((a->ow - 1) * a->sw >= a->wd + a->pw) a->ow--;
    a->x_stride = a->c * a->h * a->wd, a->y_stride = a->c * a->oh * a->ow;
    a->x = give(s, b, a->n * a->x_stride), s->y = &a->y, s->size = a->n * a->y_stride;
    if (!a->ave && number(b, 0, 1))
        s->y2 = &a->mask, s->size2 = s->size;
    s->tolerance = 1e-4f;
}

static void decode_lrn(step *s, bytes *b)
{
    scl_args_lrn *a = &s->args.lrn;
    a->n = number(b, 1, 2), a->c = number(b, 1, 20), a->h = number(b, 1, 12), a->wd = number(b, 1, 40);
    a->size = 1 + 2 * number(b, 0, 6), a->within = number(b, 0, 1);
    a->alpha = 0.25f * (float)number(b, 0, 8), a->beta = 0.25f * (float)number(b, 0, 6), a->k = 1.f + (float)number(b, 0, 2);
    a->x = give(s, b, a->n * a->c * a->h * a->wd), s->y = &a->y, s->size = a->n * a->c * a->h * a->wd;
    if (a->within)
        s->scratch = &a->scratch, s->scratch_size = a->wd + a->size, s->scratch_stride = &a->scratch_stride, s->lanes = &a->lanes;
    s->tolerance = 1e-4f;
}

#define OUTER_C_INNER(a) \
    a->outer = number(b, 1, 4), a->c = number(b, 1, 70), a->inner = number(b, 1, 1) + (number(b, 0, 1) ? number(b, 0, 70) : 0); \
    const int64_t total = a->outer * a->c * a->inner; \
    a->x = give(s, b, total), s->y = &a->y, s->size = total, s->tolerance = 1e-4f

static void decode_softmax(step *s, bytes *b)
{
    scl_args_softmax *a = &s->args.softmax;
    OUTER_C_INNER(a);
}

static void decode_affine(step *s, bytes *b)
{
    scl_args_affine *a = &s->args.affine;
    OUTER_C_INNER(a);
    if (number(b, 0, 1)) a->scale = give(s, b, a->c);
    if (number(b, 0, 1)) a->shift = give(s, b, a->c);
    epilogue(s, b, &a->act, &a->p0, &a->p1, &a->slope, a->c);
}

static void decode_broadcast(step *s, bytes *b)
{
    scl_args_broadcast *a = &s->args.broadcast;
    OUTER_C_INNER(a);
    a->s_outer = number(b, 0, 1), a->fn = number(b, 0, 1) ? SCL_FN_mul : SCL_FN_add;
    a->s = give(s, b, (a->s_outer ? a->outer : 1) * a->c);
}

static void decode_reduce(step *s, bytes *b)
{
    static const int fns[] = {SCL_FN_sum, SCL_FN_asum, SCL_FN_sumsq, SCL_FN_max, SCL_FN_argmax};
    scl_args_reduce *a = &s->args.reduce;
    OUTER_C_INNER(a);
    a->fn = fns[number(b, 0, 4)], a->coeff = 0.5f * (float)number(b, 1, 5);
    s->size = a->outer * a->inner;
}

static void decode_norm(step *s, bytes *b)
{
    scl_args_norm *a = &s->args.norm;
    OUTER_C_INNER(a);
    if (number(b, 0, 1)) a->scale = give(s, b, a->c);
    a->guard = 0, a->eps = 0.5f;
}

static void decode_mvn(step *s, bytes *b)
{
    scl_args_mvn *a = &s->args.mvn;
    a->rows = number(b, 1, 5), a->k = number(b, 1, 300), a->variance = number(b, 0, 1), a->eps = 0.5f;
    a->x = give(s, b, a->rows * a->k), s->y = &a->y, s->size = a->rows * a->k, s->tolerance = 1e-3f;
}

static void decode_unary(step *s, bytes *b)
{
    scl_args_unary *a = &s->args.unary;
    a->count = number(b, 1, 400), a->fn = number(b, 0, SCL_FN_hswish);
    if (a->fn == SCL_FN_threshold)  /* a step: one rounding would be another result, but there is none */
        s->tolerance = 0;
    a->p0 = 0.25f * (float)number(b, 0, 8), a->p1 = 0.25f * (float)number(b, 1, 8), a->p2 = 0.5f * (float)number(b, 1, 4);
    if (a->fn == SCL_FN_log) a->p1 = 2.f, a->p0 = 0.125f;
    a->x = give(s, b, a->count), s->y = &a->y, s->size = a->count, s->tolerance = a->fn == SCL_FN_threshold ? 0 : 2e-3f;
}

static void decode_eltwise(step *s, bytes *b)
{
    static const int fns[] = {SCL_FN_sum, SCL_FN_prod, SCL_FN_max};
    scl_args_eltwise *a = &s->args.eltwise;
    a->c = number(b, 1, 20), a->inner = number(b, 1, 60), a->count = a->c * a->inner * number(b, 1, 3);
    a->fn = fns[number(b, 0, 2)], a->ca = 0.5f * (float)number(b, 0, 4) - 1.f, a->cb = 0.5f * (float)number(b, 0, 4);
    a->a = give(s, b, a->count), a->b = give(s, b, a->count), s->y = &a->y, s->size = a->count, s->tolerance = 1e-4f;
    epilogue(s, b, &a->act, &a->p0, &a->p1, &a->slope, a->c);
}

/* A permutation of the axes of a cut-out of x: reads in one order, writes in another, each element once. */
static void decode_copy(step *s, bytes *b)
{
    scl_args_copy *a = &s->args.copy;
    int64_t d[6], *dims = &a->d0, *xs = &a->xs0, *ys = &a->ys0, x_size = 1, y_size = 1;
    int order[6] = {0, 1, 2, 3, 4, 5};
    for (int i = 5; i >= 0; i--) {
        d[i] = i < 2 ? 1 : number(b, 1, i == 5 ? 40 : 6);
        const int j = (int)number(b, i, 5), swap = order[i];
        order[i] = order[j], order[j] = swap;
    }
    for (int i = 5; i >= 0; i--)
        dims[i] = d[i], xs[i] = x_size, x_size *= d[i] + number(b, 0, 1);
    for (int i = 5; i >= 0; i--)
        ys[order[i]] = y_size, y_size *= d[order[i]];
    a->x_offset = number(b, 0, 3), a->y_offset = 0;
    a->x = give(s, b, x_size + a->x_offset), s->y = &a->y, s->size = y_size, s->tolerance = 0;
}

static void decode_interp(step *s, bytes *b)
{
    scl_args_interp *a = &s->args.interp;
    a->planes = number(b, 1, 4), a->h = number(b, 1, 12), a->wd = number(b, 1, 20), a->oh = number(b, 1, 12), a->ow = number(b, 1, 40);
    a->x = give(s, b, a->planes * a->h * a->wd), s->y = &a->y, s->size = a->planes * a->oh * a->ow, s->tolerance = 1e-4f;
    a->y_low = give_places(s, b, a->oh, a->h), a->y_high = give_places(s, b, a->oh, a->h), a->y_part = give(s, b, a->oh);
    a->x_low = give_places(s, b, a->ow, a->wd), a->x_high = give_places(s, b, a->ow, a->wd), a->x_part = give(s, b, a->ow);
    s->scratch = &a->scratch, s->scratch_size = 2 * a->ow, s->scratch_stride = &a->scratch_stride, s->lanes = &a->lanes;
}

static const struct {
    const char *kind;
    void (*decode)(step *, bytes *);
} KINDS[] = {{"pool", decode_pool}, {"lrn", decode_lrn}, {"softmax", decode_softmax}, {"affine", decode_affine},
    {"broadcast", decode_broadcast}, {"reduce", decode_reduce}, {"norm", decode_norm}, {"mvn", decode_mvn}, {"unary", decode_unary},
    {"eltwise", decode_eltwise}, {"copy", decode_copy}, {"interp", decode_interp}};

/* The outputs of one kernel: s->size and then s->size2 floats, in memory of their own. */
static void compute(const step *given, const plain_kernel *kernel, int parts, float *out, float *out2)
{
    step s = *given;
    const ptrdiff_t shift = (char *)&s - (const char *)given;
#define HERE(place) (*(float **)((char *)(place) + shift))
    HERE(s.y) = out;
    if (s.y2)
        HERE(s.y2) = out2;
    float *scratch = NULL;
    if (s.scratch) {
        scratch = malloc((size_t)(s.scratch_size * parts) * sizeof(float));
        HERE(s.scratch) = scratch;
        *(int64_t *)((char *)s.scratch_stride + shift) = s.scratch_size;
        *(int64_t *)((char *)s.lanes + shift) = parts;
    }
    for (int part = 0; part < parts; part++)
        kernel->run(&s.args, part, parts);
    free(scratch);
}

static void compare(const plain_kernel *kernel, const float *got, const float *want, int64_t count, float tolerance)
{
    float greatest = 1;
    for (int64_t i = 0; i < count; i++)
        if (isfinite(want[i]) && fabsf(want[i]) > greatest)
            greatest = fabsf(want[i]);
    for (int64_t i = 0; i < count; i++) {
        const int same = isfinite(want[i]) ? fabsf(got[i] - want[i]) <= tolerance * greatest
                                           : isnan(want[i]) ? isnan(got[i]) : got[i] == want[i];
        if (!same) {
            fprintf(stderr, "%s %s: element %lld of %lld is %g, scalar %g\n", kernel->kind, kernel->isa, (long long)i,
                    (long long)count, got[i], want[i]);
            abort();
        }
    }
}

static const plain_kernel *find(const char *kind, const char *isa)
{
    for (size_t i = 0; i < sizeof KERNELS / sizeof *KERNELS; i++)
        if (!strcmp(KERNELS[i].kind, kind) && !strcmp(KERNELS[i].isa, isa))
            return &KERNELS[i];
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scl_cpu cpu;
    scl_cpu_read(&cpu);
    bytes b = {data, data + size};
    const int which = (int)number(&b, 0, sizeof KINDS / sizeof *KINDS - 1);
    const int parts = (int)number(&b, 1, 3);
    step s = {.kind = KINDS[which].kind};
    KINDS[which].decode(&s, &b);
    float *out[2][2];
    for (int i = 0; i < 2; i++) {
        out[i][0] = malloc((size_t)s.size * sizeof(float));
        out[i][1] = malloc((size_t)s.size2 * sizeof(float));
    }
    compute(&s, find(s.kind, "scalar"), 1, out[0][0], out[0][1]);
    for (int level = 0; level <= cpu.level; level++) {
        const plain_kernel *kernel = find(s.kind, scl_isa_names[level]);
        if (!kernel)
            continue;
        memset(out[1][0], 0xff, (size_t)s.size * sizeof(float));    /* NaN: what is not written shows */
        memset(out[1][1], 0xff, (size_t)s.size2 * sizeof(float));
        compute(&s, kernel, parts, out[1][0], out[1][1]);
        compare(kernel, out[1][0], out[0][0], s.size, s.tolerance);
        compare(kernel, out[1][1], out[0][1], s.size2, 0);
    }
    for (int i = 0; i < 4; i++)
        free(out[i / 2][i % 2]);
    for (int i = 0; i < s.count; i++)
        free((void *)s.owned[i]);
    return 0;
}
