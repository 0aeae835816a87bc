import pandas as pd
import pytest

from pneumo_fastai.runs.images import fingerprint, within


@pytest.mark.parametrize('paths, names', [
    (['/data/set/a/1.dcm', '/data/set/b/1.dcm'], ['a/1.dcm', 'b/1.dcm']), (['set/1.dcm', 'set/2.dcm'], ['1.dcm', '2.dcm']),
    (['1.dcm', '2.dcm'], ['1.dcm', '2.dcm']), (['/data/1.dcm', '2.dcm'], ['/data/1.dcm', '2.dcm']),
    (['/a/1x/1.dcm', '/a/1y/1.dcm'], ['1x/1.dcm', '1y/1.dcm'])])
def test_a_path_is_within_what_all_have_in_common(paths, names): assert within(paths) == names


def test_images_are_the_same_wherever_they_lie_and_in_whatever_order_and_others_where_a_patient_is_another():
    def cohort(root, patients): return pd.DataFrame(dict(path=[f'{root}/{k}.dcm' for k in range(3)], patient=patients))
    one = fingerprint(cohort('/here/set', list('aab')))
    assert one == fingerprint(cohort('/there', list('aab'))[::-1]) != fingerprint(cohort('/here/set', list('abb')))
    assert one != fingerprint(cohort('/here/set', list('aab'))[:2])
