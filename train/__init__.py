"""The workstation: corpora, models, evaluation. Run from a checkout: ``python -m train NAME``."""
