"What it is worth, from saved predictions alone. Imports no torch."
