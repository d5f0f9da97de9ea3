"""What all tests share."""

from hypothesis import settings

settings.register_profile("any-machine", deadline=None)  # a slow example is a busy machine, no failure
settings.load_profile("any-machine")
