"The images of a cross-validation by how likely their label is wrong, the likeliest first: a page of pictures, and a table of all."
from pathlib import Path, PurePath

import numpy as np

from ..data.decoding.dicom import read_square, square_boxes
from ..errors import UnreadableImage
from ..evaluation.cross_validation import calibrated_folds, within
from ..evaluation.label_errors import by_suspicion, recall_at, shares_wrong
from ..runs.folds import whole_folds
from ..runs.tables import write_table
from ..runs.truth import known_labels
from ..screen import bar, console, note, table
from ..writing import whole
from .gallery import NAMES, jpeg, known
from .html import Page, document
from .labels import number

SIDE = 512  # pixels of a picture, whatever the network saw of it
COLUMNS = ['path', 'patient', 'fold', 'label', 'probability', 'calibrated', 'flagged', 'score', 'rank', 'loss', 'rank_by_loss']
TITLE = 'Labels that may be wrong'


def table_file(out): return Path(out).with_suffix('.csv')


def review(
    folder,      # of a finished cross-validation
    out,         # the page; the table is written beside it, ending in .csv
    truth=None,  # a CSV of path,label: labels known to be right, to measure the rankings by
    worst=60,    # images on the page; 0: all
):
    "Write both, each whole or not at all; returns what the page's head says."
    with bar('reading the folds'):
        cv = whole_folds(folder)
        right = known_labels(truth, cv.cohort['path']) if truth else None
    with bar('ranking the labels'):
        rows, joint = by_suspicion(calibrated_folds(cv))
        if truth: rows['true'] = rows['path'].map(dict(zip(cv.cohort['path'], right, strict=True)))
        found = findings(rows, joint)
    with bar('reading the images') as tick: found |= write_review(out, cv, rows.head(worst or len(rows)), found, tick)
    write_table(table_file(out), rows[COLUMNS])
    return found


def findings(rows, joint):
    "images, patients, flagged; by_class, what is flagged and estimated of each label; auroc; recall, None where no `true` label is known."
    each = rows.groupby('label')['flagged'].agg(['size', 'sum'])
    classes = [dict(name=NAMES[k], images=int(each['size'][k]), flagged=int(each['sum'][k]), share=share)
               for k, share in enumerate(shares_wrong(joint))]
    return dict(images=len(rows), patients=rows['patient'].nunique(), flagged=int(rows['flagged'].sum()), by_class=classes,
                auroc=within(rows, rows['calibrated']), recall=recalled(rows) if 'true' in rows else None)


def class_rows(found):
    "The table of `by_class`: header and rows of text."
    return (['label', 'images', 'flagged', 'estimated to be wrong'],
            [(o['name'], f'{o["images"]:,}', f'{o["flagged"]:,}', f'{o["share"]:.1%}') for o in found['by_class']])


def recalled(rows):
    "Of the labels that are known to be wrong, how many both rankings have among the first."
    stated, wrong = rows['true'].notna(), rows['true'].notna() & (rows['true'] != rows['label'])
    ranks = dict(cleanlab=rows['rank'].to_numpy(), loss=rows['rank_by_loss'].to_numpy())
    return dict(known=int(stated.sum()), wrong=int(wrong.sum()), at=recall_at(rows['patient'], wrong, ranks))


def recall_rows(found):
    "The table of `recalled`: header and rows of text."
    first, other = found['at'][0]['recall']
    rows = [(f'{o["share"]:.0%}, {o["images"]:,}', *(number(o['recall'][k], 2) for k in (first, other)), f'{o["share"]:.3f}',
             number(o['difference'][other], 2, '+')) for o in found['at']]
    return ['worst', f'by {first}', f'by {other}', 'chance', 'difference'], rows


def case(row, experiment):
    "What the page says of one image, and its picture, or why there is none."
    true = row.get('true', np.nan)
    said = dict(row=row, file=PurePath(row['path']).name, given=NAMES[row['label']], known=known(row), gone=None,
                true=None if np.isnan(true) else NAMES[int(true)])
    try: image, film = read_square(row['path'], SIDE, any_view=experiment.any_view)
    except UnreadableImage as e: return dict(said, gone=e.reason)
    return dict(said, jpeg=jpeg(image), boxes=square_boxes(row['boxes'], film.height, film.width, SIDE, 'pad', film.tall))


def write_review(path, cv, rows, found, tick):
    "The page, one image in memory at a time; returns how many it shows and how many of them have no picture."
    rows, seen = rows.join(cv.cohort.set_index('path')[['view', 'age', 'sex', 'detail', 'boxes']], on='path'), dict(shown=0, gone=0)
    def cases():
        for _, row in rows.iterrows():
            yield (one := case(row, cv.experiment))
            seen.update(shown=seen['shown'] + 1, gone=seen['gone'] + bool(one['gone']))
            tick(seen['shown'], len(rows), seen['gone'])
    with whole(path) as beside, beside.open('w', encoding='utf-8') as file:
        file.writelines(document(
            Page(cv.synthetic), f'{TITLE}: {cv.title}', 'label_review', cases=cases(), found=found, seen=seen, side=SIDE,
            folds=len(cv.folds), classes=class_rows(found), recall=found['recall'] and recall_rows(found['recall'])))
    return seen


def show(found):
    "What the page's head says, on the screen."
    table(f'{TITLE}: {found["flagged"]:,} of {found["images"]:,} images of {found["patients"]:,} patients are flagged', *class_rows(found))
    if of := found['recall']:
        table(f'of the {of["wrong"]:,} labels known to be wrong, {of["known"]:,} being known, found', *recall_rows(of), narrow=True)
    console.print(f'A flag says that a network that never saw the patient disagrees with the label: a wrong label, or a hard image. The '
                  f'networks tell the labels apart with AUROC {number(found["auroc"])}; at 0.5 a flag says nothing.', markup=False)
    if found['gone']: note(f'{found["gone"]} of the {found["shown"]} images on the page cannot be read any more; the page says why')
