"What a command says when its input is wrong."


class InputError(ValueError):
    "Bad input: one line that says what is wrong and what would do. A command prints it and exits with status 2."
    def __init__(self, message):
        super().__init__(message)
        self.message = message  # fastai rewrites the args of what a callback raises

    def __str__(self): return self.message


class Failed(Exception):
    "What stopped or spoiled the work on good input, in one line. A command prints it and exits with status 1."


class UnreadableImage(Exception):
    "A file that gives no image: `.path` and `.reason`, which quotes nothing from a header that could name a patient."
    def __init__(self, path, reason):
        super().__init__(path, reason)
        self.path, self.reason = str(path), reason

    def __str__(self): return f'{self.path}: {self.reason}'


def readable(text) -> str:
    "For a screen: the name of a file may hold a line's end, what moves a terminal's cursor, or bytes that are no text; a '?' for each."
    return ''.join(c if c.isprintable() else '?' for c in text)
