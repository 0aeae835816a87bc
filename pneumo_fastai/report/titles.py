"The sections of a page, in their order."


TITLES = dict(question='Question', data='Data flow', cohort='Cohort',
              recipe='Methods', results='Results', operating='Operating points', calibration='Calibration',
              uncertainty='Uncertainty', subgroups='Subgroups', shortcut='Shortcuts', gradcam='Heatmaps', errors='Worst errors',
              limits='Limits and intended use', checklists='Reporting checklists', provenance='Reproducing the numbers')
