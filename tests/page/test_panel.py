import pytest


@pytest.fixture
def looking(window, upload, films):
    page = window()
    upload(page, ('a <b>bold</b> name.png', sorted(films.rglob('person*.png'))[0].read_bytes()))
    page.get_by_role('heading', level=2, name='Called').wait_for()
    return page


def test_the_report_of_one_page_is_downloaded_and_holds_the_name_as_text(looking, tmp_path):
    with looking.expect_download() as found: looking.get_by_role('button', name='Download a one-page report').click()
    found.value.save_as(tmp_path/'r.html')
    text = (tmp_path/'r.html').read_text()
    assert found.value.suggested_filename == 'radiograph.html' and 'For research and education' in text and '<b>bold' not in text


def test_a_prevalence_that_the_reader_sets_changes_what_a_call_means(looking):
    field = looking.get_by_role('spinbutton', name='Prevalence of pneumonia there, %')
    field.fill('1')
    field.press('Enter')
    looking.get_by_text('10 of 1,000 have it').wait_for()
    looking.get_by_role('tab', name='Header').press('Enter')
    looking.get_by_text('48 x 48 pixels').wait_for()
