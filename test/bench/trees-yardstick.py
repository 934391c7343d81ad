"""LightGBM and scikit-learn on the matrices of the trees benchmark: trees-yardstick.py JOB prints figures as JSON.

JOB is a JSON file: {"do": "boosting" | "random" | "extra", "train": ..., "test": ..., "columns", "trees", "threads",
"out"}. Matrices are raw float32, row by row, the label last. Scores of the test rows go to "out" as float64.
"""

import json
import sys
import time
import warnings

import lightgbm
import numpy as np
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

warnings.filterwarnings("ignore")


def read(path, columns):
    rows = np.fromfile(path, dtype=np.float32).reshape(-1, columns + 1)
    return np.ascontiguousarray(rows[:, :-1]), rows[:, -1]


def boosting(job, x, y):
    params = dict(
        objective="binary", num_leaves=31, learning_rate=0.1, min_data_in_leaf=20, lambda_l2=1, max_bin=255,
        num_threads=job["threads"], verbose=-1,
    )
    model = lightgbm.train(params, lightgbm.Dataset(x, y, params=params), job["trees"])
    return lambda test: model.predict(test, raw_score=True, num_threads=job["threads"])


def forest(kind):
    def fit(job, x, y):
        model = kind(n_estimators=job["trees"], min_samples_leaf=2, n_jobs=job["threads"], random_state=1)
        model.fit(x, y)
        return lambda test: model.predict_proba(test)[:, 1]

    return fit


FITS = {"boosting": boosting, "random": forest(RandomForestClassifier), "extra": forest(ExtraTreesClassifier)}

with open(sys.argv[1], encoding="utf-8") as file:
    job = json.load(file)
x, y = read(job["train"], job["columns"])
started = time.perf_counter()
predict = FITS[job["do"]](job, x, y)
seconds = time.perf_counter() - started
np.asarray(predict(read(job["test"], job["columns"])[0]), dtype=np.float64).tofile(job["out"])
versions = f"LightGBM {lightgbm.__version__}, scikit-learn {sklearn.__version__}"
print(json.dumps({"seconds": seconds, "versions": versions}))
