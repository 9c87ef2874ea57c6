// SPDX-License-Identifier: Apache-2.0
// manager.c - a service manager's ear: `manager SOCKET` prints each datagram that comes
// to that path, one a line, until it is killed.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (argc != 2 || strlen(argv[1]) >= sizeof(at.sun_path)) {
        fprintf(stderr, "usage: manager SOCKET\n");
        return 2;
    }
    memcpy(at.sun_path, argv[1], strlen(argv[1]) + 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
        perror(argv[1]);
        return 1;
    }
    char text[1024];
    for (ssize_t n = 0; n >= 0; n = recv(fd, text, sizeof(text), 0)) {
        if (n > 0) {
            printf("%.*s\n", (int)n, text);
            fflush(stdout);
        }
    }
    return 0;
}
