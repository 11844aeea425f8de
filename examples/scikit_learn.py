"""A network in a pipeline of scikit-learn: a search over its layers and learning rate, in processes.

Run: ``python examples/scikit_learn.py``; it needs scikit-learn (``pip install "minidl[sklearn]"``). It classifies
wines of three growers by 13 measurements.
"""

from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from minidl import Dense, Dropout
from minidl.sklearn import MinidlClassifier

GRID = {
    "minidlclassifier__layers": [
        [Dense(8, activation="tanh")],
        [Dense(32, activation="relu"), Dropout(0.2), Dense(16, activation="relu")],
    ],
    "minidlclassifier__optimizer__learning_rate": [0.001, 0.01],
}


def main():
    wine = load_wine()
    x, x_new, y, y_new = train_test_split(
        wine.data, wine.target_names[wine.target], stratify=wine.target, random_state=0
    )
    pipeline = make_pipeline(StandardScaler(), MinidlClassifier(epochs=60, batch_size=16, random_state=0))
    search = GridSearchCV(pipeline, GRID, n_jobs=2, cv=3).fit(x, y)
    best = search.best_estimator_[-1]
    print(f"layers {best.layers}")
    print(f"learning rate {best.model_.optimizer.learning_rate}")
    print(f"unseen wines: {search.score(x_new, y_new):.1%}; the first is {search.predict(x_new[:1])[0]}")


if __name__ == "__main__":
    main()
