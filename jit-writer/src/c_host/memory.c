// Memory of the system's, in whole pages, that is first writable and then executable.

#if JIT_FOR_THIS_HOST

JIT_LOCAL void *
jit_system_allocate(void *context, size_t size, size_t alignment)
{
    (void)context;
    (void)alignment; // a page is at least as much
#if defined(_WIN32)
    return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
#else
    // MAP_ANONYMOUS, which C libraries hide in strict modes.
#if defined(__APPLE__)
    const int anonymous = 0x1000;
#else
    const int anonymous = 0x20;
#endif
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | anonymous, -1, 0);
    return start == MAP_FAILED ? NULL : start;
#endif
}

JIT_LOCAL int
jit_system_publish(void *context, void *start, size_t size)
{
    (void)context;
#if defined(_WIN32)
    DWORD before;
    if (!VirtualProtect(start, size, PAGE_EXECUTE_READ, &before)) {
        return 0;
    }
    FlushInstructionCache(GetCurrentProcess(), start, size);
    return 1;
#else
    // The caches of x86 notice by themselves.
#if JIT_ARCH == JIT_ARCH_AARCH64 && defined(__APPLE__)
    sys_icache_invalidate(start, size);
#elif JIT_ARCH == JIT_ARCH_AARCH64
    __builtin___clear_cache((char *)start, (char *)start + size);
#endif
    return mprotect(start, size, PROT_READ | PROT_EXEC) == 0;
#endif
}

JIT_LOCAL void
jit_system_release(void *context, void *start, size_t size)
{
    (void)context;
#if defined(_WIN32)
    (void)size;
    VirtualFree(start, 0, MEM_RELEASE);
#else
    munmap(start, size);
#endif
}

JIT_API jit_status
jit_compile(
    jit_code *code, const jit_instruction *trace, size_t length, const uint64_t *addresses, const jit_memory *memory,
    jit_error *error)
{
    static const jit_memory pages = {jit_system_allocate, jit_system_publish, jit_system_release, NULL};
    jit_layout layout;
    memset(code, 0, sizeof *code);
    code->memory = memory ? memory : &pages;
    jit_status status = jit_layout_make(&layout, trace, length, error);
    if (status != JIT_OK) {
        return status;
    }
    const size_t size = layout.size;
    void *start = code->memory->allocate(code->memory->context, size, layout.alignment);
    if (!start) {
        jit_layout_free(&layout);
        return jit_fail(error, JIT_NO_MEMORY, 0, NULL, 0, size);
    }
    status = jit_link(&layout, (uint64_t)(uintptr_t)start, addresses, (unsigned char *)start, error);
    jit_layout_free(&layout);
    if (status == JIT_OK && !code->memory->publish(code->memory->context, start, size)) {
        status = jit_fail(error, JIT_NOT_EXECUTABLE, 0, NULL, 0, size);
    }
    if (status != JIT_OK) {
        code->memory->release(code->memory->context, start, size);
        return status;
    }
    code->entry = start;
    code->size = size;
    return JIT_OK;
}

JIT_API void
jit_release(jit_code *code)
{
    if (code->entry) {
        code->memory->release(code->memory->context, code->entry, code->size);
        code->entry = NULL;
    }
}

#else

// An image can be made, but not run.

JIT_API jit_status
jit_compile(
    jit_code *code, const jit_instruction *trace, size_t length, const uint64_t *addresses, const jit_memory *memory,
    jit_error *error)
{
    (void)trace;
    (void)length;
    (void)addresses;
    (void)memory;
    memset(code, 0, sizeof *code);
    return jit_fail(error, JIT_FOREIGN, 0, NULL, 0, 0);
}

JIT_API void
jit_release(jit_code *code)
{
    code->entry = NULL;
}

#endif
