"The names of metrics and figures, and how a number with its interval is written."
from ..evaluation.metrics import EVERY

NAMES = {name: metric.label for name, metric in EVERY.items()}
MEANING = {name: metric.meaning for name, metric in EVERY.items()}
FIGURES = {
    'curves.png': 'Training: loss and metrics by epoch. The star marks the epoch with the best AUROC on valid. A valid loss that rises '
                  'while the train loss falls is overfitting.',
    'roc.png': 'ROC curve: the share of pneumonia found against the share of false alarms, over all thresholds. The dotted diagonal is '
               'chance; the marked points are the chosen threshold.',
    'precision_recall.png': 'Precision and recall: of the images called pneumonia, how many are, against how many of all are found. The '
                            'dotted line is chance, which is the prevalence.',
    'confusion_matrix.png': 'Counts of right and wrong calls on test, with the share of each true class.',
    'roc_by_fold.png': 'ROC curves: a thin line for the test images of each fold, the thick one for all of them together. The marked '
                       'points are the thresholds that each fold chose on its own valid.',
    'reliability.png': 'Reliability: of the images given a probability, the share that has pneumonia, before and after calibration. On the '
                       'dotted line a probability means what it says; the bars below count the images.',
    'risk_coverage.png': 'Risk and coverage: how many of the calls are wrong when only the images the model is surest of are left to it.',
    'subgroups.png': 'AUROC with its 95% interval in each subgroup of the test images. Hollow points rest on few images: read nothing into '
                     'them.',
    'cases.png': 'Examples from valid, the clearest there is of each kind: pneumonia found, missed, a false alarm, healthy called so; with '
                 'heatmap and readers\u2019 boxes where there are any.',
    'top_losses.png': 'The images the model got most wrong: worth looking at for wrong labels, tubes and wires, text, odd positions.',
    'gradcam.png': 'Heatmaps, Grad-CAM (Selvaraju et al. 2017) unless the bar names another: where the image spoke for pneumonia, and how '
                   'much. Coarse, and no proof of a finding there.',
    'mean_maps.png': 'Mean heatmap of the test images without and with pneumonia, and where the boxes of the training images lie. All '
                     'images are laid over each other as they are, each from 0 to its own hottest place: where heat lies, not how much.',
    'adaptation.png': 'What so many labelled patients change, measured on all others. Orange, dashed: as the run is, without them. A '
                      'point is the mean over draws of the patients, its bar 95% of the draws.',
    'attention.png': 'Heatmaps of the same images of valid before training and as it went on, from left to right, on the scale of the run.',
    'sweep.png': 'AUROC on valid by setting: a dot for each training, the line is their mean and standard deviation; squares, where '
                 'tests are of several kinds: on test. What chance in the choice of patients adds is in the differences of the table.',
    'learning_curve.png': 'Learning curve: AUROC against the patients trained on, and the law fitted to it. Grey: beyond all that was '
                          'measured. Squares: what the smaller shares alone had forecast; how far they lie from the circles at the same '
                          'share is how wrong a forecast was.',
    'attention.gif': 'The same, moving; the last picture is the end of training.',
}
QUESTION = 'How well does a model tell chest radiographs with pneumonia from those without, on patients it never saw?'
BRACKETS = 'In brackets: 95% interval, allowing for several images of a patient.'
NARROW = .05  # an interval of less is given to three places


def p_value(p): return 'not defined' if p is None else '< 0.001' if p < .001 else f'{p:.3f}'


def places(
    low, high,
    least,  # at least so many
):
    "Decimal places at which no end of an interval that leaves out zero looks like zero; what is below 1e-9 is rounding."
    near = min(abs(low), abs(high)) if low*high > 0 else 0
    return next((d for d in range(least, 10) if round(near, d)), least)


def number(
    metric,
    digits=None,  # of the interval; two unless given, or three where it is narrow
    sign='',   # '+' for a difference and the like: an interval that leaves out zero then has as many digits as show it
):
    "A metric with its interval, like `0.871 [0.82, 0.91]`, or 'not defined'."
    if metric['value'] is None: return 'not defined'
    value, low, high = metric['value'], metric['low'], metric['high']
    if low is None: return f'{value:{sign}z.3f} [no interval]'
    ends = digits or (2 if high - low >= NARROW else 3)
    if sign: ends = places(low, high, ends)
    form = f'{sign}z.{ends}f'  # z: no -0.000
    return f'{value:{sign}z.{max(3, ends)}f} [{low:{form}}, {high:{form}}]'
