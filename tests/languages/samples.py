"""A small file in each language, with what is to be found in it and what a model may answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """A file: a function, a type, a method in it, and what stands above them."""

    path: str
    source: str
    function: str
    """Qualified."""
    type: str
    """Qualified."""
    method: str
    """Qualified."""
    function_answer: str
    """The function rewritten on its own: what stood above it is dropped, and it is indented by four blanks."""
    function_change: tuple[str, str]
    """What is to become of the source: this text replaced by that one, and nothing else."""
    method_answer: str
    method_change: tuple[str, str]
    same: tuple[str, str]
    """A change in layout and comments alone."""
    other: tuple[str, str]
    """A small change of what is meant."""
    fence: str
    broken: tuple[str, str]
    """A change that does not parse."""


JAVASCRIPT = """\
import { log } from './log';

/**
 * Sums up.
 */
export async function total(items, start = 0) {
  let sum = start;
  // one by one
  for (const item of items) {
    sum -= item.price;
  }
  return sum;
}

@tagged('a')
class Basket {
  static limit = 3;

  /** How many. */
  size() {
    const text = `two
  lines`;
    return this.items.length + 1;
  }

  get first() { return this.items[0]; }
}

const price = (item) => item.price;
module.exports.show = function (item) { return item; };
"""

TYPESCRIPT = """\
import { log } from './log';

/** Sums up. */
export function total(items: Item[]): number;
export function total(items: Item[], start = 0): number {
\tlet sum = start;
\tfor (const item of items) {
\t\tsum -= item.price;
\t}
\treturn sum;
}

interface Item { price: number }

@Injectable()
export class Basket<T extends Item> {
\tconstructor(private readonly items: T[]) {}

\t@Get(':id')
\tpublic size(): number {
\t\treturn this.items.length + 1;
\t}
}
"""

TSX = """\
export const Total = ({ items }: Props) => {
  const sum = items.length - 1;
  return <b>{sum}</b>;
};

export default class Basket extends React.Component<Props> {
  size(): number {
    return this.props.items.length + 1;
  }

  render() {
    return <Total items={this.props.items} />;
  }
}
"""

GO = """\
package shop

import "fmt"

// Total sums up.
func Total(items []Item, start int) (int, error) {
\tsum := start
\tfor _, item := range items {
\t\tsum -= item.Price
\t}
\treturn sum, nil
}

type (
\tItem struct{ Price int }
)

// Basket holds items.
type Basket struct {
\titems []Item
}

// Size says how many.
func (b *Basket) Size() int {
\treturn len(b.items) + 1
}

func (i Item) Size() int {
\treturn 1
}
"""

RUST = """\
use std::fmt;

/// Sums up.
#[must_use]
#[inline]
pub fn total<T: Priced>(items: &[T], start: i64) -> i64 {
    let mut sum = start;
    for item in items {
        sum -= item.price();
    }
    sum
}

#[derive(Debug)]
pub struct Basket {
    items: Vec<Item>,
}

impl Basket {
    /// How many.
    #[inline]
    pub fn size(&self) -> usize {
        self.items.len() + 1
    }
}

impl fmt::Display for Basket {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.size())
    }
}
"""

JAVA = """\
package shop;

/** Holds items. */
@Entity
public class Basket {
    private int limit = 3;

    public Basket(int limit) {
        this.limit = limit;
    }

    /**
     * Sums up.
     */
    @Override
    @Deprecated(since = "2")
    public int total(List<Item> items) {
        int sum = 0;
        for (Item item : items) {
            sum -= item.price;
        }
        return sum;
    }

    public int total(List<Item> items, int start) {
        return start;
    }

    static class Item {
        int size() { return 1 + 1; }
    }
}
"""

C = """\
#include "shop.h"

static int total(const struct item *items, int count);

#define LIMIT 3

/* Sums up. */
static int total(const struct item *items, int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++) {
        sum -= items[i].price;
    }
    return sum;
}

struct basket {
    struct item *items;
    int count;
};

int basket_size(struct basket *basket)
{
    return basket->count + 1;
}
"""

CPP = """\
#include "shop.hpp"

namespace shop {

// Sums up.
template <typename T>
[[nodiscard]] int total(const std::vector<T> &items) {
    int sum = 0;
    for (const auto &item : items) {
        sum -= item.price;
    }
    return sum;
}

class Basket {
public:
    int size() const;
    int limit() const { return 3; }

private:
    std::vector<int> items;
};

int Basket::size() const {
    return items.size() + 1;
}

} // namespace shop
"""

CSHARP = """\
using System;

namespace Shop
{
    /// <summary>Holds items.</summary>
    [Serializable]
    public class Basket
    {
        /// <summary>Sums up.</summary>
        [Obsolete("old")]
        public static int Total(List<Item> items)
        {
            var sum = 0;
            foreach (var item in items)
            {
                sum -= item.Price;
            }
            return sum;
        }

        public int Size() => items.Count + 1;

        public int Limit { get; set; }
    }
}
"""

RUBY = """\
require 'set'

module Shop
  # Sums up.
  def self.total(items, start = 0)
    sum = start
    items.each do |item|
      sum -= item.price
    end
    sum
  end

  # Holds items.
  class Basket
    LIMIT = 3

    # How many.
    def size
      text = <<-END
two
 lines
      END
      @items.length + 1
    end

    def empty?
      size.zero?
    end
  end
end
"""

PHP = """\
<?php

namespace Shop;

/**
 * Sums up.
 */
#[Pure]
function total(array $items, int $start = 0): int
{
    $sum = $start;
    foreach ($items as $item) {
        $sum -= $item->price;
    }
    return $sum;
}

final class Basket
{
    #[Route('/size')]
    public function size(): int
    {
        return count($this->items) + 1;
    }
}
"""

KOTLIN = """\
package shop

/** Sums up. */
@JvmStatic
fun total(items: List<Item>, start: Int = 0): Int {
    var sum = start
    for (item in items) {
        sum -= item.price
    }
    return sum
}

@Serializable
class Basket(private val items: List<Item>) {
    @Test
    override fun size(): Int {
        return items.size + 1
    }

    fun first() = items.first()
}
"""

PYTHON = '''\
import os


@cached
def total(items: list[int], start: int = 0) -> int:
    """Sum up."""
    sum = start
    # one by one
    for item in items:
        sum -= item
    return sum


class Basket:
    @property
    def size(self) -> int:
        return len(self.items) + 1
'''

_LOOP = "sum -= item.price", "sum += item.price"
_PLUS = ".length + 1", ".length"

SAMPLES = {
    "python": Sample(
        "shop.py",
        PYTHON,
        *("total", "Basket", "Basket.size"),
        "def total(items, start=0):\n    sum = start\n    for item in items:\n        sum += item\n    return sum\n",
        ("sum -= item", "sum += item"),
        "def size(self):\n    return len(self.items)\n",
        ("len(self.items) + 1", "len(self.items)"),
        ("    # one by one\n", "\n"),
        ("sum -= item", "sum += item"),
        "python",
        ("return sum", "return sum)"),
    ),
    "javascript": Sample(
        "shop.mjs",
        JAVASCRIPT,
        *("total", "Basket", "Basket.size"),
        "async function total(items, start = 0) {\n    let sum = start;\n    // one by one\n"
        "    for (const item of items) {\n        sum += item.price;\n    }\n    return sum;\n}\n",
        _LOOP,
        "size() {\n    const text = `two\n  lines`;\n    return this.items.length;\n}",
        _PLUS,
        ("  return sum;\n}", "\n  return sum /* all */\n}"),
        ("start = 0", "start = 1"),
        "js",
        ("return sum;", "return sum +;"),
    ),
    "typescript": Sample(
        "shop.ts",
        TYPESCRIPT,
        *("total", "Basket", "Basket.size"),
        "function total(items: Item[], start = 0): number {\n    let sum = start;\n"
        "    for (const item of items) {\n        sum += item.price;\n    }\n    return sum;\n}\n",
        _LOOP,
        "class Basket {\n    public size(): number {\n        return this.items.length;\n    }\n}\n",
        _PLUS,
        ("\treturn sum;\n}", "\treturn sum // all\n\n}"),
        ("private readonly", "private"),
        "typescript",
        ("return sum;", "return sum +;"),
    ),
    "tsx": Sample(
        "shop.tsx",
        TSX,
        *("Total", "Basket", "Basket.size"),
        "const Total = ({ items }: Props) => {\n    const sum = items.length;\n    return <b>{sum}</b>;\n};\n",
        ("items.length - 1", "items.length"),
        "size(): number {\n    return this.props.items.length;\n}",
        _PLUS,
        ("<b>{sum}</b>", "<b>\n      {sum}\n    </b>"),
        ("<b>{sum}</b>", "<i>{sum}</i>"),
        "tsx",
        ("{sum}</b>", "{sum</b>"),
    ),
    "go": Sample(
        "shop.go",
        GO,
        *("Total", "Basket", "Basket.Size"),
        "func Total(items []Item, start int) (int, error) {\n    sum := start\n    for _, item := range items {\n"
        "        sum += item.Price\n    }\n    return sum, nil\n}\n",
        ("sum -= item.Price", "sum += item.Price"),
        "// Size is right.\nfunc (b *Basket) Size() int {\n    return len(b.items)\n}\n",
        ("len(b.items) + 1", "len(b.items)"),
        ("\treturn sum, nil\n", "\n\treturn sum,  nil // done\n"),
        ("b *Basket", "b Basket"),
        "go",
        ("return sum, nil\n}", "return sum, nil\n"),
    ),
    "rust": Sample(
        "shop.rs",
        RUST,
        *("total", "Basket", "Basket.size"),
        "pub fn total<T: Priced>(items: &[T], start: i64) -> i64 {\n  let mut sum = start;\n  for item in items {\n"
        "    sum += item.price();\n  }\n  sum\n}\n",
        ("sum -= item", "sum += item"),
        "impl Basket {\n    pub fn size(&self) -> usize {\n        self.items.len()\n    }\n}\n",
        (".len() + 1", ".len()"),
        ("    sum\n}", "    // all\n    sum }"),
        ("&[T]", "&mut [T]"),
        "rust",
        ("    sum\n}", "    sum\n"),
    ),
    "java": Sample(
        "Basket.java",
        JAVA,
        *("Basket.total", "Basket", "Basket.Item.size"),
        "public int total(List<Item> items) {\n  int sum = 0;\n  for (Item item : items) {\n"
        "    sum += item.price;\n  }\n  return sum;\n}\n",
        _LOOP,
        "int size() { return 1; }\n",
        ("1 + 1", "1"),
        ("return start;", "return /* as is */\n start;"),
        ("return start;", "return -start;"),
        "java",
        ("return start;", "return start"),
    ),
    "c": Sample(
        "shop.c",
        C,
        *("total", "basket", "basket_size"),
        "static int total(const struct item *items, int count)\n{\n\tint sum = 0;\n"
        "\tfor (int i = 0; i < count; i++) {\n\t\tsum += items[i].price;\n\t}\n\treturn sum;\n}\n",
        ("sum -= items", "sum += items"),
        "int basket_size(struct basket *basket)\n{\n    return basket->count;\n}\n",
        ("basket->count + 1", "basket->count"),
        ("    return sum;", "    return  sum; // all"),
        ("i < count", "i <= count"),
        "c",
        ("return sum;\n}", "return sum;\n"),
    ),
    "cpp": Sample(
        "shop.cpp",
        CPP,
        *("shop.total", "shop.Basket", "shop.Basket.size"),
        "template <typename T>\n[[nodiscard]] int total(const std::vector<T> &items) {\n  int sum = 0;\n"
        "  for (const auto &item : items) {\n    sum += item.price;\n  }\n  return sum;\n}\n",
        _LOOP,
        "int Basket::size() const {\n  return items.size();\n}\n",
        ("items.size() + 1", "items.size()"),
        ("    return sum;", "    return  sum; // all"),
        ("const auto &item", "auto &item"),
        "c++",
        ("return sum;\n}", "return sum;\n"),
    ),
    "csharp": Sample(
        "Basket.cs",
        CSHARP,
        *("Shop.Basket.Total", "Shop.Basket", "Shop.Basket.Size"),
        "public static int Total(List<Item> items)\n{\n    var sum = 0;\n    foreach (var item in items)\n    {\n"
        "        sum += item.Price;\n    }\n    return sum;\n}\n",
        ("sum -= item", "sum += item"),
        "public int Size() => items.Count;",
        ("items.Count + 1", "items.Count"),
        ("            return sum;", "return  sum; // all"),
        ("public static int", "private static int"),
        "csharp",
        ("return sum;", "return sum"),
    ),
    "ruby": Sample(
        "shop.rb",
        RUBY,
        *("Shop.total", "Shop.Basket", "Shop.Basket.size"),
        "def self.total(items, start = 0)\n    sum = start\n    items.each do |item|\n        sum += item.price\n"
        "    end\n    sum\nend\n",
        _LOOP,
        "def size\n  text = <<-END\ntwo\n lines\n      END\n  @items.length\nend\n",
        (" @items.length + 1", " @items.length"),
        ("    sum\n", "\n    sum # all\n"),
        ("start = 0", "start = 1"),
        "ruby",
        ("    sum\n  end", "    sum\n"),
    ),
    "php": Sample(
        "shop.php",
        PHP,
        *("total", "Basket", "Basket.size"),
        "function total(array $items, int $start = 0): int\n{\n  $sum = $start;\n  foreach ($items as $item) {\n"
        "    $sum += $item->price;\n  }\n  return $sum;\n}\n",
        ("$sum -=", "$sum +="),
        "public function size(): int\n{\n    return count($this->items);\n}\n",
        ("$this->items) + 1", "$this->items)"),
        ("    return $sum;", "    return  $sum; # all"),
        ("final class", "class"),
        "php",
        ("return $sum;\n}", "return $sum;\n"),
    ),
    "kotlin": Sample(
        "Shop.kt",
        KOTLIN,
        *("total", "Basket", "Basket.size"),
        "fun total(items: List<Item>, start: Int = 0): Int {\n  var sum = start\n  for (item in items) {\n"
        "    sum += item.price\n  }\n  return sum\n}\n",
        _LOOP,
        "override fun size(): Int {\n    return items.size\n}\n",
        ("items.size + 1", "items.size"),
        ("    return sum\n", "    return sum; // all\n\n"),
        ("start: Int = 0", "start: Int = 1"),
        "kotlin",
        ("return sum\n}", "return sum\n"),
    ),
}
