"""MinidlClassifier and MinidlRegressor: a `Sequential` as an estimator of scikit-learn.

They work wherever scikit-learn's estimators do: pipelines, searches, cross-validation, calibration. They need
scikit-learn 1.6 or newer: ``pip install "minidl[sklearn]"``.
"""

from minidl.errors import MissingPackageError

try:
    from minidl.sklearn.classifier import MinidlClassifier
    from minidl.sklearn.estimator import MinidlEstimator
    from minidl.sklearn.regressor import MinidlRegressor
except ImportError as error:
    fix = 'Run: pip install "minidl[sklearn]"'
    message = f"minidl.sklearn: expected scikit-learn 1.6 or newer, got: {error}. {fix}"
    raise MissingPackageError(message) from error

__all__ = ["MinidlClassifier", "MinidlEstimator", "MinidlRegressor"]
