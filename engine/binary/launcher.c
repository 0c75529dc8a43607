/* The start of a file that `engine build` makes.
 *
 * Finds the runtime (Python, the engine, llama.cpp) in the user's cache, unpacks it there where it is missing or was
 * damaged, and becomes it. What follows this program in its own file is told by a trailer at the end; single_file.py and
 * packing.py write both. A runtime is unpacked into a draft beside its place under a lock; each of its files is held
 * to its sha256, and only a complete draft is renamed. A lock dies with its process, so a draft that is found under the
 * lock was left behind and is removed. At every start each file's kind, size, owner and mode are looked at.
 *
 * Written in C, which runs before there is a Python; zlib is linked in, so it needs nothing but the C library.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>

#include "sha256.h"

#define MAGIC "engine-carrier-1"
#define EXIT_CANNOT_START 71 /* EX_OSERR of sysexits.h */
#define MAX_INDEX (64u << 20)

typedef struct { uint64_t offset, size; } Part;
typedef struct { char magic[16]; Part index, model, manifest; uint8_t index_sha256[32], manifest_sha256[32]; } Trailer;

enum { KIND_FILE, KIND_FOLDER, KIND_LINK };
typedef struct { uint32_t kind, mode; uint64_t offset, stored, size; uint8_t sha256[32]; const char *path, *link; } Entry;

static char carrier[PATH_MAX]; /* the path of this file */
static char draft[PATH_MAX];   /* what must go if we fail, "" if nothing */
static volatile sig_atomic_t stopped;

static void remove_tree(const char *path);

static void fail(const char *format, ...) {
    int reason = errno;
    va_list arguments;
    va_start(arguments, format);
    fputs("engine: ", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    if (reason) fprintf(stderr, ": %s", strerror(reason));
    fputc('\n', stderr);
    if (*draft) remove_tree(draft);
    exit(EXIT_CANNOT_START);
}

static void fail_damaged(const char *what) {
    errno = 0;
    fail("%s is damaged (%s); copy it again", carrier, what);
}

static void *take(size_t size) {
    void *memory = malloc(size ? size : 1);
    if (!memory) fail("no memory for %zu bytes", size);
    return memory;
}

static void join(char *target, const char *folder, const char *name) {
    errno = 0;
    if (snprintf(target, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX) fail("the path %s/%s is too long", folder, name);
}

static void read_at(int file, void *target, uint64_t size, uint64_t offset) {
    for (uint64_t done = 0; done < size;) {
        ssize_t count = pread(file, (char *)target + done, size - done, (off_t)(offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("%s cannot be read", carrier);
        if (count == 0) fail_damaged("it ends early");
        done += (uint64_t)count;
    }
}

/* -- the index of the runtime */

static uint64_t number(const uint8_t **at, const uint8_t *end, int bytes) {
    uint64_t value = 0;
    if (end - *at < bytes) fail_damaged("its index is cut");
    for (int i = 0; i < bytes; i++) value |= (uint64_t)(*at)[i] << (8 * i);
    *at += bytes;
    return value;
}

static const char *text(const uint8_t **at, const uint8_t *end) {
    uint64_t size = number(at, end, 4);
    const char *start = (const char *)*at;
    /* Texts end with a zero of their own. */
    if ((uint64_t)(end - *at) <= size || start[size]) fail_damaged("its index is cut");
    *at += size + 1;
    return start;
}

static Entry *read_index(int file, const Trailer *trailer, size_t *count) {
    if (trailer->index.size > MAX_INDEX) fail_damaged("its index is too large");
    uint8_t *data = take(trailer->index.size), digest[32];
    read_at(file, data, trailer->index.size, trailer->index.offset);
    sha256(data, trailer->index.size, digest);
    if (memcmp(digest, trailer->index_sha256, 32)) fail_damaged("its index has another checksum");
    const uint8_t *at = data, *end = data + trailer->index.size;
    *count = number(&at, end, 4);
    Entry *entries = take(*count * sizeof *entries);
    for (size_t i = 0; i < *count; i++) {
        Entry *entry = entries + i;
        entry->kind = (uint32_t)number(&at, end, 4), entry->mode = (uint32_t)number(&at, end, 4);
        entry->offset = number(&at, end, 8), entry->stored = number(&at, end, 8), entry->size = number(&at, end, 8);
        if (end - at < 32) fail_damaged("its index is cut");
        memcpy(entry->sha256, at, 32);
        at += 32;
        entry->path = text(&at, end), entry->link = text(&at, end);
    }
    return entries;
}

/* -- looking at an unpacked runtime */

static int is_ours(const struct stat *status) {
    return (status->st_uid == geteuid() || status->st_uid == 0) && !(status->st_mode & (S_IWGRP | S_IWOTH));
}

static int entry_is_there(const char *runtime, const Entry *entry) {
    char path[PATH_MAX];
    struct stat status;
    join(path, runtime, entry->path);
    if (lstat(path, &status)) return 0;
    if (entry->kind == KIND_LINK) return S_ISLNK(status.st_mode);
    if (entry->kind == KIND_FOLDER) return S_ISDIR(status.st_mode) && is_ours(&status);
    return S_ISREG(status.st_mode) && is_ours(&status) && (uint64_t)status.st_size == entry->size;
}

static int is_complete(const char *runtime, const Entry *entries, size_t count) {
    struct stat status;
    if (lstat(runtime, &status) || !S_ISDIR(status.st_mode)) return 0;
    errno = 0;
    if (!is_ours(&status))
        fail("%s belongs to somebody else or others may write to it; remove it or name another folder with --cache",
             runtime);
    for (size_t i = 0; i < count; i++)
        if (!entry_is_there(runtime, entries + i)) return 0;
    return 1;
}

/* -- unpacking */

static void stop(int signal) { stopped = signal; }

static void check_stopped(void) {
    if (!stopped) return;
    if (*draft) remove_tree(draft);
    signal(stopped, SIG_DFL);
    raise(stopped);
}

static void remove_tree(const char *path) {
    struct stat status;
    if (lstat(path, &status)) return;
    if (S_ISDIR(status.st_mode)) {
        DIR *folder = opendir(path);
        for (struct dirent *entry; folder && (entry = readdir(folder));) {
            char inner[PATH_MAX];
            if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
            if (snprintf(inner, PATH_MAX, "%s/%s", path, entry->d_name) < PATH_MAX) remove_tree(inner);
        }
        if (folder) closedir(folder);
        rmdir(path);
    } else {
        unlink(path);
    }
}

static void make_folders(const char *path) {
    char partial[PATH_MAX];
    strcpy(partial, path);
    for (char *slash = partial + 1;; slash++) {
        if (*slash && *slash != '/') continue;
        char kept = *slash;
        *slash = 0;
        if (mkdir(partial, 0700) && errno != EEXIST)
            fail("cannot make %s; name a folder that can be written to with --cache", partial);
        *slash = kept;
        if (!kept) return;
    }
}

/* Whether a raw deflate stream is well-formed and gives exactly so many bytes. */
static int inflated(const uint8_t *in, uint64_t in_left, uint8_t *out, uint64_t out_left) {
    const uint64_t most = 1 << 30; /* zlib counts what it is given in 32 bits */
    z_stream stream = {.next_in = (Bytef *)in, .next_out = out};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return 0;
    int said = Z_OK;
    while (said == Z_OK) {
        if (!stream.avail_in) in_left -= stream.avail_in = (uInt)(in_left < most ? in_left : most);
        if (!stream.avail_out) out_left -= stream.avail_out = (uInt)(out_left < most ? out_left : most);
        said = inflate(&stream, Z_NO_FLUSH);
        check_stopped();
    }
    int whole = !stream.avail_in && !in_left && !stream.avail_out && !out_left;
    inflateEnd(&stream);
    return said == Z_STREAM_END && whole;
}

static void write_file(int file, const Entry *entry, const char *path) {
    uint8_t *stored = take(entry->stored), *data = stored, digest[32];
    read_at(file, stored, entry->stored, entry->offset);
    if (entry->stored != entry->size) {
        data = take(entry->size);
        if (!inflated(stored, entry->stored, data, entry->size)) fail_damaged(entry->path);
    }
    sha256(data, entry->size, digest);
    if (memcmp(digest, entry->sha256, 32)) fail_damaged(entry->path);
    int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, entry->mode & 0755);
    if (out < 0) fail("cannot make %s", path);
    for (uint64_t done = 0; done < entry->size;) {
        ssize_t count = write(out, data + done, entry->size - done);
        check_stopped();
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("cannot write %s", path);
        done += (uint64_t)count;
    }
    if (fchmod(out, entry->mode & 0755) || close(out)) fail("cannot write %s", path);
    if (data != stored) free(data);
    free(stored);
}

static void check_room(const char *folder, const Entry *entries, size_t count) {
    struct statvfs room;
    uint64_t needed = 0;
    for (size_t i = 0; i < count; i++) needed += (entries[i].size + 4095) / 4096 * 4096;
    if (statvfs(folder, &room)) return;
    uint64_t there = (uint64_t)room.f_bavail * room.f_frsize;
    errno = 0;
    if (needed > there)
        fail("%s has no room for the runtime: %llu MB are needed once, %llu MB are free; name another folder with --cache",
             folder, (unsigned long long)(needed / 1000000 + 1), (unsigned long long)(there / 1000000));
}

/* Only under the lock: whoever made these is gone. */
static void remove_left_drafts(const char *folder) {
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        size_t length = strlen(entry->d_name);
        char path[PATH_MAX];
        if (length < 6 || strcmp(entry->d_name + length - 6, ".draft")) continue;
        join(path, folder, entry->d_name);
        remove_tree(path);
    }
    if (listing) closedir(listing);
}

static void write_draft(int file, const Entry *entries, size_t count) {
    if (mkdir(draft, 0700)) fail("cannot make %s", draft);
    for (size_t i = 0; i < count; i++) {
        const Entry *entry = entries + i;
        char path[PATH_MAX];
        check_stopped();
        join(path, draft, entry->path);
        if (entry->kind == KIND_FOLDER) {
            if (mkdir(path, 0700)) fail("cannot make %s", path);
        } else if (entry->kind == KIND_LINK) {
            if (symlink(entry->link, path)) fail("cannot make %s", path);
        } else {
            write_file(file, entry, path);
        }
    }
    int folder = open(draft, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* On the disk before it gets its name, or a power failure could leave empty files under it. */
    if (folder < 0 || syncfs(folder) || close(folder)) fail("cannot write %s", draft);
}

static void unpack(int file, const char *folder, const char *runtime, const Entry *entries, size_t count) {
    char lock_path[PATH_MAX], old[PATH_MAX], name[64];
    struct sigaction action = {.sa_handler = stop};
    int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 3; i++) sigaction(signals[i], &action, NULL);
    make_folders(folder);
    join(lock_path, folder, ".lock");
    int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) fail("cannot make %s; name a folder that can be written to with --cache", lock_path);
    int locked;
    while ((locked = flock(lock, LOCK_EX)) && errno == EINTR) check_stopped();
    if (!locked) {
        if (is_complete(runtime, entries, count)) { /* made by the start that had the lock before */
            close(lock);
            return;
        }
        remove_left_drafts(folder);
    } /* else: a file system without locks; names are still unique, and the rename is one step */
    check_room(folder, entries, count);
    snprintf(name, sizeof name, "%ld.draft", (long)getpid());
    join(draft, folder, name);
    write_draft(file, entries, count);
    snprintf(name, sizeof name, "%ld.damaged.draft", (long)getpid());
    join(old, folder, name);
    if (rename(runtime, old) && errno != ENOENT) fail("cannot replace %s", runtime);
    if (rename(draft, runtime) && !is_complete(runtime, entries, count)) fail("cannot make %s", runtime);
    remove_tree(draft);
    *draft = 0;
    remove_tree(old);
    for (int i = 0; i < 3; i++) signal(signals[i], SIG_DFL);
    check_stopped();
    close(lock);
}

/* -- where, and with which words */

/* Takes `--cache DIR` and `--cache=DIR` out of the words before `--`. */
static const char *take_cache_option(char **words) {
    const char *chosen = NULL;
    char **kept = words + 1, **word = words + 1;
    for (; *word && strcmp(*word, "--"); word++) {
        if (!strncmp(*word, "--cache=", 8)) {
            chosen = *word + 8;
        } else if (!strcmp(*word, "--cache")) {
            errno = 0;
            if (!word[1]) fail("--cache needs a folder");
            chosen = *++word;
        } else {
            *kept++ = *word;
        }
    }
    while ((*kept++ = *word)) word++;
    errno = 0;
    if (chosen && !*chosen) fail("--cache needs a folder");
    return chosen;
}

static void find_cache(char *cache, const char *chosen) {
    const char *set = getenv("ENGINE_CACHE_DIR"), *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char current[PATH_MAX];
    if (!chosen && set && *set) chosen = set;
    if (chosen && *chosen == '/') {
        join(cache, chosen, "");
    } else if (chosen) {
        if (!getcwd(current, sizeof current)) fail("the working folder has no path; give --cache an absolute one");
        join(cache, current, chosen);
    } else if (base && *base == '/') {
        join(cache, base, "engine");
    } else {
        struct passwd *user = home && *home ? NULL : getpwuid(geteuid());
        if (user) home = user->pw_dir;
        errno = 0;
        if (!home || *home != '/') fail("there is no home folder for the cache; name a folder with --cache");
        join(cache, home, ".cache/engine");
    }
    for (size_t length = strlen(cache); length > 1 && cache[length - 1] == '/'; length--) cache[length - 1] = 0;
}

static void read_trailer(int file, Trailer *trailer) {
    struct stat status;
    if (fstat(file, &status)) fail("%s cannot be read", carrier);
    if ((size_t)status.st_size < sizeof *trailer) fail_damaged("it ends early");
    uint64_t end = (uint64_t)status.st_size - sizeof *trailer;
    read_at(file, trailer, sizeof *trailer, end);
    if (memcmp(trailer->magic, MAGIC, 16)) fail_damaged("its end is missing");
    if (trailer->index.offset > end || trailer->index.size > end - trailer->index.offset) fail_damaged("it ends early");
}

int main(int count, char **words) {
    char cache[PATH_MAX], folder[PATH_MAX], runtime[PATH_MAX], program[PATH_MAX], name[33];
    Trailer trailer;
    size_t entries_count;
    (void)count;
    ssize_t length = readlink("/proc/self/exe", carrier, sizeof carrier - 1);
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (length < 0 || file < 0) fail("this file cannot find itself; is /proc there?");
    carrier[length] = 0;
    read_trailer(file, &trailer);
    Entry *entries = read_index(file, &trailer, &entries_count);
    find_cache(cache, take_cache_option(words));
    join(folder, cache, "runtime");
    for (int i = 0; i < 16; i++) snprintf(name + 2 * i, 3, "%02x", trailer.index_sha256[i]);
    join(runtime, folder, name);
    if (!is_complete(runtime, entries, entries_count)) unpack(file, folder, runtime, entries, entries_count);
    if (setenv("ENGINE_CACHE_DIR", cache, 1) || setenv("ENGINE_CARRIER", carrier, 1)) fail("no memory");
    join(program, runtime, "engine");
    words[0] = program;
    execv(program, words);
    fail("%s cannot be started (may programs run from that folder? --cache names another)", program);
}
