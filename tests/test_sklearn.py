"""MinidlClassifier and MinidlRegressor: estimators in every place where scikit-learn puts one."""

import pickle
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris, make_friedman1, make_multilabel_classification
from sklearn.ensemble import BaggingRegressor, StackingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from minidl import Dense, Dropout, Input, Sequential, load_model
from minidl.callbacks import Callback, EarlyStopping, LambdaCallback
from minidl.errors import ArgumentError
from minidl.layers import Columns
from minidl.losses import BinaryCrossentropy, SparseCategoricalCrossentropy
from minidl.optimizers import SGD, Adam
from minidl.sklearn import MinidlClassifier, MinidlRegressor

ROOT = Path(__file__).parent.parent
IRIS = load_iris()
X = StandardScaler().fit_transform(IRIS.data)
NAMES = IRIS.target_names[IRIS.target]  # text
BOTH = IRIS.target < 2  # rows of the first two classes


def classifier(*args, **kwargs):
    return MinidlClassifier(*args, **{"epochs": 30, "batch_size": 16, "random_state": 0, **kwargs})


def friedman():
    x, y = make_friedman1(200, random_state=0)
    return StandardScaler().fit_transform(x), StandardScaler().fit_transform(y[:, None])[:, 0]


def weights_of(estimator):
    return np.concatenate([array.ravel() for array in estimator.model_.get_weights()])


CHECKS = [pair for cls in (MinidlClassifier, MinidlRegressor) for pair in estimator_checks_generator(cls())]


@pytest.mark.parametrize(
    ("estimator", "check"), CHECKS, ids=[f"{type(one).__name__}-{check.func.__name__}" for one, check in CHECKS]
)
def test_every_check_of_scikit_learn_passes(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks' own
        check(estimator)


# In scikit-learn's hands


def test_a_search_with_processes_goes_over_layers_and_the_learning_rate():
    pipeline = make_pipeline(StandardScaler(), classifier(epochs=5))
    layers = [[Dense(4, activation="tanh")], [Dense(16, activation="relu"), Dropout(0.1), Dense(8)]]
    grid = {"minidlclassifier__layers": layers, "minidlclassifier__optimizer__learning_rate": [1e-5, 0.02]}
    search = GridSearchCV(pipeline, grid, n_jobs=2, cv=3).fit(IRIS.data, NAMES)
    best = search.best_estimator_[-1]
    assert search.best_params_["minidlclassifier__optimizer__learning_rate"] == 0.02
    assert best.model_.optimizer.learning_rate == 0.02
    assert repr(best.layers) in [repr(candidate) for candidate in layers]
    assert search.score(IRIS.data, NAMES) > 0.9


def test_a_search_goes_over_arguments_of_named_optimizers_and_losses():
    grid = {"optimizer": ["sgd", Adam()], "optimizer__learning_rate": [0.01, 0.02]}
    found = GridSearchCV(classifier(epochs=2), grid, cv=2).fit(X, NAMES).cv_results_["params"]
    assert len(found) == 4
    smoothed = classifier(loss="sparse_categorical_crossentropy").set_params(optimizer__beta_1=0.8)
    assert repr(smoothed.optimizer) == "Adam(learning_rate=0.005, beta_1=0.8)"
    with pytest.raises(ArgumentError, match="Did you mean 'beta_1'"):
        smoothed.set_params(optimizer__beta1=0.8)


def test_cross_validation_calibration_and_ensembles_take_it():
    assert cross_val_score(classifier(), X, NAMES, cv=3).mean() > 0.9
    assert CalibratedClassifierCV(classifier(), cv=2).fit(X, NAMES).score(X, NAMES) > 0.9
    stack = StackingClassifier([("a", classifier()), ("b", classifier([Dense(4)]))], LogisticRegression(), cv=2)
    assert stack.fit(X, NAMES).score(X, NAMES) > 0.9
    x, y = friedman()
    bagging = BaggingRegressor(MinidlRegressor(epochs=30, batch_size=16), 3, random_state=0).fit(x, y)
    assert bagging.score(x, y) > 0.8
    importance = permutation_importance(bagging, x, y, n_repeats=2, random_state=0).importances_mean
    assert importance[:5].min() > importance[5:].max()  # the function depends on the first five


def test_a_fitted_estimator_can_be_pickled_and_cloned():
    fitted = classifier([Dense(8, activation="tanh")], callbacks=[EarlyStopping("loss")]).fit(X, NAMES)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    fresh = clone(fitted)
    assert not hasattr(fresh, "model_")
    np.testing.assert_array_equal(weights_of(fresh.fit(X, NAMES)), weights_of(fitted))


def test_the_html_of_a_pipeline_shows_the_layers():
    html = make_pipeline(StandardScaler(), classifier([Dense(8, activation="tanh")]))._repr_html_()
    assert "MinidlClassifier" in html
    assert "Dense(8" in html


def test_column_names_are_remembered_and_others_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=IRIS.feature_names)
    fitted = classifier(epochs=1).fit(frame, NAMES)
    assert fitted.feature_names_in_.tolist() == IRIS.feature_names
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame[IRIS.feature_names[::-1]])


# Targets


def test_text_labels_come_back_as_text_and_probabilities_in_their_order():
    fitted = classifier().fit(X, NAMES)
    assert fitted.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[probabilities.argmax(axis=1)])
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), probabilities)
    assert fitted.score(X, NAMES) > 0.9


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"layers": [Dense(4), Dense(2, activation="softmax")]},
        {"layers": [Dense(4), Dense(1, activation="sigmoid")]},
        {"layers": [Dense(4)], "loss": "binary_crossentropy"},
        {"layers": [Dense(4)], "loss": BinaryCrossentropy(from_logits=True)},
        {"layers": [Dense(4)], "loss": "categorical_crossentropy"},
        {"layers": [Dense(4)], "loss": "mse"},
        {"layers": lambda features, outputs: [Dense(4), Dense(outputs)]},
        {"layers": Sequential([Input((4,)), Dense(4)])},
        {"layers": Dense(4)},
        {"optimizer": "lbfgs", "hidden_layer_sizes": 4},
        {"early_stopping": True, "loss": "mse"},
    ],
    ids=lambda arguments: re.sub(r"<function <lambda>.*?>", "a function", repr(arguments)),
)
def test_two_classes_are_learned_by_every_kind_of_network(arguments):
    fitted = classifier(**arguments).fit(X[BOTH], NAMES[BOTH])
    probabilities = fitted.predict_proba(X[BOTH])
    assert probabilities.shape == (100, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert fitted.score(X[BOTH], NAMES[BOTH]) == 1


def test_one_against_the_rest_has_probabilities_that_sum_to_1():
    fitted = classifier(loss="binary_crossentropy").fit(X, NAMES)
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)
    assert fitted.score(X, NAMES) > 0.9


def test_an_indicator_matrix_has_a_yes_or_no_for_each_column():
    x, y = make_multilabel_classification(200, n_classes=3, random_state=0)
    fitted = classifier(epochs=60).fit(StandardScaler().fit_transform(x), y)
    prediction = fitted.predict(StandardScaler().fit_transform(x))
    assert fitted.multilabel_
    assert set(np.unique(prediction)) == {0, 1}
    assert (prediction == y).mean() > 0.9


def test_a_regressor_predicts_as_many_columns_as_it_was_shown():
    x, y = friedman()
    one = MinidlRegressor(epochs=80, batch_size=16, random_state=0).fit(x, y)
    two = MinidlRegressor(epochs=80, batch_size=16, random_state=0).fit(x, np.stack([y, -y], axis=1))
    assert one.predict(x).shape == (200,)
    assert two.predict(x).shape == (200, 2)
    assert min(one.score(x, y), two.score(x, np.stack([y, -y], axis=1))) > 0.9
    with pytest.raises(ValueError, match="expected 2 columns, as in the first call, got one axis"):
        two.partial_fit(x, y)


def test_counts_are_predicted_above_0_with_the_poisson_loss():
    x, y = friedman()
    fitted = MinidlRegressor(loss="poisson", epochs=20, random_state=0).fit(x, np.round(np.exp(y)))
    assert fitted.predict(x).min() > 0


# Layers


def test_the_layers_that_are_passed_stay_as_they_are():
    layers, optimizer, callback = [Dense(4, name="hidden"), Dropout(0.5)], Adam(0.01), EarlyStopping("loss")
    fitted = classifier(layers, optimizer=optimizer, callbacks=callback).fit(X, NAMES)
    assert fitted.model_["hidden"] is not layers[0]
    assert layers[0].output_shape is None
    assert (optimizer.iterations, callback.best) == (0, None)
    fitted.fit(X, NAMES)  # again, with the same objects


def test_hidden_layers_get_an_output_layer_and_whole_networks_none():
    sizes = {
        4: None,
        5: [Dense(7, activation="relu"), Dense(3, activation="relu")],  # three outputs, but no probabilities
        2: [Dense(7, activation="relu"), Dense(3, activation="softmax")],
    }
    models = [
        classifier(layers, hidden_layer_sizes=(7, 6, 5), epochs=1).fit(X, NAMES).model_ for layers in sizes.values()
    ]
    assert [len(model) for model in models] == [4, 3, 2]
    x, y = friedman()
    whole = MinidlRegressor([Dense(4, activation="relu"), Dense(1)], epochs=1).fit(x, y)
    hidden = MinidlRegressor([Dense(4, activation="relu"), Dense(1, activation="relu")], epochs=1).fit(x, y)
    assert (len(whole.model_), len(hidden.model_)) == (2, 3)


def test_a_function_is_told_the_numbers_of_features_and_outputs():
    told = []

    def layers(features, outputs):
        told.append((features, outputs))
        return [Dense(outputs, activation="softmax")]

    assert len(classifier(layers).fit(X, NAMES).model_) == 1
    assert told == [(4, 3)]


def test_no_hidden_layer_is_a_linear_model():
    assert len(classifier(hidden_layer_sizes=()).fit(X, NAMES).model_) == 1


def test_the_network_can_be_saved_and_loaded_on_its_own(tmp_path):
    fitted = classifier().fit(X, NAMES)
    fitted.model_.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(load_model(tmp_path / "m.safetensors").predict(X), fitted.predict_proba(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_network_computes_in_the_type_of_the_samples(dtype):
    fitted = classifier(epochs=1).fit(X.astype(dtype), NAMES)
    assert fitted.model_.dtype == fitted.predict_proba(X.astype(dtype)).dtype == dtype


def test_random_state_is_the_seed():
    assert classifier(random_state=7).fit(X, NAMES).model_.seed == 7
    first, second = (classifier(random_state=np.random.RandomState(3)).fit(X, NAMES) for _ in range(2))
    np.testing.assert_array_equal(weights_of(first), weights_of(second))


# Training


def test_the_loss_curve_has_a_value_for_each_epoch():
    fitted = classifier(epochs=7, metrics=["accuracy"], validation_split=0.2).fit(X, NAMES)
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 7
    assert set(fitted.history_) == {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"}
    assert fitted.loss_curve_ is fitted.history_["loss"]


def test_no_epoch_is_an_untrained_network():
    fitted = classifier(epochs=0).fit(X, NAMES)
    assert (fitted.n_iter_, fitted.loss_curve_) == (0, [])
    assert fitted.predict_proba(X).shape == (150, 3)


def test_training_stops_when_the_loss_stays():
    assert classifier(epochs=100, tol=10.0, n_iter_no_change=3).fit(X, NAMES).n_iter_ == 4
    assert classifier(epochs=12, tol=10.0, n_iter_no_change=None).fit(X, NAMES).n_iter_ == 12


def test_early_stopping_restores_the_best_weights():
    fitted = classifier(optimizer=SGD(2.0), epochs=60, early_stopping=True, n_iter_no_change=5).fit(X, NAMES)
    losses = fitted.history_["val_loss"]
    assert len(losses) < 60
    assert np.argmin(losses) < len(losses) - 1
    assert fitted.score(X, NAMES) > 0.7


def test_an_early_stopping_of_the_user_replaces_the_own():
    stop = EarlyStopping("loss", patience=2, min_delta=10.0)
    assert classifier(epochs=40, callbacks=[stop], n_iter_no_change=30).fit(X, NAMES).n_iter_ == 3


def test_partial_fit_takes_an_epoch_each_and_continues():
    learned = classifier(batch_size=16)
    for _ in range(30):
        learned.partial_fit(X, NAMES, classes=np.unique(NAMES))
    assert learned.n_iter_ == 30
    assert learned.score(X, NAMES) > 0.9
    np.testing.assert_array_equal(weights_of(learned), weights_of(classifier(n_iter_no_change=None).fit(X, NAMES)))


def test_partial_fit_needs_all_classes_first():
    with pytest.raises(ValueError, match=r"expected all classes in the first call, got None. Pass them"):
        classifier().partial_fit(X, NAMES)
    started = classifier().partial_fit(X[BOTH], NAMES[BOTH], classes=["setosa", "versicolor"])
    started.partial_fit(X[:10], NAMES[:10])
    with pytest.raises(ValueError, match=r"expected the classes of the first call, \['setosa' 'versicolor'\]"):
        started.partial_fit(X, NAMES)
    with pytest.raises(ValueError, match=r"classes in `classes`, \['setosa' 'versicolor'\], got 'virginica'"):
        classifier().partial_fit(X, NAMES, classes=["setosa", "versicolor"])
    with pytest.raises(ValueError, match="expected a dict, got 'balanced'"):
        classifier(class_weight="balanced").partial_fit(X, NAMES, classes=np.unique(NAMES))


def test_a_solver_that_needs_all_samples_has_no_partial_fit():
    assert not hasattr(classifier(optimizer="lbfgs"), "partial_fit")
    assert hasattr(classifier(optimizer="adm"), "partial_fit")  # a wrong name is an error of fit
    assert hasattr(classifier(), "partial_fit")


def test_warm_start_continues_where_fit_ended():
    warm = classifier(epochs=15, warm_start=True, n_iter_no_change=None).fit(X, NAMES).fit(X, NAMES)
    assert warm.n_iter_ == 30
    np.testing.assert_array_equal(weights_of(warm), weights_of(classifier(n_iter_no_change=None).fit(X, NAMES)))


def test_a_warm_start_refuses_other_labels_and_another_number_of_columns():
    numbers = classifier(epochs=1, warm_start=True).fit(X, IRIS.target)
    with pytest.raises(ValueError, match=r"y: expected the classes of the first call, \[0 1 2\], got 3"):
        numbers.fit(X, IRIS.target + 1)
    columns = classifier(epochs=1, warm_start=True).fit(X, np.eye(3, dtype=int)[IRIS.target])
    with pytest.raises(ValueError, match=r"y: expected the classes of the first call, \[0 1 2\], got others"):
        columns.fit(X, np.eye(4, dtype=int)[IRIS.target])
    with pytest.raises(ValueError, match=r"y: expected the classes of the first call, \[0 1 2\], got others"):
        columns.fit(X, IRIS.target)


@pytest.mark.parametrize("name", ["loss__label_smoothing", "callbacks__patience", "layers__units"])
def test_a_setting_of_an_argument_that_is_none_is_refused_in_words(name):
    argument = name.partition("__")[0]
    with pytest.raises(ArgumentError, match=f"set_params: {name}: expected an object as {argument}, got None"):
        classifier().set_params(**{name: 3})


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (Dense, r"expected an instance, got the class Dense\. Write Dense\(\.\.\.\)"),
        (iter([Dense(8)]), "expected a list of layers, .*, got <list_iterator"),  # empty in a second fit
        (lambda features: [Dense(3)], r"expected a function of \(features, outputs\), got <function"),
        ([Input((3,)), Dense(8)], r"expected Input\(\(4,\)\) for the columns of X, got Input\(\(3,\)\)"),
    ],
)
def test_layers_that_cannot_be_used_are_refused_in_words(layers, words):
    with pytest.raises(ArgumentError, match=f"^MinidlClassifier: layers: {words}"):
        classifier(layers).fit(X, NAMES)


@pytest.mark.parametrize("loss", ["mean_squared_error", "mean_absolute_error", "huber", "poisson", "hinge"])
def test_several_labels_of_a_sample_have_probabilities_of_their_own(loss):
    labels = np.column_stack([X[:, 0] > 0, X[:, 0] < 0, X[:, 0] > -9]).astype(int)  # the last one is always 1
    fitted = classifier(loss=loss, epochs=60).fit(X, labels)
    assert fitted.score(X, labels) > 0.9
    assert fitted.predict_proba(X).sum(axis=1).min() > 1.2


def test_probabilities_that_are_all_too_small_are_equal():
    fitted = classifier(lambda features, outputs: [Dense(outputs, activation="sigmoid")], epochs=1).fit(X, NAMES)
    fitted.model_.set_weights([np.zeros((4, 3)), np.array([-1e4, -1e4, -1e4])])
    np.testing.assert_array_equal(fitted.predict_proba(X[:2]), np.full((2, 3), 1 / 3))


def test_layers_take_the_columns_of_a_frame_by_name():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c", "d"])
    by_name = classifier([Columns("d", "b"), Dense(8)], epochs=2).fit(frame, NAMES)
    by_number = classifier([Columns(3, 1), Dense(8)], epochs=2).fit(X, NAMES)
    np.testing.assert_array_equal(by_name.predict_proba(frame), by_number.predict_proba(X))
    assert by_name.model_.feature_names == ("a", "b", "c", "d")


@pytest.mark.parametrize("name", ["warm_start", "early_stopping"])
def test_a_flag_is_true_or_false(name):
    with pytest.raises(ArgumentError, match=f"^MinidlClassifier: {name}: expected True or False, got 'no'"):
        classifier(**{name: "no"}).fit(X, NAMES)


@pytest.mark.parametrize("scale", [1, 1000, 1e307, 1e-310])
def test_a_weight_of_2_is_the_sample_twice(scale):
    x, y = friedman()
    weight = np.where(np.arange(200) < 50, 2, 1)
    weighted = MinidlRegressor(batch_size=1000, random_state=0).fit(x, y, sample_weight=scale * weight)
    repeated = MinidlRegressor(batch_size=1000, random_state=0).fit(np.repeat(x, weight, 0), np.repeat(y, weight))
    np.testing.assert_allclose(weights_of(weighted), weights_of(repeated), rtol=1e-6, atol=1e-9)


def test_class_weights_are_weights_of_the_samples():
    by_class = classifier(class_weight={"virginica": 3}).fit(X, NAMES)
    by_sample = classifier().fit(X, NAMES, sample_weight=np.where(NAMES == "virginica", 3.0, 1.0))
    np.testing.assert_array_equal(weights_of(by_class), weights_of(by_sample))
    few = slice(0, 60)  # 50 and 10
    balanced = classifier(class_weight="balanced").fit(X[few], NAMES[few])
    explicit = classifier(class_weight={"setosa": 0.6, "versicolor": 3.0}).fit(X[few], NAMES[few])
    np.testing.assert_allclose(weights_of(balanced), weights_of(explicit))


def test_callbacks_run_as_copies():
    seen = []

    class Remember(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.epoch = epoch

    callback = Remember()
    classifier(epochs=2, callbacks=[callback, LambdaCallback(on_epoch_end=lambda e, logs: seen.append(e))]).fit(
        X, NAMES
    )
    assert seen == [0, 1]
    assert not hasattr(callback, "epoch")


# What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "adm"}, "MinidlClassifier: optimizer: expected .*Did you mean 'adam'"),
        ({"loss": "sparse_crossentropy"}, "MinidlClassifier: loss: expected one of .*Did you mean"),
        ({"hidden_layer_sizes": (8, 0)}, "hidden_layer_sizes: expected an integer of at least 1, got 0"),
        ({"hidden_layer_sizes": (8, 2.5)}, "hidden_layer_sizes: expected an integer of at least 1, got 2.5"),
        ({"activation": "rely"}, "Did you mean 'relu'"),
        ({"layers": [Dense]}, "Write Dense"),
        ({"layers": 3}, "MinidlClassifier: layers: expected a list of layers, a function or a Sequential, got 3"),
        ({"layers": ["relu"]}, "expected a layer, got 'relu'"),
        ({"layers": lambda features, outputs: [Dense(5, activation="softmax")]}, "expected 3 outputs"),
        ({"loss": SparseCategoricalCrossentropy, "layers": None}, "Write SparseCategoricalCrossentropy"),
        ({"epochs": -1}, "epochs: expected an integer of at least 0"),
        (
            {"batch_size": "large"},
            r"MinidlClassifier: batch_size \(or 'auto'\): expected an integer of at least 1, got 'large'",
        ),
        ({"validation_split": 1.5}, "validation_split: expected"),
        ({"n_iter_no_change": -3}, "patience: expected an integer of at least 0"),
        ({"l2": -1}, "l2: expected a finite number >= 0"),
        ({"callbacks": ["x"]}, "expected a Callback at 0"),
        ({"random_state": -5}, "seed: expected an integer of at least 0"),
        ({"class_weight": "even"}, "balanced"),
    ],
)
def test_a_bad_argument_is_a_value_error_that_names_it(arguments, message):
    with pytest.raises(ValueError, match=message):
        classifier(**arguments).fit(X, NAMES)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, np.stack([NAMES, NAMES], axis=1), "multioutput|columns of 0 and 1"),
        (X[:3], NAMES[:3], "at least 2 classes, got 1 class"),
        (X, np.linspace(0, 1, 150), "continuous"),
        (X[:, :, None], NAMES, "dim"),
        (np.where(X > 2, np.nan, X), NAMES, "NaN"),
    ],
)
def test_data_that_cannot_be_used_is_a_value_error(x, y, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(x, y)


def test_a_sparse_matrix_is_refused_with_the_way_to_make_it_dense():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="toarray"):
        classifier().fit(sparse.csr_matrix(X), NAMES)


def test_predicting_before_fit_is_refused():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        classifier().predict(X)


# The page


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_the_page_says_what_every_argument_and_attribute_becomes(kind):
    left = re.findall(r"(?m)^\| (`.*?) \|", (ROOT / "docs" / "scikit-learn.md").read_text(encoding="utf-8"))
    named = set(re.findall(r"\w+", " ".join(left)))
    x, y = friedman()
    fitted = kind(early_stopping=True, max_iter=1).set_params(n_iter_no_change=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one epoch does not converge
        fitted.fit(x, y > 0)
    attributes = {name for name in vars(fitted) if name[0] != "_" and name.endswith("_")}
    assert {*kind().get_params(), *attributes} <= named


# Without scikit-learn


@pytest.mark.parametrize(
    "hidden",
    [
        "sys.modules['sklearn'] = None",
        "sys.modules['sklearn.utils.validation'] = type(sys)('sklearn.utils.validation')",
    ],
)
def test_without_a_new_enough_scikit_learn_the_import_says_what_to_install(hidden):
    code = f"""
import sys; {hidden}
import minidl
try:
    import minidl.sklearn
except ImportError as error:
    print(error)
model = minidl.Sequential([minidl.Input((2,)), minidl.Dense(1)]); model.compile("adam", "mse")
model.fit([[0.0, 1.0]], [1.0], verbose=0)
"""
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "minidl.sklearn: expected scikit-learn 1.6 or newer" in run.stdout
    assert 'pip install "minidl[sklearn]"' in run.stdout


def test_minidl_does_not_import_scikit_learn():
    code = "import sys, minidl; assert not any(name.startswith('sklearn') for name in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
