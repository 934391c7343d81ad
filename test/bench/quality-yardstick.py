"""LightGBM and logistic regression on the rows that our own model learns from: quality-yardstick.py FOLDER.

FOLDER/shape.json has rows, width, asked and horizon; inputs.f32 the training rows and behind them those that are asked for,
labels.f32 and cutoffs.i32 the training rows' outcomes and days. Settings are chosen on the latest cut-off whose label was
known by the as-of day, by models of the cut-offs whose labels were known by then; a labelled table holds rows out. Prints
the probabilities of the rows that are asked for as JSON.
"""

import json
import sys

import lightgbm
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

folder = sys.argv[1]
shape = json.load(open(f"{folder}/shape.json"))
inputs = np.fromfile(f"{folder}/inputs.f32", np.float32).reshape(-1, shape["width"])
labels = np.fromfile(f"{folder}/labels.f32", np.float32)
cutoffs = np.fromfile(f"{folder}/cutoffs.i32", np.int32)
train, asked = inputs[: len(labels)], inputs[len(labels) :]


def parts():
    """Rows to fit on and rows to choose by."""
    if shape["horizon"] > 0:
        last = cutoffs.max()
        known = cutoffs + shape["horizon"] <= last
        # A young log has no earlier closed window: the cut-offs before the last one overlap with it.
        fit = known if known.sum() > 0 and 0 < labels[known].mean() < 1 else cutoffs < last
        if fit.any():
            return fit, cutoffs == last
    held = np.random.default_rng(7).random(len(labels)) < 0.15
    return ~held, held


fit, valid = parts()


def logistic():
    def model(c):
        return LogisticRegression(C=c, max_iter=2000)

    def loss(c):
        return log_loss(labels[valid], model(c).fit(train[fit], labels[fit]).predict_proba(train[valid])[:, 1])

    # A labelled table comes with numbers as they are.
    best = min([0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0], key=loss)
    return model(best).fit(train, labels).predict_proba(asked)[:, 1], f"C = {best}"


def boosted():
    base = {"objective": "binary", "verbose": -1, "seed": 7, "num_threads": 2, "learning_rate": 0.04}
    tried = []
    for leaves in (4, 8, 16, 31):
        for rows in (20, 100):
            settings = base | {
                "num_leaves": leaves,
                "min_data_in_leaf": rows,
                "feature_fraction": 0.5,
                "bagging_fraction": 0.8,
                "bagging_freq": 1,
                "lambda_l2": 5.0,
            }
            data = lightgbm.Dataset(train[fit], labels[fit])
            check = lightgbm.Dataset(train[valid], labels[valid], reference=data)
            stop = lightgbm.early_stopping(50, verbose=False)
            model = lightgbm.train(settings, data, 1000, [check], callbacks=[stop])
            tried.append((model.best_score["valid_0"]["binary_logloss"], model.best_iteration, settings))
    _, rounds, settings = min(tried, key=lambda one: one[0])
    chances = [
        lightgbm.train(settings | {"seed": seed}, lightgbm.Dataset(train, labels), max(rounds, 10)).predict(asked)
        for seed in (1, 2, 3)
    ]
    told = f"{settings['num_leaves']} leaves, {settings['min_data_in_leaf']} rows, {rounds} rounds"
    return np.mean(chances, axis=0), told


def scaled(x):
    with np.errstate(all="ignore"):
        logs = np.sign(x) * np.log1p(np.abs(x))
    mean, deviation = logs[: len(labels)].mean(0), logs[: len(labels)].std(0)
    return (logs - mean) / np.where(deviation > 1e-6, deviation, 1)


result = {}
chances, settings = boosted()
result["LightGBM"] = {"settings": settings, "probabilities": chances.tolist()}
if shape["horizon"] == 0:
    inputs = scaled(inputs)
    train, asked = inputs[: len(labels)], inputs[len(labels) :]
chances, settings = logistic()
result["logistic regression"] = {"settings": settings, "probabilities": chances.tolist()}
print(json.dumps(result))
