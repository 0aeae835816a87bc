"Where it looks."
