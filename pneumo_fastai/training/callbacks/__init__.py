"What changes or watches the loop, a callback a file."
