/* An ordinary user's own namespace: private to imagecli. */
#pragma once

#include "base/base.h"

/*
 * As root of the machine nothing happens. As somebody else the rest of the program runs in a child, in a user
 * namespace with the caller as user 0 and the caller's subordinate ids (subuid(5)) as the others, and in a
 * mount namespace; the parent waits for it, and ends as it does. ret_rootless: device nodes and marks of the
 * machine's root are not ours to make.
 */
int userns_enter(bool *ret_rootless, struct err *err);
