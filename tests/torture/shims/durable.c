/* A disk that forgets what was not synced.
 *
 * Loaded with LD_PRELOAD. It notes every write to a file directly in the folder $DURABLE_SRC, and
 * repeats the notes of a file into the file of the same name in $DURABLE_SHADOW when that file is
 * synced. So the shadow always is what a power loss would leave that loses all that may be lost.
 * Whatever is in $DURABLE_SRC at the start must be copied into the shadow before.
 *
 * While the file $FSYNC_FAIL_FILE exists, every sync fails with EIO.
 *
 * Not modelled: rename, the sync of a folder, writes through mmap (the database's -shm is one, and it
 * is no data), writev. SQLite uses none of them for what counts. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILES = 32 };

struct note {
    struct note *next;
    off64_t at;
    size_t length;
    int cuts; /* the file ends at `at` from then on */
    char bytes[];
};

/* A file below the source, known by device and inode: its name may be reused by another one. */
struct tracked {
    dev_t device;
    ino_t inode;
    char name[NAME_MAX + 1];
    struct note *first, **end;
};

static struct tracked table[MAX_FILES];
static int n_tracked;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_data(const char *path) {
    const char *folder = getenv("DURABLE_SRC");
    size_t n = folder ? strlen(folder) : 0;
    if (!n || strncmp(path, folder, n) || path[n] != '/' || strchr(path + n + 1, '/')) return 0;
    size_t length = strlen(path);
    return length < 4 || strcmp(path + length - 4, "-shm");
}

static void forget(struct tracked *file) {
    while (file->first) {
        struct note *done = file->first;
        file->first = done->next;
        free(done);
    }
    file->end = &file->first;
}

/* The entry of an open file, or nothing if it is none of ours. With the guard held. */
static struct tracked *of(int fd) {
    struct stat info;
    if (!getenv("DURABLE_SRC") || fstat(fd, &info) || !S_ISREG(info.st_mode)) return NULL;
    for (int i = 0; i < n_tracked; i++)
        if (table[i].inode == info.st_ino && table[i].device == info.st_dev) return &table[i];
    char link[32], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    if (!is_data(path)) return NULL;
    if (n_tracked == MAX_FILES) abort(); /* better no result than a wrong one */
    struct tracked *file = &table[n_tracked++];
    file->device = info.st_dev;
    file->inode = info.st_ino;
    snprintf(file->name, sizeof file->name, "%s", strrchr(path, '/') + 1);
    file->first = NULL;
    file->end = &file->first;
    return file;
}

static void note(int fd, off64_t at, const void *bytes, size_t length, int cuts) {
    pthread_mutex_lock(&guard);
    struct tracked *file = of(fd);
    if (file) {
        struct note *note = malloc(sizeof *note + length);
        if (!note) abort();
        note->next = NULL;
        note->at = at;
        note->length = length;
        note->cuts = cuts;
        if (length) memcpy(note->bytes, bytes, length);
        *file->end = note;
        file->end = &note->next;
    }
    pthread_mutex_unlock(&guard);
}

static void repeat(int out, const struct note *note) {
    if (note->cuts) {
        if (NEXT(ftruncate64)(out, note->at)) abort();
        return;
    }
    size_t done = 0;
    while (done < note->length) {
        ssize_t n = NEXT(pwrite64)(out, note->bytes + done, note->length - done, note->at + (off64_t)done);
        if (n <= 0) abort();
        done += (size_t)n;
    }
}

static void synced(int fd) {
    pthread_mutex_lock(&guard);
    struct tracked *file = of(fd);
    const char *shadow = getenv("DURABLE_SHADOW");
    if (file && shadow) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", shadow, file->name);
        int out = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (out < 0) abort();
        for (struct note *note = file->first; note; note = note->next) repeat(out, note);
        close(out);
        forget(file);
    }
    pthread_mutex_unlock(&guard);
}

static int is_broken(void) {
    const char *flag = getenv("FSYNC_FAIL_FILE");
    if (!flag || access(flag, F_OK)) return 0;
    errno = EIO;
    return 1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    ssize_t n = NEXT(pwrite64)(fd, bytes, length, at);
    if (n > 0) note(fd, at, bytes, (size_t)n, 0);
    return n;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    return pwrite64(fd, bytes, length, at);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    off64_t at = lseek64(fd, 0, SEEK_CUR);
    ssize_t n = NEXT(write)(fd, bytes, length);
    if (n > 0 && at >= 0) note(fd, at, bytes, (size_t)n, 0);
    return n;
}

int ftruncate64(int fd, off64_t length) {
    int failed = NEXT(ftruncate64)(fd, length);
    if (!failed) note(fd, length, NULL, 0, 1);
    return failed;
}

int ftruncate(int fd, off_t length) {
    return ftruncate64(fd, length);
}

int fsync(int fd) {
    if (is_broken()) return -1;
    int failed = NEXT(fsync)(fd);
    if (!failed) synced(fd);
    return failed;
}

int fdatasync(int fd) {
    if (is_broken()) return -1;
    int failed = NEXT(fdatasync)(fd);
    if (!failed) synced(fd);
    return failed;
}

/* A file that is gone is gone in the shadow too: that its name might come back is not modelled. */
int unlink(const char *path) {
    struct stat info;
    int is_ours = is_data(path) && !stat(path, &info);
    int failed = NEXT(unlink)(path);
    const char *shadow = getenv("DURABLE_SHADOW");
    if (failed || !is_ours || !shadow) return failed;
    char twin[PATH_MAX];
    snprintf(twin, sizeof twin, "%s/%s", shadow, strrchr(path, '/') + 1);
    NEXT(unlink)(twin);
    pthread_mutex_lock(&guard);
    for (int i = 0; i < n_tracked; i++) {
        if (table[i].inode != info.st_ino || table[i].device != info.st_dev) continue;
        forget(&table[i]);
        table[i].inode = 0;
    }
    pthread_mutex_unlock(&guard);
    return failed;
}
