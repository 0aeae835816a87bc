"The one-page report of one radiograph: one HTML file that loads nothing, without anything that names a patient but the file's own name."
from datetime import datetime
from importlib.metadata import version

from ..report.gallery import jpeg, overlaid
from ..report.html import Page, document
from . import picture
from .answer import facts, warnings
from .heat import heat, trust
from .verdict import called, means


def summary(
    subject, answer,
    film,  # (h, w) uint8, as `picture.look` gives it
    now=None,
) -> str:
    "By the run's own kind of heatmap."
    found = heat(subject, answer.image, *subject.own_maps[:2])
    hot = picture.fitted(found.map, answer.film, subject.recipe['aspect'])
    films = [('The radiograph', film), ('The same with its heatmap', overlaid(film, hot))]
    return ''.join(document(
        Page(subject.synthetic), f'Radiograph: {answer.name}', 'page/summary', answer=answer, run=subject.title,
        said=means(answer, subject.recipe, subject.metrics), called=called(answer, subject.recipe),
        films=[(words, jpeg(o)) for words, o in films],
        trust=trust(subject), chosen=found.chosen, scale=found.scale, facts=facts(answer.film), warnings=warnings(answer),
        identity=subject.bundle.identity, version=version('pneumo_fastai'), now=now or datetime.now()))
