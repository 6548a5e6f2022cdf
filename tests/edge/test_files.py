"""Sound files: every header we may meet, the resampler's quality, and one clear line for errors."""

from __future__ import annotations

import itertools
import os
import struct
import sys
import threading
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest

from edge.audio.files import blocks, duration, read
from edge.audio.resample import Resampler
from edge.errors import AudioError, MissingExtra

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def chunk(name, body, size=None):
    return (
        name
        + struct.pack("<I", len(body) if size is None else size)
        + body
        + b"\0" * (len(body) % 2)
    )


def fmt(tag, channels, rate, width, extensible=False):
    align = channels * width
    head = struct.pack(
        "<HHIIHH", EXTENSIBLE if extensible else tag, channels, rate, rate * align, align, 8 * width
    )
    if extensible:
        head += struct.pack("<HHI", 22, 8 * width, 0) + struct.pack("<H", tag) + GUID_TAIL
    return chunk(b"fmt ", head)


def riff(*chunks, size=None, magic=b"RIFF"):
    body = b"WAVE" + b"".join(chunks)
    return magic + struct.pack("<I", len(body) if size is None else size) + body


def tone(rate, seconds=0.5, frequency=440.0, level=0.5):
    return level * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)


def encode(samples, tag, width):
    if tag == FLOAT:
        return samples.astype(f"<f{width}").tobytes()
    if width == 1:
        return (np.rint(samples * 127) + 128).astype(np.uint8).tobytes()
    full = np.rint(samples * (2 ** (8 * width - 1) - 1)).astype("<i8")
    return full.reshape(-1, 1).view(np.uint8).reshape(-1, 8)[:, :width].tobytes()


@pytest.fixture
def make(tmp_path):
    def _make(content, name="x.wav"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return _make


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(
    ("tag", "width", "close"),
    [(PCM, 1, 260), (PCM, 2, 1), (PCM, 3, 1), (PCM, 4, 1), (FLOAT, 4, 1), (FLOAT, 8, 1)],
)
def test_every_sample_format(make, tag, width, close, extensible):
    wanted = tone(16000)
    path = make(
        riff(fmt(tag, 1, 16000, width, extensible), chunk(b"data", encode(wanted, tag, width)))
    )
    got = read(path)
    assert len(got) == len(wanted)
    assert np.abs(got - wanted * 32768).max() <= close + 0.5
    assert duration(path) == 0.5


def test_16_bit_mono_at_16_khz_is_bit_exact(make):
    samples = np.random.default_rng(0).integers(-32768, 32768, 40001).astype(np.int16)
    path = make(riff(fmt(PCM, 1, 16000, 2), chunk(b"data", samples.tobytes())))
    assert np.array_equal(read(path), samples)
    pieces = list(blocks(path, 0.3))
    assert np.array_equal(np.concatenate(pieces), samples)
    assert {len(p) for p in pieces[:-1]} == {4800}


def test_channels_are_averaged(make):
    frames = np.zeros((1000, 12))
    frames[:, 3] = 0.6
    frames[:, 7] = -0.3
    body = encode(frames.ravel(), PCM, 2)
    got = read(make(riff(fmt(PCM, 12, 16000, 2), chunk(b"data", body))))
    assert np.abs(got - 0.3 / 12 * 32768).max() <= 1


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
def test_other_rates_keep_time_and_level(make, rate):
    path = make(riff(fmt(PCM, 1, rate, 2), chunk(b"data", encode(tone(rate), PCM, 2))))
    got = read(path) / 32768
    assert len(got) == 8000
    assert np.abs(got - tone(16000))[200:-200].max() < 1e-3
    assert duration(path) == pytest.approx(0.5, abs=1e-4)


def test_one_sample(make):
    one = chunk(b"data", struct.pack("<h", 1234))
    assert read(make(riff(fmt(PCM, 1, 16000, 2), one))).tolist() == [1234]
    assert len(read(make(riff(fmt(PCM, 1, 8000, 2), one)))) == 2
    assert len(read(make(riff(fmt(PCM, 1, 192000, 2), one)))) == 1


def test_full_scale_and_beyond_is_clipped(make):
    loud = np.array([1.0, -1.0, 5.0, -5.0, 3e38, -3e38])
    got = read(make(riff(fmt(FLOAT, 1, 16000, 4), chunk(b"data", encode(loud, FLOAT, 4)))))
    assert got.tolist() == [32767, -32768] * 3


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000])
def test_streamed_wave_is_read_to_its_end(make, size):
    body = encode(tone(16000), PCM, 2)
    path = make(riff(fmt(PCM, 1, 16000, 2), chunk(b"data", body, size), size=size))
    assert len(read(path)) == 8000
    assert duration(path) in (None, 0.5)


def test_truncated_data_is_used_as_far_as_it_goes(make):
    body = encode(tone(16000), PCM, 2)
    whole = riff(fmt(PCM, 2, 16000, 2), chunk(b"data", body))
    path = make(whole[:-1003])  # cuts inside a frame
    assert len(read(path)) == (len(body) - 1003) // 4
    assert duration(path) == (len(body) - 1003) // 4 / 16000


def test_odd_and_unknown_chunks_are_skipped(make):
    body = encode(tone(16000), PCM, 1)[:-1]  # odd length: padded
    path = make(
        riff(
            chunk(b"LIST", b"odd"),
            fmt(PCM, 1, 16000, 1),
            chunk(b"junk", bytes(100_001)),
            chunk(b"data", body),
            chunk(b"LIST", b"not sound at all" * 10),
        )
    )
    assert len(read(path)) == 7999


GOOD = chunk(b"data", bytes(2000))
BROKEN = {
    "empty": (b"", "is empty"),
    "text": (b"I am a text, not a sound.\n" * 9, "cannot be read as sound"),
    "short header": (b"RIFF\0\0", "header is cut short"),
    "another RIFF": (riff(GOOD).replace(b"WAVE", b"AVI "), "not a RIFF/WAVE"),
    "no chunks": (riff(), "before its fmt chunk"),
    "no data": (riff(fmt(PCM, 1, 16000, 2)), "before its data chunk"),
    "data first": (riff(GOOD, fmt(PCM, 1, 16000, 2)), "before a fmt chunk"),
    "short fmt": (riff(chunk(b"fmt ", b"1234")) + bytes(9), "fmt chunk is cut short"),
    "cut fmt": (riff(fmt(PCM, 1, 16000, 2))[:-4], "fmt chunk is cut short"),
    "short extensible": (
        riff(chunk(b"fmt ", struct.pack("<HHIIHH", EXTENSIBLE, 1, 16000, 32000, 2, 16)), GOOD),
        "extensible fmt chunk is cut short",
    ),
    "A-law": (riff(fmt(6, 1, 8000, 1), GOOD), "A-law.*ffmpeg -i in -ar 16000 -ac 1 out.wav"),
    "MP3": (riff(fmt(0x55, 1, 8000, 1), GOOD), "MP3.*ffmpeg"),
    "unknown codec": (riff(fmt(0x1234, 1, 8000, 1), GOOD), "0x1234"),
    "mu-law extensible": (riff(fmt(7, 1, 8000, 1, True), GOOD), "mu-law"),
    "5 bytes": (riff(fmt(PCM, 1, 16000, 5), GOOD), "40-bit"),
    "no channels": (riff(fmt(PCM, 0, 16000, 2), GOOD), "0 channels"),
    "no rate": (riff(fmt(PCM, 1, 0, 2), GOOD), "0 Hz"),
    "rate 100": (riff(fmt(PCM, 1, 100, 2), GOOD), "100 Hz: 4000 to 384000"),
    "rate 4 GHz": (riff(fmt(PCM, 1, 2_000_000_000, 2), GOOD), "384000"),
    "no samples": (riff(fmt(PCM, 1, 16000, 2), chunk(b"data", b"")), "holds no samples"),
    "no samples, then a chunk": (
        riff(fmt(PCM, 1, 16000, 2), chunk(b"data", b""), chunk(b"LIST", bytes(50))),
        "holds no samples",
    ),
    "half a frame": (riff(fmt(PCM, 2, 16000, 2), chunk(b"data", b"123")), "holds no samples"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_give_one_clear_line(make, case):
    content, message = BROKEN[case]
    with pytest.raises(AudioError, match=message) as caught:
        read(make(content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_is_named_with_its_place(make, bad):
    samples = tone(16000, 3.0)
    samples[40000] = bad
    path = make(riff(fmt(FLOAT, 1, 16000, 4), chunk(b"data", encode(samples, FLOAT, 4))))
    with pytest.raises(AudioError, match=r"at 2\.500 s \(frame 40000\)"):
        read(path)


def test_every_cut_of_a_good_file_reads_or_explains(make):
    whole = riff(fmt(PCM, 1, 16000, 2, extensible=True), chunk(b"data", b"\1\2" * 30))
    for cut in range(len(whole)):
        try:
            assert len(read(make(whole[:cut]))) > 0
        except AudioError as error:
            assert "\n" not in str(error)


def test_random_damage_never_gives_anything_but_an_audio_error(make):
    rng = np.random.default_rng(1)
    whole = bytearray(
        riff(fmt(PCM, 2, 44100, 2), chunk(b"junk", b"abc"), chunk(b"data", bytes(400)))
    )
    for _ in range(300):
        damaged = bytearray(whole)
        for place in rng.integers(0, 60, 3):
            damaged[place] = rng.integers(0, 256)
        try:
            got = read(make(bytes(damaged)))
            assert got.dtype == np.int16
        except AudioError:
            pass


def test_places_that_are_no_files(tmp_path):
    with pytest.raises(AudioError, match="does not exist"):
        read(tmp_path / "missing.wav")
    with pytest.raises(AudioError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(AudioError, match="does not exist"):
        duration(tmp_path / "missing.wav")
    with pytest.raises(AudioError, match="cannot be read"):
        read("a\0b.wav")


def test_permission_denied(make):
    path = make(riff(fmt(PCM, 1, 16000, 2), GOOD))
    path.chmod(0)
    root = os.geteuid() == 0
    if root:  # root may read everything: be nobody for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(AudioError, match="permission denied"):
            read(path)
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "MP3", "AIFF"])
def test_other_formats_by_content(tmp_path, kind):
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / "named_wrongly.wav"
    soundfile.write(path, np.stack([tone(44100), tone(44100)], axis=1), 44100, format=kind)
    got = read(path) / 32768
    lossless = kind in ("FLAC", "AIFF")
    assert abs(len(got) - 8000) <= (0 if lossless else 1000)
    if lossless:
        assert np.abs(got - tone(16000))[200:-200].max() < 1e-3
    assert duration(path) == pytest.approx(0.5, abs=0.07)


def test_flac_of_a_wave_is_the_same_samples(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    samples = np.random.default_rng(0).integers(-32768, 32768, 9001).astype(np.int16)
    soundfile.write(tmp_path / "x.flac", samples, 16000, subtype="PCM_16")
    assert np.array_equal(read(tmp_path / "x.flac"), samples)


def test_without_soundfile(make, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingExtra, match=r"pip install 'hearten\[audio\]'"):
        read(make(b"fLaC" + bytes(100)))
    with pytest.raises(AudioError, match="not a sound file"):
        read(make(b"just text"))
    assert len(read(make(riff(fmt(PCM, 1, 16000, 2), GOOD)))) == 1000


def test_wave_from_a_pipe(tmp_path):
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    content = riff(fmt(PCM, 1, 16000, 2), chunk(b"data", b"\1\2" * 100_000, 0xFFFFFFFF))
    writer = threading.Thread(target=fifo.write_bytes, args=(content,))
    writer.start()
    got = read(fifo)
    writer.join()
    assert len(got) == 100_000


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(seconds):
        path = tmp_path / "long.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((2, 2, 48000, 0, "NONE", ""))
            for _ in range(seconds):
                file.writeframes(bytes(48000 * 4))
        tracemalloc.start()
        assert sum(map(len, blocks(path))) == seconds * 16000
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(40) < 1.2 * peak(4)


@pytest.mark.parametrize("rate", [4000, 8000, 11025, 22050, 44100, 44101, 48000, 384000])
def test_resampler_is_the_same_for_any_chunks(rate):
    rng = np.random.default_rng(rate)
    samples = rng.uniform(-1, 1, rate // 4 + 7).astype(np.float32)
    resampler = Resampler(rate)
    whole = np.concatenate((resampler.push(samples), resampler.flush()))
    assert len(whole) == -(-len(samples) * 16000 // rate)
    cuts = np.sort(rng.integers(0, len(samples), 40))
    pieces = [resampler.push(piece) for piece in np.split(samples, cuts)]
    again = np.concatenate((*pieces, resampler.flush()))
    assert np.array_equal(whole, again)


def resample(samples, rate):
    resampler = Resampler(rate)
    return np.concatenate((resampler.push(samples.astype(np.float32)), resampler.flush()))


@pytest.mark.parametrize(
    ("rate", "frequency"),
    [*itertools.product((22050, 44100, 48000, 192000, 384000), (50, 1000, 7300)), (8000, 3600)],
)
def test_resampler_agrees_with_the_true_tone(rate, frequency):
    got = resample(tone(rate, 0.3, frequency), rate)
    error = (got - tone(16000, 0.3, frequency))[600:-600]
    assert 20 * np.log10(np.abs(error).max() / 0.5) < -60


@pytest.mark.parametrize("frequency", [8100, 8700, 12000, 20000])
def test_resampler_leaves_no_alias(frequency):
    got = resample(tone(48000, 0.3, frequency), 48000)[600:-600]
    assert 20 * np.log10(np.abs(got).max() / 0.5) < -60


def test_upsampling_leaves_no_image():
    spectrum = np.abs(np.fft.rfft(resample(tone(8000, 1.0, 1000), 8000) * np.hanning(16000)))
    assert 20 * np.log10(spectrum[4000:].max() / spectrum.max()) < -60


def test_resampler_agrees_with_scipy():
    signal = pytest.importorskip("scipy.signal")
    rng = np.random.default_rng(3)
    band = signal.butter(10, 5000, fs=44100, output="sos")
    noise = signal.sosfilt(band, rng.normal(0, 0.2, 22050))
    low_pass = signal.firwin(2 * 160 * 300 + 1, 7700, window=("kaiser", 9.0), fs=44100 * 160)
    wanted = signal.resample_poly(noise, 160, 441, window=low_pass)
    got = resample(noise, 44100)
    error = (got - wanted[: len(got)])[500:-500]
    assert 20 * np.log10(error.std() / wanted.std()) < -60


def test_constant_stays_constant():
    got = resample(np.full(4410, 0.25), 44100)[300:-300]
    assert np.abs(got - 0.25).max() < 1e-6


def test_same_rate_passes_through():
    samples = np.random.default_rng(0).uniform(-1, 1, 100).astype(np.float32)
    assert np.array_equal(resample(samples, 16000), samples)


@pytest.mark.parametrize("rate", [0, -16000, 3999, 384001])
def test_impossible_rates(rate):
    with pytest.raises(AudioError, match="4000 to 384000"):
        Resampler(rate)


def test_samples_of_the_repository_read_as_they_are():
    folder = Path(__file__).parents[1] / "samples"
    for path in sorted(folder.glob("*.wav")):
        with wave.open(str(path)) as file:
            raw = file.readframes(file.getnframes())
        assert read(path).tobytes() == raw
