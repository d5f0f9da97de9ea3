"""What several unit tests share."""

import pytest


class Told(list):
    """Takes texts as a function does, and keeps them."""

    def __call__(self, text):
        self.append(text)


@pytest.fixture
def told():
    return Told()
