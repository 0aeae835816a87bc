from dataclasses import replace

import pytest

from pneumo_fastai.data.prepare import Prepared
from pneumo_fastai.errors import InputError
from pneumo_fastai.report.reading import cohort_ready, cohorts_ready


def test_what_is_wrong_is_said_before_a_single_image_is_decoded(films, tiny, tmp_path, capsys):
    def refuse(cohort):
        assert len(cohort.table) == 80 and not isinstance(cohort, Prepared)
        raise InputError('too few')
    with pytest.raises(InputError, match='too few'): cohort_ready(films, tiny, tmp_path/'cache', refuse)
    assert not (tmp_path/'cache').exists() and 'decoding' not in capsys.readouterr().out


def test_the_cohort_is_decoded_split_and_shown(films, tiny, tmp_path, capsys):
    cohort = cohort_ready(films, tiny, tmp_path/'cache')
    assert isinstance(cohort, Prepared) and cohort.table.split.notna().all() and len(cohort.table) == 80
    flat = ' '.join(capsys.readouterr().out.replace('│', ' ').split())
    for split, rows in cohort.table.groupby('split'): assert f'{split} {len(rows)} {rows.patient.nunique()} {rows.label.sum()} ' in flat
    assert 'all 80 40 28 35.0%' in flat


def test_a_train_of_less_than_a_batch_is_refused_and_not_shown(films, tiny, tmp_path, capsys):
    with pytest.raises(InputError, match='batch_size is 64'): cohort_ready(films, replace(tiny, batch_size=64), tmp_path/'cache')
    assert 'prevalence' not in capsys.readouterr().out


def test_the_members_of_a_sweep_share_pixels_whatever_their_maps_are_taught(films, tiny, tmp_path):
    several = [replace(tiny, box_guidance=1., guided_by='labels', seed=k) for k in (0, 1)]
    assert len(cohorts_ready(films, [tiny, *several], tmp_path/'cache')) == 1
