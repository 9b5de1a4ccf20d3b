// Micro-ops in plain C. OP is the number of the one to compile: as a stencil, or with REFERENCE as an
// ordinary function.
typedef long long i64;
typedef unsigned long long u64;

#ifdef _WIN32
#define HOST __declspec(dllimport)
#else
#define HOST
#endif
HOST extern i64 host_mix(i64 a, i64 b);
HOST extern i64 host_apply(i64 (*f)(i64), i64 x);
HOST extern i64 host_each(i64 (**f)(i64), i64 x);
HOST extern i64 host_text(const char *text, i64 x);
HOST extern i64 host_sum(void *numbers, i64 x);

#define OUT_OF_LINE static __attribute__((noinline, unused))
OUT_OF_LINE i64 twice(i64 x) { return x * 2 + 1; }
OUT_OF_LINE i64 thrice(i64 x) { return x * 3 - 1; }
OUT_OF_LINE i64 both(i64 x) { return host_mix(twice(x), thrice(x)); }
OUT_OF_LINE __attribute__((cold)) i64 rare(i64 x, i64 *cells)
{
    for (int i = 0; i < 5; i++) {
        x = host_mix(x, cells[i]);
    }
    return x;
}
OUT_OF_LINE i64 select(i64 x)
{
    switch (x & 15) {
        case 0: return host_mix(x, 1);
        case 1: return host_mix(2, x);
        case 2: return x * 7;
        case 3: return x - host_mix(x, x);
        case 4: return x ^ 12345;
        case 5: return host_mix(x, 9) * 3;
        case 6: return -x;
        default: return x + 1;
    }
}

#ifdef REFERENCE
#define ERROR() return x + 1000000
#define JUMP() return x + 2000000
#define OUTSIDE(f) return f(x, cells)
#define out ordinary_out
#define out$a ordinary_out_a
extern i64 ordinary_out(i64 x, i64 *cells), ordinary_out_a(i64 x, i64 *cells);
i64 reference(i64 x, i64 *cells)
#else
#define CODE __attribute__((preserve_none))
typedef CODE i64 code(i64 x, i64 *cells);
extern __attribute__((visibility("hidden"))) code _JIT_CONTINUE, _JIT_ERROR_TARGET, _JIT_JUMP_TARGET;
extern code out, out$a;
#define ERROR() __attribute__((musttail)) return _JIT_ERROR_TARGET(x, cells)
#define JUMP() __attribute__((musttail)) return _JIT_JUMP_TARGET(x, cells)
#define OUTSIDE(f) __attribute__((musttail)) return f(x, cells)
CODE i64 _JIT_ENTRY(i64 x, i64 *cells)
#endif
{
    switch (OP) {
        case 0: {
            double d = (double)(x & 0xffff) * 57.29577951308232 + 1.25;
            x = (i64)d;
            break;
        }
        case 1: {
            double d = (double)(u64)x;
            x = (i64)(d / 4096.0);
            break;
        }
        case 2: {
            cells[0] += 3;
            cells[1] += 5;
            cells[2] += 7;
            cells[3] += 9;
            break;
        }
        case 3: {
            switch (x & 7) {
                case 0: x = host_mix(x, 1); break;
                case 1: x = host_mix(2, x); cells[0] = 4; break;
                case 2: x = cells[5]; break;
                case 3: ERROR();
                case 4: x = x * 17; break;
                case 5: cells[2] += x; break;
                case 6: JUMP();
            }
            break;
        }
        case 4: {
            static const void *const labels[] = {&&a, &&b, &&c, &&b};
            for (int i = 0; i < 8; i++) {
                goto *labels[cells[i] & 3];
            a:
                x += 3;
                continue;
            b:
                x *= cells[4];
                continue;
            c:
                x ^= cells[6];
            }
            break;
        }
        case 5:
            x = twice(x) + twice(cells[3]) + both(x);
            break;
        case 6: {
            if ((x & 7) == 5) {
                x = rare(x, cells);
            }
            break;
        }
        case 7:
            x = host_apply(twice, x) - host_apply(both, x);
            break;
        case 8: {
            static i64 (*const table[])(i64) = {twice, thrice, both};
            x = table[(u64)x % 3](x);
            break;
        }
        case 9:
            x = host_text("hello world, this is a string", x);
            break;
        case 10: {
            if (x == 0) {
                OUTSIDE(out);
            }
            x += 1;
            break;
        }
        case 11: {
            if (x < 0) {
                OUTSIDE(out$a);
            }
            if (x > 8) {
                OUTSIDE(out);
            }
            x += 1;
            break;
        }
        case 12: {
            i64 (*functions[2])(i64) = {twice, thrice};
            x = host_each(functions, x);
            break;
        }
        case 13: {
            if (x & 1) {
                x = select(x);
                if (x & 2) {
                    ERROR();
                }
            }
            break;
        }
        case 14: {
            i64 numbers[4] = {1, 20, 300, x};
            x = host_sum(numbers, x);
            break;
        }
        case 15: {
            long double d = (long double)(u64)x;
            x = (i64)(d / 3.0L);
            break;
        }
        default:
            __builtin_unreachable();
    }
#ifdef REFERENCE
    return x;
#else
    __attribute__((musttail)) return _JIT_CONTINUE(x, cells);
#endif
}
