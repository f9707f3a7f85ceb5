/* Steps that stand in files of their own; the two tables name them. */
#pragma once

#include "spawn/launch.h"

/* root.c */
int step_propagation(struct launch *launch, struct err *err);
int step_root(struct launch *launch, struct err *err);
int step_mounts(struct launch *launch, struct err *err);
int step_root_attributes(struct launch *launch, struct err *err);
int step_pivot(struct launch *launch, struct err *err);
int step_directory_open(struct launch *launch, struct err *err);
int step_directory(struct launch *launch, struct err *err);

/* user.c */
int step_user(struct launch *launch, struct err *err);

/* box_steps.c, for a process that enters a container too */
int step_keyring(struct launch *launch, struct err *err);
int step_no_new_privs(struct launch *launch, struct err *err);
int step_bounding_set(struct launch *launch, struct err *err);

/* join.c */
int step_join_namespaces(struct launch *launch, struct err *err);
int step_join_cgroup_namespace(struct launch *launch, struct err *err);

/* gate.c */
int step_ready(struct launch *launch, struct err *err);
int step_gate(struct launch *launch, struct err *err);
int step_start_hooks(struct launch *launch, struct err *err);

/* terminal.c */
int step_terminal_open(struct launch *launch, struct err *err);
int step_console_send(struct launch *launch, struct err *err);
int step_terminal_take(struct launch *launch, struct err *err);
int step_stdio(struct launch *launch, struct err *err);

/* cgroup_view.c */
int step_cgroup_mounts(struct launch *launch, struct err *err);

/* nodes.c, sysctl.c, label.c */
int step_devices(struct launch *launch, struct err *err);
int step_sysctls(struct launch *launch, struct err *err);
int step_apparmor(struct launch *launch, struct err *err);
int step_selinux(struct launch *launch, struct err *err);

/* sched.c */
int step_scheduler(struct launch *launch, struct err *err);
int step_io_priority(struct launch *launch, struct err *err);
int step_personality(struct launch *launch, struct err *err);
int step_affinity_initial(struct launch *launch, struct err *err);
int step_affinity_final(struct launch *launch, struct err *err);

/* filter.c */
int step_listener(struct launch *launch, struct err *err);
int step_filter_privileged(struct launch *launch, struct err *err);
int step_filter_last(struct launch *launch, struct err *err);

/* confine.c */
int step_confine(struct launch *launch, struct err *err);

/* identity.c */
int step_oom_score(struct launch *launch, struct err *err);
int step_rlimits(struct launch *launch, struct err *err);
int step_identity(struct launch *launch, struct err *err);
int step_capabilities(struct launch *launch, struct err *err);
int step_no_gain(struct launch *launch, struct err *err);
