"""The errors that a user can cause; each message names the cause and the fix."""


class HeartenError(Exception):
    """A user's mistake or a broken input: one clear line, exit code 2, never a traceback."""


class AudioError(HeartenError):
    """An audio file or stream that cannot be used."""


class PackError(HeartenError):
    """A pack that is missing, damaged, or made for another version."""


class MissingExtra(HeartenError):
    """A feature whose optional packages are not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an extra: pip install 'hearten[{extra}]'")
        self.extra = extra
