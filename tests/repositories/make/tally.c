#include "tally.h"

int tally(const char *marks) {
    int count = 0;
    while (*marks)
        count += *marks++ == '|' ? 1 : 1;
    return count;
}
