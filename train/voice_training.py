"""The training loop of the voice model: progress, checkpoints, resume, early stop on dev."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edge.emotion import Floats
from train.corpora import LABELS
from train.losses import ccc_loss
from train.metrics import ccc, uar, war
from train.voice_data import VoiceData
from train.voice_model import Arrays, ModelSettings, VoiceNet, pad, rounded

if TYPE_CHECKING:
    from train.voice import Schedule

BATCH = 64  # utterances in one step of scoring


class Training:
    """One run; its state lives in ``out`` (checkpoint, best weights), so it can go on later."""

    def __init__(self, data: VoiceData, schedule: Schedule, out: Path) -> None:
        tf.keras.utils.set_random_seed(schedule.seed)
        self.data, self.schedule, self.out = data, schedule, out
        self.settings = ModelSettings(size=data.features.size, labels=len(LABELS))
        self.net = VoiceNet(self.settings)
        self.net.build_now()
        self.steps = int(np.ceil(len(data.parts["train"].items) / schedule.batch))
        self._optimizer = tf.keras.optimizers.AdamW(
            _rate(schedule, self.steps),
            weight_decay=schedule.decay,
            clipnorm=1.0,
        )
        self._optimizer.build(self.net.trainable_variables)
        self._average = self.net.arrays()
        self._best: tuple[float, int, Arrays] = (-1.0, 0, self.net.arrays())
        self._epoch = 0
        self._step = tf.function(self._train_step, reduce_retracing=True)
        self._infer = tf.function(self._forward, reduce_retracing=True)

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return int(sum(np.prod(v.shape) for v in self.net.trainable_variables))

    def run(self) -> None:
        """Train to the last epoch or until the development speakers gain nothing more."""
        started = time.monotonic()
        first = self._epoch
        while self._epoch < self.schedule.epochs:
            loss = self._train_epoch()
            self._epoch += 1
            score = self._judge()
            self._save()
            spent = (time.monotonic() - started) / (self._epoch - first)
            left = spent * (self.schedule.epochs - self._epoch)
            print(
                f"\repoch {self._epoch}/{self.schedule.epochs}  loss {loss:.3f}  "
                f"dev UAR {score:.3f} (best {self._best[0]:.3f})  {left / 60:.0f} min left ",
                end="" if sys.stderr.isatty() else "\n",
                file=sys.stderr,
                flush=True,
            )
            if self._epoch - self._best[1] >= self.schedule.patience:
                break
        print(file=sys.stderr)
        shipped = rounded(self._best[2])
        self.net.load_arrays(shipped)
        np.savez(self.out / "model.npz", **shipped)  # type: ignore[arg-type]

    def resume(self) -> bool:
        """Take up the run that ``out`` holds, if it was made with the same settings."""
        place = self.out / "checkpoint.npz"
        if not place.exists():
            return False
        with np.load(place) as saved:
            if str(saved["key"]) != self._key():
                return False
            self._epoch = int(saved["epoch"])
            self._best = (float(saved["score"]), int(saved["best_epoch"]), _within(saved, "best:"))
            self._average = _within(saved, "average:")
            self.net.load_arrays(_within(saved, "now:"))
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
            "best_epoch": self._best[1],
        }

    def save_predictions(self) -> None:
        """Write logits and V/A/D of dev and test, with their labels, to ``predictions.npz``."""
        arrays: dict[str, NDArray[Any]] = {}
        for name in ("dev", "test"):
            part = self.data.parts[name]
            logits, vad = self.predict(name)
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
        for frames, targets, vad in self.data.batches(rng, self.schedule.batch):
            if len(frames) < 2:  # CCC of one utterance is not defined
                continue
            batch, lengths = pad(frames, self.settings.stride)
            losses.append(float(self._step(batch, lengths, targets, vad)))
            for name, value in self.net.arrays().items():
                self._average[name] += (1.0 - self._momentum()) * (value - self._average[name])
        return float(np.mean(losses))

    def _momentum(self) -> float:
        """Return the averaging momentum; early on the average follows faster."""
        done = int(self._optimizer.iterations.numpy())
        return min(self.schedule.average, (1.0 + done) / (10.0 + done))

    def _judge(self) -> float:
        """Score the averaged, rounded weights on the development speakers; keep the best."""
        now = self.net.arrays()
        self.net.load_arrays(rounded(self._average))
        logits, _ = self.predict("dev")
        part = self.data.parts["dev"]
        score = uar(part.classes, logits.argmax(axis=1))
        if score >= self._best[0]:
            self._best = (score, self._epoch, {k: v.copy() for k, v in self._average.items()})
        self.net.load_arrays(now)
        return score

    def _train_step(
        self, frames: tf.Tensor, lengths: tf.Tensor, targets: tf.Tensor, vad: tf.Tensor
    ) -> tf.Tensor:
        smooth = self.schedule.smoothing
        with tf.GradientTape() as tape:
            logits, said = self.net(frames, lengths, training=True)
            soft = targets * (1.0 - smooth) + smooth / len(LABELS)
            entropy = tf.nn.softmax_cross_entropy_with_logits(soft, logits)
            loss = tf.reduce_mean(entropy) + self.schedule.vad_weight * ccc_loss(vad, said)
        variables = self.net.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    def _forward(self, frames: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.net(frames, lengths, training=False)

    def _key(self) -> str:
        """Return what must not change between a run and its resumption."""
        people = {n: sorted({i.speaker or "" for i in p.items}) for n, p in self.data.parts.items()}
        sizes = {n: len(p.items) for n, p in self.data.parts.items()}
        schedule = asdict(self.schedule)
        return json.dumps(
            [schedule, self.settings.to_dict(), self.data.features.to_dict(), people, sizes]
        )

    def _save(self) -> None:
        score, epoch, best = self._best
        arrays: dict[str, NDArray[Any]] = {
            **{f"best:{k}": v for k, v in best.items()},
            **{f"average:{k}": v for k, v in self._average.items()},
            **{f"now:{k}": v for k, v in self.net.arrays().items()},
            **{f"optimizer:{i}": v.numpy() for i, v in enumerate(self._optimizer.variables)},
        }
        partial = self.out / "checkpoint.part.npz"
        np.savez(
            partial,
            key=self._key(),
            epoch=self._epoch,
            score=score,
            best_epoch=epoch,
            **arrays,  # type: ignore[arg-type]
        )
        partial.rename(self.out / "checkpoint.npz")


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
