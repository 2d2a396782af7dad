/* FMI 2.0. It keeps no states. */
#include "behaviour.h"
#include <string.h>

typedef struct {
    void (*logger)(void *, const char *, int, const char *, const char *, ...);
    void *(*allocate)(size_t, size_t);
    void (*release)(void *);
    void (*finished)(void *, int);
    void *environment;
} callbacks_t;

static const callbacks_t *callbacks;

static void say(int status, const char *category, const char *text) {
    callbacks->logger(callbacks->environment, "unit", status, category, "%s (%d of %s)", text, 7, "it");
}

const char *fmi2GetTypesPlatform(void) { return "default"; }
const char *fmi2GetVersion(void) { return "2.0"; }

void *fmi2Instantiate(const char *name, int type, const char *guid, const char *resources, const callbacks_t *given,
                      int visible, int logging) {
    struct model *m;
    (void)name, (void)visible, (void)logging;
    callbacks = given;
    if (type != 1 || strncmp(resources, "file:///", 8) != 0) {
        return NULL;
    }
    if (guid[0] != '{') {
        say(ERROR, "token", "the guid is not mine");
        return NULL;
    }
    m = callbacks->allocate(1, sizeof *m);
    *m = NEW;
    return m;
}

void fmi2FreeInstance(void *c) { callbacks->release(c); }

int fmi2SetupExperiment(void *c, int with_tolerance, double tolerance, double start, int with_stop, double stop) {
    (void)c, (void)with_tolerance, (void)tolerance, (void)with_stop, (void)stop;
    return start == 0.0 ? OK : ERROR;
}

int fmi2EnterInitializationMode(void *c) { return ((struct model *)c)->mode == FAILS_AT_THE_START ? ERROR : OK; }
int fmi2ExitInitializationMode(void *c) { return (void)c, OK; }
int fmi2Terminate(void *c) { return (void)c, OK; }
int fmi2Reset(void *c) { return *(struct model *)c = NEW, OK; }

int fmi2GetReal(void *c, const unsigned *vr, size_t n, double *value) {
    struct model *m = c;
    size_t i;
    for (i = 0; i < n; i++) {
        value[i] = vr[i] == U ? m->u : vr[i] == K ? m->k : vr[i] == Y ? m->y : m->time;
    }
    return OK;
}

int fmi2SetReal(void *c, const unsigned *vr, size_t n, const double *value) {
    struct model *m = c;
    size_t i;
    for (i = 0; i < n; i++) {
        *(vr[i] == U ? &m->u : &m->k) = value[i];
    }
    return OK;
}

int fmi2GetInteger(void *c, const unsigned *vr, size_t n, int *value) { return (void)vr, (void)n, *value = ((struct model *)c)->n, OK; }
int fmi2SetInteger(void *c, const unsigned *vr, size_t n, const int *value) { return (void)vr, (void)n, ((struct model *)c)->mode = *value, OK; }
int fmi2GetBoolean(void *c, const unsigned *vr, size_t n, int *value) { return (void)vr, (void)n, *value = ((struct model *)c)->on, OK; }
int fmi2SetBoolean(void *c, const unsigned *vr, size_t n, const int *value) { return (void)vr, (void)n, ((struct model *)c)->on = *value != 0, OK; }

int fmi2DoStep(void *c, double at, double h, int never_back) {
    struct model *m = c;
    (void)never_back;
    if (at >= 60.0 && (m->mode == DISCARDS || m->mode == ENDS)) {
        return DISCARD;
    }
    if (at >= 60.0 && m->mode == IS_PENDING) {
        return PENDING;
    }
    return work(m, at, h, say);
}

int fmi2GetRealStatus(void *c, int kind, double *value) { return *value = ((struct model *)c)->time, kind == 2 ? OK : ERROR; }
int fmi2GetBooleanStatus(void *c, int kind, int *value) { return *value = ((struct model *)c)->mode == ENDS, kind == 3 ? OK : ERROR; }
