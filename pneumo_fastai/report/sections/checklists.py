"The section on reporting checklists: which items of CLAIM 2024 and TRIPOD+AI a page answers."
from ..html import tag
from ..registry import RUN, section, title_of

ANSWERED, PART, NONE = 'yes', 'in part', 'not done'

# the number of an item with its shortened text, and for those that a program can know: state, section of the report (id) or what is missing
CLAIM = (
    ('4 Aims, objectives, hypotheses', PART, 'question'),
    ('6 Study goal', PART, 'question'),
    ('7 Data sources', PART, 'data'),
    ('8 Inclusion and exclusion criteria', PART, 'data'),
    ('9 Pre-processing', PART, 'recipe'),
    ('10 Selection of data subsets', PART, 'data'),
    ('12 How missing data were handled', PART, 'data'),
    ('19 How data were assigned to partitions', ANSWERED, 'cohort'),
    ('20 Level at which partitions are disjoint', ANSWERED, 'cohort'),
    ('22 Detailed description of the model', PART, 'recipe'),
    ('23 Software libraries and versions', ANSWERED, 'provenance'),
    ('24 Initialization of the parameters', ANSWERED, 'recipe'),
    ('25 Training approach', ANSWERED, 'recipe'),
    ('26 How the final model was selected', ANSWERED, 'recipe'),
    ('27 Ensembling', ANSWERED, 'recipe'),
    ('28 Metrics of performance', ANSWERED, 'results'),
    ('29 Statistical measures of significance and uncertainty', ANSWERED, 'results'),
    ('30 Robustness or sensitivity analysis', PART, 'subgroups'),
    ('31 Explainability or interpretability', PART, 'gradcam'),
    ('32 Evaluation on internal data', ANSWERED, 'results'),
    ('33 Testing on external data', NONE, 'the test set comes from the same source as the training data'),
    ('35 Numbers included and excluded', ANSWERED, 'data'),
    ('36 Demographic and clinical characteristics by partition', PART, 'cohort'),
    ('37 Performance metrics and their uncertainty', ANSWERED, 'results'),
    ('38 Estimates of diagnostic performance and their precision', ANSWERED, 'operating'),
    ('39 Failure analysis', PART, 'errors'),
    ('40 Limitations', PART, 'limits'),
    ('41 Implications for practice, intended use', PART, 'limits'),
    ('42 Full protocol or further technical details', PART, 'provenance'),
)
CLAIM_AUTHOR = (
    '1 AI methodology named in the title or abstract; 2 Structured abstract; 3 Background, intended use and clinical role; '
    '5 Prospective or retrospective; 11 De-identification; 13 Image acquisition protocol; 14 How the reference standard was obtained; '
    '15 Rationale for the reference standard; 16 Source of the annotations; 17 Annotation of the test set; '
    '18 Inter- and intra-rater variability; 21 Intended sample size; 34 Clinical trial registration; '
    '43 Availability of software, model and data; 44 Funding and role of the funders'
)
TRIPOD = (
    ('4 Objectives', PART, 'question'),
    ('5a Sources of data, representativeness', PART, 'data'),
    ('6b Eligibility criteria', PART, 'data'),
    ('7 Data preparation', PART, 'recipe'),
    ('8a Definition of the outcome', PART, 'question'),
    ('9a Choice of predictors', ANSWERED, 'recipe'),
    ('9b Definition of predictors and how they were measured', PART, 'recipe'),
    ('9c Who assessed the predictors', PART, 'recipe'),
    ('11 Missing data', PART, 'data'),
    ('12a How the data were used and partitioned', ANSWERED, 'cohort'),
    ('12b How predictors were handled', ANSWERED, 'recipe'),
    ('12c Type of model, building steps, internal validation', PART, 'recipe'),
    ('12e Measures and plots of performance', ANSWERED, 'results'),
    ('12f Model updating (recalibration)', ANSWERED, 'calibration'),
    ('12g How predictions were calculated', PART, 'provenance'),
    ('13 Class imbalance and recalibration after it', ANSWERED, 'calibration'),
    ('15 Model output and thresholds', ANSWERED, 'operating'),
    ('16 Differences between development and evaluation data', PART, 'cohort'),
    ('20a Flow of participants', ANSWERED, 'data'),
    ('20b Characteristics of participants', PART, 'cohort'),
    ('20c Comparison with the development data', ANSWERED, 'cohort'),
    ('21 Participants and events in each analysis', ANSWERED, 'cohort'),
    ('22 Full model, so that others can use it', PART, 'provenance'),
    ('23a Performance with intervals, also in subgroups', ANSWERED, 'results'),
    ('24 Results of model updating', ANSWERED, 'calibration'),
    ('26 Limitations', PART, 'limits'),
)
TRIPOD_AUTHOR = (
    '1 Title; 2 Abstract; 3a Healthcare context and rationale; 3b Target population, purpose, intended users; '
    '3c Known health inequalities; 5b Dates of the data; 6a Setting, number and location of centres; 6c Treatments received; '
    '8b Who assessed the outcome; 8c Blinding of the outcome assessment; 10 Sample size; 12d Heterogeneity across clusters; '
    '14 Approaches to fairness; 17 Ethical approval; 18a Funding; 18b Conflicts of interest; 18c Protocol; 18d Registration; '
    '18e Data sharing; 18f Code sharing; 19 Patient and public involvement; 23b Heterogeneity of performance across clusters; '
    '25 Interpretation; 27a Poor or unavailable input data; 27b User interaction and expertise needed; 27c Next steps for research'
)


def rows(items, explained=False):
    "The table of the items that are answered or touched on; `explained`: whether heatmaps were measured."
    def where(state, at): return at if state == NONE else tag('a', f'section \u201c{title_of(at)}\u201d', href=f'#{at}')
    def state_of(item, state): return ANSWERED if explained and item.startswith('31 ') else state
    return [(tag('span', item), state_of(item, state), where(state, at)) for item, state, at in items]


@section('checklists', 'Reporting checklists', 140, on=RUN, numbers=False)
def checklists(page, run, metrics):
    return dict(claim=rows(CLAIM, (run.folder/'localization.json').is_file()), tripod=rows(TRIPOD), claim_author=CLAIM_AUTHOR,
                tripod_author=TRIPOD_AUTHOR)
