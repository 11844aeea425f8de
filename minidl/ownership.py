"""Ownership: a layer or optimizer belongs to one model at a time, because it holds that model's state."""

import weakref
from typing import Any


def owner_of(part: Any) -> Any:
    """Return the model that ``part`` belongs to, or None."""
    owner = vars(part).get("_owner")
    return None if owner is None else owner()


def give(part: Any, owner: Any) -> None:
    """Make ``owner`` the owner of ``part``; the reference is weak, so that a dropped model is freed at once."""
    vars(part)["_owner"] = weakref.ref(owner)


def release(part: Any) -> None:
    """Leave ``part`` without an owner."""
    vars(part).pop("_owner", None)
