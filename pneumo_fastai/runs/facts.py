"""model.json: what a bundle, the folder of a model that leaves its run, says of itself. Written last; whoever reads it checks every sum and
every field. No torch and no pandas here: the reader without them has it too."""
import json
from hashlib import sha256 as hashed
from pathlib import Path

import numpy as np

from ..data import CLASSES
from ..data.decoding import VERSION as DECODER
from ..errors import InputError
from ..writing import write
from .files import read_json, sha256

FOLDER, NAME, FORMAT, VERSION = 'model', 'model.json', 'pneumo_fastai model', 1
FILES = WEIGHTS, REFERENCES, ONNX, CARD = 'weights.safetensors', 'references.safetensors', 'model.onnx', 'README.md'
SECTIONS = dict(
    network=('arch', 'size', 'output_stride', 'antialias', 'stochastic_depth', 'members'),
    reading=('decoder', 'any_view', 'aspect', 'grey_levels', 'mean', 'std'),
    decision=('threshold', 'threshold_from', 'calibrator', 'conformal', 'disagreement_90'),
    likeness=('grey', 'layout', 'features'),
    explanation=('heat',),
    source=('experiment', 'data', 'synthetic'))
TOLD = 'training', 'metrics', 'use', 'made_by'  # for people; nothing is computed from it
MORE = 'adapted', 'norms'  # likewise, where it is so
FIELDS = {'format', 'version', 'classes', 'files', 'sha256', *SECTIONS, *TOLD, *MORE}
USE = dict(intended='Research and education on frontal chest radiographs; no medical device.',
           licence='The code is under the MIT licence; the weights are bound by the terms of the data they were trained on.')
ANEW = ONNX, CARD  # what export makes of the rest
REMEDY = 'take a copy of the whole folder, or train the run anew'
GIVE = 'give the folder that fit wrote, such as runs/weighted-..., or the model/ in it'
NEEDED = 'arch', 'size', 'aspect', 'mean', 'std', 'threshold', 'calibrator'


def place(run) -> Path:
    "The bundle of a run's folder, or the folder itself where it is a bundle."
    return Path(run) if (Path(run)/NAME).is_file() else Path(run)/FOLDER


def flat(found) -> dict:
    "What images are read and judged by: the fields of all `SECTIONS`, by name."
    return {k: v for section in SECTIONS for k, v in found[section].items()}


def sectioned(recipe) -> dict:
    "The opposite of `flat`."
    if lost := set(recipe) - {k for keys in SECTIONS.values() for k in keys}: raise KeyError(f'{NAME} has no place for {sorted(lost)}')
    return {section: {k: recipe[k] for k in keys if k in recipe} for section, keys in SECTIONS.items()}


def described(recipe, told) -> dict:
    "All that model.json says but for the sums."
    told = dict(use=USE) | told
    return dict(format=FORMAT, version=VERSION, classes=list(CLASSES), **sectioned(dict(decoder=DECODER) | recipe),
                **{k: told.get(k, {}) for k in TOLD}, **{k: told[k] for k in MORE if told.get(k)})


def own_sum(found) -> str:
    "SHA-256 of all that model.json says but this."
    text = json.dumps({k: v for k, v in found.items() if k != 'sha256'}, sort_keys=True, separators=(',', ':'), allow_nan=False)
    return hashed(text.encode()).hexdigest()


def save(folder, found):
    "model.json, with the sums of the files that are there."
    found = dict(found, files={name: sha256(folder/name) for name in FILES if (folder/name).is_file()})
    write(folder/NAME, json.dumps(dict(found, sha256=own_sum(found)), indent=1, allow_nan=False))


def read(
    folder,         # the bundle's
    unchecked=(),   # files that need not be as they were: those that are about to be written anew
) -> dict:
    "What model.json says; `InputError` where it or a file of the bundle is absent, damaged, or of a kind that is not known here."
    path = Path(folder)/NAME
    if not path.is_file(): raise InputError(f'{path.parent.parent} holds no {path.parent.name}/{NAME}; {GIVE}')
    found = read_json(path)
    if why := next(strange(found), None): raise InputError(f'{path} cannot be used: {why}')
    if found['sha256'] != own_sum(found): raise InputError(f'{path} is damaged: it is not what was written; {REMEDY}')
    for name, sha in found['files'].items():
        if name in unchecked: continue
        remedy = 'take a copy of the whole folder, or export the run anew' if name in ANEW else REMEDY
        if not (Path(folder)/name).is_file(): raise InputError(f'{folder} holds no {name}; {remedy}')
        if sha256(Path(folder)/name) != sha: raise InputError(f'{folder}/{name} is damaged: it is not what was written; {remedy}')
    if why := next(faults(flat(found)), None): raise InputError(f'{path} cannot be used: {why}; {REMEDY}')
    return found


def strange(found):
    "Yields what this version does not know of it."
    if found.get('format') != FORMAT: yield f'its format is {found.get("format")!r}, not {FORMAT!r}; give a run or the {FOLDER}/ in it'
    if found.get('version') != VERSION: yield f'it has version {found.get("version")!r}, this pneumo_fastai reads {VERSION}; {by(found)}'
    yield from (f'its field {k!r} is not known here; {by(found)}' for k in found if k not in FIELDS)
    for section, keys in dict(SECTIONS, files=FILES).items():
        if not isinstance(found.get(section), dict): yield f'it has no {section}; {REMEDY}'
        yield from (f'its field {section}.{k} is not known here; {by(found)}' for k in found[section] if k not in keys)
    if WEIGHTS not in found['files']: yield f'it names no {WEIGHTS}; {REMEDY}'
    if found.get('classes') != list(CLASSES): yield f'its classes are {found.get("classes")!r}, not {list(CLASSES)}; {REMEDY}'
    if (its := found['reading'].get('decoder')) != DECODER:
        yield f'its images were decoded by version {its!r} of the decoder, this pneumo_fastai has {DECODER}; {by(found)}'
    if not isinstance(found.get('sha256'), str): yield f'it has no sha256; {REMEDY}'


def by(found):
    "What would read it."
    made = found.get('made_by')
    version = made.get('pneumo_fastai') if isinstance(made, dict) else None
    return f'take the version of pneumo_fastai that made it{f", {version}" if version else ""}'


def faults(recipe):
    "Yields why nothing can be predicted by this recipe; each supposes that those before it are not so."
    from ..evaluation.calibrators import apply
    from ..evaluation.uncertainty import conformal_sets
    from ..experiment import ARCHITECTURES, ASPECTS, GREYS, is_arch
    if missing := [k for k in NEEDED if k not in recipe]: yield f'it has no {missing[0]}'
    if not is_arch(str(recipe['arch'])): yield f'its architecture {recipe["arch"]!r} is unknown, there are {", ".join(ARCHITECTURES)}'
    if recipe['aspect'] not in ASPECTS: yield f'its aspect {recipe["aspect"]!r} is unknown, there are {", ".join(ASPECTS)}'
    levels = recipe.get('grey_levels', 'windowed')
    if levels not in GREYS: yield f'its grey_levels {levels!r} is unknown, there are {", ".join(GREYS)}'
    for key in ('size', 'mean', 'std', 'threshold'):
        if not (isinstance(recipe[key], (int, float)) and np.isfinite(recipe[key])): yield f'its {key} is {recipe[key]!r}, not a number'
    if not recipe['std'] > 0 or not isinstance(recipe['size'], int): yield 'its size is no whole number, or its std not above 0'
    if not isinstance(recipe.get('members', 1), int): yield 'its number of members is no whole number'
    try: well = 0 <= float(apply(recipe['calibrator'], .5)) <= 1
    except Exception: well = False  # whatever is in the place of a calibrator
    if not well: yield 'its calibrator gives no probability'
    try: well = recipe.get('conformal') is None or conformal_sets(recipe['conformal'], [.5]).shape == (1, 2)
    except Exception: well = False
    if not well: yield 'its limits of conformal prediction give no set'
