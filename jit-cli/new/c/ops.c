// The ops of the machine. Each becomes a stencil: code with holes, which are filled in when a program is compiled.
#include "machine.h"

// All ops have this type, and each ends with a jump to another. `preserve_none` keeps more of the state in registers.
#define OP __attribute__((preserve_none)) int64_t
typedef OP op(struct machine *m);
#define GO_ON_WITH(place) __attribute__((musttail)) return place(m)

// The holes. Their addresses are the values, and jit.toml says which ones.
extern char REGISTER_A[], REGISTER_B[], NUMBER[];
extern op LABEL, NEXT;

#define A m->registers[(uint8_t)(uintptr_t)REGISTER_A]
#define B m->registers[(uint8_t)(uintptr_t)REGISTER_B]

// A function of the host. On Windows, it is not near the code.
#ifdef _WIN64
__declspec(dllimport)
#endif
void host_print(int64_t value);

OP op_set(struct machine *m)
{
    A = (int64_t)(uintptr_t)NUMBER;
    GO_ON_WITH(NEXT);
}

// Sums of signed numbers must not overflow in C.
OP op_add(struct machine *m)
{
    A = (int64_t)((uint64_t)A + (uint64_t)B);
    GO_ON_WITH(NEXT);
}

OP op_sub(struct machine *m)
{
    A = (int64_t)((uint64_t)A - (uint64_t)B);
    GO_ON_WITH(NEXT);
}

OP op_mul(struct machine *m)
{
    A = (int64_t)((uint64_t)A * (uint64_t)B);
    GO_ON_WITH(NEXT);
}

OP op_jump(struct machine *m)
{
    GO_ON_WITH(LABEL);
}

OP op_jump_if_less(struct machine *m)
{
    if (A < B) {
        GO_ON_WITH(LABEL);
    }
    GO_ON_WITH(NEXT);
}

OP op_print(struct machine *m)
{
    host_print(A);
    GO_ON_WITH(NEXT);
}

OP op_return(struct machine *m)
{
    return A;
}
