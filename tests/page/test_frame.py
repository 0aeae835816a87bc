import pytest

NOTICE = 'For research and education, not for diagnosis.'


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_the_notice_is_always_seen_also_on_a_phone(window, upload, films, scheme):
    size = dict(width=400, height=800)
    page = window(color_scheme=scheme, viewport=size)
    upload(page, sorted(films.rglob('person*.png'))[0])
    page.get_by_role('heading', level=2, name='Called').wait_for()
    for down in (0, 5000):
        page.mouse.move(200, 400)
        page.mouse.wheel(0, down)
        box = page.get_by_role('note').bounding_box()
        assert NOTICE in page.get_by_role('note').inner_text() and 0 < box['y'] and box['y'] + box['height'] <= size['height']
    assert page.evaluate('document.documentElement.scrollWidth') <= size['width']
    light = sum(map(int, page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor").strip('rgb()').split(', ')))
    assert (light > 600) == (scheme == 'light')
