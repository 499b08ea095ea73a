#ifndef SHOP_H
#define SHOP_H
#define LIMIT 20
#define MAX(a, b) ((a) > (b) ? (a) : (b))

typedef struct basket {
    int count;
    struct item *items;
} basket_t;

enum side { DEBIT, CREDIT };

int basket_add(basket_t *basket, struct item *item);
#endif
