/* Being attached to a container: our terminal or files joined to its own, until it ends or we detach. */
#pragma once

#include "cli/cli.h"

struct session_options {
    bool start;              /* start it first, so that nothing of its output is missed */
    bool no_stdin;           /* what is typed here is not its */
    bool no_signals;         /* signals that reach us are ours */
    const char *detach_keys; /* "ctrl-p,ctrl-q"; NULL: those; "": none */
};

/*
 * Stay attached to a container. Returns the exit status of a program that does that: the container's own (0..255), 0
 * after detaching; errors have been reported.
 */
int session_attach(struct ration *ration, const char *who, const struct session_options *options);

/* Keys that detach, as a person writes them: "ctrl-p,ctrl-q", "a,ctrl-[". Pure. */
#define SESSION_KEYS_MAX 8
struct session_keys {
    char keys[SESSION_KEYS_MAX];
    size_t n, matched; /* n 0: there are none */
};
int session_keys_parse(const char *text, struct session_keys *ret, struct ration_error *error);
/*
 * Pass typed bytes on but for the sequence that detaches: true when it is complete. What only began like it
 * is passed on as soon as it went on otherwise. Pure.
 */
bool session_keys_pass(struct session_keys *keys, const char *typed, size_t len, struct buf *ret);
