"""guizhang (规章): regulations as data, applied exactly and explained by article."""

__version__ = "0.1.0"
