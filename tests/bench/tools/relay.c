// The floor: octets copied both ways, one upstream connection for each client's, and nothing else done. relay PORT UPSTREAM
#include "tool.h"

typedef struct {
    int other;     // descriptor at the other side; -1: closed
    char *waiting; // what the other side's partner could not take yet
    int count;
} End;

static End ends[CONNECTIONS];
static char octets[65536];
static int loop;

static void add(int fd, int other) {
    ends[fd] = (End){.other = other};
    watch(loop, EPOLL_CTL_ADD, fd, EPOLLIN);
}

static void finish(int fd) {
    int other = ends[fd].other;
    if (other < 0) return;
    for (int i = 0; i < 2; i++, fd = other) {
        ends[fd].other = -1;
        free(ends[fd].waiting);
        close(fd);
    }
}

// Write what waits for `fd`, and read its partner again when that is gone.
static void drain(int fd) {
    End *end = &ends[fd];
    ssize_t count = send(fd, end->waiting, end->count, MSG_NOSIGNAL);
    if (count < 0) {
        if (errno != EAGAIN) finish(fd);
        return;
    }
    end->count -= count;
    memmove(end->waiting, end->waiting + count, end->count);
    if (end->count == 0) {
        watch(loop, EPOLL_CTL_MOD, fd, EPOLLIN);
        watch(loop, EPOLL_CTL_MOD, end->other, EPOLLIN);
    }
}

static void copy(int fd) {
    int other = ends[fd].other;
    ssize_t count = recv(fd, octets, sizeof octets, 0);
    if (count <= 0) {
        if (count == 0 || errno != EAGAIN) finish(fd);
        return;
    }
    ssize_t sent = send(other, octets, count, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        finish(fd);
        return;
    }
    if (sent < 0) sent = 0;
    if (sent < count) {
        End *end = &ends[other];
        if (end->waiting == NULL) end->waiting = malloc(sizeof octets);
        end->count = count - sent;
        memcpy(end->waiting, octets + sent, end->count);
        watch(loop, EPOLL_CTL_MOD, other, EPOLLOUT);
        watch(loop, EPOLL_CTL_MOD, fd, 0);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    static struct epoll_event events[EVENTS];
    int listener = listening(atoi(argv[1])), upstream = atoi(argv[2]);
    loop = epoll_create1(0);
    watch(loop, EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        int count = epoll_wait(loop, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int client;
                while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    int other = connected(upstream);
                    without_delay(client);
                    add(client, other);
                    add(other, client);
                }
            } else if (ends[fd].other < 0) {
                continue;
            } else if (events[i].events & EPOLLOUT) {
                drain(fd);
            } else {
                copy(fd);
            }
        }
    }
}
