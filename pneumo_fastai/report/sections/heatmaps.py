"The report's section on heatmaps, from localization.json and the pictures beside it."
from markupsafe import Markup

from ...errors import InputError
from ...runs.checksums import altered
from ...runs.files import anew, read_json
from ..figures.heat import CHOSEN
from ..html import noted
from ..labels import number
from ..registry import ONE, section
from ..templating import cell, sentences
from .map_checks import beside, checks, depends, gap, kept
from .map_shape import right

MODEL, MEAN_BOX, UNTRAINED = 'model', 'mean box of train', 'untrained network'
OTHERS = 'mean box of the others'  # where no training images with boxes are at hand
LABELS = 'differences by label'
MEASURES = dict(pointing='hottest point in a box', energy='heat inside the boxes', average_precision='pixel average precision (AUPRC)',
                iou='IoU')
NAMES = {MODEL: 'the model', 'a random point': 'a random point', MEAN_BOX: 'the mean box of the training images',
         OTHERS: 'the mean box of the other half of these patients', LABELS: 'differences by label, without a network',
         UNTRAINED: 'the same network, untrained'}
METHODS = {'gradcam': 'Grad-CAM', 'gradcam++': 'Grad-CAM++', 'hirescam': 'HiResCAM', 'layercam': 'LayerCAM'}
GROUPS = {'box area': 'Box area, pixels of the file', 'call': 'Call at the threshold', 'view': 'View'}
RIVALS = {MEAN_BOX: 'the mean box of the training images, which looks at no image, does so in',
          OTHERS: 'the mean box of the other half of these patients, which looks at no image, does so in',
          UNTRAINED: 'the maps of the same network before training do so in'}


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
    return 'the maps beat it' if low > 0 else 'the maps do not beat it' + (', they do worse' if high < 0 else '')


def verdicts(found):
    "Whether the maps find what readers boxed, and whether they show what was learnt: a sentence each."
    return sentences('words/heatmaps', where=found['localization'], rivals=RIVALS, outcome=outcome, gap=gap, beats=beats,
                     kept=kept(found['sanity']), beside=beside(found['others']))


def beats(where):
    "Whether the hottest points do better than those of all that the verdict names."
    return all((where['difference'][k]['pointing']['low'] or 0) > 0 for k in RIVALS if k in where['difference'])


def warnings(folder):
    "For the page's list: what takes the ground from under the maps."
    found = scored(folder)
    if found and found['sanity']['survives']:
        yield 'The heatmaps survive random weights: they show the image, not what the model learnt. Do not use them to explain it.'


def boxes(found):
    "Rows of the tables: the model beside what sees nothing, the differences, groups, and other methods; None without boxes."
    if 'reason' in (where := found['localization']): return None  # the verdict says so
    def iou(name, m): return noted(cell(m), f' heat from {where["cut"][name]:.2f}')
    def group(g): return g['group'] + Markup(' <span class="small">small group</span>') if g['small'] else g['group']
    def hits(g): return [f'{g["others"][k]["pointing"]:.3f}' for k in (MEAN_BOX, OTHERS) if k in where['maps']]
    return dict(
        maps=[(NAMES[k], *(iou(k, m[j]) if j == 'iou' else cell(m[j]) for j in MEASURES)) for k, m in where['maps'].items()],
        less=[(f'less {NAMES[k]}', *(number(m[j], 3, '+') for j in MEASURES)) for k, m in where['difference'].items()],
        groups={GROUPS.get(name, name): [(group(g), g['n'], *(number(g[m], 2) for m in MEASURES), *hits(g)) for g in groups]
                for name, groups in where['by'].items()},
        methods=[(noted(METHODS[k], 'the one shown here' if k == found['method'] else ''), *(cell(m[j]) for j in m))
                 for k, m in where['methods'].items()])


@section('gradcam', 'Heatmaps', 100, on=ONE)
def heatmaps(page, run, metrics):
    "A run whose maps were not scored shows what pictures it has, and how to score them."
    found = scored(run.folder)
    said_first = taught(run.experiment)
    if not found: return dict(found=found, chosen=CHOSEN, finding='', said=said_first)
    finding, *said = verdicts(found)
    return dict(checks(found), found=found, where=found['localization'], chosen=CHOSEN, finding=finding, said=said_first + said,
                fine=fine(found), boxes=boxes(found), measures=list(MEASURES.values()))


def taught(experiment) -> list[str]:
    "What a reader of the maps has to know where training taught them."
    return sentences('words/taught', by=experiment.guided_by) if experiment.box_guidance else []


def fine(found):
    "Whether nothing speaks against reading the maps."
    return depends(found['sanity']) and ('reason' in found['localization'] or beats(found['localization']))
