/* Loaded before libc into the service alone.
 *
 * fsync and fdatasync are slow, or fail, as the file that LIGHTBAR_FAULT_SYNC names says at that moment: "slow MILLISECONDS",
 * "fail", or nothing. What is synced otherwise is really synced.
 *
 * The wall clock is off by the seconds (64 bits, as the machine writes them) in the file that LIGHTBAR_FAULT_CLOCK names; all
 * other clocks run on, as they do where a clock is set. libfaketime would do this too, but knows nothing of C11's waits on
 * conditions, and librdkafka's then never end. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static int refused(void) {
    const char *path = getenv("LIGHTBAR_FAULT_SYNC");
    char text[32] = {0};
    if (!path) return 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    if (got <= 0) return 0;
    if (strncmp(text, "fail", 4) == 0) {
        errno = EIO;
        return 1;
    }
    if (strncmp(text, "slow ", 5) == 0) {
        long ms = atol(text + 5);
        struct timespec pause = {ms / 1000, (ms % 1000) * 1000000L};
        nanosleep(&pause, NULL);
    }
    return 0;
}

int fsync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return refused() ? -1 : real(file);
}

int fdatasync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return refused() ? -1 : real(file);
}

static int64_t off_by(void) {
    static const volatile int64_t *seconds;
    static int looked;
    if (!looked) {
        const char *path = getenv("LIGHTBAR_FAULT_CLOCK");
        int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (file >= 0) {
            void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
            if (page != MAP_FAILED) seconds = page;
            close(file);
        }
        looked = 1;
    }
    return seconds ? *seconds : 0;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int outcome = real(clock, at);
    if (outcome == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += off_by();
    return outcome;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    static int (*real)(struct timeval *, void *);
    if (!real) real = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
    int outcome = real(at, zone);
    if (outcome == 0) at->tv_sec += off_by();
    return outcome;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

/* Its deadline was read from the clock above; the kernel waits by its own. */
int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict lock, const struct timespec *restrict until) {
    static int (*real)(cnd_t *, mtx_t *, const struct timespec *);
    if (!real) real = (int (*)(cnd_t *, mtx_t *, const struct timespec *))dlsym(RTLD_NEXT, "cnd_timedwait");
    struct timespec moved = *until;
    moved.tv_sec -= off_by();
    return real(condition, lock, &moved);
}
