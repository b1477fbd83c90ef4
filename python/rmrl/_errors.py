class RmrlError(RuntimeError):
    """The program, or a file that it made, says that something is wrong; the message says what."""
