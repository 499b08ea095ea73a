<?php
namespace Example\Shop;

use Example\Money\Money;
use Example\Rates as R;
require_once 'money.php';

const LIMIT = 20;

interface Priced { public function price(): int; }

trait Counted { private $count = 0; }

/** A basket of things. */
abstract class Basket extends Container implements Priced, \Countable
{
    use Counted;
    const KIND = 'basket';
    private array $items = [];

    public function __construct(string $owner) {
        parent::__construct($owner);
    }

    /** Add one thing. */
    public function add(Item $item): void {
        if (count($this->items) >= LIMIT) throw new Full(LIMIT);
        $this->items[] = R::convert($item);
        self::changed($this);
        $this->notify();
    }
}

enum Side: string { case Debit = 'd'; }

function total(Basket $basket): int {
    return array_sum($basket->prices());
}
