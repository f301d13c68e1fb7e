/*
 * Stands between a program and the C library, for what the program does to files below FAULTS_ROOT, in an order that is the same for
 * all threads. It fails the FAULTS_FAIL-th change with FAULTS_ERRNO, once, and writes every change that was made to FAULTS_LOG:
 * a line with its number, its kind, numbers of inodes, offset and length, then the bytes. The test compiles it: gcc -shared -fPIC.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long changes, fail_at;
static int log_fd = -1, ready;
static char root[PATH_MAX];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void begin(void) {
  if (ready) return;
  ready = 1;
  const char *at = getenv("FAULTS_ROOT"), *fail = getenv("FAULTS_FAIL"), *log = getenv("FAULTS_LOG");
  if (at != NULL) snprintf(root, sizeof root, "%s", at);
  fail_at = fail != NULL ? atol(fail) : 0;
  if (log != NULL) log_fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int below(const char *path) {
  size_t length = strlen(root);
  return length > 0 && strncmp(path, root, length) == 0 && (path[length] == 0 || path[length] == '/');
}

static int below_fd(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return below(path);
}

/* One more change: whether it is the one that fails. */
static int fails(void) {
  if (++changes != fail_at) return 0;
  const char *number = getenv("FAULTS_ERRNO");
  errno = number != NULL ? atoi(number) : EIO;
  return 1;
}

static void say(const char *line, int length, const void *bytes, size_t size) {
  if (log_fd < 0) return;
  syscall(SYS_write, log_fd, line, length);
  for (size_t done = 0; done < size;) done += syscall(SYS_write, log_fd, (const char *)bytes + done, size - done);
}

/* The number of the change comes first. */
#define SAY(bytes, size, ...) do { \
  char line[256]; \
  int length = snprintf(line, sizeof line, "%ld ", changes); \
  length += snprintf(line + length, sizeof line - length, __VA_ARGS__); \
  say(line, length, bytes, size); \
} while (0)

static unsigned long inode_of(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 ? found.st_ino : 0;
}

static unsigned long inode_at(int at, const char *path) {
  struct stat found;
  return fstatat(at, path, &found, AT_SYMLINK_NOFOLLOW) == 0 ? found.st_ino : 0;
}

/* The folder a path is in, and its last part. */
static unsigned long parent_of(const char *path, const char **name) {
  char folder[PATH_MAX];
  snprintf(folder, sizeof folder, "%s", path);
  char *slash = strrchr(folder, '/');
  if (slash == NULL) return 0;
  *slash = 0;
  *name = strrchr(path, '/') + 1;
  return inode_at(AT_FDCWD, folder);
}

static void say_named(const char *kind, const char *path) {
  const char *name = "";
  unsigned long parent = parent_of(path, &name);
  SAY(name, strlen(name), "%s %lu %lu 0 %zu\n", kind, parent, inode_at(AT_FDCWD, path), strlen(name));
}

static int opened(const char *path, int flags, mode_t mode, __typeof__(&open) real) {
  begin();
  if (!(flags & O_CREAT) || !below(path)) return real(path, flags, mode);
  pthread_mutex_lock(&lock);
  int is_new = inode_at(AT_FDCWD, path) == 0;
  int fd = is_new && fails() ? -1 : real(path, flags, mode);
  int error = errno;
  if (fd >= 0 && is_new) say_named("create", path);
  if (fd >= 0 && !is_new && (flags & O_TRUNC)) SAY(NULL, 0, "truncate %lu 0 0 0\n", inode_of(fd));
  pthread_mutex_unlock(&lock);
  errno = error;
  return fd;
}

#define OPEN(name) int name(const char *path, int flags, ...) { va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); return opened(path, flags, mode, REAL(name)); }
OPEN(open)
OPEN(open64)

static void say_write(int fd, const void *bytes, ssize_t size, off_t at) {
  int synced = fcntl(fd, F_GETFL) & (O_DSYNC | O_SYNC);
  if (size > 0) SAY(bytes, size, "%s %lu 0 %ld %zd\n", synced ? "dsync" : "write", inode_of(fd), (long)at, size);
}

static off_t place(int fd) {
  if (fcntl(fd, F_GETFL) & O_APPEND) { struct stat found; return fstat(fd, &found) == 0 ? found.st_size : 0; }
  return lseek(fd, 0, SEEK_CUR);
}

#define CHANGE(fd, type, call, told) do { \
  begin(); \
  if (!below_fd(fd)) return call; \
  pthread_mutex_lock(&lock); \
  type result = fails() ? -1 : call; \
  int error = errno; \
  if (result >= 0) { told; } \
  pthread_mutex_unlock(&lock); \
  errno = error; \
  return result; \
} while (0)

ssize_t write(int fd, const void *bytes, size_t size) {
  __typeof__(&write) real = REAL(write);
  begin();
  off_t at = below_fd(fd) ? place(fd) : 0;
  CHANGE(fd, ssize_t, real(fd, bytes, size), say_write(fd, bytes, result, at));
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { CHANGE(fd, ssize_t, REAL(pwrite)(fd, bytes, size, at), say_write(fd, bytes, result, at)); }
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) { CHANGE(fd, ssize_t, REAL(pwrite64)(fd, bytes, size, at), say_write(fd, bytes, result, at)); }

static void say_vector(int fd, const struct iovec *parts, int count, ssize_t size, off_t at) {
  for (int part = 0; part < count && size > 0; part++) {
    ssize_t length = (ssize_t)parts[part].iov_len < size ? (ssize_t)parts[part].iov_len : size;
    say_write(fd, parts[part].iov_base, length, at);
    at += length;
    size -= length;
  }
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  begin();
  off_t at = below_fd(fd) ? place(fd) : 0;
  CHANGE(fd, ssize_t, REAL(writev)(fd, parts, count), say_vector(fd, parts, count, result, at));
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { CHANGE(fd, ssize_t, REAL(pwritev)(fd, parts, count, at), say_vector(fd, parts, count, result, at)); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { CHANGE(fd, ssize_t, REAL(pwritev64)(fd, parts, count, at), say_vector(fd, parts, count, result, at)); }

int ftruncate(int fd, off_t size) { CHANGE(fd, int, REAL(ftruncate)(fd, size), SAY(NULL, 0, "truncate %lu 0 %ld 0\n", inode_of(fd), (long)size)); }
int ftruncate64(int fd, off64_t size) { CHANGE(fd, int, REAL(ftruncate64)(fd, size), SAY(NULL, 0, "truncate %lu 0 %ld 0\n", inode_of(fd), (long)size)); }
int fsync(int fd) { CHANGE(fd, int, REAL(fsync)(fd), SAY(NULL, 0, "sync %lu 0 0 0\n", inode_of(fd))); }
int fdatasync(int fd) { CHANGE(fd, int, REAL(fdatasync)(fd), SAY(NULL, 0, "sync %lu 0 0 0\n", inode_of(fd))); }

#define NAMED(path, call, told) do { \
  begin(); \
  if (!below(path)) return call; \
  pthread_mutex_lock(&lock); \
  const char *name = ""; \
  unsigned long parent = parent_of(path, &name); \
  (void)parent; \
  int result = fails() ? -1 : call; \
  int error = errno; \
  if (result == 0) { told; } \
  pthread_mutex_unlock(&lock); \
  errno = error; \
  return result; \
} while (0)

int mkdir(const char *path, mode_t mode) { NAMED(path, REAL(mkdir)(path, mode), say_named("mkdir", path)); }
int unlink(const char *path) { NAMED(path, REAL(unlink)(path), SAY(name, strlen(name), "remove %lu 0 0 %zu\n", parent, strlen(name))); }
int rmdir(const char *path) { NAMED(path, REAL(rmdir)(path), SAY(name, strlen(name), "remove %lu 0 0 %zu\n", parent, strlen(name))); }
int link(const char *from, const char *path) { NAMED(path, REAL(link)(from, path), say_named("link", path)); }
int rename(const char *from, const char *path) {
  const char *old = "";
  begin();
  unsigned long before = below(path) ? parent_of(from, &old) : 0;
  NAMED(path, REAL(rename)(from, path),
        SAY(old, strlen(old), "remove %lu 0 0 %zu\n", before, strlen(old)); say_named("link", path));
}
