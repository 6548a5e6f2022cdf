# make demo   hear the built-in pack on the sample recordings (or WAV=my.wav)
# make test   install what the tests need, and run them
# make lint   ruff and mypy
# make bench  speed, memory and cold start on this machine
# make pack   rebuild the built-in pack from fetched corpora
PYTHON ?= python3
DEVICE := .venv
DEVELOP := .venv-dev
WAV ?= $(sort $(wildcard tests/samples/*.wav))
FOLD ?= luna-jimenez:0
# One thread each: the models are small, and more threads make them slower.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: setup demo test lint format bench pack samples wheel clean

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
	$(DEVICE)/bin/hearten bench

# Every step resumes or is quick; half an hour or more on two cores, most of it the voice.
pack: setup
	$(DEVELOP)/bin/python -m train vocabulary
	$(DEVELOP)/bin/python -m train text
	$(DEVELOP)/bin/python -m train language --keywords runs/text/keywords.txt --out runs/language
	$(DEVELOP)/bin/python -m train recognition --keywords runs/text/keywords.txt --threshold 0.4
	$(DEVELOP)/bin/python -m train voice --fold $(FOLD)
	$(DEVELOP)/bin/python -m train speaker --no-folds
	$(DEVELOP)/bin/python -m train fusion
	$(DEVELOP)/bin/python -m convert

samples: setup
	$(DEVELOP)/bin/python tests/samples/make_samples.py

wheel: setup
	$(DEVELOP)/bin/pip wheel --quiet --no-deps --wheel-dir dist .
	ls -l dist

clean:
	rm -rf $(DEVICE) $(DEVELOP) build dist *.egg-info
