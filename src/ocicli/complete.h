/* Completions for shells, from the same tables as everything else. */
#pragma once

#include "ocicli/ocicli.h"

/* shell: "bash", "zsh" or "fish". */
void completion_of_shell(const char *shell, struct buf *ret);
