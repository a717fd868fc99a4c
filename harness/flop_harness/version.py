"""The version of this package, known in a checkout that is not installed too."""

__version__ = "0.1.0"
