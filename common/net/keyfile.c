// SPDX-License-Identifier: Apache-2.0
// keyfile.c - see keyfile.h. The file that was checked is the file that is read: both
// on one descriptor.
#include "common/net/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX 4096
#define BLANK          " \t\r"

static enum err io_error(struct errinfo *why, const char *verb, const char *path)
{
    enum err e = errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND : ERR_IO;
    char text[128];
    if (strerror_r(errno, text, sizeof(text)) != 0) {
        snprintf(text, sizeof(text), "errno %d", errno);
    }
    return err_set(why, e, "cannot %s %s: %s", verb, path, text);
}

// ---- writing

static bool write_pair(int fd, const struct curve_key *k)
{
    char open_hex[CURVE_HEX_MAX];
    char secret_hex[CURVE_HEX_MAX];
    char text[512];
    sodium_bin2hex(secret_hex, sizeof(secret_hex), curve_key_secret(k),
                   CURVE_KEY_BYTES);
    int n =
        snprintf(text, sizeof(text),
                 "# A Voxarch key pair. Who can read this file can act as its owner: "
                 "give away the public key alone.\npublic %s\nsecret %s\n",
                 curve_public_print(curve_key_public(k), open_hex), secret_hex);
    BUG_ON(n < 0 || (size_t)n >= sizeof(text));
    bool ok = write(fd, text, (size_t)n) == (ssize_t)n && fsync(fd) == 0;
    sodium_memzero(text, sizeof(text));
    sodium_memzero(secret_hex, sizeof(secret_hex));
    return ok;
}

enum err keyfile_write(const char *path, const struct curve_key *k, struct errinfo *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) {
        return err_set(why, ERR_BUSY,
                       "%s exists: a key is never overwritten; remove it first if "
                       "nobody needs it any more",
                       path);
    }
    if (fd < 0) {
        return io_error(why, "create", path);
    }
    bool ok = write_pair(fd, k);
    ok = close(fd) == 0 && ok;
    if (!ok) {
        enum err e = io_error(why, "write", path);
        unlink(path); // half a key helps nobody
        return e;
    }
    return ERR_OK;
}

// ---- reading

struct content {
    bool has_open, has_secret;
    struct curve_public open;
    uint8_t secret[CURVE_KEY_BYTES];
};

static bool parse_secret(const char *hex, size_t n, uint8_t out[static CURVE_KEY_BYTES])
{
    size_t n_bytes = 0;
    return n == CURVE_HEX_MAX - 1 &&
           sodium_hex2bin(out, CURVE_KEY_BYTES, hex, n, NULL, &n_bytes, NULL) == 0 &&
           n_bytes == CURVE_KEY_BYTES;
}

// One line, without its end: blank, a comment, `public HEX`, `secret HEX` or HEX alone.
static bool parse_line(const char *line, size_t n, struct content *c)
{
    size_t at = strspn(line, BLANK);
    if (at >= n || line[at] == '#') {
        return true;
    }
    size_t word = at;
    while (at < n && !strchr(BLANK, line[at])) {
        at++;
    }
    size_t word_n = at - word;
    at += at < n ? strspn(line + at, BLANK) : 0;
    size_t rest_n = at < n ? n - at : 0;
    while (rest_n > 0 && strchr(BLANK, line[at + rest_n - 1])) {
        rest_n--;
    }
    if (word_n == 6 && memcmp(line + word, "secret", 6) == 0 && !c->has_secret) {
        return c->has_secret = parse_secret(line + at, rest_n, c->secret);
    }
    if (word_n == 6 && memcmp(line + word, "public", 6) == 0 && !c->has_open) {
        return c->has_open = curve_public_parse(line + at, rest_n, &c->open);
    }
    return rest_n == 0 && !c->has_open &&
           (c->has_open = curve_public_parse(line + word, word_n, &c->open));
}

static enum err parse(const char *text, const char *path, struct content *c,
                      struct errinfo *why)
{
    unsigned number = 1;
    for (const char *line = text; *line; number++) {
        size_t n = strcspn(line, "\n");
        if (!parse_line(line, n, c)) {
            return err_set(why, ERR_INPUT,
                           "%s:%u: not a line of a key file: `public` or `secret` and "
                           "64 hexadecimal digits, each once",
                           path, number);
        }
        line += n + (line[n] == '\n');
    }
    return ERR_OK;
}

static enum err check_private(int fd, const char *path, struct errinfo *why)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return io_error(why, "look at", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(why, ERR_INPUT, "%s is no regular file", path);
    }
    if (st.st_uid != geteuid()) {
        return err_set(
            why, ERR_INPUT,
            "%s holds a secret key and belongs to user %ld, not to us: chown "
            "%ld %s",
            path, (long)st.st_uid, (long)geteuid(), path);
    }
    if (st.st_mode & (S_IRWXG | S_IRWXO)) {
        return err_set(why, ERR_INPUT,
                       "%s holds a secret key and has mode %03o: others may read or "
                       "change it. chmod 600 %s",
                       path, (unsigned)(st.st_mode & 0777), path);
    }
    return ERR_OK;
}

static enum err read_text(int fd, const char *path, char text[static FILE_BYTES_MAX],
                          struct errinfo *why)
{
    size_t n = 0;
    ssize_t m = 1;
    while (n < FILE_BYTES_MAX - 1 && m != 0) {
        m = read(fd, text + n, FILE_BYTES_MAX - 1 - n);
        if (m < 0 && errno != EINTR) {
            return io_error(why, "read", path);
        }
        n += m > 0 ? (size_t)m : 0;
    }
    text[n] = '\0';
    if (n == FILE_BYTES_MAX - 1 || strlen(text) != n) {
        return err_set(why, ERR_INPUT, "%s is no key file", path);
    }
    return ERR_OK;
}

static enum err read_content(const char *path, bool is_private, struct content *c,
                             struct errinfo *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return io_error(why, "open", path);
    }
    char text[FILE_BYTES_MAX];
    enum err e = is_private ? check_private(fd, path, why) : ERR_OK;
    if (e == ERR_OK) {
        e = read_text(fd, path, text, why);
    }
    close(fd);
    if (e == ERR_OK) {
        e = parse(text, path, c, why);
    }
    sodium_memzero(text, sizeof(text));
    return e;
}

static enum err make_pair(const char *path, struct content *c, struct curve_key **out,
                          struct errinfo *why)
{
    if (!c->has_secret) {
        return err_set(why, ERR_INPUT,
                       "%s holds no secret key: voxarch keygen makes a pair", path);
    }
    struct curve_key *k = NULL;
    enum err e = curve_key_take(c->secret, &k, why);
    if (e != ERR_OK) {
        return err_prefix(why, e, "%s", path);
    }
    if (c->has_open && !curve_public_equal(&c->open, curve_key_public(k))) {
        curve_key_destroy(k);
        return err_set(why, ERR_INPUT, "%s: public and secret are of different pairs",
                       path);
    }
    *out = k;
    return ERR_OK;
}

enum err keyfile_load(const char *path, struct curve_key **out, struct errinfo *why)
{
    struct content c = {.has_open = false};
    enum err e = read_content(path, true, &c, why);
    if (e == ERR_OK) {
        e = make_pair(path, &c, out, why);
    }
    sodium_memzero(&c, sizeof(c));
    return e;
}

enum err keyfile_public(const char *text, struct curve_public *out, struct errinfo *why)
{
    if (curve_public_parse(text, strlen(text), out)) {
        return ERR_OK;
    }
    struct content c = {.has_open = false};
    enum err e = read_content(text, false, &c, why);
    bool has_secret = c.has_secret;
    sodium_memzero(c.secret, sizeof(c.secret));
    if (e == ERR_OK && has_secret) {
        return err_set(
            why, ERR_INPUT,
            "%s holds a secret key, where a public one is wanted: give the 64 "
            "digits behind `public` instead",
            text);
    }
    if (e == ERR_OK && !c.has_open) {
        return err_set(why, ERR_INPUT, "%s holds no public key", text);
    }
    if (e == ERR_NOTFOUND) {
        return err_set(why, e,
                       "'%.80s' is neither a public key (64 hexadecimal digits) "
                       "nor a file with one",
                       text);
    }
    if (e == ERR_OK) {
        *out = c.open;
    }
    return e;
}

enum err keyfile_link(const char *key_path, const char *coordinator_key,
                      struct curve_link *out, struct errinfo *why)
{
    *out = (struct curve_link){.mine = NULL};
    if (!key_path && !coordinator_key) {
        return ERR_OK;
    }
    if (!key_path || !coordinator_key) {
        return err_set(why, ERR_INPUT,
                       "--key FILE and --coordinator-key KEY go "
                       "together: %s is missing",
                       key_path ? "--coordinator-key" : "--key");
    }
    enum err e = keyfile_public(coordinator_key, &out->theirs, why);
    return e == ERR_OK ? keyfile_load(key_path, &out->mine, why) : e;
}
