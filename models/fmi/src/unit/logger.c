/* The log callback of FMI 2.0 takes its arguments as printf does, which stable Rust cannot receive. */
#include <stdarg.h>
#include <stdio.h>

void lehr_fmi_log(int status, const char *category, const char *text);

/* Longer messages are cut, here and again in Rust. */
enum { TEXT_MOST = 1024 };

void lehr_fmi2_logger(void *environment, const char *instance, int status, const char *category, const char *message,
                      ...) {
    char text[TEXT_MOST];
    va_list arguments;
    (void)environment;
    (void)instance;
    if (message == NULL) {
        return;
    }
    va_start(arguments, message);
    if (vsnprintf(text, sizeof text, message, arguments) >= 0) {
        lehr_fmi_log(status, category, text);
    }
    va_end(arguments);
}
