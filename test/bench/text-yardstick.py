"""TF-IDF and linear models on the text tasks: text-yardstick.py TASK FOLDER prints figures as JSON."""

import csv
import gzip
import json
import sys
import zlib

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, log_loss, roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC


def read(path):
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def support_intents(folder):
    train, test = (read(f"{folder}/{part}.csv.gz") for part in ("train", "test"))
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    model = make_pipeline(make_union(words, characters), LinearSVC())
    model.fit([row["utterance"] for row in train], [row["intent"] for row in train])
    told = model.predict([row["utterance"] for row in test])
    labels = [row["intent"] for row in test]
    figures = {"accuracy": accuracy_score(labels, told), "macroF1": f1_score(labels, told, average="macro")}
    return {"TF-IDF of words and characters, linear SVM": figures}


def clothing_reviews(folder):
    rows = read(f"{folder}/reviews.csv.gz")
    texts = np.array([(row["Title"] + " " + row["Review Text"]).strip() for row in rows], dtype=object)
    labels = np.array([int(row["Recommended IND"]) for row in rows])
    test = np.array([zlib.crc32(str(row).encode()) % 5 == 0 for row in range(len(rows))])
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        LogisticRegression(C=10, max_iter=1000),
    )
    # the threshold is chosen on out-of-fold probabilities of the training part
    folds = cross_val_predict(model, texts[~test], labels[~test], cv=5, method="predict_proba")[:, 1]
    cuts = np.arange(0.3, 0.9, 0.02)
    cut = max(cuts, key=lambda at: f1_score(labels[~test], folds >= at, average="macro"))
    told = model.fit(texts[~test], labels[~test]).predict_proba(texts[test])[:, 1]
    figures = {
        "accuracy": accuracy_score(labels[test], told >= cut),
        "macroF1": f1_score(labels[test], told >= cut, average="macro"),
        "auroc": roc_auc_score(labels[test], told),
        "aupr": average_precision_score(labels[test], told),
        "logLoss": log_loss(labels[test], told),
    }
    return {"TF-IDF of words, logistic regression": figures}


TASKS = {"support-intents": support_intents, "clothing-reviews": clothing_reviews}
print(json.dumps(TASKS[sys.argv[1]](sys.argv[2])))
