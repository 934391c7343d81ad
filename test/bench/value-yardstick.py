"""LightGBM's two-part and Tweedie models on the rows that our value model learns from: value-yardstick.py FOLDER.

FOLDER/shape.json has the width; train.f32 the training rows, amounts.f32 what their windows came to, users.f32 a number in
[0, 1) of each row's user; asked.f32 the rows that are asked for. Settings are chosen on a fifth of the users, held out at all
cut-offs, as our own trees choose theirs. Prints the values of the rows asked for as JSON.
"""

import json
import sys

import lightgbm
import numpy as np

folder = sys.argv[1]
shape = json.load(open(f"{folder}/shape.json"))
train = np.fromfile(f"{folder}/train.f32", np.float32).reshape(-1, shape["width"])
asked = np.fromfile(f"{folder}/asked.f32", np.float32).reshape(-1, shape["width"])
amounts = np.fromfile(f"{folder}/amounts.f32", np.float32).astype(np.float64)
users = np.fromfile(f"{folder}/users.f32", np.float32)
valid = users >= 0.8
fit = ~valid
SEEDS = (1, 2, 3)


def chosen(objective, labels, rows, metric):
    """The settings and rounds that do best on the users held out, then models of all rows."""
    tried = []
    for leaves in (4, 8, 16, 31):
        for least in (20, 100):
            settings = {
                "verbose": -1,
                "seed": 7,
                "num_threads": 2,
                "learning_rate": 0.04,
                "num_leaves": leaves,
                "min_data_in_leaf": least,
                "feature_fraction": 0.5,
                "bagging_fraction": 0.8,
                "bagging_freq": 1,
                "lambda_l2": 5.0,
                "metric": metric,
            } | objective
            data = lightgbm.Dataset(train[fit & rows], labels[fit & rows])
            check = lightgbm.Dataset(train[valid & rows], labels[valid & rows], reference=data)
            stop = lightgbm.early_stopping(50, verbose=False)
            model = lightgbm.train(settings, data, 1000, [check], callbacks=[stop])
            tried.append((model.best_score["valid_0"][metric], model.best_iteration, settings, model))
    best = min(tried, key=lambda one: one[0])
    _, rounds, settings, held = best
    models = [
        lightgbm.train(settings | {"seed": seed}, lightgbm.Dataset(train[rows], labels[rows]), max(rounds, 10))
        for seed in SEEDS
    ]
    told = f"{settings['num_leaves']} leaves, {settings['min_data_in_leaf']} rows, {rounds} rounds"
    return models, held, told


def mean(models, rows):
    return np.mean([model.predict(rows) for model in models], axis=0)


everyone = np.ones(len(amounts), bool)
some = amounts > 0
chance, _, told = chosen({"objective": "binary"}, some.astype(float), everyone, "binary_logloss")
logs = np.log(np.where(some, amounts, 1.0))
size, held, more = chosen({"objective": "regression"}, logs, some, "l2")
left = logs[valid & some] - held.predict(train[valid & some])
two_part = mean(chance, asked) * np.exp(mean(size, asked) + left.var() / 2)
tweedie, _, alone = chosen({"objective": "tweedie", "tweedie_variance_power": 1.5}, amounts, everyone, "tweedie")
print(
    json.dumps(
        {
            "LightGBM, two parts": {"settings": f"{told}; {more}", "values": two_part.tolist()},
            "LightGBM, Tweedie": {"settings": alone, "values": mean(tweedie, asked).tolist()},
        }
    )
)
