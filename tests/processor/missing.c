/* AMX and the conversions of AVX512-BF16 in C, for an emulated processor that has neither: where it
 * raises #UD, a handler of SIGILL reads the machine code, does what it says with the registers that
 * the signal saved, and goes on behind it. Tiles are those of tests/kernels/emulated/tiles.c.
 * Instructions that the kernels do not use stay a SIGILL.
 *
 * Loaded before the libraries (LD_PRELOAD), so that pr_cpu_has is this one. */
#define _GNU_SOURCE
#include "libprune/base/cpu.h"
#include "libprune/kernels/bf16.h"
#include "tests/kernels/emulated/tiles.h"

#include <cpuid.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

/* Every tier but the one that ordinary machines have. */
bool pr_cpu_has(pr_isa isa)
{
    return isa >= 0 && isa < PR_ISA_COUNT && isa != PR_ISA_AVX2;
}

/* Intel SDM volume 2A, 2.3 (VEX), 2.7 (EVEX), 2.1.5 (ModR/M and SIB). Prefixes pp: none, 66, F3,
 * F2. */
typedef struct instruction {
    bool evex, memory, sib;
    int pp, opcode;
    int reg, rm, v; /* registers; rm where it is no memory */
    char *base;     /* memory: where, and the distance between a tile's rows */
    size_t stride;
    size_t bytes;
} instruction;

static const uint8_t *int32_at(const uint8_t *at, int64_t *value)
{
    int32_t x;
    memcpy(&x, at, sizeof x);
    *value = x;
    return at + sizeof x;
}

static int64_t general(const ucontext_t *context, int n)
{
    static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                  REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                  REG_R12, REG_R13, REG_R14, REG_R15};
    return context->uc_mcontext.gregs[order[n]];
}

/* What follows a ModR/M byte that names memory. x and b: the prefix's bits of index and base. */
static const uint8_t *decode_memory(instruction *is, const ucontext_t *context, const uint8_t *at,
                                    int x, int b)
{
    const int mod = at[0] >> 6;
    int base = at[0] & 7;
    int64_t address = 0, index = 0, displacement = 0;
    bool relative = false, nothing = false;
    at++;
    is->sib = base == 4;
    if (is->sib) {
        const int i = (at[0] >> 3 & 7) | x << 3;
        if (i != 4) index = (int64_t)((uint64_t)general(context, i) << (at[0] >> 6));
        base = *at++ & 7;
        nothing = mod == 0 && base == 5;
    } else {
        relative = mod == 0 && base == 5;
    }
    if (!relative && !nothing) address = general(context, base | b << 3);
    if (mod == 1) displacement = (int8_t)*at++;
    if (mod == 2 || relative || nothing) at = int32_at(at, &displacement);
    /* No instruction here has an immediate: the next one begins where this address ends. */
    if (relative) address = (int64_t)(intptr_t)at;
    is->stride = (size_t)index;
    is->base = (char *)(intptr_t)(address + displacement); /* the index comes with the row */
    return at;
}

static bool decode(instruction *is, const ucontext_t *context)
{
    const uint8_t *const start = (const uint8_t *)(intptr_t)context->uc_mcontext.gregs[REG_RIP];
    const uint8_t *at = start;
    *is = (instruction){.evex = *at == 0x62};
    if (*at != 0xc4 && *at != 0x62) return false;
    const uint8_t *p = at + 1; /* the prefix's bytes; register bits are stored inverted */
    const int r = !(p[0] & 0x80), x = !(p[0] & 0x40), b = !(p[0] & 0x20);
    /* Map 0F38, W0 and, of VEX, 128 bits. */
    if ((p[0] & (is->evex ? 0x0f : 0x1f)) != 2 || (p[1] & (is->evex ? 0x80 : 0x84))) return false;
    is->pp = p[1] & 3;
    is->v = ~(p[1] >> 3) & 15;
    at += is->evex ? 4 : 3;
    is->opcode = *at++;
    is->memory = *at >> 6 != 3;
    is->reg = (*at >> 3 & 7) | r << 3;
    is->rm = (*at & 7) | b << 3;
    if (is->evex) {
        /* 512 bits, registers, nothing masked or broadcast. */
        if (is->memory || (p[2] & 0xf7) != 0x40) return false;
        is->reg |= !(p[0] & 0x10) << 4;
        is->rm |= x << 4;
        is->v |= !(p[2] & 8) << 4;
    }
    at = is->memory ? decode_memory(is, context, at, x, b) : at + 1;
    is->bytes = (size_t)(at - start);
    return true;
}

/* One of the parts that XSAVE wrote into the signal's frame (SDM volume 1, 13.4). A part that was
 * still untouched was not written. */
enum { SSE = 1, UPPER_YMM = 2, UPPER_ZMM = 6, ZMM16 = 7 };
static uint8_t *part(const ucontext_t *context, int number)
{
    uint8_t *const frame = (uint8_t *)context->uc_mcontext.fpregs;
    uint32_t size = 256, offset = 160, c, d; /* SSE's */
    uint64_t written;
    memcpy(&written, frame + 512, sizeof written);
    if (number > SSE) __cpuid_count(13, number, size, offset, c, d);
    if (!(written >> number & 1)) memset(frame + offset, 0, size);
    written |= 1ull << number;
    memcpy(frame + 512, &written, sizeof written);
    return frame + offset;
}

/* Where the quarters of register zmm n are. */
static void quarters(const ucontext_t *context, size_t n, uint8_t *where[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (n > 15) {
            where[i] = part(context, ZMM16) + (n - 16) * 64 + i * 16;
        } else if (i > 1) {
            where[i] = part(context, UPPER_ZMM) + n * 32 + (i - 2) * 16;
        } else {
            where[i] = part(context, i == 0 ? SSE : UPPER_YMM) + n * 16;
        }
    }
}

static void read_vector(void *to, const ucontext_t *context, int n)
{
    uint8_t *from[4], all[4][16];
    quarters(context, (size_t)n, from);
    for (int i = 0; i < 4; i++) memcpy(all[i], from[i], 16);
    memcpy(to, all, sizeof all);
}

/* As EVEX does: what is above the `bytes` becomes zero. */
static void write_vector(const ucontext_t *context, int n, const void *from, size_t bytes)
{
    uint8_t *to[4], all[4][16] = {{0}};
    memcpy(all, from, bytes);
    quarters(context, (size_t)n, to);
    for (int i = 0; i < 4; i++) memcpy(to[i], all[i], 16);
}

/* VCVTNEPS2BF16 and VCVTNE2PS2BF16: rm below, v above. */
static void vcvtneps2bf16(const instruction *is, const ucontext_t *context, bool two)
{
    float x[32];
    uint16_t y[32];
    const int count = two ? 32 : 16;
    read_vector(x, context, is->rm);
    read_vector(x + 16, context, is->v);
    for (int i = 0; i < count; i++)
        y[i] = pr_bf16_of(fabsf(x[i]) < 0x1p-126f ? copysignf(0.0f, x[i]) : x[i]);
    write_vector(context, is->reg, y, (size_t)count * sizeof *y);
}

static bool tiles_configuration(const instruction *is)
{
    switch (is->pp) {
    case 0:
        if (is->memory) {
            _tile_loadconfig(is->base + is->stride);
        } else {
            _tile_release();
        }
        return true;
    case 3:
        if (is->memory) return false;
        _tile_zero(is->reg);
        return true;
    default:
        return false;
    }
}

static bool tile_moves(const instruction *is)
{
    if (!is->sib || is->pp == 0) return false;
    if (is->pp == 2) {
        _tile_stored(is->reg, is->base, is->stride);
    } else {
        _tile_loadd(is->reg, is->base, is->stride);
    }
    return true;
}

static bool tile_products(const instruction *is)
{
    if (is->memory) return false;
    if (is->opcode == 0x5c && is->pp == 2) {
        _tile_dpbf16ps(is->reg, is->rm, is->v);
    } else if (is->opcode == 0x5e && is->pp == 3) {
        _tile_dpbssd(is->reg, is->rm, is->v);
    } else if (is->opcode == 0x5e && is->pp == 1) {
        _tile_dpbusd(is->reg, is->rm, is->v);
    } else {
        return false;
    }
    return true;
}

static bool execute(const instruction *is, const ucontext_t *context)
{
    if (is->evex) {
        if (is->opcode != 0x72 || is->pp < 2) return false;
        vcvtneps2bf16(is, context, is->pp == 3);
        return true;
    }
    switch (is->opcode) {
    case 0x49:
        return tiles_configuration(is);
    case 0x4b:
        return tile_moves(is);
    case 0x5c:
    case 0x5e:
        return tile_products(is);
    default:
        return false;
    }
}

/* Kernels have many of them in a row: one signal is enough for a run. */
static void handle(int number, siginfo_t *info, void *state)
{
    ucontext_t *context = state;
    instruction is;
    int done = 0;
    (void)info;
    for (; decode(&is, context) && execute(&is, context); done++)
        context->uc_mcontext.gregs[REG_RIP] += (long long)is.bytes;
    if (done == 0) (void)signal(number, SIG_DFL);
}

static __attribute__((constructor)) void install(void)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
    (void)sigaction(SIGILL, &action, NULL);
}
