"""minidl: an object-oriented deep-learning framework on NumPy and SciPy."""

__version__ = "0.1.0"
