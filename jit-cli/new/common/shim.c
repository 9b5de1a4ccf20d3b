// How the host enters compiled code: C calls this function, and it calls the code.
#include "machine.h"

typedef __attribute__((preserve_none)) int64_t op(struct machine *m);

int64_t enter(struct machine *m, op *code)
{
    return code(m);
}
