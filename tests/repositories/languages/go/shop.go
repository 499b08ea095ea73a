package shop

import (
	"fmt"
	money "example.com/shop/money"
)

// Limit is the most a basket holds.
const Limit = 20

var count, total = 0, 1

// Basket holds things.
type Basket struct {
	money.Purse
	items []Item
}

// Item can be bought.
type Item interface {
	Price() int
}

type Cents = int

// Add puts one thing into the basket.
func (b *Basket) Add(item Item) error {
	if len(b.items) >= Limit {
		return fmt.Errorf("full: %d", Limit)
	}
	b.items = append(b.items, item)
	return nil
}

func NewBasket[T any](owner string) *Basket {
	basket := &Basket{}
	basket.Add(nil)
	return basket
}
