"""The web page: emotions of a live stream or of a dropped recording, in a browser."""

HOST, PORT = "127.0.0.1", 8600
DEFAULT = f"{HOST}:{PORT}"  # where the page is, unless told otherwise
