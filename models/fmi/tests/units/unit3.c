/* FMI 3.0. It keeps states. */
#include "behaviour.h"
#include <stdint.h>
#include <string.h>

typedef void log_t(void *, int, const char *, const char *);

static log_t *logger;

static void say(int status, const char *category, const char *text) { logger(NULL, status, category, text); }

const char *fmi3GetVersion(void) { return "3.0"; }

void *fmi3InstantiateCoSimulation(const char *name, const char *token, const char *resources, _Bool visible,
                                  _Bool logging, _Bool events, _Bool early, const uint32_t *intermediate, size_t n,
                                  void *environment, log_t *log, void *update) {
    struct model *m;
    (void)name, (void)visible, (void)logging, (void)intermediate, (void)n, (void)environment, (void)update;
    logger = log;
    if (events || early || resources[0] != '/' || resources[strlen(resources) - 1] != '/') {
        return NULL;
    }
    if (token[0] != '{') {
        say(ERROR, "token", "the token is not mine");
        return NULL;
    }
    m = malloc(sizeof *m);
    *m = NEW;
    return m;
}

void fmi3FreeInstance(void *c) { free(c); }

int fmi3EnterInitializationMode(void *c, _Bool with_tolerance, double tolerance, double start, _Bool with_stop, double stop) {
    (void)with_tolerance, (void)tolerance, (void)start, (void)with_stop, (void)stop;
    return ((struct model *)c)->mode == FAILS_AT_THE_START ? ERROR : OK;
}

int fmi3ExitInitializationMode(void *c) { return (void)c, OK; }
int fmi3Terminate(void *c) { return (void)c, OK; }
int fmi3Reset(void *c) { return *(struct model *)c = NEW, OK; }

int fmi3GetFloat64(void *c, const uint32_t *vr, size_t n, double *value, size_t values) {
    struct model *m = c;
    (void)n, (void)values;
    *value = *vr == U ? m->u : *vr == K ? m->k : *vr == Y ? m->y : m->time;
    return OK;
}

int fmi3SetFloat64(void *c, const uint32_t *vr, size_t n, const double *value, size_t values) {
    struct model *m = c;
    (void)n, (void)values;
    *(*vr == U ? &m->u : &m->k) = *value;
    return OK;
}

int fmi3GetInt32(void *c, const uint32_t *vr, size_t n, int32_t *value, size_t values) { return (void)vr, (void)n, (void)values, *value = ((struct model *)c)->n, OK; }
int fmi3SetInt32(void *c, const uint32_t *vr, size_t n, const int32_t *value, size_t values) { return (void)vr, (void)n, (void)values, ((struct model *)c)->mode = *value, OK; }
int fmi3GetBoolean(void *c, const uint32_t *vr, size_t n, _Bool *value, size_t values) { return (void)vr, (void)n, (void)values, *value = ((struct model *)c)->on, OK; }
int fmi3SetBoolean(void *c, const uint32_t *vr, size_t n, const _Bool *value, size_t values) { return (void)vr, (void)n, (void)values, ((struct model *)c)->on = *value, OK; }

/* Types that this unit has no variables of. */
#define NONE(T) \
    int fmi3Get##T(void) { return ERROR; } \
    int fmi3Set##T(void) { return ERROR; }
NONE(Float32) NONE(Int8) NONE(UInt8) NONE(Int16) NONE(UInt16) NONE(UInt32) NONE(Int64) NONE(UInt64)

int fmi3DoStep(void *c, double at, double h, _Bool never_back, _Bool *event, _Bool *ends, _Bool *early, double *reached) {
    struct model *m = c;
    (void)never_back;
    *event = *ends = *early = 0;
    *reached = at + h;
    if (at >= 60.0) {
        if (m->mode == DISCARDS) {
            *reached = at + h / 4;
            return DISCARD;
        }
        *ends = m->mode == ENDS;
        if (m->mode == RETURNS_EARLY) {
            *early = 1;
            *reached = at + h / 2;
            return OK;
        }
    }
    return work(m, at, h, say);
}

int fmi3GetFMUState(void *c, void **state) {
    if (*state == NULL) {
        *state = malloc(sizeof(struct model));
    }
    return memcpy(*state, c, sizeof(struct model)), OK;
}

int fmi3SetFMUState(void *c, void *state) { return memcpy(c, state, sizeof(struct model)), OK; }
int fmi3FreeFMUState(void *c, void **state) { return (void)c, free(*state), *state = NULL, OK; }
