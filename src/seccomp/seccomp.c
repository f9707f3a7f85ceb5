/* A policy as a program for the kernel. */
#include <errno.h>
#include <string.h>

#include "seccomp/seccomp.h"

int seccomp_compile(const struct seccomp_policy *policy, int cache_dir_fd,
                    struct seccomp_program *ret, struct err *err)
{
    (void)policy;
    (void)cache_dir_fd;
    *ret = (struct seccomp_program){ 0 };
    return err_refuse(err, ENOTSUP, "linux.seccomp: this build makes no filters");
}

void seccomp_program_done(struct seccomp_program *program)
{
    free(program->instructions);
    *program = (struct seccomp_program){ 0 };
}
