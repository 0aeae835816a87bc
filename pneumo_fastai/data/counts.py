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
    n = per_class(labels)
    return tuple(sum(n)/(2*k) for k in n) if all(n) else None


def effective_weights(labels, beta):
    """The same by (1 - beta)/(1 - beta^n) of a class's n images (Cui et al. 2019), which sum to 2: at beta 0 both weigh 1, towards 1 as
    the balanced ones do."""
    n = per_class(labels)
    if not all(n): return None
    each = [(1 - beta)/(1 - beta**k) for k in n]
    return tuple(2*w/sum(each) for w in each)


def per_class(labels): return [int((labels == c).sum()) for c in (0, 1)]


def class_weights(experiment, labels):
    "(of negatives, of positives) in the loss, by these labels of training; None where the experiment weighs none."
    if experiment.class_weights == 'balanced': return balanced_weights(labels)
    return effective_weights(labels, experiment.effective_beta) if experiment.class_weights == 'effective' else None


BY = {'class': ['label'], 'view': ['view', 'label']}  # whose groups `oversample` makes equal


def groups(rows, by):
    "Those of the rows, by these columns; a blank is a group of its own."
    return [group for _, group in rows.groupby(rows[by].astype(object).fillna('not stated').apply(tuple, axis=1))]


def prevalence_weights(experiment, rows):
    """(of negatives, of positives): how much more each class counted in training than its images do, by the loss's weights or by how often
    they were drawn. None where training left the prevalence as it was."""
    if experiment.oversample == 'none': return class_weights(experiment, rows['label'])
    n, labels = per_class(rows['label']), [group['label'].iloc[0] for group in groups(rows, BY[experiment.oversample])]
    drawn = [labels.count(c) for c in (0, 1)]  # groups, which are of one size
    return tuple(k*sum(n)/(sum(drawn)*m) for k, m in zip(drawn, n, strict=True)) if all(n) else None
