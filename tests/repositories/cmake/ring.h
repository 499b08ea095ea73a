#define RING_SIZE 4
struct ring { int items[RING_SIZE]; int count; };
int ring_put(struct ring *ring, int item);
