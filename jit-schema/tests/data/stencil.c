/* What a stencil does: calls, loads through the GOT, constants, a tail call. */
#ifdef _WIN32
#define IMPORT __declspec(dllimport)
#else
#define IMPORT
#endif

struct frame {
    long long top;
    double number;
};

IMPORT extern int imported;
IMPORT int imported_function(int);
extern int variable;
extern char _JIT_OPARG, _JIT_OPERAND0;
int function(const char *, unsigned long long, unsigned long long);
int _JIT_JUMP_TARGET(struct frame *);
int _JIT_CONTINUE(struct frame *);

int
_JIT_ENTRY(struct frame *frame)
{
#ifndef __ELF__ /* where its relocation has no patch function: see float-constant.c */
    frame->number = frame->number * 1234.5678;
#endif
    if (imported_function(imported + variable) < 0) {
        return _JIT_JUMP_TARGET(frame);
    }
    frame->top += function("a string", (__UINTPTR_TYPE__)&_JIT_OPARG,
                           (__UINTPTR_TYPE__)&_JIT_OPERAND0);
    return _JIT_CONTINUE(frame);
}
