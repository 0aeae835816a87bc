"The sections on how the model was made, and on limits."
from ...experiment import GROUPS, Experiment, differences, names
from ..html import tag
from ..registry import section


@section('recipe', 'Methods', 30, numbers=False)
def recipe(page, run, metrics):
    """The settings as rows, those that differ from the baseline and, by group, the others; those in which the networks of an ensemble
    differ."""
    base, several = Experiment(), {k: v for k, v in run.recipe.items() if v != getattr(run.experiment, k)}
    differ = differences(run.experiment) | several
    def value(k): return 'one fold' if k == 'test' and (run.fold or run.experiment.folds) else run.recipe[k]
    def row(k): return k.replace('_', ' '), tag('span', value(k), class_='differs') if k in differ else value(k), getattr(base, k)
    def rows(group, own): return [row(k) for k in names(group) if (k in differ) == own and not (run.fold and k == 'folds')]
    return dict(best=best_epoch(run.history), networks=run.environment.get('networks'), several=[k.replace('_', ' ') for k in several],
                own=[r for group in GROUPS for r in rows(group, True)], same={group.__name__: rows(group, False) for group in GROUPS},
                e=run.experiment)


def best_epoch(history):
    "The row of history.csv whose weights were kept; None where the run has none of its own."
    if 'auroc' not in history or history['auroc'].isna().all(): return None
    return history.loc[history['auroc'].idxmax()]


@section('limits', 'Limits and intended use', 130, numbers=False)
def limits(page, run, metrics): return {}
