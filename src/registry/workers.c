/* Threads, and not one loop over all connections: hashing and the disk take as much time as the network. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "registry/workers.h"

#define PARALLEL     3
#define PARALLEL_MAX 16
#define TICK_NS      100000000L

struct pool {
    struct registry *r;
    struct image_store *store;
    struct registry_blob *blobs;
    size_t n;
    worker_fn fn;
    atomic_size_t next;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned running;
    int result; /* the first failure's */
    struct err err;
};

int worker_nap(const struct worker *w)
{
    const struct timespec nap = { .tv_nsec = 100000000 };

    nanosleep(&nap, NULL);
    return atomic_load(&w->r->cancelled) ? -ECANCELED : 0;
}

static void report(struct pool *p, int result, const struct err *err)
{
    pthread_mutex_lock(&p->lock);
    if (p->result == 0) {
        p->result = result;
        p->err = *err;
    }
    pthread_mutex_unlock(&p->lock);
    atomic_store(&p->r->cancelled, true);
}

static void *work(void *data)
{
    struct pool *p = data;
    struct worker w = { .r = p->r, .store = p->store, .curl = curl_easy_init() };
    struct err err = ERR_INIT;
    int result = w.curl ? 0 : err_nomem(&err);

    while (result == 0 && !atomic_load(&p->r->cancelled)) {
        size_t i = atomic_fetch_add(&p->next, 1);
        if (i >= p->n)
            break;
        result = p->fn(&w, &p->blobs[i], &err);
    }
    if (result < 0)
        report(p, result, &err);
    if (w.curl)
        curl_easy_cleanup(w.curl);
    pthread_mutex_lock(&p->lock);
    p->running--;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Until all threads have ended, with a look at what they do now and then. */
static void watch(struct pool *p)
{
    const struct registry_options *o = p->r->options;
    struct timespec until;

    pthread_mutex_lock(&p->lock);
    while (p->running > 0) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TICK_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&p->changed, &p->lock, &until);
        if (o->tick) {
            pthread_mutex_unlock(&p->lock);
            o->tick(o->tick_data, p->blobs, p->n);
            pthread_mutex_lock(&p->lock);
        }
    }
    pthread_mutex_unlock(&p->lock);
}

/* Signals are the first thread's: it owns the terminal. How many could be started. */
static size_t start(struct pool *p, pthread_t *threads, size_t wanted)
{
    sigset_t all, before;
    size_t n = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (n < wanted) {
        pthread_mutex_lock(&p->lock);
        p->running++;
        pthread_mutex_unlock(&p->lock);
        if (pthread_create(&threads[n], NULL, work, p) != 0) {
            pthread_mutex_lock(&p->lock);
            p->running--;
            pthread_mutex_unlock(&p->lock);
            break;
        }
        n++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n;
}

int workers_run(struct registry *r, struct image_store *store, struct registry_blob *blobs,
                size_t n, worker_fn fn, struct err *err)
{
    struct pool p = { .r = r, .store = store, .blobs = blobs, .n = n, .fn = fn };
    pthread_t threads[PARALLEL_MAX];
    size_t wanted = r->options->parallel ? r->options->parallel : PARALLEL;

    if (wanted > PARALLEL_MAX)
        wanted = PARALLEL_MAX;
    pthread_mutex_init(&p.lock, NULL);
    pthread_cond_init(&p.changed, NULL);
    size_t started = start(&p, threads, wanted < n ? wanted : n);
    if (started == 0 && n > 0)
        p.result = err_set(&p.err, EAGAIN, "no thread can be started for the layers");
    watch(&p);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_cond_destroy(&p.changed);
    pthread_mutex_destroy(&p.lock);
    if (p.result < 0 && err)
        *err = p.err;
    return p.result;
}
