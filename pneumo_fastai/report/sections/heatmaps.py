"The report's section on heatmaps, from localization.json and the pictures beside it."
from ...errors import InputError
from ...runs.checksums import altered
from ...runs.files import anew, read_json
from ..figures.heat import CHOSEN
from ..html import bullets, cell, join, p, tag
from ..labels import FIGURES, number
from ..registry import RUN, Parts, section
from .map_checks import beside, bias, depends, gap, kept, others, sanity
from .map_shape import right

MODEL, MEAN_BOX, UNTRAINED = 'model', 'mean box of train', 'untrained network'
MEASURES = dict(pointing='hottest point in a box', energy='heat inside the boxes', average_precision='pixel average precision (AUPRC)',
                iou='IoU')
NAMES = {MODEL: 'the model', 'a random point': 'a random point', MEAN_BOX: 'the mean box of the training images',
         UNTRAINED: 'the same network, untrained'}
METHODS = {'gradcam': 'Grad-CAM', 'gradcam++': 'Grad-CAM++', 'hirescam': 'HiResCAM', 'layercam': 'LayerCAM'}
GROUPS = {'box area': 'Box area, pixels of the file', 'call': 'Call at the threshold', 'view': 'View'}
TAUGHT = ("The maps were taught: training asked that Grad-CAM's heat lie in the boxes of the training images. How well it lies in the "
          'boxes of patients never seen is what that teaching achieved, not something the network found by itself.')
COMMAND = 'python -m pneumo_fastai.gradcam RUN'


def scored(folder):
    "What `explain_run` found, or None where it was not run."
    if not (path := folder/'localization.json').is_file(): return None
    found = read_json(path)
    if not right(found, MODEL, NAMES, METHODS): raise InputError(f'{path} is not what gradcam writes; {anew(path)}')
    return found


def changed(folder, force):
    "What of `scored` is not as it was when the run ended, a sentence, for the report to say; `InputError` without `force`."
    if (found := altered(folder, ('localization.json',))) and not force:
        raise InputError(f'{folder}: {found[0]}; {anew("localization.json")}; evaluate --force goes on, and the report says so')
    scored(folder)  # before anything is written
    return found


def outcome(difference):
    "Whether the interval of a paired difference, model less opponent, lies above 0, below it, or neither."
    low, high = difference['low'], difference['high']
    if low is None: return 'no interval says whether the maps beat it'
    if low > 0: return 'the maps beat it'
    return 'the maps do not beat it, they do worse' if high < 0 else 'the maps do not beat it'


def verdicts(found):
    "Whether the maps find what readers boxed, and whether they show what was learnt: a sentence each."
    where = found['localization']
    if found.get('box_guidance'): yield TAUGHT
    if 'reason' in where: yield f'Whether the maps fall where readers drew boxes is {where["reason"]}.'
    else: yield from against(where)
    yield kept(found['sanity'])
    yield from beside(found['others'])


def against(where):
    maps, rivals = where['maps'], {MEAN_BOX: 'the mean box of the training images, which looks at no image, does so in',
                                   UNTRAINED: 'the maps of the same network before training do so in'}
    for name in [k for k in rivals if k in maps]:
        pointing, pixels = (where['difference'][name][k] for k in ('pointing', 'average_precision'))
        also = '' if outcome(pixels) == outcome(pointing) else f'; by AUPRC {outcome(pixels)}'
        yield (f'The maps point into a box in {percent(maps[MODEL])} of images; {rivals[name]} {percent(maps[name])}: {outcome(pointing)} '
               f'({gap(pointing)}){also}.')
    yield ('The heat follows the single image more than habits of place could. That is no proof that the call rests on the opacity alone.'
           if beats(where) else 'A map that does not beat these has at best learnt where opacities usually are, or shows how the network '
           'is built: do not read its heat as a finding in the patient.')


def beats(where):
    "Whether the hottest points do better than those of all that the verdict names."
    return all((where['difference'][k]['pointing']['low'] or 0) > 0 for k in (MEAN_BOX, UNTRAINED) if k in where['difference'])


def warnings(folder):
    "For the page's list: what takes the ground from under the maps."
    found = scored(folder)
    if found and found['sanity']['survives']:
        yield 'The heatmaps survive random weights: they show the image, not what the model learnt. Do not use them to explain it.'


def counts(where):
    left, cut = where['positives_without_boxes'], where['boxes_clipped']
    return (f'n = {where["n"]:,} test images with pneumonia and boxes, of {where["patients"]:,} patients. Images with pneumonia but '
            f'without a box, left out here: {left:,}; boxes cut at the edge of the image: {cut:,}.')


def opponents(page, where):
    "The model beside what sees nothing, and the differences."
    def iou(name, m): return join([cell(m), tag('small', f' heat from {where["cut"][name]:.2f}')])
    rows = [(NAMES[k], *(iou(k, m[j]) if j == 'iou' else cell(m[j]) for j in MEASURES)) for k, m in where['maps'].items()]
    less = [(f'less {NAMES[k]}', *(number(m[j], 3, '+') for j in MEASURES)) for k, m in where['difference'].items()]
    header, words = ('', *MEASURES.values()), bullets((
        join([tag('b', 'Hottest point in a box: '), 'the share of images in which it lies in one (pointing game); 1 is perfect.']),
        join([tag('b', 'Heat inside the boxes: '), 'the share of all heat that lies there; an even map has the share of the area.']),
        join([tag('b', 'Pixel average precision: '), 'whether hotter pixels are more often in a box, over all thresholds of heat.']),
        join([tag('b', 'IoU: '), 'the overlap of the boxes with all pixels from one threshold of heat up (0 to 1 within each map), divided '
              'by their union. The threshold of each row is the one that is best on valid; it stands beside the number.'])))
    return join([p('Opacities have usual places, so any map hits some. The bar to beat is the mean box of the training images. '
                   'Each map is scored by itself, from 0 to its hottest place, for the logit of pneumonia; the pictures take off what '
                   'speaks for no pneumonia, and have one scale.'),
                 page.table(header, rows, counts(where)), words,
                 page.table(('the model', *MEASURES.values()), less, 'Differences on the same images; above 0 the model is better. Where '
                            'the interval leaves out 0, chance in the choice of test patients does not explain it.')])


def by_group(page, where):
    names = [k for k in (MEAN_BOX,) if k in where['maps']]
    header = ('', 'images', 'hottest point', 'heat inside', 'AUPRC', 'IoU', *('mean box' for _ in names))
    for name, groups in where['by'].items():
        rows = [(join([g['group'], ' ', tag('span', 'small group', class_='small') if g['small'] else '']), g['n'],
                 *(number(g[m], 2) for m in MEASURES), *(f'{g["others"][k]["pointing"]:.3f}' for k in names)) for g in groups]
        yield page.table(header, rows, f'{GROUPS.get(name, name)}.')


def methods(page, found):
    where = found['localization']
    rows = [(join([METHODS[k], tag('small', 'the one shown here') if k == found['method'] else '']), *(cell(m[j]) for j in m))
            for k, m in where['methods'].items()]
    layers, turned = ', '.join(found['layers']), ', each averaged with that of the mirrored image' if found.get('mirror') else ''
    return join([tag('h3', 'Other methods, same layers'),
                 page.table(('', *list(MEASURES.values())[:3]), rows, f'Maps of {layers}{turned}. To choose the best row is to choose on '
                            'test. Where a mean over places and one linear layer follow, Grad-CAM and HiResCAM are the same.')])


def boxes(page, found):
    where = found['localization']
    if 'reason' in where: return ''  # the verdict says so
    words = ('The same by group. Larger boxes are easier to hit, for any map; the last column says in what share the mean box of the '
             'training images hits. A group of fewer than 30 images is marked as small: its numbers are mostly chance.')
    return join([opponents(page, where), p(words), *by_group(page, where),
                 methods(page, found)])


def percent(m): return f'{round(m["pointing"]["value"], 3):.1%}'


@section('gradcam', 'Heatmaps', 100, on=RUN)
def heatmaps(page, run, metrics):
    "A run whose maps were not scored shows what pictures it has, and how to score them."
    found = scored(run.folder)
    few = page.figure(run.folder/'gradcam.png', FIGURES['gradcam.png'] + ' Images of valid; blue boxes are what readers '
                      f'marked. {CHOSEN}')
    moved = 'How the maps moved in training', join(page.figure(run.folder/f, FIGURES[f]) for f in ('attention.png', 'attention.gif'))
    if not found:
        how = p('How far such maps can be trusted was not measured; ', tag('code', COMMAND), ' does so from the model and the images.')
        taught = p(TAUGHT) if run.experiment.box_guidance else ''
        return Parts('' if few else 'This run saved no heatmaps.', few, join([taught, how]), (moved,))
    lines = list(verdicts(found))
    finding = lines.pop(1 if found.get('box_guidance') else 0)  # first comes what was taught
    content = tag('div', *(p(line) for line in lines), class_='notice' if fine(found) else 'warning')
    return Parts(finding, few, content, (
        ('Against the boxes that readers drew', boxes(page, found)), ('Do the maps show what was learnt?', sanity(page, found)),
        ('Beside other runs', others(page, found) if found['others'] else ''), ('Heat where no finding can be', bias(page, run, found)),
        moved))


def fine(found):
    "Whether nothing speaks against reading the maps."
    return depends(found['sanity']) and ('reason' in found['localization'] or beats(found['localization']))
