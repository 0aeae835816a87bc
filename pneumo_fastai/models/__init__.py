"What learns."
