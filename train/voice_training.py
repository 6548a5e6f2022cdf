"""The training loop of the voice model: progress, checkpoints, resume.

The weights that are kept are a running average, after the last epoch: with a rate that falls to
nothing, no epoch is worth choosing, and nothing is chosen on anybody. Last comes melody
(``train.voice_melody``), which changes no other weight.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edge.emotion import Floats
from train import voice_melody
from train.losses import ccc_loss, cross_entropy
from train.metrics import ccc, uar, war
from train.voice import DESIGN, Schedule
from train.voice_data import VoiceData
from train.voice_model import Arrays, VoiceNet, pad, rounded, sizes

BATCH = 64  # utterances in one step of scoring
JUDGED = 10  # epochs between two looks at the development speakers
MIXED_SHARE = 0.5  # of the batches
MIX = 0.4  # parameter of the beta distribution that a mixture's share is drawn from
EACH = 0.5  # weight of the loss of each head beside the loss of both
HINT = 0.3  # weight of the error of the teacher's vectors, and of that of its frames


class Training:
    """One run; its state lives in ``out`` (checkpoint, best weights), so it can go on later."""

    def __init__(
        self, data: VoiceData, schedule: Schedule, out: Path, taken: Arrays | None = None
    ) -> None:
        """``taken`` are the weights of a voice without melody, which alone is learnt then."""
        tf.keras.utils.set_random_seed(schedule.seed)
        self.data, self.schedule, self.out = data, schedule, out
        self.settings = sizes(data.features)
        self.net = VoiceNet(self.settings)
        self.net.build_now()
        self._hints = [tf.keras.layers.Dense(size) for size in data.hint_sizes]
        for layer, width in zip(self._hints, self._widths(), strict=True):
            layer.build((None, width))
        hinted = [v for layer in self._hints for v in layer.trainable_variables]
        self._trained = self.net.trainable_variables + hinted
        self.steps = int(np.ceil(len(data.parts["train"].items) / schedule.batch))
        self._optimizer = tf.keras.optimizers.AdamW(
            _rate(schedule, self.steps),
            weight_decay=schedule.decay,
            clipnorm=1.0,
        )
        self._optimizer.build(self._trained)
        self._average = self.net.arrays()
        self._epoch, self._done = 0, False
        self._taken = "" if taken is None else _digest(taken)
        if taken is not None:
            voice_melody.take(self.net, data, taken)
            self._average, self._epoch = self.net.arrays(), schedule.epochs
        self._step = tf.function(self._train_step, reduce_retracing=True)
        self._infer = tf.function(self._forward, reduce_retracing=True)

    def _widths(self) -> tuple[int, int]:
        """Return the lengths of what hints are taken from: both hidden layers, a state."""
        return self.settings.hidden + self.settings.functional_hidden, self.settings.units

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return int(sum(np.prod(v.shape) for v in self.net.trainable_variables))

    def run(self) -> None:
        """Train to the last epoch, then melody; keep the weights, rounded as they are shipped."""
        self._train()
        if not self._done:
            self.net.load_arrays(rounded(self._average))
            if self.settings.melody_hidden and self.data.sung("train").any():
                voice_melody.learn(self.net, self.data, self.schedule)
            self._average, self._done = rounded(self.net.arrays()), True
            self._save()
        self.net.load_arrays(self._average)
        np.savez(self.out / "model.npz", **self._average)  # type: ignore[arg-type]

    def _train(self) -> None:
        started = time.monotonic()
        first = self._epoch
        while self._epoch < self.schedule.epochs:
            loss = self._train_epoch()
            self._epoch += 1
            self._save()
            spent = (time.monotonic() - started) / (self._epoch - first)
            left = spent * (self.schedule.epochs - self._epoch)
            print(
                f"\repoch {self._epoch}/{self.schedule.epochs}  loss {loss:.3f}{self._judge()}  "
                f"{left / 60:.0f} min left ",
                end="" if sys.stderr.isatty() else "\n",
                file=sys.stderr,
                flush=True,
            )
        print(file=sys.stderr)

    def resume(self) -> bool:
        """Take up the run that ``out`` holds, if it was made with the same settings."""
        place = self.out / "checkpoint.npz"
        if not place.exists():
            return False
        with np.load(place) as saved:
            if str(saved["key"]) != self._key():
                return False
            self._epoch, self._done = int(saved["epoch"]), bool(saved["done"])
            self._average = _within(saved, "average:")
            self.net.load_arrays(_within(saved, "now:"))
            for index, layer in enumerate(self._hints):
                layer.set_weights([saved[f"hint:{index}:{part}"] for part in range(2)])
            for index, variable in enumerate(self._optimizer.variables):
                variable.assign(saved[f"optimizer:{index}"])
        print(f"resuming at epoch {self._epoch}", file=sys.stderr)
        return True

    def predict(self, name: str) -> tuple[Floats, Floats]:
        """Return logits (n, labels) and V/A/D (n, 3) of a partition, whole utterances, float."""
        frames = self.data.plain(name)
        logits, vads = [], []
        for first in range(0, len(frames), BATCH):
            batch, lengths = pad(frames[first : first + BATCH], self.settings.stride)
            out, vad = self._infer(batch, lengths)
            logits.append(out.numpy())
            vads.append(vad.numpy())
        return np.concatenate(logits), np.concatenate(vads)

    def report(self) -> dict[str, Any]:
        """Return UAR, WAR and CCC of the development and the test speakers, float model."""
        return {name: self._score(name) for name in ("dev", "test")} | {
            "parameters": self.parameters,
            "epochs": self._epoch,
        }

    def save_predictions(self, apart: Arrays | None = None) -> None:
        """Write logits and V/A/D of dev and test, with their labels, to ``predictions.npz``.

        With ``apart``, what a sibling says of the development speakers stands in for dev; what
        this model says of them, who were heard in training, is written as "heard": for parity.
        """
        own = "heard" if apart else "dev"
        arrays: dict[str, NDArray[Any]] = dict(apart or {})
        for part_name, name in (("dev", own), ("test", "test")):
            part = self.data.parts[part_name]
            logits, vad = self.predict(part_name)
            rows = {"logits": logits, "vad": vad, "classes": part.classes, "truth": part.vad}
            arrays |= {f"{name}/{key}": value for key, value in rows.items()}
            arrays[f"{name}/ids"] = np.array([item.id for item in part.items])
        np.savez(self.out / "predictions.npz", **arrays)  # type: ignore[arg-type]

    def _score(self, name: str) -> dict[str, Any]:
        logits, vad = self.predict(name)
        part = self.data.parts[name]
        kinds = {"speech": "03-01", "song": "03-02"}
        row: dict[str, Any] = {}
        for kind, prefix in kinds.items():
            chosen = np.array([item.id.startswith(prefix) for item in part.items])
            if chosen.any():
                truth, said = part.classes[chosen], logits[chosen].argmax(axis=1)
                row[kind] = {"uar": uar(truth, said), "war": war(truth, said), "n": len(truth)}
        row["uar"] = row.get("speech", {}).get("uar", uar(part.classes, logits.argmax(axis=1)))
        row["ccc"] = [ccc(part.vad[:, i], vad[:, i]) for i in range(3)]
        return row

    def _train_epoch(self) -> float:
        rng = np.random.default_rng([self.schedule.seed, self._epoch])
        losses = []
        for batch in self.data.batches(rng, self.schedule.batch, self.settings.stride):
            if len(batch.frames) < 2:  # CCC of one utterance is not defined
                continue
            frames, lengths = pad(batch.frames, self.settings.stride)
            hints, told = self._padded(batch.hints, frames.shape[1])
            share = float(rng.beta(MIX, MIX)) if rng.random() < MIXED_SHARE else 1.0
            other = rng.permutation(len(lengths)).astype(np.int32)
            said = batch.targets, batch.vad, batch.vectors
            loss = self._step((frames, lengths), said, (hints, told), np.float32(share), other)
            losses.append(float(loss))
            newest = 1.0 - self._momentum()
            for name, value in self.net.arrays().items():
                self._average[name] += newest * (value - self._average[name])
        return float(np.mean(losses))

    def _padded(self, hints: list[Floats], time: int) -> tuple[Floats, Floats]:
        """Return hints of all steps, shape (batch, steps, width), and where there are any."""
        steps = time // self.settings.stride
        rows = np.zeros((len(hints), steps, self.data.hint_sizes[1]), np.float32)
        told = np.zeros((len(hints), steps, 1), np.float32)
        for row, found in enumerate(hints):
            rows[row, : len(found)], told[row, : len(found)] = found, 1.0
        return rows, told

    def _momentum(self) -> float:
        """Return the averaging momentum; early on the average follows faster."""
        done = int(self._optimizer.iterations.numpy())
        return min(self.schedule.average, (1.0 + done) / (10.0 + done))

    def _judge(self) -> str:
        """Return how the averaged, rounded weights do on the development speakers, now and then."""
        part = self.data.parts["dev"]
        if self._epoch % JUDGED or not part.items:
            return ""
        now = self.net.arrays()
        self.net.load_arrays(rounded(self._average))
        logits, _ = self.predict("dev")
        self.net.load_arrays(now)
        return f"  dev UAR {uar(part.classes, logits.argmax(axis=1)):.3f}"

    def _train_step(
        self,
        heard: tuple[tf.Tensor, tf.Tensor],
        said: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        hints: tuple[tf.Tensor, tf.Tensor],
        share: tf.Tensor,
        other: tf.Tensor,
    ) -> tf.Tensor:
        """Take one step; every utterance is mixed with ``other``, once pooled, 1 - ``share`` of it.

        Mixup (Zhang et al. 2018) of what is pooled: a mixture of frames has other functionals.
        """

        def mixed(rows: tf.Tensor) -> tf.Tensor:
            return share * rows + (1.0 - share) * tf.gather(rows, other)

        targets, vad, vectors = (mixed(rows) for rows in said)
        with tf.GradientTape() as tape:
            states = self.net.states(heard[0], training=True)
            pooled = self.net.pooled(states, *heard, training=True)
            out = self.net.judge(*(mixed(half) for half in pooled), training=True)
            loss = self._entropy(targets, out.logits)
            loss += EACH * sum(self._entropy(targets, logits) for logits in out.each)
            loss += self.schedule.vad_weight * ccc_loss(vad, out.vad)
            if self.data.guided:
                loss += HINT * tf.reduce_mean((self._hints[0](out.hidden) - vectors) ** 2)
                loss += HINT * self._missed(states, *hints)
        pairs = zip(tape.gradient(loss, self._trained), self._trained, strict=True)
        self._optimizer.apply_gradients([(g, v) for g, v in pairs if g is not None])
        return loss

    def _missed(self, states: tf.Tensor, hints: tf.Tensor, told: tf.Tensor) -> tf.Tensor:
        """Return how far the states are from what the teacher says in each step."""
        error = told * (self._hints[1](states) - hints) ** 2
        return tf.reduce_sum(error) / (self.data.hint_sizes[1] * tf.reduce_sum(told) + 1.0)

    def _entropy(self, targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        return cross_entropy(targets, logits, self.schedule.smoothing)

    def _forward(self, frames: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.net(frames, lengths, training=False)

    def _key(self) -> str:
        """Return what must not change between a run and its resumption."""
        people = {n: sorted({i.speaker or "" for i in p.items}) for n, p in self.data.parts.items()}
        sizes = {n: len(p.items) for n, p in self.data.parts.items()}
        schedule = asdict(self.schedule)
        heard = replace(self.data.features, warps=())  # training has one view
        data = heard.to_dict(), self.data.endpoint.to_dict()
        settings = [DESIGN, schedule, self.settings.to_dict(), *data]
        return json.dumps([*settings, people, sizes, self.data.guided, self._taken])

    def _save(self) -> None:
        arrays: dict[str, NDArray[Any]] = {
            **{f"average:{k}": v for k, v in self._average.items()},
            **{f"now:{k}": v for k, v in self.net.arrays().items()},
            **{f"optimizer:{i}": v.numpy() for i, v in enumerate(self._optimizer.variables)},
            **{
                f"hint:{index}:{part}": array
                for index, layer in enumerate(self._hints)
                for part, array in enumerate(layer.get_weights())
            },
        }
        partial = self.out / "checkpoint.part.npz"
        state: dict[str, Any] = {"key": self._key(), "epoch": self._epoch, "done": self._done}
        np.savez(partial, **state, **arrays)
        partial.rename(self.out / "checkpoint.npz")


def _digest(arrays: Arrays) -> str:
    """Return what tells one set of weights from another."""
    told = (name.encode() + arrays[name].tobytes() for name in sorted(arrays))
    return hashlib.sha256(b"".join(told)).hexdigest()


def _rate(schedule: Schedule, steps: int) -> Any:
    """Return a cosine decay with a warm-up of three epochs."""
    return tf.keras.optimizers.schedules.CosineDecay(
        schedule.rate * 0.05,
        steps * schedule.epochs,
        alpha=0.01,
        warmup_target=schedule.rate,
        warmup_steps=steps * min(3, schedule.epochs - 1),
    )


def _within(saved: Any, prefix: str) -> Arrays:
    return {k.removeprefix(prefix): saved[k] for k in saved.files if k.startswith(prefix)}
