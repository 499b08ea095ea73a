#include <assert.h>
#include "ring.h"

int main(void) {
    struct ring ring = {{0}, 0};
    assert(ring_put(&ring, 1));
    return 0;
}
