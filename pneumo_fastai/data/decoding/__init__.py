"A file's bytes -> one grey square: DICOM, PNG and JPEG."

VERSION = 3  # of what the pixels look like: a cache made by another version is made again, a model made for another one refused
