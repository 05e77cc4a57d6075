"""The yardstick of scripts/bench.py: a Flask app with one route that answers a little JSON and does nothing else."""

from __future__ import annotations

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

app = Flask(__name__)


@app.get("/bare")
def bare() -> ResponseReturnValue:
    return jsonify(status="ok")
