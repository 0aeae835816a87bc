import pytest

pytest.importorskip('streamlit', reason='streamlit is not installed')

from pneumo_fastai.page.evaluation import framed


def test_the_report_is_within_a_page_as_text():
    page = framed('<p title="a">\'b\' & c</p><script>alert(1)</script>')
    assert '<script>' not in page and 'sandbox srcdoc="&lt;p title=&quot;a&quot;&gt;' in page


def test_the_runs_report_is_on_the_second_page_and_its_links_lead_within_it(window):
    page = window('/evaluation')
    report = page.frame_locator('iframe').frame_locator('iframe')
    report.get_by_role('heading', level=1, name='weighted on films').wait_for()
    link = report.get_by_role('link', name='Calibration', exact=True)
    link.click()
    page.wait_for_timeout(500)
    assert 0 <= report.locator('#calibration').bounding_box()['y'] < 900
