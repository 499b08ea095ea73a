"""Python: how its projects are described, built and tested, as far as other languages are not concerned."""
