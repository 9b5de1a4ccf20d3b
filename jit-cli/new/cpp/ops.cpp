// The ops of the machine. Each becomes a stencil: code with holes, which are filled in when a program is compiled.
#include <stdint.h>

#include "machine.h"

// All ops have this type, and each ends with a jump to another. `preserve_none` keeps more of the state in registers.
#define OP extern "C" __attribute__((preserve_none)) int64_t

// The holes. Their addresses are the values, and jit.toml says which ones.
extern "C" char REGISTER_A[], REGISTER_B[], NUMBER[];
OP LABEL(machine *m);
OP NEXT(machine *m);

#define GO_ON_WITH(place) [[clang::musttail]] return place(m)

// A function of the host. On Windows, it is not near the code.
#ifdef _WIN64
extern "C" __declspec(dllimport) void host_print(int64_t value);
#else
extern "C" void host_print(int64_t value);
#endif

static int64_t &a(machine *m)
{
    return m->registers[uint8_t(uintptr_t(REGISTER_A))];
}

static int64_t b(machine *m)
{
    return m->registers[uint8_t(uintptr_t(REGISTER_B))];
}

// Sums of signed numbers must not overflow in C++.
template<typename Function>
static void calculate(machine *m, Function function)
{
    a(m) = int64_t(function(uint64_t(a(m)), uint64_t(b(m))));
}

OP op_set(machine *m)
{
    a(m) = int64_t(uintptr_t(NUMBER));
    GO_ON_WITH(NEXT);
}

OP op_add(machine *m)
{
    calculate(m, [](uint64_t x, uint64_t y) { return x + y; });
    GO_ON_WITH(NEXT);
}

OP op_sub(machine *m)
{
    calculate(m, [](uint64_t x, uint64_t y) { return x - y; });
    GO_ON_WITH(NEXT);
}

OP op_mul(machine *m)
{
    calculate(m, [](uint64_t x, uint64_t y) { return x * y; });
    GO_ON_WITH(NEXT);
}

OP op_jump(machine *m)
{
    GO_ON_WITH(LABEL);
}

OP op_jump_if_less(machine *m)
{
    if (a(m) < b(m)) {
        GO_ON_WITH(LABEL);
    }
    GO_ON_WITH(NEXT);
}

OP op_print(machine *m)
{
    host_print(a(m));
    GO_ON_WITH(NEXT);
}

OP op_return(machine *m)
{
    return a(m);
}
