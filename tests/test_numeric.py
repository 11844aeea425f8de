"""The numeric kernels against mpmath: 10,000 points each, and the special values."""

import mpmath
import numpy as np
import pytest

from minidl import normal, numeric

DTYPES = [np.float32, np.float64]
POINTS = 10_000


def points(dtype):
    """Points around 0, of every magnitude up to 1e4, where float32 and float64 underflow, and special ones."""
    rng = np.random.default_rng(0)
    quarter = POINTS // 4
    edge = 110 if dtype == np.float32 else 760
    magnitudes = 10.0 ** rng.uniform(-30, 4, quarter) * rng.choice([-1, 1], quarter)
    parts = [rng.normal(size=quarter), rng.normal(size=quarter) * 10, rng.uniform(-edge, edge, quarter), magnitudes]
    info = np.finfo(dtype)
    special = [0.0, -0.0, info.tiny, -info.tiny, info.smallest_subnormal, 1e4, -1e4, info.max, info.min]
    return np.concatenate([*parts, special]).astype(dtype)


def ulps(got, exact):
    """Return the largest error of ``got`` in units in the last place of the exact values."""
    info = np.finfo(got.dtype)
    worst = 0.0
    for value, truth in zip(got.ravel().tolist(), exact, strict=True):
        exponent = max(mpmath.frexp(truth)[1] - 1, info.minexp) if truth else info.minexp
        unit = mpmath.ldexp(1, exponent - info.nmant)
        worst = max(worst, float(abs(mpmath.mpf(value) - truth) / unit))
    return worst


@pytest.fixture(autouse=True)
def _digits():
    with mpmath.workdps(40):
        yield


def exact_sigmoid(z):
    return 1 / (1 + mpmath.exp(-z)) if z > -1e5 else mpmath.mpf(0)


def exact_softplus(z):
    return mpmath.log1p(mpmath.exp(z)) if abs(z) < 200 else (z if z > 0 else (mpmath.exp(z) if z > -1e5 else 0 * z))


def exact_normal_cdf(z):
    return mpmath.ncdf(z) if abs(z) < 1e3 else mpmath.mpf(z > 0)


def exact_normal_density(z):
    return mpmath.npdf(z) if abs(z) < 1e3 else mpmath.mpf(0)


# function, exact function, allowed units in the last place for float32 and float64
ELEMENTWISE = [
    (numeric.sigmoid, exact_sigmoid, 4, 4),
    (numeric.softplus, exact_softplus, 4, 4),
    (normal.normal_density, exact_normal_density, 4, 4),
    (normal.normal_cdf, exact_normal_cdf, 4, 4),
]
NAMES = [row[0].__name__ for row in ELEMENTWISE]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("function", "exact", "limit32", "limit64"), ELEMENTWISE, ids=NAMES)
def test_elementwise_kernels_are_exact_to_a_few_ulp(function, exact, limit32, limit64, dtype, record_property):
    z = points(dtype)
    y = function(z)
    assert y.dtype == dtype
    worst = ulps(y, [exact(mpmath.mpf(value)) for value in z.tolist()])
    record_property("ulp", worst)
    assert worst <= (limit32 if dtype == np.float32 else limit64)


def logits(dtype, rows=POINTS // 4):
    """Rows of 4 logits of several magnitudes: ties, confident and undecided ones."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(rows, 4)) * rng.choice([1, 10, 40, 300], size=(rows, 1))
    z[::7, 1] = z[::7, 0]
    return z.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_and_its_logarithm_are_exact_to_4_ulp(dtype, record_property):
    z = logits(dtype)
    probabilities, logarithms = [], []
    for row in z.tolist():
        e = [mpmath.exp(value) for value in row]
        for column in range(len(row)):
            others = mpmath.fsum(e[:column] + e[column + 1 :]) / e[column]
            probabilities.append(1 / (1 + others))
            logarithms.append(-mpmath.log1p(others))
    y, log_y = numeric.softmax(z), numeric.log_softmax(z)
    assert y.dtype == log_y.dtype == dtype
    record_property("ulp", worst := (ulps(y, probabilities), ulps(log_y, logarithms)))
    assert max(worst) <= 4


@pytest.mark.parametrize("function", [numeric.sigmoid, numeric.softplus, normal.normal_cdf, normal.normal_density])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_elementwise_kernels_keep_the_dtype_and_pass_nan_on_silently(function, dtype):
    z = np.array([[np.nan, 0.5]], dtype)
    y = function(z)
    assert y.dtype == dtype
    assert np.isnan(y[0, 0])
    assert np.isfinite(y[0, 1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_softmax_is_silent_at_the_largest_numbers_and_passes_nan_on(dtype):
    largest = np.finfo(dtype).max
    z = np.array([[largest, -largest, 0], [-largest, -largest, -largest], [np.nan, 0, 1]], dtype)
    y, log_y = numeric.softmax(z), numeric.log_softmax(z)
    assert y.dtype == log_y.dtype == dtype
    np.testing.assert_array_equal(y[0], [1, 0, 0])
    np.testing.assert_allclose(y[1], 1 / 3, rtol=1e-6)
    assert log_y[0, 0] == 0
    assert np.isnan(y[2]).all()
    assert np.isnan(log_y[2]).all()


@pytest.mark.parametrize("function", [numeric.sigmoid, numeric.softplus, normal.normal_cdf, normal.normal_density])
def test_longdouble_is_more_exact_than_float64(function):
    z = np.random.default_rng(0).normal(size=200).astype(np.longdouble) * 3
    exact = {row[0]: row[1] for row in ELEMENTWISE}[function]
    for value, y in zip(z, function(z), strict=True):
        truth = exact(mpmath.mpf(np.format_float_scientific(value, precision=30, unique=False)))
        got = mpmath.mpf(np.format_float_scientific(y, precision=30, unique=False))
        assert abs(got - truth) <= 64 * float(np.finfo(np.longdouble).eps) * truth


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4)])
def test_softmax_sums_over_the_last_axis(shape):
    z = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_allclose(numeric.softmax(z), np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True), rtol=1e-14)


@pytest.mark.parametrize("rows", [1, 100, 4096, 4097, 10_000, 1_000_000])
def test_column_sums_in_float32_are_right_to_5e_6(rows):
    dy = np.random.default_rng(0).random((rows, 3), dtype=np.float32)
    exact = dy.sum(axis=0, dtype=np.float64)
    sums = numeric.column_sums(dy)
    assert sums.dtype == np.float32
    np.testing.assert_allclose(sums, exact, rtol=5e-6)


@pytest.mark.slow
def test_column_sums_of_ten_million_rows_are_right_to_5e_6():
    dy = np.random.default_rng(0).random((10_000_000, 2), dtype=np.float32)
    np.testing.assert_allclose(numeric.column_sums(dy), dy.sum(axis=0, dtype=np.float64), rtol=5e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("rows", [0, 5, 5000])
def test_column_sums_write_into_out(dtype, rows):
    dy = np.random.default_rng(0).normal(size=(rows, 2)).astype(dtype)
    out = np.full(2, np.nan, dtype)
    assert numeric.column_sums(dy, out=out) is out
    np.testing.assert_allclose(out, dy.sum(axis=0), rtol=1e-4, atol=1e-4)


def test_column_sums_take_any_memory_layout():
    dy = np.random.default_rng(0).normal(size=(6, 8))
    for view in (dy[::2, ::-1], np.asfortranarray(dy), np.broadcast_to(dy[:1], dy.shape)):
        np.testing.assert_allclose(numeric.column_sums(view), view.sum(axis=0), rtol=1e-14)


def test_one_hot_puts_a_one_at_each_label():
    rows = numeric.one_hot(np.array([2, 0]), 3)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, [[0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_dot_product_that_overflows_is_infinite_without_a_warning(dtype):
    x = np.full(3, np.finfo(dtype).max)
    with np.errstate(all="raise"):
        assert numeric.dot_for(x.dtype)(x, x) == np.inf


def test_a_total_is_the_same_number_without_scipy(monkeypatch):
    values = np.arange(12, dtype="float32").reshape(3, 4)
    monkeypatch.setattr(numeric, "_library", lambda: None)
    numeric.dot_for.cache_clear()
    try:
        assert repr(numeric.total(values)) == "66.0"
    finally:
        numeric.dot_for.cache_clear()


def test_select_gives_the_same_values_as_where():
    x = np.array([-np.inf, -2, -1e-40, -0.0, 0, 1e-40, 3, np.inf], "float32")
    got = x * numeric.select(x >= 0, 1, 0.3, x.dtype)
    np.testing.assert_array_equal(got, np.where(x >= 0, x, np.float32(0.3) * x))
    assert got.dtype == np.float32
