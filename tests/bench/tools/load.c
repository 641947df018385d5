// Load for a proxy, and what came of it as one line of JSON.
//
//   load PORT http COUNT SECONDS      small GETs on COUNT kept connections; each has a URL and a cookie of its own
//   load PORT ws COUNT SECONDS        a message of 200 octets on each of COUNT WebSockets, again when it has come back
//   load PORT down COUNT OCTETS       a download on each of COUNT connections
//   load PORT up COUNT OCTETS         an upload
//   load PORT idle COUNT MESSAGES     opens WebSockets, sends MESSAGES on each, says READY, and holds them until its input ends
//
// Of http and ws the first 0.3 s are not measured; START is said when they are over.
#include "tool.h"

enum Mode { HTTP, WS, DOWN, UP, IDLE };
enum State { ASKED, OPEN, DONE, GONE };
enum { MESSAGE = 200, SLOWEST = 200000, AT_ONCE = 50 };
static const int64_t PIECE = 16 << 20;
static const double WARM = 0.3, LONGEST = 120;

typedef struct {
    int fd, number, in_size;
    enum State state;
    double since; // when the request, or the message, was sent
    int64_t left; // octets of content that are still to come, or to go
    long count;
    char in[8192];
} Connection;

static enum Mode mode;
static int port, count, loop, octets, measuring, opened, finished;
static int64_t size, messages;
static Connection *connections;
static char message[256];
static int message_size;
static long total, everything, errors, bad;
static uint32_t times[SLOWEST]; // how many took so many microseconds

static const char FIELDS[] =
    "Host: hub.example.org\r\nConnection: keep-alive\r\nsec-ch-ua: \"Chromium\";v=\"126\", \"Not.A/Brand\";v=\"24\"\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n"
    "Accept: */*\r\nX-Requested-With: XMLHttpRequest\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n"
    "Sec-Fetch-Dest: empty\r\nReferer: http://hub.example.org/user/alice/lab\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-US,en;q=0.9\r\n";

static int request(Connection *it, char *to) {
    if (mode == HTTP)
        return sprintf(to, "GET /user/alice/api/contents/work/Untitled.ipynb?content=0&%ld HTTP/1.1\r\n%s"
                           "Cookie: _xsrf=2|%08x|d41d8cd98f00b204e9800998ecf8427e|1700000000; jupyterhub-session-id=%032x; "
                           "username-localhost=2|1:0|10:1700000000\r\n\r\n",
                       it->count * count + it->number, FIELDS, (unsigned)(it->count * 2654435761u), it->number);
    if (mode == DOWN) return sprintf(to, "GET /user/alice/large/%lld HTTP/1.1\r\n%s\r\n", (long long)size, FIELDS);
    if (mode == UP)
        return sprintf(to, "POST /user/alice/upload HTTP/1.1\r\n%sContent-Type: application/octet-stream\r\n"
                           "Content-Length: %lld\r\n\r\n", FIELDS, (long long)size);
    return sprintf(to, "GET /user/alice/api/kernels/abc/channels?session_id=%d HTTP/1.1\r\nHost: hub.example.org\r\n"
                       "Connection: Upgrade\r\nUpgrade: websocket\r\nOrigin: http://hub.example.org\r\n"
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0\r\nCookie: jupyterhub-session-id=%032x\r\n\r\n",
                   it->number, it->number);
}

static void make_message(void) {
    static const uint8_t head[] = {0x81, 0x80 | 126, 0, MESSAGE, 1, 2, 3, 4}; // text, masked (RFC 6455 §5.2)
    memcpy(message, head, sizeof head);
    for (int i = 0; i < MESSAGE; i++) message[sizeof head + i] = ('a' + i % 26) ^ head[4 + (i & 3)];
    message_size = sizeof head + MESSAGE;
}

static void give(Connection *it, const char *data, int data_size) {
    if (send(it->fd, data, data_size, MSG_NOSIGNAL) != data_size) errors++;
}

static void ask(Connection *it) {
    char data[4096];
    int data_size = request(it, data);
    it->since = seconds();
    it->in_size = 0;
    it->state = ASKED;
    it->count++;
    give(it, data, data_size);
}

static void speak(Connection *it) {
    it->since = seconds();
    give(it, message, message_size);
}

static void begin(Connection *it) {
    it->fd = connected(port);
    it->left = mode == UP ? size : 0;
    struct epoll_event event = {.events = mode == UP ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = it};
    epoll_ctl(loop, EPOLL_CTL_ADD, it->fd, &event);
    ask(it);
}

static void end(Connection *it) {
    errors++;
    close(it->fd);
    if (mode == HTTP) {
        begin(it);
    } else {
        it->state = GONE;
        finished++;
    }
}

static void note(Connection *it) {
    everything++;
    if (!measuring) return;
    long took = (seconds() - it->since) * 1e6;
    times[took < 0 ? 0 : took >= SLOWEST ? SLOWEST - 1 : took]++;
    total++;
}

static void upload(Connection *it) {
    while (it->left > 0) {
        off_t at = 0;
        ssize_t sent = sendfile(it->fd, octets, &at, it->left < PIECE ? it->left : PIECE);
        if (sent <= 0) {
            if (sent == 0 || errno != EAGAIN) end(it);
            return;
        }
        it->left -= sent;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = it};
    epoll_ctl(loop, EPOLL_CTL_MOD, it->fd, &event);
}

static void download(Connection *it) {
    for (int i = 0; i < 64 && it->left > 0; i++) {
        ssize_t got = recv(it->fd, NULL, it->left < 1 << 20 ? it->left : 1 << 20, MSG_TRUNC);
        if (got <= 0) {
            if (got == 0 || errno != EAGAIN) end(it);
            return;
        }
        it->left -= got;
    }
    if (it->left == 0) {
        finished++;
        it->state = DONE;
    }
}

// An answer's head has come, of `head` octets, and perhaps more.
static void answered(Connection *it, int head) {
    if (mode == WS || mode == IDLE) {
        if (memcmp(it->in + 9, "101", 3)) {
            bad++;
            end(it);
            return;
        }
        it->in_size = 0;
        it->count = 0;
        it->state = OPEN;
        opened++;
        if (mode == IDLE) speak(it);
        return;
    }
    if (memcmp(it->in + 9, "200", 3)) bad++;
    char *field = strcasestr(it->in, "\r\ncontent-length:");
    int64_t length = field ? atoll(field + 17) : 0;
    if (mode == DOWN) {
        if (length != size) bad++;
        it->left = length - (it->in_size - head);
        it->state = OPEN;
        download(it);
        return;
    }
    if (field == NULL) { // chunked: the last chunk is looked for
        if (!memmem(it->in + head, it->in_size - head, "0\r\n\r\n", 5)) return;
        length = it->in_size - head;
    }
    if (it->in_size < head + length) return;
    if (it->in_size > head + length) bad++;
    if (mode == UP) {
        finished++;
        it->state = DONE;
        return;
    }
    note(it);
    char *close_said = strcasestr(it->in, "\r\nconnection: close");
    if (close_said && close_said - it->in < head)
        end(it);
    else
        ask(it);
}

static void heard(Connection *it) {
    const int head = 4; // a message's, from a server
    if (it->in_size < head + MESSAGE) return;
    if (it->in_size > head + MESSAGE || (uint8_t)it->in[0] != 0x81 || it->in[head] != 'a') bad++;
    it->in_size = 0;
    it->count++;
    note(it);
    if (mode == WS || it->count < messages)
        speak(it);
    else
        finished++;
}

static void read_on(Connection *it) {
    if (mode == DOWN && it->state == OPEN) {
        download(it);
        return;
    }
    ssize_t got = recv(it->fd, it->in + it->in_size, sizeof it->in - 1 - it->in_size, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) end(it);
        return;
    }
    it->in_size += got;
    it->in[it->in_size] = 0;
    if (it->state == OPEN) {
        heard(it);
        return;
    }
    char *last = memmem(it->in, it->in_size, "\r\n\r\n", 4);
    if (last != NULL) answered(it, last + 4 - it->in);
}

static void turn(int longest) {
    static struct epoll_event events[EVENTS];
    int ready = epoll_wait(loop, events, EVENTS, longest);
    for (int i = 0; i < ready; i++) {
        Connection *it = events[i].data.ptr;
        if (it->state != GONE && mode == UP && events[i].events & EPOLLOUT) upload(it);
        if (it->state != GONE && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_on(it);
    }
}

static long below(double share) {
    long seen = 0;
    for (long at = 0; at < SLOWEST; at++)
        if ((seen += times[at]) > total * share) return at;
    return SLOWEST;
}

static void for_a_time(double long_enough) {
    double start = seconds(), since;
    if (mode == WS) {
        while (opened < count && seconds() < start + 10) turn(100);
        for (int i = 0; i < count; i++)
            if (connections[i].state == OPEN) speak(&connections[i]);
    }
    for (start = seconds(); seconds() < start + WARM;) turn(10);
    measuring = 1;
    printf("START\n");
    fflush(stdout);
    for (since = seconds(); seconds() < since + long_enough;) turn(10);
    double took = seconds() - since;
    printf("{\"count\":%ld,\"everything\":%ld,\"seconds\":%.4f,\"p50\":%ld,\"p99\":%ld,\"errors\":%ld,\"bad\":%ld}\n",
           total, everything, took, below(.5), below(.99), errors, bad);
}

static void until_done(double start) {
    while (finished < count && seconds() < start + LONGEST) turn(100);
    if (mode == IDLE) {
        char rest[16];
        printf("READY {\"count\":%d,\"errors\":%ld,\"bad\":%ld}\n", opened, errors, bad);
        fflush(stdout);
        while (read(0, rest, sizeof rest) > 0) continue;
        return;
    }
    printf("{\"count\":%.0f,\"seconds\":%.4f,\"errors\":%ld,\"bad\":%ld}\n", (double)size * count, seconds() - start, errors, bad);
}

int main(int argc, char **argv) {
    static const char *const modes[] = {"http", "ws", "down", "up", "idle"};
    if (argc != 5) return 2;
    while (mode < IDLE && strcmp(argv[2], modes[mode])) mode++;
    signal(SIGPIPE, SIG_IGN);
    port = atoi(argv[1]);
    count = atoi(argv[3]);
    size = messages = atoll(argv[4]);
    connections = calloc(count, sizeof(Connection));
    loop = epoll_create1(0);
    octets = octets_in_memory(PIECE);
    make_message();
    double start = seconds();
    for (int i = 0; i < count; i++) {
        connections[i].number = i;
        begin(&connections[i]);
        while (mode == IDLE && opened + errors <= i - AT_ONCE && seconds() < start + LONGEST) turn(1000);
    }
    if (mode == HTTP || mode == WS)
        for_a_time(atof(argv[4]));
    else
        until_done(start);
    return 0;
}
