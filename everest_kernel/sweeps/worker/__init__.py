"""What computes the points of one chunk on a resource, one after another, until all are done or its time is up.

The *source texts* of these modules travel, so they import only the standard library, of it as little as they can (a
chunk of tiny points is over sooner than an import), and run on Python 3.8. A *part* is what is known of one point:
its place in the chunk, the seconds that it took, its values or None, and its error.
"""

__all__ = ["MODULES"]

MODULES = ("computing", "supervision", "exchange", "main")
"""Those that travel."""
