// Preloaded into a plant (LD_PRELOAD), this is the disk and the clock that fail. What happens is told by
// DISK_FAULT, to the write-ahead log of the store only (files *.log in a folder store):
//   eio    the DISK_FAULT_AFTER-th sync fails with EIO; what is tried after that is written to DISK_FAULT_LOG
//   hang   that sync never returns
//   kill   the process is killed at the N-th sync or rename: even N before it, odd N after it
//   hold   writes wait in memory until a sync: who kills the process cuts the power
//   clock  the wall clock is off by the seconds that the file DISK_FAULT_CLOCK holds; monotonic clocks are not
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 4096

static struct {
  int log;  // a write-ahead log
  char* held;
  size_t held_bytes, held_room;
} files[FILES_MAX];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long syncs;
static int failed;

static int fault_is(const char* name) {
  const char* fault = getenv("DISK_FAULT");
  return fault != NULL && strcmp(fault, name) == 0;
}

static long fault_after(void) {
  const char* after = getenv("DISK_FAULT_AFTER");
  return after == NULL ? 0 : atol(after);
}

#define REAL(name, type) static __typeof__(type) real; if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, name)

static ssize_t real_write(int fd, const void* bytes, size_t count) {
  REAL("write", ssize_t (*)(int, const void*, size_t));
  return real(fd, bytes, count);
}

static void tell(const char* what) {
  const char* path = getenv("DISK_FAULT_LOG");
  if (path == NULL) return;
  REAL("open", int (*)(const char*, int, ...));
  const int fd = real(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd < 0) return;
  (void)!real_write(fd, what, strlen(what));
  close(fd);
}

static void opened(int fd, const char* path) {
  if (fd < 0 || fd >= FILES_MAX) return;
  const size_t length = strlen(path);
  files[fd].log = length > 4 && strcmp(path + length - 4, ".log") == 0 && strstr(path, "/store/") != NULL;
  files[fd].held_bytes = 0;
}

#define OPEN(name)                                                  \
  int name(const char* path, int flags, ...) {                      \
    va_list rest;                                                   \
    va_start(rest, flags);                                          \
    const mode_t mode = va_arg(rest, mode_t);                       \
    va_end(rest);                                                   \
    REAL(#name, int (*)(const char*, int, ...));                    \
    const int fd = real(path, flags, mode);                         \
    opened(fd, path);                                               \
    return fd;                                                      \
  }
OPEN(open)
OPEN(open64)

static int is_log(int fd) { return fd >= 0 && fd < FILES_MAX && files[fd].log; }

ssize_t write(int fd, const void* bytes, size_t count) {
  if (!is_log(fd)) return real_write(fd, bytes, count);
  if (failed) tell("write after\n");
  if (!fault_is("hold")) return real_write(fd, bytes, count);
  if (files[fd].held_bytes + count > files[fd].held_room) {
    files[fd].held_room = 2 * (files[fd].held_bytes + count);
    files[fd].held = realloc(files[fd].held, files[fd].held_room);
  }
  memcpy(files[fd].held + files[fd].held_bytes, bytes, count);
  files[fd].held_bytes += count;
  return (ssize_t)count;
}

static void release_held(int fd) {
  for (size_t at = 0; at < files[fd].held_bytes;) {
    const ssize_t done = real_write(fd, files[fd].held + at, files[fd].held_bytes - at);
    if (done <= 0) break;
    at += (size_t)done;
  }
  files[fd].held_bytes = 0;
}

// Before and after the N-th event; true if this is the one.
static long count_event(void) {
  pthread_mutex_lock(&mutex);
  const long number = ++syncs;
  pthread_mutex_unlock(&mutex);
  return number;
}

static int synced(int fd, int (*real)(int)) {
  if (!is_log(fd)) return real(fd);
  if (failed) tell("sync after\n");
  if (fault_is("hold")) release_held(fd);
  const long number = count_event(), after = fault_after();
  if (number == after && fault_is("eio")) {
    failed = 1;
    tell("eio\n");
    errno = EIO;
    return -1;
  }
  if (number == after && fault_is("hang"))
    for (;;) pause();
  if (number == after && fault_is("kill") && after % 2 == 0) raise(SIGKILL);
  const int result = real(fd);
  if (number == after && fault_is("kill")) raise(SIGKILL);
  return result;
}

int fsync(int fd) {
  REAL("fsync", int (*)(int));
  return synced(fd, real);
}

int fdatasync(int fd) {
  REAL("fdatasync", int (*)(int));
  return synced(fd, real);
}

int rename(const char* from, const char* to) {
  REAL("rename", int (*)(const char*, const char*));
  if (!fault_is("kill")) return real(from, to);
  const long number = count_event(), after = fault_after();
  if (number == after && after % 2 == 0) raise(SIGKILL);
  const int result = real(from, to);
  if (number == after) raise(SIGKILL);
  return result;
}

// What was not synced before the close may still be lost: it is.
int close(int fd) {
  REAL("close", int (*)(int));
  if (is_log(fd)) {
    files[fd].log = 0;
    files[fd].held_bytes = 0;
  }
  return real(fd);
}

static time_t offset_s(void) {
  const char* path = fault_is("clock") ? getenv("DISK_FAULT_CLOCK") : NULL;
  if (path == NULL) return 0;
  REAL("open", int (*)(const char*, int, ...));
  const int fd = real(path, O_RDONLY);
  if (fd < 0) return 0;
  char text[32] = "";
  (void)!read(fd, text, sizeof text - 1);
  close(fd);
  return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  REAL("clock_gettime", int (*)(clockid_t, struct timespec*));
  const int result = real(clock, now);
  if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += offset_s();
  return result;
}

int gettimeofday(struct timeval* now, void* zone) {
  REAL("gettimeofday", int (*)(struct timeval*, void*));
  const int result = real(now, zone);
  if (result == 0) now->tv_sec += offset_s();
  return result;
}

time_t time(time_t* out) {
  REAL("time", time_t (*)(time_t*));
  const time_t now = real(NULL) + offset_s();
  if (out != NULL) *out = now;
  return now;
}
