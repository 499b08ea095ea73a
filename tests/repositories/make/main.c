#include <stdio.h>
#include "tally.h"

static int number;

static int check(int good, const char *name) {
    printf("%sok %d - %s\n", good ? "" : "not ", ++number, name);
    return !good;
}

int main(void) {
    printf("1..2\n");
    int failed = check(tally("|||") == 3, "bars");
    failed += check(tally("| |") == 2, "blanks");
    return failed != 0;
}
