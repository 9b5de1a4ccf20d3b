// Micro-ops that leave to several places. Each is compiled as a stencil, and with REFERENCE as a function.

#ifdef NONE
#define CONVENTION __attribute__((preserve_none))
#else
#define CONVENTION
#endif

typedef unsigned long long word;
typedef void CONVENTION place(word *values, word number, void *pointer);

#ifdef REFERENCE
#define ENTRY reference_entry
#define NEXT place_next
#define LASTING place_next
#else
#define ENTRY _JIT_ENTRY
#define NEXT _JIT_CONTINUE
#define LASTING _JIT_CONTINUE_JUMP
#endif

place _JIT_PLACE_0, _JIT_PLACE_1, _JIT_PLACE_12, NEXT, LASTING;
word outside(word);

#define GO(TO, ...) __attribute__((musttail)) return TO(__VA_ARGS__)

CONVENTION void
ENTRY(word *values, word number, void *pointer)
{
#if OP == 0
    GO(NEXT, values, number + 1, pointer);
#elif OP == 1
    if (values[number & 3] & 1) {
        GO(_JIT_PLACE_0, values, number + 2, pointer);
    }
    GO(NEXT, values, number + 3, pointer);
#elif OP == 2
    // The address of a place is an argument as well.
    if (number & 1) {
        GO(_JIT_PLACE_1, values, number, (void *)_JIT_PLACE_1);
    }
    if (number & 2) {
        GO(_JIT_PLACE_1, values, number, (void *)_JIT_PLACE_0);
    }
    GO(_JIT_PLACE_0, values, number, (void *)_JIT_PLACE_12);
#elif OP == 3
    word result = outside(number);
    values[0] += result;
    switch (result & 7) {
    case 0: GO(_JIT_PLACE_0, values, result, pointer);
    case 1: GO(_JIT_PLACE_1, values, result, pointer);
    case 2: GO(_JIT_PLACE_12, values, result, pointer);
    case 3: GO(LASTING, values, result, pointer);
    case 4: GO(_JIT_PLACE_0, values, ~result, pointer);
    default: GO(NEXT, values, result, pointer);
    }
#elif OP == 4
    // The target is chosen, and not known where the jump is.
    place *to = number & 1 ? _JIT_PLACE_0 : _JIT_PLACE_12;
    values[1] = (word)to == (word)_JIT_PLACE_0;
    GO(to, values, number, pointer);
#elif OP == 5
    for (word i = 0; i < (number & 15); i++) {
        values[i & 3] = outside(values[(i + 1) & 3]);
        if (values[i & 3] == 5) {
            GO(_JIT_PLACE_1, values, i, pointer);
        }
    }
    double *numbers = pointer;
    numbers[0] = numbers[0] * 1.5 + (double)number;
    if (number == 7) {
        GO(LASTING, values, number, pointer);
    }
    GO(NEXT, values, number, pointer);
#elif OP == 6
    GO(LASTING, values, number * 3, pointer);
#elif OP == 7
    // A place that is called, and returns.
    word before = values[2];
    _JIT_PLACE_0(values, number, pointer);
    values[2] += before;
    GO(NEXT, values, number, pointer);
#endif
}
