// SPDX-License-Identifier: Apache-2.0
// endpoint.c - see endpoint.h.
#include "common/net/endpoint.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME       "tcp://"
#define NAME_CHARS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
#define IPV6_CHARS   "0123456789abcdefABCDEF:.%"
#define HOST_ALLOWED "a name, an address, [an IPv6 address] or *"

static bool is_host(const char *host, size_t n)
{
    if (n == 1 && host[0] == '*') {
        return true;
    }
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        return strspn(host + 1, IPV6_CHARS) == n - 2;
    }
    return n > 0 && strspn(host, NAME_CHARS) >= n;
}

static bool parse_port(const char *text, uint16_t *port)
{
    size_t n = strspn(text, "0123456789");
    if (n == 0 || n > 5 || text[n] != '\0') {
        return false;
    }
    unsigned long value = strtoul(text, NULL, 10);
    if (value < 1 || value > 65535) {
        return false;
    }
    *port = (uint16_t)value;
    return true;
}

enum err endpoint_parse(const char *text, struct endpoint *out, struct errinfo *why)
{
    const size_t scheme = strlen(SCHEME);
    if (strncmp(text, SCHEME, scheme) != 0) {
        return err_set(why, ERR_INPUT, "'%.100s' is no endpoint: tcp://HOST:PORT is",
                       text);
    }
    const char *host = text + scheme;
    const char *colon = strrchr(host, ':');
    size_t n = colon ? (size_t)(colon - host) : strlen(host);
    if (n >= ENDPOINT_HOST_MAX || !is_host(host, n)) {
        return err_set(why, ERR_INPUT, "'%.100s': the host is not " HOST_ALLOWED, text);
    }
    struct endpoint e = {.port = 0};
    if (!colon || !parse_port(colon + 1, &e.port)) {
        return err_set(why, ERR_INPUT, "'%.100s': the port is not a number 1..65535",
                       text);
    }
    memcpy(e.host, host, n);
    *out = e;
    return ERR_OK;
}

bool endpoint_is_loopback(const struct endpoint *e)
{
    struct in_addr v4;
    return strcmp(e->host, "localhost") == 0 || strcmp(e->host, "[::1]") == 0 ||
           (inet_pton(AF_INET, e->host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

char *endpoint_print(const struct endpoint *e, char out[static ENDPOINT_MAX])
{
    snprintf(out, ENDPOINT_MAX, SCHEME "%s:%u", e->host, (unsigned)e->port);
    return out;
}
