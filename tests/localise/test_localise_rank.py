"""Where an issue points to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from repoagent.domain import Issue, Location
from repoagent.index.build import Index
from repoagent.index.retrieval.units import is_non_source
from repoagent.localise import localise

Indexed = Callable[[Mapping[str, str | bytes]], Index]

SHOP: Mapping[str, str | bytes] = {
    "shop/__init__.py": "from shop.cart import Cart\n",
    "shop/cart.py": '''\
"""Carts."""
LIMIT = 10


class Cart:
    """What a customer wants to buy."""

    def add(self, item, count):
        check_count(count)
        self.items.append((item, count))

    def total(self):
        """The price of everything, with the discount."""
        amount = 0
        for item, count in self.items:
            amount += item.price * count
        return apply_discount(amount)


def check_count(count):
    if count < 0:
        raise ValueError("the count must not be negative: %d" % count)
''',
    "shop/discount.py": "def apply_discount(amount):\n    return amount - amount // 10\n\n\ndef parse_voucher(text):\n"
    "    return text.strip().split('-')\n",
    "shop/mail.py": "class Mail:\n    sender = 'shop@example.org'\n\n\ndef send(mail):\n    return mail.sender\n",
    "tests/test_cart.py": "def test_total():\n    assert Cart().total() == 0\n",
}


@pytest.fixture
def shop(indexed: Indexed) -> Index:
    return indexed(SHOP)


def _places(found: tuple[Location, ...]) -> list[str]:
    return [f"{location.path}:{location.symbol}" for location in found]


def _ask(index: Index, body: str, title: str = "Something is wrong") -> tuple[Location, ...]:
    return localise(Issue(title, body), index)


@pytest.mark.parametrize(
    ("body", "first"),
    [
        ("The price of a cart is wrong: the discount is not applied to everything.", "shop/cart.py:Cart.total"),
        ("`parse_voucher` keeps blanks.", "shop/discount.py:parse_voucher"),
        ("```\nfrom shop import Cart\nCart().add('x', 1)\n```\nCart.add loses it", "shop/cart.py:Cart.add"),
        ("ValueError: the count must not be negative: 3", "shop/cart.py:check_count"),
        ("sender address of Mail is not ours", "shop/mail.py:Mail"),
    ],
)
def test_the_function_spoken_of_comes_first(shop: Index, body: str, first: str) -> None:
    assert _places(_ask(shop, body))[0] == first


def test_traceback_frames_are_found_by_name_when_the_lines_have_moved(shop: Index) -> None:
    body = (
        'File "/site-packages/shop/cart.py", line 900, in add\n  check_count(count)\n'
        'File "/site-packages/shop/cart.py", line 901, in check_count\n  raise ValueError\n'
    )
    found = _ask(shop, body)
    assert _places(found)[:2] == ["shop/cart.py:check_count", "shop/cart.py:Cart.add"]
    assert found[0].reasons[0] == "in the traceback, frame 1 from the bottom"


@pytest.mark.parametrize(("reference", "marked"), [("0af1" * 10, True), ("main", False)])
def test_a_linked_line_points_to_its_function_and_is_marked_where_a_commit_is_named(
    shop: Index, reference: str, marked: bool
) -> None:
    symbol = shop.get_symbol("shop/cart.py", "check_count")
    assert symbol is not None
    url = f"https://github.com/a/shop/blob/{reference}/shop/cart.py#L{symbol.end}"
    found = _ask(shop, f"The discount total of a voucher is wrong, see {url}")
    linked = next(location for location in found if location.symbol == "check_count")
    assert "linked in the issue" in linked.reasons
    assert (linked.lines[:1] == (symbol.end,)) is marked
    without = _ask(shop, "The discount total of a voucher is wrong")
    before = next(location for location in without if location.symbol == "check_count")
    assert found.index(linked) < without.index(before)


def test_lines_of_a_traceback_come_before_lines_that_share_many_words(indexed: Indexed) -> None:
    words = " + ".join(f"alpha{n} * beta{n} * gamma{n}" for n in range(20))
    index = indexed({"pkg/core.py": f"def run(x):\n    # {words}\n    y = {words}\n    return x[0]\n"})
    body = f'{words}\nFile "/site-packages/pkg/core.py", line 4, in run\n'
    assert _ask(index, body)[0].lines[0] == 4


def test_a_location_slices_back_to_its_function_and_names_its_lines(shop: Index) -> None:
    best = _ask(shop, "`check_count` accepts a negative count")[0]
    text = shop.read_lines(best.path, best.start, best.end)
    assert text.startswith("def check_count(count):")
    assert best.lines[0] in range(best.start, best.end + 1)
    assert len(best.lines) <= 5


def test_tests_come_only_where_there_is_nothing_else(shop: Index, indexed: Indexed) -> None:
    assert not any(location.path.startswith("tests/") for location in _ask(shop, "test_total fails"))


def test_a_repository_of_tests_alone_is_still_ranked(indexed: Indexed) -> None:
    index = indexed({"tests/test_a.py": "def test_total():\n    pass\n"})
    assert _places(_ask(index, "test_total fails")) == ["tests/test_a.py:test_total"]


def test_the_order_is_the_same_every_time(shop: Index) -> None:
    body = "the cart count discount total `add` voucher"
    assert _ask(shop, body) == _ask(Index.build(shop.root), body)


def test_called_functions_follow_their_callers(shop: Index) -> None:
    found = {location.symbol: location for location in _ask(shop, "`Cart.total` is wrong")}
    assert "called by Cart.total" in found["apply_discount"].reasons


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (3, 3)])
def test_no_more_than_asked_for_are_told(shop: Index, limit: int, count: int) -> None:
    assert len(localise(Issue("cart", "count discount mail item total"), shop, limit)) == count


def test_nothing_is_told_about_an_empty_repository(indexed: Indexed) -> None:
    assert _ask(indexed({"README.md": "x"}), "anything") == ()


def test_an_issue_without_a_known_word_points_nowhere(shop: Index) -> None:
    assert localise(Issue("", "zzz qqq"), shop) == ()


@pytest.mark.parametrize(
    ("path", "aside"),
    [
        ("tests/test_a.py", True),
        ("pkg/tests/helper.py", True),
        ("docs/conf.py", True),
        ("setup.py", True),
        ("testing/test_x.py", True),
        ("pkg/testing/tool.py", False),
        ("pkg/test/client.py", False),
        ("src/pkg/latest.py", False),
    ],
)
def test_where_a_fix_is_hardly_ever(path: str, aside: bool) -> None:
    assert is_non_source(path) is aside
