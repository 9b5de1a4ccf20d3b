// Runs a stencil and the reference on the same inputs, and returns how often they differ.
#include <stdio.h>
#include <string.h>
typedef long long i64;
#define CODE __attribute__((preserve_none))
CODE i64 _JIT_ENTRY(i64 x, i64 *cells);
i64 reference(i64 x, i64 *cells);

i64 host_mix(i64 a, i64 b) { return (i64)(((unsigned long long)a * 31 + 7) ^ (unsigned long long)b); }
i64 host_apply(i64 (*f)(i64), i64 x) { return f(x) + 5; }
i64 host_each(i64 (**f)(i64), i64 x) { return f[0](x) ^ f[1](x); }
i64 host_text(const char *text, i64 x) { return x + (i64)strlen(text) * text[3]; }
i64 host_sum(void *numbers, i64 x)
{
    i64 *n = numbers;
    return n[0] + n[1] + n[2] + n[3] + x;
}
CODE i64 after_stencil(i64 x, i64 *cells) { return x; }
CODE i64 _JIT_ERROR_TARGET(i64 x, i64 *cells) { return x + 1000000; }
CODE i64 _JIT_JUMP_TARGET(i64 x, i64 *cells) { return x + 2000000; }
i64 ordinary_out(i64 x, i64 *cells) { return x + 3000000; }
i64 ordinary_out_a(i64 x, i64 *cells) { return x + 4000000; }
CODE i64 out(i64 x, i64 *cells) { return x + 3000000; }
CODE i64 out$a(i64 x, i64 *cells) { return x + 4000000; }

int main(void)
{
    static const i64 inputs[] = {0,  1,  2,  3,  4,   5,    6,     7,        8,         9,
                                 10, 13, 15, 16, 255, 4095, 65535, -1,       -2,        -65536,
                                 21, 22, 23, 24, 77,  1234, 99999, 1 << 30, 1LL << 40, -(1LL << 50)};
    int wrong = 0;
    for (unsigned n = 0; n < sizeof inputs / sizeof *inputs; n++) {
        i64 actual[8], expected[8];
        for (int i = 0; i < 8; i++) {
            actual[i] = expected[i] = inputs[n] * 3 + i * 5;
        }
        i64 x = _JIT_ENTRY(inputs[n], actual), y = reference(inputs[n], expected);
        if (x != y || memcmp(actual, expected, sizeof actual) != 0) {
            printf("%lld: %lld, expected %lld\n", inputs[n], x, y);
            wrong++;
        }
    }
    return wrong;
}
