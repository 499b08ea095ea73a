#include "ring.h"

int ring_put(struct ring *ring, int item) {
    ring->items[ring->count++ % RING_SIZE] = item;
    return 1;
}
