/* Functions in one file, as an author writes them: with helpers, constants, jump tables and strings. */
#include <stdint.h>
#include <stddef.h>

typedef struct frame {
    int64_t slots[16];
    double reals[4];
    const char *text;
} frame;

extern int64_t host_function(int64_t a, int64_t b);
extern int64_t host_data[4];

static const int64_t squares[] = {0, 1, 4, 9, 16, 25, 36, 49};
static const char *const names[] = {"@zero\\", "one \"1\"", "two; no comment", "three }"};
static int64_t (*const functions[])(int64_t, int64_t) = {host_function, host_function};

static int64_t sum(const int64_t *from, int64_t count)
{
    int64_t total = 0;
    for (int64_t i = 0; i < count; i++) {
        total += from[i] * 3 + squares[i & 7];
    }
    return total;
}

__attribute__((noinline)) static int64_t mixed(int64_t a, int64_t b)
{
    return (a << 3) ^ (b * 40503) ^ sum(squares, 4);
}

/* Not static: each stencil has a copy all the same. */
int64_t shared(int64_t a)
{
    return a < 2 ? a : shared(a - 1) + shared(a - 2);
}

int64_t op_add(frame *f, int64_t n)
{
    f->slots[1] += f->slots[n & 15] + squares[n & 7];
    return f->slots[1];
}

int64_t op_sum(frame *f, int64_t n)
{
    return sum(f->slots, n & 15) + mixed(n, f->slots[3]);
}

int64_t op_switch(frame *f, int64_t n)
{
    switch (n % 9) {
    case 0: return f->slots[4];
    case 1: return mixed(f->slots[5], 1);
    case 2: f->slots[2] = 7; break;
    case 3: f->slots[3] *= 5; break;
    case 4: return host_function(n, f->slots[6]);
    case 5: f->slots[4] = sum(f->slots, 3); break;
    case 6: f->slots[5] ^= n; break;
    case 7: f->slots[6] = -n; break;
    default: f->slots[7] = n & 0x7f; break;
    }
    return f->slots[n & 7];
}

int64_t op_text(frame *f, int64_t n)
{
    const char *text = names[n & 3];
    int64_t hash = 5381;
    while (*text != '\0') {
        hash = hash * 33 + *text++;
    }
    f->text = text;
    return hash;
}

int64_t op_real(frame *f, int64_t n)
{
    f->reals[1] = f->reals[0] * 1.5 + (double)n / 0.75;
    return (int64_t)(f->reals[1] * 3.25);
}

int64_t op_calls(frame *f, int64_t n)
{
    return functions[n & 1](n, 3) + host_data[n & 3] + shared(n & 7);
}

int64_t op_loop(frame *f, int64_t n)
{
    struct { int64_t a; int32_t b[3]; } local = {n, {1, 2, 3}};
    int64_t best = INT64_MIN;
    for (int64_t i = 0; i < 16; i++) {
        int64_t value = f->slots[i] ^ local.b[i % 3];
        best = value > best ? value : best;
    }
    return best + local.a;
}

int64_t op_goto(frame *f, int64_t n)
{
    static const void *const targets[] = {&&even, &&odd, &&done};
    goto *targets[n & 1];
even:
    f->slots[0] += 2;
    goto *targets[2];
odd:
    f->slots[0] -= 3;
done:
    return f->slots[0] * (n | 1);
}
