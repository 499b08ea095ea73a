from __future__ import annotations

import pytest

from repoagent.languages import language_of

TESTS = """
test_x.py tests/x.py pkg/tests/data.py pkg/my_tests/x.py test/x.py conftest.py pkg/conftest.py x_test.py
x.test.js x.spec.ts src/__tests__/x.js tests/x.mjs test/x.js packages/a/test/x.ts cypress/e2e/a.cy.js
src/app/basket.component.spec.ts src/Basket.test.tsx e2e/login.ts test.js lib/x-test.js
foo_test.go pkg/foo_test.go pkg/testdata/a.go
tests/x.rs crates/a/tests/b.rs src/tests.rs src/basket/test.rs src/basket_tests.rs
src/test/java/FooTest.java src/test/java/Helper.java core/src/integrationTest/java/A.java FooTest.java app/TestFoo.java
src/test/kotlin/FooTest.kt src/commonTest/kotlin/A.kt
test/x.c tests/x.c src/test_list.c src/list_test.c unit-tests/a.c testing/a.c
tests/x.cpp src/ListTest.cpp test/a.cc src/list-test.cxx
Shop.Tests/Basket.cs src/Shop.UnitTests/A.cs tests/Shop/A.cs src/BasketTests.cs test/A.cs
spec/basket_spec.rb test/basket_test.rb test/helper.rb gem/spec/a.rb actionpack/test/dispatch/a.rb features/a.rb
tests/BasketTest.php src/Symfony/Component/Cache/Tests/A.php src/BasketTest.php
"""

OTHERS = """
django/test/client.py pkg/testing.py src/contest.py latest.py testbed/a.py
src/test/x.js src/testing.js src/latest.js lib/contest.ts src/spec/openapi.ts src/inspector.js test-utils.js
foo.go testing.go pkg/tester/a.go test.go
src/lib.rs src/testing.rs src/latest.rs
src/main/java/org/junit/Test.java src/main/java/FooTest.java src/main/java/Latest.java Contest.java
src/main/kotlin/Foo.kt
src/latest.c src/contest/a.c src/testimony.c
src/attest.cpp include/fastest.hpp
Shop/Basket.cs src/Contests/A.cs Attestation/A.cs
lib/rack/test/methods.rb app/models/spec.rb lib/minitest.rb
src/Testing/TestCase.php src/Contest.php
"""


@pytest.mark.parametrize("path", TESTS.split())
def test_tests(path: str) -> None:
    language = language_of(path)
    assert language is not None
    assert language.is_test_path(path)


@pytest.mark.parametrize("path", OTHERS.split())
def test_no_tests(path: str) -> None:
    language = language_of(path)
    assert language is not None
    assert not language.is_test_path(path)
