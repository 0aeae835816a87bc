import pytest


@pytest.fixture
def looking(window, upload, films):
    page = window()
    upload(page, sorted(films.rglob('person*.png'))[0])
    page.get_by_role('tab', name='Header').wait_for()  # what is drawn last
    return page


def source(page): return page.locator('.st-key-film img').get_attribute('src')


def changed(page, before):
    page.wait_for_function("before => document.querySelector('.st-key-film img').getAttribute('src') != before", arg=before)
    return source(page)


def test_heat_window_and_zoom_go_by_keyboard(looking):
    page, seen = looking, source(looking)
    page.get_by_role('slider', name='Heatmap, % opaque').press('Home')
    seen = changed(page, seen)
    page.locator('.st-key-film img[alt^="Chest radiograph: person"]').wait_for()
    page.get_by_text('Window, zoom, and which heatmap').click()
    for name in ('Window level', 'Window width', 'Zoom', 'From left to right, %', 'From top to bottom, %'):
        page.get_by_role('slider', name=name).press('ArrowRight')
        seen = changed(page, seen)


def test_another_method_says_that_nothing_is_known_of_it_or_on_what_scale(looking):
    page, seen = looking, source(looking)
    page.get_by_text('Window, zoom, and which heatmap').click()
    page.get_by_role('combobox', name='Method').press_sequentially('Layer', delay=200)  # as fast as a person types
    page.get_by_role('option').first.wait_for()
    page.keyboard.press('Enter')
    changed(page, seen)
    page.get_by_text('positive gradients of the logit times activation', exact=False).wait_for()
    page.get_by_role('combobox', name='Layer').press('ArrowDown')
    page.get_by_role('option').last.wait_for()
    assert page.get_by_role('option').all_inner_texts() == ['last maps', 'layer1', 'layer2', 'layer3']  # layer4 has one place
