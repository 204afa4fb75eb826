/* A signal asks for a stop; the handler only notes it. */
#include "keep.h"
#include "ohmtally/status.h"
#include <signal.h>

static volatile sig_atomic_t caught;

static void note(int signal_number) {
    caught = signal_number;
}

void stop_watch(void) {
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is then an error of the write, as a full disk is */
}

int stop_status(void) {
    if (!caught) return OHM_OK;
    return ohm_fail(OHM_STOPPED, "stopped by %s; run again with --resume to go on", caught == SIGUSR1 ? "SIGUSR1" : "SIGTERM");
}
