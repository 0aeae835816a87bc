"What a command says when its input is wrong."


class InputError(ValueError):
    "Bad input: one line that says what is wrong and what would do. A command prints it and exits with status 2."
    def __init__(self, message):
        super().__init__(message)
        self.message = message  # fastai rewrites the args of what a callback raises

    def __str__(self): return self.message
