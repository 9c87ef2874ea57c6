// SPDX-License-Identifier: Apache-2.0
// cmd_study.h - `voxarch study submit|pause|resume|cancel`: what is said to a running
// coordinator; ls and show look into run directories themselves.
//
// Owns: nothing. Threads: main.
#ifndef COORDINATOR_CLI_CMD_STUDY_H
#define COORDINATOR_CLI_CMD_STUDY_H

int cmd_study_submit(int argc, char **argv);
int cmd_study_pause(int argc, char **argv);
int cmd_study_resume(int argc, char **argv);
int cmd_study_cancel(int argc, char **argv);

#endif
