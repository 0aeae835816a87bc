"The section on reporting checklists: which items of CLAIM 2024 and TRIPOD+AI a page answers."
from ..html import join, p, tag
from ..registry import RUN, Parts, section, title_of

ANSWERED, PART, AUTHOR, NONE = 'answered', 'in part', 'author', 'not done'

# number, shortened item, state, section of the report (id) or what is missing
CLAIM = (
    ('1', 'AI methodology named in the title or abstract', AUTHOR, ''),
    ('2', 'Structured abstract', AUTHOR, ''),
    ('3', 'Background, intended use and clinical role', AUTHOR, ''),
    ('4', 'Aims, objectives, hypotheses', PART, 'question'),
    ('5', 'Prospective or retrospective', AUTHOR, ''),
    ('6', 'Study goal', PART, 'question'),
    ('7', 'Data sources', PART, 'data'),
    ('8', 'Inclusion and exclusion criteria', PART, 'data'),
    ('9', 'Pre-processing', PART, 'recipe'),
    ('10', 'Selection of data subsets', PART, 'data'),
    ('11', 'De-identification', AUTHOR, ''),
    ('12', 'How missing data were handled', PART, 'data'),
    ('13', 'Image acquisition protocol', AUTHOR, ''),
    ('14', 'How the reference standard was obtained', AUTHOR, ''),
    ('15', 'Rationale for the reference standard', AUTHOR, ''),
    ('16', 'Source of the annotations', AUTHOR, ''),
    ('17', 'Annotation of the test set', AUTHOR, ''),
    ('18', 'Inter- and intra-rater variability', AUTHOR, ''),
    ('19', 'How data were assigned to partitions', ANSWERED, 'cohort'),
    ('20', 'Level at which partitions are disjoint', ANSWERED, 'cohort'),
    ('21', 'Intended sample size', AUTHOR, ''),
    ('22', 'Detailed description of the model', PART, 'recipe'),
    ('23', 'Software libraries and versions', ANSWERED, 'provenance'),
    ('24', 'Initialization of the parameters', ANSWERED, 'recipe'),
    ('25', 'Training approach', ANSWERED, 'recipe'),
    ('26', 'How the final model was selected', ANSWERED, 'recipe'),
    ('27', 'Ensembling', ANSWERED, 'recipe'),
    ('28', 'Metrics of performance', ANSWERED, 'results'),
    ('29', 'Statistical measures of significance and uncertainty', ANSWERED, 'results'),
    ('30', 'Robustness or sensitivity analysis', PART, 'subgroups'),
    ('31', 'Explainability or interpretability', PART, 'gradcam'),
    ('32', 'Evaluation on internal data', ANSWERED, 'results'),
    ('33', 'Testing on external data', NONE, 'the test set comes from the same source as the training data'),
    ('34', 'Clinical trial registration', AUTHOR, ''),
    ('35', 'Numbers included and excluded', ANSWERED, 'data'),
    ('36', 'Demographic and clinical characteristics by partition', PART, 'cohort'),
    ('37', 'Performance metrics and their uncertainty', ANSWERED, 'results'),
    ('38', 'Estimates of diagnostic performance and their precision', ANSWERED, 'operating'),
    ('39', 'Failure analysis', PART, 'errors'),
    ('40', 'Limitations', PART, 'limits'),
    ('41', 'Implications for practice, intended use', PART, 'limits'),
    ('42', 'Full protocol or further technical details', PART, 'provenance'),
    ('43', 'Availability of software, model and data', AUTHOR, ''),
    ('44', 'Funding and role of the funders', AUTHOR, ''),
)
TRIPOD = (
    ('1', 'Title', AUTHOR, ''),
    ('2', 'Abstract', AUTHOR, ''),
    ('3a', 'Healthcare context and rationale', AUTHOR, ''),
    ('3b', 'Target population, purpose, intended users', AUTHOR, ''),
    ('3c', 'Known health inequalities', AUTHOR, ''),
    ('4', 'Objectives', PART, 'question'),
    ('5a', 'Sources of data, representativeness', PART, 'data'),
    ('5b', 'Dates of the data', AUTHOR, ''),
    ('6a', 'Setting, number and location of centres', AUTHOR, ''),
    ('6b', 'Eligibility criteria', PART, 'data'),
    ('6c', 'Treatments received', AUTHOR, ''),
    ('7', 'Data preparation', PART, 'recipe'),
    ('8a', 'Definition of the outcome', PART, 'question'),
    ('8b', 'Who assessed the outcome', AUTHOR, ''),
    ('8c', 'Blinding of the outcome assessment', AUTHOR, ''),
    ('9a', 'Choice of predictors', ANSWERED, 'recipe'),
    ('9b', 'Definition of predictors and how they were measured', PART, 'recipe'),
    ('9c', 'Who assessed the predictors', PART, 'recipe'),
    ('10', 'Sample size', AUTHOR, ''),
    ('11', 'Missing data', PART, 'data'),
    ('12a', 'How the data were used and partitioned', ANSWERED, 'cohort'),
    ('12b', 'How predictors were handled', ANSWERED, 'recipe'),
    ('12c', 'Type of model, building steps, internal validation', PART, 'recipe'),
    ('12d', 'Heterogeneity across clusters', AUTHOR, ''),
    ('12e', 'Measures and plots of performance', ANSWERED, 'results'),
    ('12f', 'Model updating (recalibration)', ANSWERED, 'calibration'),
    ('12g', 'How predictions were calculated', PART, 'provenance'),
    ('13', 'Class imbalance and recalibration after it', ANSWERED, 'calibration'),
    ('14', 'Approaches to fairness', AUTHOR, ''),
    ('15', 'Model output and thresholds', ANSWERED, 'operating'),
    ('16', 'Differences between development and evaluation data', PART, 'cohort'),
    ('17', 'Ethical approval', AUTHOR, ''),
    ('18a', 'Funding', AUTHOR, ''),
    ('18b', 'Conflicts of interest', AUTHOR, ''),
    ('18c', 'Protocol', AUTHOR, ''),
    ('18d', 'Registration', AUTHOR, ''),
    ('18e', 'Data sharing', AUTHOR, ''),
    ('18f', 'Code sharing', AUTHOR, ''),
    ('19', 'Patient and public involvement', AUTHOR, ''),
    ('20a', 'Flow of participants', ANSWERED, 'data'),
    ('20b', 'Characteristics of participants', PART, 'cohort'),
    ('20c', 'Comparison with the development data', ANSWERED, 'cohort'),
    ('21', 'Participants and events in each analysis', ANSWERED, 'cohort'),
    ('22', 'Full model, so that others can use it', PART, 'provenance'),
    ('23a', 'Performance with intervals, also in subgroups', ANSWERED, 'results'),
    ('23b', 'Heterogeneity of performance across clusters', AUTHOR, ''),
    ('24', 'Results of model updating', ANSWERED, 'calibration'),
    ('25', 'Interpretation', AUTHOR, ''),
    ('26', 'Limitations', PART, 'limits'),
    ('27a', 'Poor or unavailable input data', AUTHOR, ''),
    ('27b', 'User interaction and expertise needed', AUTHOR, ''),
    ('27c', 'Next steps for research', AUTHOR, ''),
)


def claim(explained):
    "CLAIM where heatmaps were measured, or not."
    return [(n, item, ANSWERED if n == '31' and explained else state, at) for n, item, state, at in CLAIM]


def by_state(items):
    "(answered or in part or not done, left to the author), in order."
    return [i for i in items if i[2] != AUTHOR], [i for i in items if i[2] == AUTHOR]


STATES = {ANSWERED: 'yes', PART: 'in part', NONE: 'not done'}


def _items(page, items, source):
    said, author = by_state(items)
    def where(state, at): return at if state == NONE else tag('a', f'section \u201c{title_of(at)}\u201d', href=f'#{at}')
    rows = [(tag('span', f'{number} ', item), STATES[state], where(state, at)) for number, item, state, at in said]
    words = f'{len([i for i in said if i[2] == ANSWERED])} items answered, {len(said)} touched on, of {len(items)}. {source}'
    return join([p(words), page.table(('item', 'answered', 'where'), rows, wide=(2,), numbers=False),
                 p(tag('b', 'Only the author can say: '), '; '.join(f'{number} {item}' for number, item, *_ in author), '.')])


@section('checklists', 'Reporting checklists', 140, on=RUN, numbers=False)
def checklists(page, run, metrics):
    claims = claim(explained=(run.folder/'localization.json').is_file())
    words = ('Item texts are shortened; hand in the form of the journal. '
             'An item counts as answered only where this page says what it asks for; \u201cin part\u201d is what a program can know, '
             'the rest is for the author.')
    return Parts('Which items of two reporting guidelines this page answers.', content=p(words), folded=(
        ('CLAIM 2024', _items(page, claims, 'Tejani et al., Radiology: Artificial Intelligence 2024;6:e240300.')),
        ('TRIPOD+AI', _items(page, TRIPOD, 'Collins et al., BMJ 2024;385:e078378.'))))
