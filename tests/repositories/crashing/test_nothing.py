"""Never collected."""


def test_nothing():
    assert True
