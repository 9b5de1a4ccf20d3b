// Calls the stencil and the function with the same values, and compares what they did.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef NONE
#define CONVENTION __attribute__((preserve_none))
#else
#define CONVENTION
#endif

typedef unsigned long long word;
typedef void CONVENTION place(word *values, word number, void *pointer);

struct outcome {
    const char *where;
    word values[4];
    word number;
    void *pointer;
    double numbers[2];
    long calls;
};

static struct outcome outcome;
static double numbers[2];

static void
leave(const char *where, word *values, word number, void *pointer)
{
    outcome.where = where;
    memcpy(outcome.values, values, sizeof outcome.values);
    outcome.number = number;
    outcome.pointer = pointer;
    memcpy(outcome.numbers, numbers, sizeof numbers);
    outcome.calls++;
    values[2] ^= number << 7;
}

word outside(word value) { return value * 5 % 23; }

CONVENTION void _JIT_PLACE_0(word *v, word n, void *p) { leave("0", v, n, p); }
CONVENTION void _JIT_PLACE_1(word *v, word n, void *p) { leave("1", v, n, p); }
CONVENTION void _JIT_PLACE_12(word *v, word n, void *p) { leave("12", v, n, p); }
// What comes after the stencil jumps here.
CONVENTION void place_next(word *v, word n, void *p) { leave("next", v, n, p); }

CONVENTION void _JIT_ENTRY(word *, word, void *);
CONVENTION void reference_entry(word *, word, void *);

static struct outcome
run(place *entry, word seed)
{
    word values[4] = {seed, seed * 3 + 1, seed ^ 0x55, seed << 3};
    numbers[0] = (double)seed;
    numbers[1] = 2;
    memset(&outcome, 0, sizeof outcome);
    entry(values, seed, numbers);
    return outcome;
}

int
main(void)
{
    for (word seed = 0; seed < 64; seed++) {
        struct outcome expected = run(reference_entry, seed);
        struct outcome actual = run(_JIT_ENTRY, seed);
        if (memcmp(&expected, &actual, sizeof actual) || !expected.where) {
            printf("%llu: %s, not %s\n", seed, actual.where, expected.where);
            printf("%llx %p %llx, not %llx %p %llx\n", actual.number, actual.pointer, actual.values[0],
                   expected.number, expected.pointer, expected.values[0]);
            return 1;
        }
    }
    return 0;
}
