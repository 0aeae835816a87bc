"A file's bytes -> one grey square: DICOM, PNG and JPEG."
