// The state of the machine, which the ops and the host share.
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

struct machine {
    int64_t registers[8];
};

#endif
