// SPDX-License-Identifier: Apache-2.0
// rights.c - see rights.h.
#include "coordinator/serve/rights.h"

static const struct {
    const char *domain;
    unsigned roles;
} sockets[RIGHTS_SOCKETS] = {
    [SOCKET_CONTROL] = {"control", ROLE_WORKER},
    [SOCKET_BULK] = {"bulk", ROLE_WORKER | ROLE_OPERATOR},
    [SOCKET_ADMIN] = {"admin", ROLE_OPERATOR | ROLE_VIEWER},
};

static const unsigned speakers[MSG_KINDS] = {
    [MSG_HELLO] = ROLE_WORKER,
    [MSG_FETCH] = ROLE_WORKER,
    [MSG_BEAT] = ROLE_WORKER,
    [MSG_RESULT] = ROLE_WORKER,
    [MSG_RELEASE] = ROLE_WORKER,
    [MSG_BYE] = ROLE_WORKER,
    [MSG_BLOB_GET] = ROLE_WORKER | ROLE_OPERATOR,
    [MSG_BLOB_PUT] = ROLE_WORKER,
    [MSG_BLOB_CHUNK] = ROLE_WORKER,
    [MSG_STATUS] = ROLE_OPERATOR | ROLE_VIEWER,
    [MSG_DRAIN] = ROLE_OPERATOR,
    [MSG_TASK_LIST] = ROLE_OPERATOR | ROLE_VIEWER,
    [MSG_EXPLAIN] = ROLE_OPERATOR | ROLE_VIEWER,
    [MSG_TASK_KICK] = ROLE_OPERATOR,
    [MSG_WORKER_ORDER] = ROLE_OPERATOR,
    [MSG_STUDY_SUBMIT] = ROLE_OPERATOR,
    [MSG_STUDY_ORDER] = ROLE_OPERATOR,
};

const char *rights_domain(enum rights_socket s)
{
    return sockets[s].domain;
}

bool rights_may_connect(enum role r, enum rights_socket s)
{
    return sockets[s].roles & r;
}

bool rights_may_say(enum role r, enum msg_kind k)
{
    return speakers[k] & r;
}
