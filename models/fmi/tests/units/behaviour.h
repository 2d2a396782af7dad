/* A unit that integrates, y' = k u, and misbehaves as its parameter `mode` has it. Shared by both versions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OK, WARNING, DISCARD, ERROR, FATAL, PENDING };

enum mode {
    GOOD,
    CRASHES,
    HANGS,
    FAILS,
    NOT_A_NUMBER,
    DISCARDS,
    ENDS,
    IS_LOST,
    PRINTS,
    LOGS_A_LOT,
    EXITS,
    IS_PENDING,
    RETURNS_EARLY,
    NO_STATUS,
    EATS_MEMORY,
    HANGS_WITH_A_CHILD,
    FAILS_AT_THE_START,
};

/* References. */
enum { TIME, U, K, MODE, Y, N, ON };

struct model {
    double u, k, y, time;
    int mode, n;
    _Bool on;
};

typedef void say_t(int status, const char *category, const char *text);

static const struct model NEW = {.k = 1.0};

/* Misbehaves from the second minute on, so that there is something to lose. */
static int work(struct model *m, double at, double h, say_t *say) {
    int i;
    m->time = at + h;
    m->n += 1;
    if (at >= 60.0) {
        switch (m->mode) {
        case CRASHES:
            fprintf(stderr, "about to reach too far\n");
            *(volatile int *)8 = 1;
            break;
        case HANGS_WITH_A_CHILD:
            if (fork() == 0) {
                execlp("sleep", "sleep", "1000.125", NULL);
            }
            /* falls through */
        case HANGS:
            for (;;) {
                pause();
            }
        case FAILS:
            say(ERROR, "solver", "no solution at 1500 K");
            return ERROR;
        case NOT_A_NUMBER:
            m->y = NAN;
            return OK;
        case IS_LOST:
            return FATAL;
        case EXITS:
            exit(3);
        case NO_STATUS:
            return 77;
        case EATS_MEMORY:
            for (i = 0; i < 100000; i++) {
                char *memory = malloc(1 << 26);
                if (memory == NULL) {
                    abort();
                }
                memory[0] = 1;
            }
            break;
        case PRINTS:
            for (i = 0; i < 100000; i++) {
                printf("a unit that talks to the terminal\n");
            }
            fflush(stdout);
            break;
        case LOGS_A_LOT:
            for (i = 0; i < 100000; i++) {
                say(WARNING, "steps", "a step was taken");
            }
            break;
        default:
            break;
        }
    }
    m->y += m->k * m->u * h;
    return OK;
}
