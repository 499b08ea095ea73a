#include <stdio.h>
#include "ring.h"

int main(void) {
    struct ring ring = {{0}, RING_SIZE};
    if (ring_put(&ring, 1)) {
        printf("a full ring took one more\n");
        return 1;
    }
    return 0;
}
