"What an image is: cohorts, splits, pixels and the cache. Imports no torch."

CLASSES = 'no pneumonia', 'pneumonia'  # label 0, 1
