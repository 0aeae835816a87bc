"The weights that training starts from where they are not random: those of another run, of a file, or what a library learnt on ImageNet."
import logging
import re
from pathlib import Path

import torch

from ..errors import InputError
from ..inference.stored import loaded, read_weights
from ..models.zoo import DESCRIBED, OPTIONS
from ..runs import external
from ..runs.facts import NAME, WEIGHTS, flat, place, read
from ..runs.files import read_json, sha256
from ..runs.tables import read_split

FREE = 'size', 'stochastic_depth'  # in which the two networks may differ: the weights mean the same
RENAMED = re.compile(r'(denselayer\d+\.(?:norm|relu|conv))\.([12])\.')  # in torchvision's files of DenseNets, as torchvision undoes it


def start(
    net,         # the network of the experiment; changed in place
    experiment,  # whose `weights` say from where
) -> dict | None:
    """All but the last layer of `net` get the weights; `given`, the `file` and its `sha256` where it is ours, `loaded`, a number of
    tensors, and the names in `not_loaded`. None where `weights` is empty. `InputError` where there are none, or they are damaged or of
    another network."""
    if not experiment.weights: return None
    with torch.random.fork_rng(devices=[]): state, file = source(experiment)  # building a network draws
    own, last = net.state_dict(), f'{net.last}.'
    prefix = 'net.' if last.startswith('net.') and not any(k.startswith('net.') for k in state) else ''  # ours of timm's has it
    state = {prefix + k: v for k, v in state.items() if not f'{prefix}{k}'.startswith(last)}
    state = {k: one_channel(v, own.get(k)) for k, v in state.items()}
    body = [k for k in own if not k.startswith(last) and (k in state or not k.endswith('num_batches_tracked'))]
    if why := next(misfits(state, own, body), None):
        raise InputError(f'weights {experiment.weights} are not those of {experiment.arch}: {why}; give those of the same network')
    net.load_state_dict({k: state[k] for k in body}, strict=False)
    return dict(given=experiment.weights, file=file and str(file.resolve()), sha256=file and sha256(file), loaded=len(body),
                not_loaded=[k for k in own if k.startswith(last)])


def said(begun) -> str:
    "The line for the console."
    return f'weights: {begun["loaded"]} tensors from {begun["given"]}; not loaded, so random: {", ".join(begun["not_loaded"])}'


def misfits(state, own, names):
    "Yields why `own` cannot take its `names`, and no others, from `state`."
    yield from (f'there is {k} too' for k in state if k not in own)
    for k in names:
        if k not in state: yield f'there is no {k}'
        elif state[k].shape != own[k].shape: yield f'{k} has the shape {tuple(state[k].shape)} in place of {tuple(own[k].shape)}'
        elif not state[k].isfinite().all(): yield f'{k} has values that are no numbers'


def one_channel(weight, want):
    "The kernels of a first convolution of colour summed over their channels: what they make of grey that is repeated."
    colour = want is not None and want.ndim == weight.ndim == 4 and (want.shape[1], weight.shape[1]) == (1, 3)
    return weight.sum(1, keepdim=True) if colour else weight


def source(experiment) -> tuple:
    "The state dict, and its file where it is one of ours."
    path = Path(experiment.weights)
    if experiment.weights == 'imagenet': return downloaded(experiment), None
    if path.is_dir(): return of_run(path, experiment), place(path)/WEIGHTS
    if not path.is_file(): raise InputError(f'weights {path} do not exist; give the folder of a run, a file of weights, or imagenet')
    state = loaded(path, 'weights ')
    if not all(isinstance(k, str) and torch.is_tensor(v) for k, v in state.items()):
        raise InputError(f'weights {path} are no state dict, a tensor a name; torch.save(net.state_dict(), ...) writes one')
    return {RENAMED.sub(r'\1\2.', k): v for k, v in state.items()}, path


def of_run(folder, experiment):
    "The state of a network like the experiment's."
    if not (place(folder)/NAME).is_file(): raise InputError(f'weights {folder} holds no model/; give the folder of a finished run')
    recipe = flat(read(place(folder)))
    if recipe.get('members', 1) != 1: raise InputError(f'weights {folder} are those of several networks; give the folder of one of them')
    for k in DESCRIBED:
        theirs, ours = recipe.get(k, OPTIONS.get(k)), getattr(experiment, k)
        if k not in FREE and theirs != ours: raise InputError(f'weights {folder} have {k} {theirs}, here it is {ours}; make them the same')
    return read_weights(place(folder)/WEIGHTS, 'weights ')


def downloaded(experiment):
    "What torchvision or timm has for the network, from its own place on the internet or where it keeps what it had from there."
    hub = logging.getLogger('huggingface_hub')
    before = hub.level
    hub.setLevel(logging.ERROR)  # not a line for each of its attempts
    try:
        if experiment.arch.startswith('timm:'):
            from ..models.timm_net import TimmNet
            return TimmNet(experiment.arch.removeprefix('timm:'), experiment.size, pretrained=True).state_dict()
        from torchvision.models import get_model
        return get_model(experiment.arch, weights='DEFAULT').state_dict()
    except Exception as e:  # each library has its own for a network that cannot be reached
        why = (str(e) or type(e).__name__).splitlines()[0]
        raise InputError(f'weights imagenet of {experiment.arch} cannot be had here ({why}); give a file of them, or leave it out') from e
    finally: hub.setLevel(before)


def check_unseen(
    experiment,  # whose `weights` may be another run's
    cohort,      # prepared
):
    "`InputError` where the network that training starts from has learnt from a patient of valid or test, or of any fold's."
    path = Path(experiment.weights)
    if not experiment.weights or not (learnt := learnt_from(path)): return
    held = set(cohort.table.patient[cohort.table.split.isin(['valid', 'test']) | (experiment.folds > 0)])
    if both := held & learnt: raise InputError(
        f'weights {path} have learnt from {len(both):,} of the {len(held):,} patients that are to be held out here, in valid or test; '
        'give both the same data, valid, test and split_seed, without folds')


def learnt_from(path) -> set:
    """The patients of a run's training images, by its folder, its model/ or a file in them, and of the run's that it started from or was
    adapted from; none of what is no run."""
    places = (path, *path.resolve().parents[:2]) if path.exists() else ()
    folder = next((o for o in places if (o/'split.csv').is_file()), None)
    if folder is None: return set()
    if of := external.of(folder): return learnt_from(Path(of['folder']))  # whose network it is
    table, begun = read_split(folder/'split.csv'), read_json(folder/'environment.json').get('weights')
    seen = set(table.patient[table.split == 'train'])
    return seen | learnt_from(Path(begun.get('file') or begun['given'])) if begun else seen
