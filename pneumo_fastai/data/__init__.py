"What an image is: cohorts, splits, pixels and the cache. Imports no torch."
