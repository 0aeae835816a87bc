"Recipes by data set, size and epochs: what finished runs of each come to, mean and standard deviation over seeds, from saved files."
from dataclasses import asdict

from ...errors import InputError
from ...evaluation.cross_validation import spread
from ...evaluation.repetitions import best, differences, interval
from ...experiment import load_experiment
from ...grid import REPEATS
from ...runs.environment import hardware, pace
from ...runs.images import fingerprint
from ..sections.heatmaps import MODEL, scored
from .named import REFERENCE, TABLE, alike, as_shipped, at_size, distinct, experiment_of, fields, learnt, networks
from .repetitions import grouped

SHIPPED = None, None, 'none'         # the key of the table of those
TEST = 'test', 'at_threshold'
SAYS = dict(  # where in metrics.json
    valid=('valid', 'auroc', 'value'),
    **{m: (*TEST, m, 'value') for m in ('auroc', 'average_precision', 'accuracy', 'recall', 'specificity', 'f1')},
    ece=('calibration', 'before', 'ece'), ece_calibrated=('calibration', 'after', 'ece'))
HEAT = dict(pointing='pointing', heat_auprc='average_precision')  # in localization.json
PACE = 'minutes', 'images_per_second'


def there(found, *keys):
    "What a mapping of mappings says at these keys; `KeyError` where it does not, as an older version's may not."
    for k in keys:
        if not isinstance(found, dict): raise KeyError(k)
        found = found[k]
    return found


def numbers(one):
    "(value by name, names that the files of the run lack) of a `runs.search.Finished`; heatmaps that were not scored lack nothing."
    values, lacking = {}, []
    for name, keys in SAYS.items():
        try: values[name] = there(one.metrics, *keys)
        except KeyError: lacking.append(name)
    values |= dict(zip(PACE, pace(one.run.environment), strict=True))
    try: heat = (scored(one.run.folder) or {}).get('localization', {}).get('maps', {}).get(MODEL)
    except InputError: heat, lacking = None, [*lacking, *HEAT]
    if heat: values |= {k: heat[m]['value'] for k, m in HEAT.items()}
    if values['minutes'] is None and not networks(one.run): lacking += PACE
    return values, lacking


def repeated(runs):
    "The runs of each recipe by repetition, over all hardware; where a seed occurs twice so, by hardware."
    own, seeds = {id(one.run): one for one in runs}, [(alike(one.run), *(one.run.recipe[k] for k in REPEATS)) for one in runs]
    crowded = {key[0] for key in seeds if seeds.count(key) > 1}
    def of_one(run): return (key := alike(run)), hardware(run.environment)*(key in crowded)
    return [{k: own[id(run)] for k, run in s.items()} for s in grouped([one.run for one in runs], of_one)]


def images(run) -> tuple:
    "Of one data set: its name and the images and patients in it."
    return run.data['name'], run.synthetic, fingerprint(run.cohort)


def by_cohort(runs):
    "A list of runs for each data set, by name; several that hold other images are each one of their own."
    out = {}
    for one in runs: out.setdefault(images(one.run), []).append(one)
    return [out[k] for k in sorted(out, key=lambda k: (k[0], -len(out[k][0].run.cohort)))]


def cohort_names(cohorts):
    "A name for each: the data set's; where several have that, how many images, and if that is one number too, which of them."
    own = [runs[0].run.data['name'] for runs in cohorts]
    full = [n if own.count(n) == 1 else f'{n} ({len(c[0].run.cohort):,} images)' for n, c in zip(own, cohorts, strict=True)]
    return [n if full.count(n) == 1 else f'{n}, cohort {full[:i + 1].count(n)}' for i, n in enumerate(full)]


def tables(runs, choices, reference=REFERENCE):
    """A mapping for each data set and the values of `TABLE`, before them one of what is as it is shipped, where that differs in these;
    plain JSON. `runs` are `runs.search.Finished`, differences those from the experiment `reference`."""
    cohorts, out = by_cohort(runs), []
    for name, own in zip(cohort_names(cohorts), cohorts, strict=True):
        same = dict(data=name, named=own[0].run.data['name'], looked_at=len({learnt(one.run) for one in own}), compared=reference)
        out += [dict(same, **dict(zip(TABLE, key, strict=True)), **table(some, choices, reference)) for key, some in by_table(own).items()]
    return out


def by_table(runs) -> dict:
    """Runs by the values of `TABLE`; before these, by `SHIPPED`, all that are as shipped, where they differ in them: then a table of
    nothing else goes."""
    def key(one): return tuple(one.run.recipe[k] for k in TABLE)
    own, alone = {}, [one for one in runs if as_shipped(one.run)]
    def place(one): return one.run.recipe['held_out'] != 'none', *(f'{v:>9}' for v in key(one))  # of an ensemble one may be a text
    for one in sorted(runs, key=place): own.setdefault(key(one), []).append(one)
    if len({key(one) for one in alone}) < 2: return own
    return {SHIPPED: alone} | {k: some for k, some in own.items() if not all(as_shipped(one.run) for one in some)}


def table(runs, choices, reference=REFERENCE):
    "rows, the reference first and then from the highest AUROC on valid down, and what holds for all of them."
    settings = repeated(runs)
    rows = [dict(row(s), name=name) for s, name in zip(settings, distinct(settings), strict=True)]
    first = place_of(reference, settings)
    order = sorted(range(len(rows)), key=lambda i: (i != first, -(rows[i]['values']['valid']['mean'] or 0), rows[i]['name']))
    settings, rows = [settings[i] for i in order], [rows[i] for i in order]
    compared = [None]*len(rows) if first is None else differences([predictions(s) for s in settings], 'test', choices)
    for r, d in zip(rows, compared, strict=True): r['difference'] = d
    return dict(rows=rows, reference=None if first is None else rows[0]['name'], chosen=chosen(rows), **common(runs))


def predictions(setting): return {k: one.run.predictions for k, one in setting.items()}


def place_of(name, settings):
    "Which is the experiment of this name as it is shipped, `TABLE` aside, with the most seeds; None where none is."
    own = load_experiment(name)[1]
    def plain(run): return fields(run.recipe) == fields(asdict(own) | {k: run.recipe[k] for k in TABLE})
    def is_it(run): return not networks(run) and experiment_of(run) == name and plain(run)
    found = [i for i, s in enumerate(settings) if is_it(next(iter(s.values())).run)]
    return max(found, key=lambda i: len(settings[i]), default=None)


def row(setting):
    "Of the runs of a recipe: values (by_repetition, mean, sd), ends (95%, over patients, of the mean AUROC on test), hardware, lacking."
    runs = [one.run for one in setting.values()]
    each, lacking = zip(*map(numbers, setting.values()), strict=True)
    values = {k: dict(by_repetition=(v := [e.get(k) for e in each]), **spread(v)) for k in (*SAYS, *HEAT, *PACE)}
    test = [run.predictions[run.predictions['split'] == 'test'] for run in runs]
    lost = {k: [one.at for one, names in zip(setting.values(), lacking, strict=True) if k in names] for k in values}
    return dict(repetitions=list(setting), networks=networks(runs[0]), at_size=at_size(runs[0]), values=values,
                ends=interval(test, values['auroc']),
                lacking={k: at for k, at in lost.items() if at},
                hardware=list(dict.fromkeys(on for run in runs if (on := hardware(run.environment)))))


def chosen(rows):
    "The number of the row that valid would choose, of those with the most seeds, and of ensembles; None where no AUROC is defined."
    most = max(len(r['repetitions']) for r in rows)
    measured = [dict(n=r['repetitions'], metrics=dict(auroc=r['values']['valid'])) for r in rows]
    return best(measured, [len(r['repetitions']) if r['networks'] else most for r in rows])


def common(runs):
    "What the images of all rows are, what their view alone scores on test, how thresholds were chosen, and by which code."
    splits = {s: [one.run.predictions[one.run.predictions['split'] == s] for one in runs] for s in ('valid', 'test')}
    about = {s: dict(n=[len(t) for t in ts], patients=[int(t['patient'].nunique()) for t in ts],
                     prevalence=[float(t['label'].mean()) for t in ts]) for s, ts in splits.items()}
    views = {v['value']: v for one in runs if (v := view(one.metrics))}
    return dict(about, views=[views[k] for k in sorted(views)], synthetic=any(one.run.synthetic for one in runs),
                rules=sorted({rule for one in runs if (rule := stated(one.metrics, 'threshold', 'rule'))}),
                codes=sorted({one.run.environment.get('code', '') for one in runs if not networks(one.run)}),
                doubts=[f'{one.at}: {doubt}' for one in runs for doubt in one.run.doubts])


def stated(metrics, *keys):
    "`there`, or None where it does not say."
    try: return there(metrics, *keys)
    except KeyError: return None


def view(metrics):
    found = stated(metrics, 'baseline', 'view', 'auroc')
    return found if found and found['value'] is not None else None
