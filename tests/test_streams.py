"""Streams: batches from iterables, numbered data sets and arrays on disk, in training, validation and prediction."""

import itertools
import re

import h5py
import numpy as np
import pytest

from minidl import ArgumentError, DataError, Dense, Input, Sequential, callbacks
from minidl.data.arrays import CHECKED
from minidl.data.stored import StoredArray, is_stored
from minidl.data.streams import Stream, Words, is_stream, sample_shape

ROWS = 40
X = np.random.default_rng(0).standard_normal((ROWS, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
BATCHES = [(X[i : i + 10], Y[i : i + 10]) for i in range(0, ROWS, 10)]


def regression(seed=0, optimizer="adam"):
    model = Sequential([Input((3,)), Dense(1)], seed=seed)
    model.compile(optimizer, "mse")
    return model


class Numbered:
    """A data set as Keras' PyDataset, which notes when its hooks are called."""

    def __init__(self):
        self.called = []

    def __len__(self):
        return len(BATCHES)

    def __getitem__(self, number):
        return BATCHES[number]

    def on_epoch_begin(self):
        self.called.append("begin")

    def on_epoch_end(self):
        self.called.append("end")


class Listed(Numbered):
    """The same, with its own __iter__."""

    def __iter__(self):
        return iter(BATCHES)


# What a stream is


@pytest.mark.parametrize(
    ("x", "stream"),
    [
        (BATCHES, True),
        (tuple(BATCHES), True),
        (BATCHES[:1], True),
        ([(*batch, np.ones(10)) for batch in BATCHES], True),
        ([(X.tolist(), Y)], True),
        (iter(BATCHES), True),
        (Listed(), True),
        (Numbered(), True),
        ((x for x in X), True),
        (X, False),
        (X.tolist(), False),
        ([], False),
        ([X], False),
        ([(X,)], False),
        ([(X, Y, Y, Y)], False),
        ([[X, Y]], False),
        (list(zip(X, Y, strict=True)), False),  # samples
        ([(X[:, 0], Y)], False),
        ({"x": X}, False),
        ({1.0, 2.0}, False),
        (frozenset([1.0]), False),
        (memoryview(X), False),
        (None, False),
        (3, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_yields_batches_is_a_stream(x, stream):
    assert is_stream(x, None) is stream
    assert is_stream(x, Y) is False


def test_batches_by_number_need_a_length_to_be_a_stream():
    assert is_stream(type("Unending", (), {"__getitem__": lambda self, number: BATCHES[0]})(), None) is False


@pytest.mark.parametrize(
    ("x", "shape"),
    [
        (X, (3,)),
        (X[:, 0], (1,)),
        (X.reshape(10, 4, 3), (4, 3)),
        (BATCHES, (3,)),
        ([(X.reshape(10, 4, 3), Y)], (4, 3)),
    ],
)
def test_the_shape_of_a_sample_is_that_of_the_data(x, shape):
    assert sample_shape(x) == (shape, x)


def test_the_shape_of_a_sample_takes_no_batch_away():
    for x in (BATCHES, [x for x, _ in BATCHES]):
        given = iter(x)
        shape, again = sample_shape(given)
        assert shape == (3,)
        assert [id(batch) for batch in again] == [id(batch) for batch in x]


def test_the_shape_of_a_sample_on_disk_is_known_without_its_rows():
    x = Sliced(X)
    assert sample_shape(x) == ((3,), x)
    assert x.read == [slice(None, 1)]  # for its type


def stream_of(iterable, steps=None, **more):
    return Stream(iterable, lambda batch, who: (batch, who), steps, Words("", "fit: x", "fit: steps_per_epoch"), **more)


def numbers(stream, first=0):
    return [batch for batch, _ in stream.batches(first)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_a_stream_without_a_length_ends_within_the_most_batches(count):
    stream = stream_of((number for number in range(count)), most=3)
    if 1 <= count <= 3:
        assert numbers(stream) == list(range(count))
    else:
        words = "an end within 3 batches, got none. Pass the number of batches as fit: steps_per_epoch"
        with pytest.raises(
            DataError, match=words if count else "expected batches, got an iterable that yields nothing"
        ):
            numbers(stream)


def test_a_stream_with_a_length_or_steps_may_be_longer_than_the_most_batches():
    assert numbers(stream_of([0, 1, 2, 3], most=2)) == [0, 1, 2, 3]
    assert numbers(stream_of(itertools.count(), 4, most=2)) == [0, 1, 2, 3]


def test_a_stream_ends_by_default_within_a_hundred_thousand_batches():
    with pytest.warns(UserWarning, match="expected an end within 10,000 batches, got none. Pass the number of batches"):
        assert len(numbers(stream_of(iter(range(100_000))))) == 100_000
    with (
        pytest.warns(UserWarning, match="within 10,000 batches"),
        pytest.raises(DataError, match="expected an end within 100,000 batches"),
    ):
        numbers(stream_of(itertools.count()))


def test_ten_thousand_batches_are_no_reason_for_a_warning():
    assert len(numbers(stream_of(iter(range(10_000))))) == 10_000
    assert len(numbers(stream_of(list(range(10_002))))) == 10_002
    assert len(numbers(stream_of(itertools.count(), 10_002))) == 10_002


def test_the_most_batches_may_be_more_than_those_without_a_warning():
    with pytest.warns(UserWarning, match="expected an end within 10,000 batches"):
        assert len(numbers(stream_of(iter(range(10_001)), most=10_001))) == 10_001


def test_batches_before_the_first_are_passed_over_unchecked():
    assert list(stream_of("abc").batches(1)) == [("b", "fit: x: batch 1: "), ("c", "fit: x: batch 2: ")]


@pytest.mark.parametrize("goes_on", [False, True])
def test_an_epoch_of_some_steps_starts_over_or_goes_on(goes_on):
    stream = stream_of([0, 1, 2], 2, goes_on=goes_on)
    assert [numbers(stream) for _ in range(3)] == ([[0, 1], [2, 0], [1, 2]] if goes_on else [[0, 1]] * 3)
    stream = stream_of([0, 1, 2], 2, goes_on=goes_on)
    stream.skip_epochs(2)
    assert stream.epochs == 2
    assert numbers(stream) == ([1, 2] if goes_on else [0, 1])


def test_a_stream_without_steps_starts_over_even_if_it_may_go_on():
    stream = stream_of([0, 1, 2], goes_on=True)
    assert [numbers(stream) for _ in range(2)] == [[0, 1, 2]] * 2


def test_an_iterator_that_goes_on_ends_once():
    stream = stream_of(iter([0, 1, 2]), 2, goes_on=True)
    assert numbers(stream) == [0, 1]
    with pytest.raises(DataError, match=r"fit: x: expected 2 batches in epoch 2, got 1: the iterable is used up"):
        numbers(stream)


@pytest.mark.parametrize(("steps", "expected"), [(None, "at least one batch"), (3, "3 batches")])
def test_an_epoch_without_enough_batches_is_named(steps, expected):
    stream = stream_of(iter([0, 1, 2]), steps)
    numbers(stream)
    with pytest.raises(DataError, match=rf"fit: x: expected {expected} in epoch 2, got 0: the iterable is use"):
        numbers(stream)


# Hooks of data sets


@pytest.mark.parametrize("kind", [Numbered, Listed])
def test_a_data_set_is_told_when_an_epoch_begins_and_ends(kind):
    data, validation = kind(), kind()
    regression().fit(data, epochs=3, validation_data=validation, validation_freq=2, verbose=0)
    assert data.called == 3 * ["begin", "end"]
    assert validation.called == ["begin", "end"]


def test_a_data_set_is_told_of_every_pass():
    data = Numbered()
    regression().fit(data, epochs=3, steps_per_epoch=2, verbose=0)
    regression().evaluate(data, verbose=0)
    regression().predict(data)
    assert data.called == 5 * ["begin", "end"]


def test_a_data_set_that_shuffles_between_epochs_resumes_exactly(tmp_path):
    class Shuffling(Numbered):
        def __init__(self):
            self.rng, self.order = np.random.default_rng(0), np.arange(len(BATCHES))

        def __getitem__(self, number):
            return BATCHES[self.order[number]]

        def on_epoch_begin(self):
            pass

        def on_epoch_end(self):
            self.rng.shuffle(self.order)

    def run(epochs, **more):
        model, saving = regression(), callbacks.ModelCheckpoint(tmp_path / "{epoch}")
        model.fit(Shuffling(), epochs=epochs, verbose=0, callbacks=[saving], **more)
        return model.parameters.values

    expected = run(4)
    for file in tmp_path.iterdir():
        file.unlink()
    run(2)
    np.testing.assert_array_equal(run(4, resume=tmp_path), expected)


# Validation


@pytest.mark.parametrize(
    ("freq", "epochs"), [(1, [0, 1, 2, 3, 4]), (2, [1, 3]), (5, [4]), (9, []), ([1, 4], [0, 3]), ({2}, [1])]
)
def test_validation_is_every_few_epochs_or_after_those_listed(freq, epochs):
    heard = []
    listen = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: heard.append(epoch) if "val_loss" in logs else 0)
    model = regression()
    history = model.fit(X, Y, epochs=5, validation_data=(X, Y), validation_freq=freq, callbacks=[listen], verbose=0)
    assert heard == epochs
    assert len(history.history.get("val_loss", [])) == len(epochs)


def test_a_history_knows_the_epochs_of_its_values(tmp_path):
    model = regression()
    saving = callbacks.ModelCheckpoint(tmp_path / "checkpoint")
    more = {"validation_data": (X, Y), "validation_freq": 2, "callbacks": [saving], "verbose": 0}
    model.fit(X, Y, epochs=3, **more)
    history = model.fit(X, Y, epochs=5, resume=tmp_path / "checkpoint", **more)
    assert history.epochs_of("val_loss") == [1, 3]
    assert history.epochs_of("loss") == history.epoch == [0, 1, 2, 3, 4]
    history.to_csv(tmp_path / "history.csv")
    rows = [line.split(",") for line in (tmp_path / "history.csv").read_text().splitlines()]
    values = dict(zip([1, 3], history.history["val_loss"], strict=True))
    assert [row[rows[0].index("val_loss")] for row in rows[1:]] == [str(values.get(epoch, "")) for epoch in range(5)]
    validation = history.plot().lines[1]
    assert list(validation.get_xdata()) == [2, 4]
    assert list(validation.get_ydata()) == history.history["val_loss"]


@pytest.mark.parametrize("freq", [0, -1, 1.5, True, "2", [0], [1.5], None])
def test_a_wrong_validation_freq_is_refused(freq):
    with pytest.raises(ArgumentError, match="fit: validation_freq: expected an integer of at least 1"):
        regression().fit(X, Y, validation_data=(X, Y), validation_freq=freq, verbose=0)


def test_monitors_wait_for_the_epochs_with_validation(tmp_path):
    stopping = callbacks.EarlyStopping("val_loss", patience=2, min_delta=1e9)
    saving = callbacks.ModelCheckpoint(tmp_path / "{epoch}", monitor="val_loss", save_best_only=True)
    plateau = callbacks.ReduceLROnPlateau("val_loss", patience=1, min_delta=1e9)
    log = callbacks.CSVLogger(tmp_path / "log.csv")
    history = regression().fit(
        X,
        Y,
        epochs=30,
        verbose=0,
        validation_data=(X, Y),
        validation_freq=3,
        callbacks=[stopping, saving, plateau, log],
    )
    assert len(history.epoch) == 9  # validated after 3 (the best), 6 and 9
    assert sorted(path.name for path in tmp_path.glob("[0-9]*")) == ["3", "6", "9"]
    assert history.history["learning_rate"][-1] < 0.001
    rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()]
    assert rows[0] == ["epoch", "loss", "val_loss", "learning_rate"]
    assert [row[2] != "" for row in rows[1:]] == 3 * [False, False, True]


def test_validation_takes_its_steps_from_the_beginning_each_time():
    seen = []

    def batches():
        for number in itertools.count():
            seen.append(number)
            yield BATCHES[number % 4]

    class Again:
        def __iter__(self):
            return batches()

    history = regression().fit(X, Y, epochs=2, validation_data=Again(), validation_steps=3, verbose=0).history
    assert len(seen) <= 2 * 4
    assert seen[:3] == [0, 1, 2]
    assert seen[seen.index(0, 1) :][:3] == [0, 1, 2]
    expected = regression().fit(X, Y, epochs=2, validation_data=BATCHES[:3], verbose=0).history
    assert history == expected


def test_validation_continues_in_a_generator():
    given = itertools.cycle(BATCHES)
    history = regression().fit(X, Y, epochs=2, validation_data=given, validation_steps=2, verbose=0).history
    model = regression()
    first = model.fit(X, Y, epochs=1, validation_data=BATCHES[:2], verbose=0).history["val_loss"]
    second = model.fit(X, Y, epochs=1, validation_data=BATCHES[2:], verbose=0).history["val_loss"]
    assert history["val_loss"] == first + second


@pytest.mark.parametrize("split", [0.5, None])
def test_validation_steps_are_the_first_batches_of_arrays(split):
    data = {"validation_split": split, "split": "last"} if split else {"validation_data": (X[20:], Y[20:])}
    more = {"validation_batch_size": 4, "validation_steps": 3, "verbose": 0, **data}
    model = regression(optimizer="sgd")
    history = model.fit(X if split else X[:20], Y if split else Y[:20], **more).history
    assert history["val_loss"] == [model.evaluate(X[20:32], Y[20:32], verbose=0)]


def test_a_list_of_one_array_is_no_validation_data():
    with pytest.raises(ArgumentError, match=r"validation_data: expected \(x, y\), .* or an iterable of them, got list"):
        regression().fit(X, Y, validation_data=[X], verbose=0)


def test_weights_beside_an_iterable_are_refused_in_evaluation():
    with pytest.raises(ArgumentError, match=r"sample_weight: expected None for an iterable: let it yield"):
        regression().evaluate(iter(BATCHES), sample_weight=np.ones(ROWS), verbose=0)


def test_batches_may_hold_weights():
    weights = np.linspace(0.5, 2.0, ROWS)
    batches = [(x, y, weights[10 * i : 10 * i + 10]) for i, (x, y) in enumerate(BATCHES)]
    expected = regression().fit(X, Y, batch_size=10, shuffle=False, sample_weight=weights, verbose=0).history
    assert regression().fit(batches, verbose=0).history == expected
    with pytest.raises(DataError, match=r"batch 0: expected a tuple \(x, y\) or \(x, y, sample_weight\), got tuple"):
        regression().fit(iter([(*batches[0], None)]), verbose=0)


def test_the_epoch_in_which_an_iterable_is_used_up_is_named():
    with pytest.raises(DataError, match=r"fit: x: expected at least one batch in epoch 2, got 0: the iterable is used"):
        regression().fit(iter(BATCHES), epochs=3, verbose=0)


def test_an_unbuilt_model_predicts_batches_without_targets():
    model = Sequential([Dense(1)], seed=0)
    outputs = model.predict(x for x, _ in BATCHES)
    np.testing.assert_array_equal(outputs, model.predict(X, batch_size=10))


@pytest.mark.parametrize("argument", ["validation_steps", "validation_batch_size"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "3"])
def test_wrong_numbers_of_validation_are_refused(argument, value):
    with pytest.raises(ArgumentError, match=f"fit: {argument}: expected an integer of at least 1"):
        regression().fit(X, Y, validation_data=(X, Y), verbose=0, **{argument: value})


def test_validation_steps_without_validation_are_refused():
    with pytest.raises(ArgumentError, match="fit: validation_steps: expected None without validation"):
        regression().fit(X, Y, verbose=0, validation_steps=2)


def test_more_validation_steps_than_batches_are_refused():
    with pytest.raises(ArgumentError, match=r"fit: validation_steps: expected at most 2, .*got 3"):
        regression().fit(X, Y, validation_data=(X, Y), validation_steps=3, verbose=0)
    with pytest.raises(DataError, match="fit: validation_data: expected 5 batches in epoch 1, got 4"):
        regression().fit(X, Y, validation_data=BATCHES, validation_steps=5, verbose=0)


def forever(count):
    for batch in itertools.cycle(BATCHES):
        count.append(1)
        yield batch


class Forever:
    def __init__(self):
        self.count = []

    def __iter__(self):
        return forever(self.count)


@pytest.mark.parametrize("again", [False, True])
def test_validation_data_without_an_end_are_noticed_early(again):
    given = Forever()
    with pytest.raises(DataError, match=r"fit: validation_data: expected an end within 1,000 .* fit: validation_steps"):
        regression().fit(X, Y, validation_data=given if again else iter(given), verbose=0)
    assert len(given.count) <= 1001


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ((X * np.nan, Y), "validation_data: x: expected finite numbers"),
        ((X[:, :2], Y), r"validation_data: Dense 'dense' \(layer 0\): expected input of shape"),
        ((X, Y[:9]), "validation_data: y: expected a row for each of x"),
        ((X, Y, -np.ones(ROWS)), "validation_data: sample_weight: expected weights of at least 0"),
        ((X, Y, np.zeros(ROWS)), "validation_data: sample_weight: expected a positive weight"),
        ([(X, Y), (X, Y[:9])], "fit: validation_data: batch 1: y: expected a row for each of x"),
        (iter([X]), "fit: validation_data: batch 0: expected a tuple"),
        (iter([]), "fit: validation_data: expected batches, got an iterable that yields nothing"),
    ],
)
def test_a_message_about_validation_data_says_so(wrong, words):
    with pytest.raises(Exception, match=words):
        regression().fit(X, Y, validation_data=wrong, verbose=0)


@pytest.mark.parametrize("split", ["last", "shuffle"])
def test_weights_must_count_on_both_sides_of_the_split(split):
    for zero in (slice(None, 20), slice(20, None)):
        weight = np.ones(ROWS)
        weight[zero] = 0
        if split == "last":
            with pytest.raises(DataError, match="sample_weight: expected a positive weight"):
                regression().fit(X, Y, sample_weight=weight, validation_split=0.5, split=split, verbose=0)
        else:
            regression().fit(X, Y, sample_weight=weight, validation_split=0.5, split=split, verbose=0)


# Prediction and evaluation


def as_generator(batches):
    yield from batches


@pytest.mark.parametrize(
    "batches",
    [
        BATCHES,
        tuple(BATCHES),
        as_generator(BATCHES),
        as_generator([x for x, _ in BATCHES]),
        as_generator([(x,) for x, _ in BATCHES]),
        as_generator([[x, y] for x, y in BATCHES]),
        as_generator([(x, y, np.ones(10)) for x, y in BATCHES]),
        as_generator([x.tolist() for x, _ in BATCHES]),
        Numbered(),
    ],
)
def test_predict_takes_iterables_of_batches(batches):
    np.testing.assert_array_equal(regression().predict(batches), regression().predict(X, batch_size=10))


@pytest.mark.parametrize("callback", [None, callbacks.LambdaCallback()])
def test_predict_takes_a_number_of_batches(callback):
    model = regression()
    expected = model.predict(X[:20])
    for x in (itertools.cycle(BATCHES), BATCHES, X):
        np.testing.assert_array_equal(model.predict(x, 10, steps=2, callbacks=callback), expected)
    with pytest.raises(ArgumentError, match="predict: steps: expected at most 4, the number of batches, got 5"):
        model.predict(X, 10, steps=5)
    with pytest.raises(ArgumentError, match="predict: steps: expected an integer of at least 1, got 0"):
        model.predict(BATCHES, steps=0)


def test_evaluate_takes_a_number_of_batches_once():
    model = regression()
    assert model.evaluate(iter(BATCHES), steps=2, verbose=0) == model.evaluate(X[:20], Y[:20], 10, verbose=0)
    with pytest.raises(DataError, match="evaluate: x: expected 5 batches in epoch 1, got 4"):
        model.evaluate(BATCHES, steps=5, verbose=0)


@pytest.mark.parametrize("call", ["evaluate", "predict"])
def test_a_wrong_batch_is_named(call):
    with pytest.raises(DataError, match=f"{call}: x: batch 1: x: expected finite numbers"):
        getattr(regression(), call)(iter([BATCHES[0], (X * np.nan, Y)]))


# Arrays on disk


class Sliced:
    """Anything with a shape and slices, which notes the rows that are read."""

    def __init__(self, array):
        self.array, self.shape, self.read = array, array.shape, []

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        self.read.append(rows)
        return self.array[rows]


@pytest.mark.parametrize(
    ("shape", "stored"), [((), False), ((4,), True), ((4, 3), True), ([4, 3], False), (None, False), (4, False)]
)
def test_a_shape_and_slices_make_an_array_on_disk(shape, stored):
    sliced = Sliced(X)
    sliced.shape = shape
    assert is_stored(sliced) is stored
    assert is_stored(type("Unsliced", (), {"shape": shape})()) is False


@pytest.mark.parametrize("name", ["__array_interface__", "__dlpack__", "to_numpy", "toarray"])
def test_an_array_in_memory_is_none_on_disk(name):
    assert is_stored(type("InMemory", (Sliced,), {name: None})(X)) is False
    assert is_stored(X) is False


@pytest.fixture
def hdf5(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file.create_dataset("x", data=X, chunks=(7, 3), compression="gzip")
        file["y"], file["double"], file["labels"] = Y, X.astype("f8"), np.arange(ROWS) % 2
        yield file


@pytest.mark.parametrize("x", ["x", "double"])
def test_arrays_in_a_file_give_what_arrays_in_memory_give(hdf5, x):
    def results(model, x, y):
        history = model.fit(x, y, batch_size=8, epochs=2, validation_split=0.25, verbose=0).history
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0, validation_data=(x, y))
        losses = model.evaluate(x, y, verbose=0), model.train_on_batch(x, y), model.test_on_batch(x, y)
        return [history, losses, model.predict(x).tolist(), model.predict(x, 7).tolist(), model(x).tolist()]

    assert results(regression(), hdf5[x], hdf5["y"]) == results(regression(), X, Y)
    assert results(regression(), Sliced(X), Y) == results(regression(), X, Y)


def test_an_array_on_disk_is_read_a_batch_at_a_time():
    x = Sliced(np.tile(X, (10_000, 1)))
    y = np.zeros(len(x.array))
    regression().fit(x, y, batch_size=1000, shuffle=False, verbose=0)
    regression().predict(x, batch_size=1000)
    assert {rows.stop - (rows.start or 0) for rows in x.read} == {1, 1000, CHECKED // 3}  # its type, batches, checks


def test_predict_with_callbacks_reads_an_array_on_disk_a_batch_at_a_time():
    x = Sliced(np.tile(X, (10_000, 1)))
    outputs = regression().predict(x, batch_size=1000, steps=2, callbacks=[callbacks.Callback()])
    np.testing.assert_array_equal(outputs, regression().predict(np.tile(X, (50, 1)), batch_size=1000))
    assert {rows.stop - (rows.start or 0) for rows in x.read} == {1, 1000, CHECKED // 3}


def test_rows_in_any_order_are_read_in_increasing_order():
    x = Sliced(np.arange(30.0).reshape(10, 3))
    stored = StoredArray(x, "x")
    rows = np.array([7, 2, 3, 9, 2])
    np.testing.assert_array_equal(stored.take(rows), x.array[rows])
    assert [(part.start, part.stop) for part in x.read[1:]] == [(2, 4), (7, 8), (9, 10)]
    np.testing.assert_array_equal(stored[[0, 9, 1]], x.array[[0, 9, 1]])
    assert [(part.start, part.stop) for part in x.read[4:]] == [(0, 2), (9, 10)]


def test_no_rows_of_an_array_on_disk_are_an_empty_array():
    x = Sliced(X)
    none = StoredArray(x, "x")[np.array([], int)]
    assert (none.shape, none.dtype) == ((0, 3), X.dtype)
    assert x.read[1:] == [slice(None, 0)]
    assert len(StoredArray(x, "x")) == ROWS


def test_training_on_an_array_on_disk_resumes_exactly(hdf5, tmp_path):
    def run(epochs, **more):
        model, saving = regression(), callbacks.ModelCheckpoint(tmp_path / "checkpoint")
        model.fit(hdf5["x"], hdf5["y"], 8, epochs, verbose=0, callbacks=[saving], **more)
        return model.parameters.values

    expected = run(4)
    run(2)
    np.testing.assert_array_equal(run(4, resume=tmp_path / "checkpoint"), expected)


def test_a_wrong_value_on_disk_is_named(hdf5):
    hdf5["x"][17, 1] = np.nan
    with pytest.raises(DataError, match=re.escape("x: expected finite numbers, got nan at row 17, column 1 (1 of 120")):
        regression().fit(hdf5["x"], Y, verbose=0)


def test_labels_in_a_file_are_labels(hdf5):
    model = Sequential([Input((3,)), Dense(2, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    assert np.isfinite(model.fit(hdf5["x"], hdf5["labels"], verbose=0).history["loss"]).all()


def test_text_in_a_file_is_no_number(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = ["a", "b"]
        with pytest.raises(DataError, match="x: expected real numbers"):
            regression().predict(file["x"])
        with pytest.raises(DataError, match=r"x: expected an array .*File with arrays named 'x'. Pass one"):
            regression().predict(file)


def test_a_stream_warns_between_the_steps_of_fit_as_outside_of_it():
    def batches():
        for batch in BATCHES:
            np.log(np.zeros(1))
            yield batch

    with pytest.warns(RuntimeWarning, match="divide by zero") as found:
        regression().fit(batches(), steps_per_epoch=4, verbose=0)
    assert len(found) == 4
