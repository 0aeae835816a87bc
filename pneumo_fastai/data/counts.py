"A set of images in numbers."


def counted(rows) -> dict:
    "images, patients, pneumonia (images) and prevalence (None where there is no image) of rows with patient and label."
    n, ill = len(rows), int(rows['label'].sum())
    return dict(images=n, patients=int(rows['patient'].nunique()), pneumonia=ill, prevalence=ill/n if n else None)


def crossing(table) -> int:
    "How many patients have images in more than one split."
    return int((table.groupby('patient')['split'].nunique() > 1).sum())


def balanced_weights(labels):
    """(of negatives, of positives) for a loss to which both classes contribute alike: images / (2 x images of the class), by these labels
    (King and Zeng 2001). None where a class has no image."""
    n = [int((labels == c).sum()) for c in (0, 1)]
    return tuple(sum(n)/(2*k) for k in n) if all(n) else None
