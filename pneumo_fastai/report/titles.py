"The sections of a page, in their order."


TITLES = dict(question='What was asked', data='From images found to images used', cohort='Who is in each split',
              recipe='How the model was made', results='Results', operating='Operating points', calibration='Calibration',
              uncertainty='Uncertainty', subgroups='Subgroups', shortcut='Shortcuts', gradcam='Where it looked', errors='Worst errors',
              limits='Limits and intended use', checklists='Reporting checklists', provenance='How to get the same numbers')
