// SPDX-License-Identifier: Apache-2.0
#include "consensus/abci/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64, HOST_MAX = 256 };

static const char unix_scheme[] = "unix://", tcp_scheme[] = "tcp://";

// Whether somebody listens there; a full queue says so too.
static assay_status path_try(bool *listened, const struct sockaddr_un *name, assay_error *err) {
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0) return assay_fail_errno(err, errno, "cannot make a socket");
    int code = connect(probe, (const struct sockaddr *)name, sizeof *name) == 0 ? 0 : errno;
    close(probe);
    *listened = code == 0 || code == EAGAIN;
    if (*listened || code == ECONNREFUSED) return ASSAY_OK;
    return assay_fail_errno(err, code, "cannot try the socket %s", name->sun_path);
}

static assay_status path_clear(const struct sockaddr_un *name, assay_error *err) {
    struct stat status;
    bool listened;
    if (lstat(name->sun_path, &status) != 0) {
        if (errno == ENOENT) return ASSAY_OK;
        return assay_fail_errno(err, errno, "cannot look at %s", name->sun_path);
    }
    if (!S_ISSOCK(status.st_mode))
        return ASSAY_FAIL(err, EXISTS, "%s is there and is no socket", name->sun_path);
    ASSAY_TRY(path_try(&listened, name, err));
    if (listened) return ASSAY_FAIL(err, BUSY, "somebody listens on %s", name->sun_path);
    if (unlink(name->sun_path) == 0 || errno == ENOENT) return ASSAY_OK;
    return assay_fail_errno(err, errno, "cannot remove the old socket %s", name->sun_path);
}

static assay_status unix_bind(assay_abci_socket *to, uv_loop_t *loop, const char *path,
                              assay_error *err) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof name.sun_path)
        return ASSAY_FAIL(err, USAGE, "a socket's path of %zu bytes, limit 1 to %zu", length,
                          sizeof name.sun_path - 1);
    memcpy(name.sun_path, path, length);
    ASSAY_TRY(path_clear(&name, err));
    uv_pipe_init(loop, &to->pipe, 0);
    int code = uv_pipe_bind(&to->pipe, path);
    if (code != 0) return assay_fail_errno(err, -code, "cannot bind %s", path);
    return ASSAY_OK;
}

// HOST:PORT, the host in brackets where it has colons itself.
static assay_status host_split(char host[HOST_MAX], const char **port, const char *text,
                               assay_error *err) {
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    if (length == 0 || length >= HOST_MAX || !colon[1])
        return ASSAY_FAIL(err, USAGE, "\"%s\" is not HOST:PORT", text);
    *port = colon + 1;
    if (text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    memcpy(host, text, length);
    host[length] = 0;
    return ASSAY_OK;
}

static assay_status tcp_bind(assay_abci_socket *to, uv_loop_t *loop, const char *text,
                             assay_error *err) {
    char host[HOST_MAX];
    const char *port;
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    ASSAY_TRY(host_split(host, &port, text, err));
    int code = getaddrinfo(host, port, &hints, &found);
    if (code != 0) return ASSAY_FAIL(err, USAGE, "\"%s\": %s", text, gai_strerror(code));
    uv_tcp_init(loop, &to->tcp);
    code = uv_tcp_bind(&to->tcp, found->ai_addr, 0);
    freeaddrinfo(found);
    if (code != 0) return assay_fail_errno(err, -code, "cannot bind %s", text);
    return ASSAY_OK;
}

static assay_status tcp_name(const assay_abci_socket *from, char text[ASSAY_ABCI_ADDRESS_MAX],
                             assay_error *err) {
    struct sockaddr_storage name;
    char host[64], port[16];
    int size = sizeof name;
    int code = uv_tcp_getsockname(&from->tcp, (struct sockaddr *)&name, &size);
    if (code != 0) return assay_fail_errno(err, -code, "cannot tell a socket's port");
    code = getnameinfo((const struct sockaddr *)&name, (socklen_t)size, host, sizeof host, port,
                       sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    if (code != 0) return ASSAY_FAIL(err, NETWORK, "a socket's name: %s", gai_strerror(code));
    const char *format = strchr(host, ':') ? "%s[%s]:%s" : "%s%s:%s";
    snprintf(text, ASSAY_ABCI_ADDRESS_MAX, format, tcp_scheme, host, port);
    return ASSAY_OK;
}

assay_status assay_abci_listen(assay_abci_socket *socket, uv_loop_t *loop, const char *address,
                               uv_connection_cb got, char text[ASSAY_ABCI_ADDRESS_MAX],
                               assay_error *err) {
    bool tcp = strncmp(address, tcp_scheme, sizeof tcp_scheme - 1) == 0;
    if (strlen(address) >= ASSAY_ABCI_ADDRESS_MAX)
        return ASSAY_FAIL(err, USAGE, "an address of %zu bytes, limit %d", strlen(address),
                          ASSAY_ABCI_ADDRESS_MAX - 1);
    if (tcp)
        ASSAY_TRY(tcp_bind(socket, loop, address + sizeof tcp_scheme - 1, err));
    else if (strncmp(address, unix_scheme, sizeof unix_scheme - 1) == 0)
        ASSAY_TRY(unix_bind(socket, loop, address + sizeof unix_scheme - 1, err));
    else
        return ASSAY_FAIL(err, USAGE, "\"%s\" is neither unix://PATH nor tcp://HOST:PORT", address);
    int code = uv_listen(&socket->stream, BACKLOG, got);
    if (code == UV_EADDRINUSE) return ASSAY_FAIL(err, BUSY, "somebody listens on %s", address);
    if (code != 0) return assay_fail_errno(err, -code, "cannot listen on %s", address);
    if (tcp) return tcp_name(socket, text, err);
    memcpy(text, address, strlen(address) + 1);
    return ASSAY_OK;
}
