// An upstream that is faster than any proxy: a small page as a Jupyter server answers, a download of /large/COUNT octets, content
// that is thrown away, WebSockets that say what they are told. upstream PORT
#include "tool.h"

enum { ROOM = 16384 };
static const int64_t PIECE = 16 << 20;

typedef struct {
    int fd, websocket;
    int in_size, out_size, out_at;
    int64_t sink;   // octets of a request's content that are still to come
    int64_t source; // octets of a download that are still to be sent
    char in[ROOM + 1], out[ROOM + 1024];
} Connection;

static Connection *connections[CONNECTIONS];
static int loop, octets;

// ---------------------------------------------------------------- the handshake's digest (RFC 6455 §4.2.2: SHA-1, base64)

static uint32_t turned(uint32_t x, int bits) { return x << bits | x >> (32 - bits); }

static void sha1(const char *text, size_t size, uint8_t digest[20]) {
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t block[256] = {0};
    size_t total = ((size + 8) / 64 + 1) * 64;
    memcpy(block, text, size);
    block[size] = 0x80;
    for (int i = 0; i < 8; i++) block[total - 1 - i] = (uint64_t)size * 8 >> 8 * i;
    for (size_t at = 0; at < total; at += 64) {
        uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 16; i++) {
            const uint8_t *word = block + at + 4 * i;
            w[i] = (uint32_t)word[0] << 24 | word[1] << 16 | word[2] << 8 | word[3];
        }
        for (int i = 16; i < 80; i++) w[i] = turned(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        for (int i = 0; i < 80; i++) {
            uint32_t f = i < 20 ? (b & c) | (~b & d) : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
            uint32_t k = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
            uint32_t next = turned(a, 5) + f + e + k + w[i];
            e = d, d = c, c = turned(b, 30), b = a, a = next;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    for (int i = 0; i < 20; i++) digest[i] = h[i / 4] >> (24 - 8 * (i % 4));
}

static void base64(const uint8_t *from, int size, char *to) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < size; i += 3) {
        uint32_t three = from[i] << 16 | (i + 1 < size ? from[i + 1] << 8 : 0) | (i + 2 < size ? from[i + 2] : 0);
        *to++ = letters[three >> 18];
        *to++ = letters[three >> 12 & 63];
        *to++ = i + 1 < size ? letters[three >> 6 & 63] : '=';
        *to++ = i + 2 < size ? letters[three & 63] : '=';
    }
    *to = 0;
}

// ---------------------------------------------------------------- answers

static const char *field(const char *head, const char *end, const char *name) {
    size_t size = strlen(name);
    for (const char *at = head; (at = memchr(at, '\n', end - at)) != NULL;) {
        at++;
        if ((size_t)(end - at) > size && !strncasecmp(at, name, size) && at[size] == ':') {
            at += size + 1;
            while (*at == ' ') at++;
            return at;
        }
    }
    return NULL;
}

static void accept_websocket(Connection *it, const char *key) {
    char text[128] = "", accepted[40];
    uint8_t digest[20];
    int size = 0;
    while (size < 64 && key[size] != '\r') text[size] = key[size], size++;
    strcpy(text + size, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    sha1(text, size + 36, digest);
    base64(digest, 20, accepted);
    it->out_size += sprintf(it->out + it->out_size,
                            "HTTP/1.1 101 Switching Protocols\r\nServer: TornadoServer/6.4\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accepted);
    it->websocket = 1;
}

static void answer(Connection *it, const char *head, const char *end) {
    static char date[64];
    static time_t second;
    static unsigned long answers;
    static const char body[] =
        "{\"name\":\"Untitled.ipynb\",\"path\":\"work/Untitled.ipynb\",\"last_modified\":\"2026-01-01T00:00:00.000000Z\","
        "\"created\":\"2026-01-01T00:00:00.000000Z\",\"format\":null,\"mimetype\":null,\"size\":72,\"writable\":true,\"x\":1}\n";
    const char *key = field(head, end, "Sec-WebSocket-Key");
    if (key != NULL && field(head, end, "Upgrade")) {
        accept_websocket(it, key);
        return;
    }
    const char *length = field(head, end, "Content-Length"), *large = memmem(head, end - head, "/large/", 7);
    if (length != NULL) it->sink = atoll(length);
    char *out = it->out + it->out_size;
    if (*head == 'G' && large != NULL) {
        it->source = atoll(large + 7);
        it->out_size += sprintf(out, "HTTP/1.1 200 OK\r\nServer: TornadoServer/6.4\r\nContent-Type: application/octet-stream\r\n"
                                     "Content-Length: %lld\r\n\r\n", (long long)it->source);
        return;
    }
    time_t now = time(NULL);
    if (now != second) {
        struct tm parts;
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
        second = now;
    }
    it->out_size += sprintf(
        out,
        "HTTP/1.1 200 OK\r\nServer: TornadoServer/6.4\r\nContent-Type: application/json\r\nDate: %s\r\n"
        "X-Content-Type-Options: nosniff\r\nContent-Security-Policy: frame-ancestors 'self'; report-uri "
        "/user/x/api/security/csp-report; default-src 'none'\r\nEtag: \"%016lx\"\r\nVary: Accept-Encoding\r\n"
        "X-Jupyterhub-Version: 5.2.1\r\nContent-Length: %d\r\n\r\n%s",
        date, answers++ * 2654435761UL, (int)sizeof body - 1, body);
}

// Say back each whole frame that lies in `in`, without its mask; -1 if there is one that is not meant to come.
static int say_back(Connection *it) {
    int at = 0;
    while (it->in_size - at >= 2) {
        uint8_t *frame = (uint8_t *)it->in + at, *out = (uint8_t *)it->out + it->out_size;
        int size = frame[1] & 127, head = 2, masked = frame[1] >> 7;
        if (size == 127) return -1;
        if (size == 126) {
            if (it->in_size - at < 4) break;
            size = frame[2] << 8 | frame[3];
            head = 4;
        }
        int whole = head + 4 * masked + size;
        if (it->in_size - at < whole) break;
        if (it->out_size + whole > ROOM) return -1;
        memcpy(out, frame, head);
        out[1] &= 127;
        uint8_t *mask = frame + head, *data = mask + 4 * masked;
        for (int i = 0; i < size; i++) out[head + i] = masked ? data[i] ^ mask[i & 3] : data[i];
        it->out_size += head + size;
        at += whole;
    }
    it->in_size -= at;
    memmove(it->in, it->in + at, it->in_size);
    return 0;
}

// ---------------------------------------------------------------- connections

// Write what lies ready: 1 when all is written, 0 when something waits, -1 when the client is gone.
static int drain(Connection *it) {
    while (it->out_at < it->out_size) {
        ssize_t count = send(it->fd, it->out + it->out_at, it->out_size - it->out_at, MSG_NOSIGNAL | (it->source ? MSG_MORE : 0));
        if (count < 0) return errno == EAGAIN ? 0 : -1;
        it->out_at += count;
    }
    it->out_at = it->out_size = 0;
    while (it->source > 0) {
        off_t at = 0;
        ssize_t count = sendfile(it->fd, octets, &at, it->source < PIECE ? it->source : PIECE);
        if (count <= 0) return count < 0 && errno == EAGAIN ? 0 : -1;
        it->source -= count;
    }
    return 1;
}

static int write_on(Connection *it) {
    int done = drain(it);
    if (done == 0) watch(loop, EPOLL_CTL_MOD, it->fd, EPOLLIN | EPOLLOUT);
    return done;
}

// Take in what a client sends, and answer; -1 when it is gone.
static int read_on(Connection *it) {
    if (it->sink > 0) {
        for (int i = 0; i < 64 && it->sink > 0; i++) {
            ssize_t count = recv(it->fd, NULL, it->sink < 1 << 20 ? it->sink : 1 << 20, MSG_TRUNC);
            if (count <= 0) return count < 0 && errno == EAGAIN ? 0 : -1;
            it->sink -= count;
        }
        return it->sink > 0 ? 0 : write_on(it);
    }
    ssize_t count = recv(it->fd, it->in + it->in_size, ROOM - it->in_size, 0);
    if (count <= 0) return count < 0 && errno == EAGAIN ? 0 : -1;
    it->in_size += count;
    while (it->in_size > 0 && it->sink == 0 && it->out_size < ROOM / 2) {
        if (it->websocket) {
            if (say_back(it) < 0) return -1;
            break;
        }
        char *end = memmem(it->in, it->in_size, "\r\n\r\n", 4);
        if (end == NULL) break;
        end += 4;
        answer(it, it->in, end);
        int used = end - it->in, rest = it->in_size - used;
        int content = rest < it->sink ? rest : it->sink;
        it->sink -= content;
        it->in_size = rest - content;
        memmove(it->in, end + content, it->in_size);
    }
    return it->sink == 0 && (it->out_size || it->source) ? write_on(it) : 0;
}

static void add(int fd) {
    if (fd >= CONNECTIONS) {
        close(fd);
        return;
    }
    without_delay(fd);
    connections[fd] = calloc(1, sizeof(Connection));
    connections[fd]->fd = fd;
    watch(loop, EPOLL_CTL_ADD, fd, EPOLLIN);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    static struct epoll_event events[EVENTS];
    int listener = listening(atoi(argv[1]));
    octets = octets_in_memory(PIECE);
    signal(SIGPIPE, SIG_IGN);
    loop = epoll_create1(0);
    watch(loop, EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        int count = epoll_wait(loop, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd, client, state = 0;
            if (fd == listener) {
                while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) add(client);
                continue;
            }
            Connection *it = connections[fd];
            if (events[i].events & EPOLLOUT && (state = drain(it)) > 0) watch(loop, EPOLL_CTL_MOD, fd, EPOLLIN);
            if (state >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) state = read_on(it);
            if (state < 0) {
                close(fd);
                free(it);
                connections[fd] = NULL;
            }
        }
    }
}
