/* run, private: our own terminal while COMMAND has one of its own. */
#pragma once

#include <termios.h>

#include "base/base.h"

struct terminal {
    int fd; /* ours, in raw mode; -1: none */
    struct termios saved;
    pid_t guard;  /* restores the terminal when we are killed */
    int guard_fd; /* its life line */
};

void terminal_init(struct terminal *terminal);
/*
 * Put the terminal at fd (ignored when it is none) into raw mode, with a guard process that puts it back
 * should we be killed.
 */
int terminal_enter(struct terminal *terminal, int fd, struct err *err);
/* Put it back. Idempotent. */
void terminal_leave(struct terminal *terminal);
/* The size of the first of stdio that is a terminal; 0 when none is. */
void terminal_size(const int stdio[3], unsigned short *ret_rows, unsigned short *ret_columns);
/* Give COMMAND's terminal the size of ours. */
int terminal_resize(const struct terminal *terminal, int command_fd);
