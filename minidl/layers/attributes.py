"""Attributes: what assigning to a layer's attribute does, and which attributes persist.

The underscore rule: a name with a leading underscore is a cache of the current batch, which is never copied, pickled or
saved; any other is a constructor argument, a parameter or state. Assigning to an array copies into it.
"""

from typing import Any, ClassVar, NamedTuple, cast

import numpy as np

from minidl.checks import flag
from minidl.config import Configured
from minidl.constraints import Constraint
from minidl.errors import ArgumentError, CacheError, StateError
from minidl.layers.layer_type import LayerType
from minidl.layers.tree import walk
from minidl.names import attribute
from minidl.ownership import owner_of
from minidl.parameters import copy_into
from minidl.regularizers import Regularizer
from minidl.typing import Array, Shape

# how often ``trainable`` or a regularizer has been set: when it increases, networks inspect their layers again
freezes = [0]


DERIVED = ("input_shape", "output_shape", "declared", "views", "place")  # attributes that are only set by minidl


class Declaration(NamedTuple):
    """The properties of an array that a layer declared in `build`."""

    shape: Shape
    initializer: Any
    regularizer: Regularizer | None
    trained: bool  # True for a parameter, False for state
    constraint: Constraint | None = None


class Attributes(Configured, metaclass=LayerType):
    """Abstract base of `Layer`: manages the declared arrays and sets the rules for other attributes."""

    name: str | None
    place: str | None  # the position in a model, for messages
    declared: dict[str, Declaration]
    views: dict[str, Array]  # "W" and "dW": the arrays that assignment copies into
    output_shape: Shape | None
    unassignable: ClassVar[dict[str, str]] = dict.fromkeys(DERIVED, "It follows from build.")

    @property
    def label(self) -> str:
        """The name of this layer in messages, such as ``Dense 'hidden' (layer 0)``."""
        name = "" if self.name is None else f" {self.name!r}"
        place = "" if self.place is None else f" ({self.place})"
        return f"{type(self).__name__}{name}{place}"

    @property
    def parameter_names(self) -> list[str]:
        """The names given to `add_parameter`, such as ``["W", "b"]``."""
        return [name for name, declaration in self.declared.items() if declaration.trained]

    def set_public(self, name: str, value: Any) -> None:
        """Set a public attribute: an array is updated in place; a setting is checked and takes effect at once.

        Raises
        ------
        ShapeError, ArgumentError
            For an array of the wrong shape; for a value that the constructor rejects, or a name already in use.
        StateError
            For a setting that cannot change after `build`.
        """
        if (view := self.__dict__["views"].get(name)) is not None:
            copy_into(view, value, f"{self.label}: {name}")
            return
        if self.__dict__.get("_building"):  # `build` may set any attribute
            object.__setattr__(self, name, value)
        elif name in self.unassignable:
            raise StateError(f"{self.label}: {name}: expected no assignment, got {value!r}. {self.unassignable[name]}")
        else:
            if name == "name":
                self._check_name(value)
            super().set_public(name, flag(value, f"{self.label}: trainable") if name == "trainable" else value)
            freezes[0] += name == "trainable"
        self.set_derived()  # only now, as another thread may have read the old value; the new one may hold a layer

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self.set_derived()

    def set_derived(self, **attributes: Any) -> None:
        """Set attributes that cannot be assigned, and clear what was derived from all attributes."""
        self.__dict__.update(attributes)
        self.__dict__.pop("_attributes", None)
        if not attributes or "layers" in attributes:  # no other derived attribute holds layers
            self.__dict__.pop("_names_of_layers", None)

    def _check_name(self, name: Any) -> None:
        """Raise an error unless the layer can be called ``name``."""
        who = f"{self.label}: name"
        if not isinstance(name, str | None) or "/" in (name or ""):
            raise ArgumentError(f"{who}: expected a string without '/', got {name!r}.")
        owner = owner_of(self)
        if owner is None or name == self.name:
            return
        if self.output_shape is not None:
            raise StateError(f"{who}: expected to be set before the model is built. Use layer.copy(name={name!r}).")
        holders = [part.sublayers() for _, part in walk({"": owner})]
        if any(name in holder for holder in holders if any(layer is self for layer in holder.values())):
            raise ArgumentError(f"{who}: expected one that no other layer has, got {name!r}.")

    def set_together(self, settings: dict[str, Any]) -> None:
        """Set constructor arguments that are checked together, and clear what was derived from them."""
        super().set_together(settings)
        self.set_derived()

    def with_settings(self, settings: dict[str, Any]) -> Any:
        """Return a new layer with other settings; a `StateError` if this one can no longer adopt them.

        Regularizers and constraints can change at any time: this layer's declarations are updated with the new ones.
        """
        fresh = super().with_settings(settings)
        who, layer, built = f"{self.label}: {next(iter(settings))}", cast(Any, self), self.output_shape is not None
        if (built or owner_of(self) is not None) and settings.keys() & {*layer.names_of_layers, *fresh.names_of_layers}:
            raise StateError(f"{who}: expected to be set before the layer joins a model. Make a new layer.")
        if built:
            fresh.declare(layer.input_shape)
            new, old = (
                repr((one.output_shape, {key: one.declared[key][:2] + one.declared[key][3:4] for key in one.declared}))
                for one in (fresh, self)
            )
            if new != old:
                raise StateError(f"{who}: expected to be set before the layer is built. Make a new layer.")
            self.declared.update(fresh.declared)
            freezes[0] += 1
        return fresh

    def __getattr__(self, name: str) -> Any:  # only called for attributes that are missing
        unbuilt = "declared" in self.__dict__ and self.output_shape is None and name in type(self).__annotations__
        if unbuilt or name == "rng" or name in self.__dict__.get("declared", ()):
            raise CacheError(f"{self.label}: {name}: expected a built layer. Add an Input, or call declare in build.")
        if name in ("weights", "trainable_weights", "non_trainable_weights"):
            return self._weights_for_keras({"trainable_weights": True, "non_trainable_weights": False}.get(name))
        if name.startswith("_") and not name.startswith("__"):
            fix = "Set it in forward; what lasts longer has a name without the underscore."
            raise CacheError(f"{self.label}: {name}: expected a forward pass before this call. {fix}")
        return attribute(self, name)

    def _weights_for_keras(self, trained: bool | None) -> list[Array]:
        """Return all parameters and state (not copies), or only those that are trained or not trained."""
        found, frozen = [], set()
        for path, part in walk({"": self}):
            outer = path.rpartition("/")[0]
            if not part.trainable or outer in frozen:
                frozen.add(path)
            for key, declaration in part.declared.items():
                changed = declaration.trained and path not in frozen
                if key in part.views and trained in (None, changed):
                    found.append(part.views[key])
        return found

    def bind(self, name: str, value: Array, gradient: Array | None) -> None:
        """Bind the arrays to ``self.<name>`` and ``self.d<name>``; later assignments copy into them."""
        arrays = {name: value} if gradient is None else {name: value, "d" + name: gradient}
        self.views.update(arrays)
        self.set_derived(**arrays)

    def public_attributes(self) -> dict[str, Any]:
        """Return the attributes without a leading underscore; the result is kept until one of them is assigned."""
        public = self.__dict__.get("_attributes")
        if public is None:
            # of a snapshot: another thread may be setting caches
            public = self.__dict__["_attributes"] = {n: v for n, v in list(self.__dict__.items()) if n[0] != "_"}
        return public

    def __getstate__(self) -> dict[str, Any]:
        left = {"views", "place", *("d" + name for name in self.parameter_names if name in self.views)}
        return {name: value for name, value in self.__dict__.items() if name[0] != "_" and name not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, views={}, place=None)
        for name, declaration in self.declared.items():
            if name in state:
                self.bind(name, state[name], np.zeros_like(state[name]) if declaration.trained else None)
