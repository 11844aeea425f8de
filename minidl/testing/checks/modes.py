"""mode, running, random: training and inference are each correct and consistent with each other."""

from collections.abc import Iterator
from contextlib import suppress
from unittest import mock

import numpy as np

from minidl.testing.agreement import close
from minidl.testing.checks.contract import promises
from minidl.testing.checks.linear import linear
from minidl.testing.checks.trial import trial
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped, Unverified
from minidl.testing.points import draw_x
from minidl.testing.probe import Arrays, LayerFailure, Probe
from minidl.testing.registry import register_check
from minidl.typing import Array

ROWS = 200  # rows of the batch on which running statistics settle
SETTLED = 0.03  # of the output: the effect of another variance divisor on this many rows
DRAWS = 400


@register_check("mode", after=("numeric",))
def mode(examination: Examination) -> Iterator[Finding]:
    """Inference has a correct gradient too, is deterministic, and leaves parameters, state and generators unchanged."""
    point = examination.point.with_(training=False)
    found = examination.results(point)  # reports what no call may do
    probe = examination.subject.at(point)
    first, second = (np.array(probe.forward(point.x.copy(), False, reset=False)) for _ in range(2))
    why = "random numbers belong to training only, and running statistics are not updated at inference"
    message = "inference is not deterministic: two predictions differ"
    yield from examination.unequal({"y": first}, {"y": second}, message, why)
    if probe.draws_at(point):
        yield examination.finding("inference draws random numbers", "y")
    if not np.isfinite(first).all():
        raise Unverified("the output at inference is not finite")
    if examination.level == "quick" and all(close(found.get(n), v, 0.0) for n, v in examination.reference.items()):
        return  # all is as in training
    yield from promises(examination, point)
    yield from examination.compare(point, "inference", lightly=True)
    yield from linear(examination, point)
    if examination.at_least("standard"):
        yield from trial(examination, "inference, other parameters", lambda: examination.draw(training=False))


@register_check("running", after=("mode", "state"), level="standard")
def running(examination: Examination) -> Iterator[Finding]:
    """Once running statistics have settled on one batch, inference and training give the same output for it."""
    point, subject = examination.point, examination.subject
    probe = subject.at(point)
    if point.states:
        yield from _without_statistics(examination)
    if not point.states or not examination.modes_differ or probe.draws.get(True, False):
        raise Skipped("there are no statistics of batches")
    x = draw_x(subject.domain, examination.rng, (ROWS, *point.input_shape))
    if subject.domain == "real":  # a mean of 0 and a variance of 1 would hide many bugs
        x = x * examination.rng.uniform(0.4, 3.0, point.input_shape) + examination.rng.uniform(2, 4, point.input_shape)
    settled, share = _settle(probe, x)
    for state, part in share.items():
        yield from _momentum(examination, state, part)
    if settled is None:
        raise Skipped("the state does not settle")
    probe.set({}, settled)
    trained, inferred = np.array(probe.forward(x.copy(), True)), np.array(probe.forward(x.copy(), False))
    if np.isfinite(inferred).all() and not close(inferred, trained, SETTLED):
        gap = float(np.abs(inferred - trained).max())
        message = f"inference differs from training by {gap:.3g} once the running statistics have settled on the batch"
        why = "the statistics are never updated, or are not those that training uses: another axis, var for std"
        yield examination.finding(message, "y", why)


def _without_statistics(examination: Examination) -> Iterator[Finding]:
    """Inference that ignores the state must not depend on the other rows of a batch instead."""
    point = examination.point.with_(training=False)
    y = examination.results(point)["y"]
    states = {name: 1.5 * value + 0.3 for name, value in point.states.items()}
    if not np.array_equal(examination.results(point.with_(states=states))["y"], y):
        return
    with suppress(LayerFailure):
        if not close(examination.subject.at(point).forward(point.x[:1].copy(), False), y[:1], 1e-6):
            message = f"inference depends on the other rows of the batch, and not on the state {', '.join(states)}"
            yield examination.finding(message, "y", "statistics of the batch are used in place of the running ones")


def _updated(probe: Probe, x: Array, states: Arrays) -> Arrays:
    probe.set({}, states)
    probe.forward(x.copy(), True)
    return {name: value.astype(float) for name, value in probe.states.items()}


def _settle(probe: Probe, x: Array) -> tuple[Arrays | None, dict[str, float]]:
    """Return the state that a training pass over ``x`` leaves unchanged, and the fraction of each array it keeps."""
    start = {name: value + 1.0 for name, value in probe.start.items()}
    first = _updated(probe, x, start)
    second = _updated(probe, x, first)
    share, settled = {}, dict(second)
    for name, value in start.items():
        moved = first[name] - value
        ratios = (second[name] - first[name])[moved != 0] / moved[moved != 0]
        if ratios.size and np.ptp(ratios) <= 1e-6 and 0 <= ratios.flat[0] < 1:
            share[name] = float(ratios.mean())
            settled[name] = value + moved / (1 - share[name])
    for _ in range(300 if len(share) < len(start) else 0):
        settled = _updated(probe, x, settled)
    again = _updated(probe, x, settled)
    sizes = {name: float(np.abs(value).max(initial=0)) for name, value in start.items()}  # it may decay to 0
    stays = all(close(again[name], value, 1e-3, sizes[name]) for name, value in settled.items())
    return settled if stays else None, share


def _momentum(examination: Examination, state: str, share: float) -> Iterator[Finding]:
    """The fraction kept is the momentum or, as in some frameworks, one minus the momentum; it is never small."""
    for name, value in examination.subject.arguments.items():
        if not ("momentum" in name or "decay" in name) or not isinstance(value, float) or not 0 < value < 1:
            continue
        message = f"a training pass keeps {share:.4g} of the state {state}, where {name} is {value:g}"
        if min(abs(share - value), abs(share - (1 - value))) > 1e-6:
            yield examination.finding(message, state, f"the update is made twice, or not with {name}", line="y")
        elif share <= 0.2:
            yield examination.finding(message, state, f"{name} and 1 - {name} are exchanged", line="y")


@register_check("random", after=("mode",))
def random(examination: Examination) -> Iterator[Finding]:
    """Training draws new random numbers for each batch, and the mean of its outputs is the output of inference."""
    probe, point = examination.subject.at(examination.point), examination.point
    x = draw_x(examination.subject.domain, examination.rng, (16, *point.input_shape))
    with mock.patch("numpy.random.default_rng", side_effect=np.random.default_rng) as made:
        first = np.array(probe.forward(x.copy(), True))
        made.reset_mock()  # a permanent generator may be created at the first call
        again = np.array(probe.forward(x.copy(), True, reset=False))
    declared = bool(getattr(examination.subject.cls, "stochastic", False)) and examination.modes_differ
    if not (declared or made.called or probe.draws.get(True, False)):
        raise Skipped("nothing is random")
    later = (probe.forward(x.copy(), True, reset=False) for _ in range(40))
    if examination.modes_differ and np.array_equal(first, again) and all(np.array_equal(first, y) for y in later):
        why = "numbers are drawn once and kept (such as a mask for each shape), or come from a generator made or "
        why += "seeded in forward: draw them from self.rng in each forward"
        yield examination.finding("all training batches are given the same random numbers", "y", why)
    if examination.at_least("standard"):
        yield from _dropped(examination, probe, x)


def _dropped(examination: Examination, probe: Probe, x: Array) -> Iterator[Finding]:
    """If training drops values, the others are scaled so that the mean is that of inference."""
    inferred = np.array(probe.forward(x.copy(), False), float)
    if not (inferred != 0).all():
        return
    ratios = np.array([probe.forward(x.copy(), True, reset=False) / inferred for _ in range(DRAWS)], float)
    left = ratios[ratios != 0]
    if not 0 < left.size < ratios.size or np.ptp(left) > 1e-6 * np.abs(left).max():
        return  # nothing is dropped, or the rest is not just scaled
    means = ratios.reshape(DRAWS, -1).mean(axis=1)  # one draw may affect a whole batch
    mean, deviation = float(means.mean()), float(means.std()) / np.sqrt(DRAWS)
    if abs(mean - 1) > 6 * deviation + 0.02:
        message = f"training gives on average {mean:.3g} times the output of inference"
        why = "dropped values must be compensated for: divide by 1 - rate in training, or multiply by it at inference"
        yield examination.finding(message, "y", why)
