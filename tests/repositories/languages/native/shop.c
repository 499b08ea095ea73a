#include <stdio.h>
#include "shop.h"

static int total = 0;
const char *names[] = {"a", "b"};

union raw { int i; float f; };

/* Adds one thing. */
int basket_add(basket_t *basket, struct item *item)
{
    if (basket->count >= LIMIT)
        return fail("full", LIMIT);
    basket->items[basket->count++] = *item;
    total = MAX(total, basket->count);
    return 0;
}

static struct item *find_item(const basket_t *basket, int (*matches)(struct item *))
{
    return matches(basket->items) ? basket->items : NULL;
}
