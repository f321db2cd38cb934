"""Dataclasses as JSON and back, driven by their annotations. Standard library only.

    annotation                      JSON
    str, bool, None, Any            the same
    int                             a whole number; 25.0 is read as one
    float                           a number, kept as it is written
    Fraction                        a text such as "1/48"; numbers are read too
    X | Y                           the first that fits
    Literal[...]                    a value of their kind: a newer version may know more of them
    tuple[X, ...], list[X]          a list of any length
    tuple[X, Y]                     a list of exactly these
    Mapping[str, X], dict[str, X]   an object
    a dataclass                     an object of its fields, in the order of their definition
      marked `as_row`               a list of its fields; those of a row in a row stand in line with them
    a class marked `as_text`        a text: what `str` gives, and its `parse` reads

Fields that JSON doesn't have take their defaults; what JSON has beside them, such as a newer version's, is ignored.
A field without `init` is a constant: written, not read. `at` places a field elsewhere or gives it a form of its own;
`LEFT_OUT` keeps it out of JSON.
"""

from restrip.codec.forms import read, write, write_as
from restrip.codec.misfit import Misfit, said
from restrip.codec.records import LEFT_OUT, as_row, at
from restrip.codec.values import as_text

__all__ = ["LEFT_OUT", "Misfit", "as_row", "as_text", "at", "read", "said", "write", "write_as"]
