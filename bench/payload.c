/*
 * bench-payload - the least program there is: ends at once, or, given any argument, sleeps until it
 * is killed. Freestanding, so that neither its start nor its memory hides the launcher's.
 */
#if defined(__x86_64__)
#define ENTRY "mov (%rsp), %rdi\n\tand $-16, %rsp\n\tcall bench_payload\n"
#elif defined(__aarch64__)
#define ENTRY "ldr x0, [sp]\n\tbl bench_payload\n"
#else
#error "the payload knows x86-64 and aarch64 only"
#endif

__asm__(".globl _start\n_start:\n\t" ENTRY);

static long call(long number, long argument)
{
#if defined(__x86_64__)
    long result;

    /* ppoll and exit_group read no more than these registers; ppoll takes them as "no descriptors,
     * no timeout, no mask". */
    register long mask __asm__("r10") = 0;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(argument), "S"(0L), "d"(0L), "r"(mask)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = argument;
    register long x1 __asm__("x1") = 0;
    register long x2 __asm__("x2") = 0;
    register long x3 __asm__("x3") = 0;

    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#endif
}

#if defined(__x86_64__)
enum { CALL_PPOLL = 271, CALL_EXIT_GROUP = 231 };
#else
enum { CALL_PPOLL = 73, CALL_EXIT_GROUP = 94 };
#endif

__attribute__((noreturn, used)) void bench_payload(long argc);

void bench_payload(long argc)
{
    while (argc > 1)
        call(CALL_PPOLL, 0);
    for (;;)
        call(CALL_EXIT_GROUP, 0);
}
