"""The last step of a voice's training: what pitch tells of song.

Only the head of melody learns; all else of the network stays as it is, so speech sounds to it as
before. It learns alone, not what the others miss: they know the songs of the training by heart. A
voice that was trained without melody can be taken over whole (``take``).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from edge.errors import HeartenError
from train.voice_data import VoiceData
from train.voice_model import Arrays, VoiceNet, pad

if TYPE_CHECKING:
    from train.voice import Schedule

RATE = 3e-3
BATCH = 64  # utterances at once


def take(net: VoiceNet, data: VoiceData, arrays: Arrays) -> None:
    """Give ``net`` the weights of a voice that hears no melody, ``data`` its normalisation apart.

    What the functionals of the other values are scaled by comes from the training part.

    Raises:
        HeartenError: ``arrays`` are of a voice of other sizes.
    """
    size, seen = net.settings.size, net.settings.seen
    found = net.arrays()
    spread = _spread(net, data)
    for name, array in arrays.items():
        if name.startswith("scale/"):
            wide = spread.get(name, found[name]).reshape(-1, size).copy()
            if array.size != wide[:, :seen].size:
                raise HeartenError(f"the voice has {array.size} functionals: other lags or cepstra")
            wide[:, :seen] = array.reshape(-1, seen)
            found[name] = wide.ravel()
        elif array.shape != found.get(name, np.zeros(0)).shape:
            raise HeartenError(f"the voice has other sizes: {name} is {array.shape}")
        else:
            found[name] = array
    net.load_arrays(found)


def learn(net: VoiceNet, data: VoiceData, schedule: Schedule) -> None:
    """Train the head of melody on speech and song; show progress on stderr."""
    batches = int(np.ceil(len(data.parts["train"].items) / schedule.batch))
    trained = [v for layer in net.melody.layers() for v in layer.trainable_variables]
    optimizer = tf.keras.optimizers.Adam(
        tf.keras.optimizers.schedules.CosineDecay(RATE, batches * schedule.melody, alpha=0.01)
    )
    optimizer.build(trained)
    step = tf.function(_step, reduce_retracing=True)
    for epoch in range(schedule.melody):
        rng = np.random.default_rng([schedule.seed, schedule.epochs + epoch])
        losses = []
        for batch in data.batches(rng, schedule.batch, net.settings.stride):
            frames, lengths = pad(batch.frames, net.settings.stride)
            smooth = batch.targets * (1.0 - schedule.smoothing)
            targets = smooth + schedule.smoothing / batch.targets.shape[1]
            losses.append(step(net, optimizer, trained, (frames, lengths), targets, batch.sung))
        told = f"\rmelody {epoch + 1}/{schedule.melody}  loss {np.mean(losses):.3f} "
        print(told, end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _step(
    net: VoiceNet,
    optimizer: Any,
    trained: list[tf.Variable],
    heard: tuple[tf.Tensor, tf.Tensor],
    targets: tf.Tensor,
    song: tf.Tensor,
) -> tf.Tensor:
    """Take one step; ``song`` (batch, 1) is 1 where melody counts."""
    frames, lengths = heard
    pooled = net.pooled(net.states(frames, training=False), frames, lengths, training=False)
    with tf.GradientTape() as tape:
        singing, melody = net.sing(*pooled, training=True)
        likely = tf.reduce_sum(targets * tf.nn.log_softmax(melody), axis=1)
        loss = -tf.reduce_mean(likely * song[:, 0])
        loss += tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(song, singing))
    optimizer.apply_gradients(zip(tape.gradient(loss, trained), trained, strict=True))
    return loss


def _spread(net: VoiceNet, data: VoiceData) -> Arrays:
    """Return mean and variance of the functionals of the training part, as it was recorded."""
    frames = data.plain("train")
    rows = []
    for first in range(0, len(frames), BATCH):
        batch, lengths = pad(frames[first : first + BATCH], net.settings.stride)
        rows.append(net.functionals(tf.constant(batch), tf.constant(lengths)).numpy())
    every = np.concatenate(rows)
    return {"scale/moving_mean": every.mean(axis=0), "scale/moving_variance": every.var(axis=0)}
