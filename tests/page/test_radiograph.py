"From what is dropped to what is said of it, also where it is no radiograph."
import io
import os
import pickle
import zipfile

import pytest

MARKUP = '<img src=x onerror=alert(1)>.png'


def called(page): return page.get_by_role('heading', level=2, name='Called')


def bomb(inside):
    with zipfile.ZipFile(buffer := io.BytesIO(), 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('film.dcm', inside)
    return buffer.getvalue()


def test_one_radiograph_gets_its_verdict(window, upload, films):
    page = window()
    upload(page, sorted(films.rglob('person*.png'))[0])
    called(page).wait_for()
    assert 'Of 100 such images' in page.get_by_role('status', name='What the model says').inner_text()
    page.get_by_role('img', name='Chest radiograph with heatmap: person').wait_for()


def test_several_are_listed_and_one_is_chosen_by_keyboard(window, upload, films):
    page = window()
    upload(page, *sorted(films.rglob('*.png'))[:3])
    called(page).wait_for()
    first = page.locator('.pf .name').inner_text()
    page.get_by_role('tab', name='All 3').click()
    assert page.get_by_role('row').count() == 4
    page.get_by_role('combobox', name='Radiograph').focus()
    for key in ('ArrowDown', 'ArrowDown', 'Enter'): page.keyboard.press(key)
    page.wait_for_function("first => document.querySelector('.pf .name').innerText != first", arg=first)


def test_what_is_no_radiograph_gets_a_message_and_nothing_else(window, upload):
    page, dialogs = window(), []
    page.on('dialog', lambda d: (dialogs.append(d.message), d.dismiss()))
    upload(page, ('a.dcm', pickle.dumps(os.system)), ('bomb.zip', bomb(bytes(50_000_000))), ('bomb.dcm', bomb(bytes(50_000_000))),
           ('s.svg', b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'), ('../../../etc/passwd', b'root:x:0'),
           (MARKUP, b'GIF89a'), ('empty.png', b''))
    alert = page.get_by_role('alert').filter(has_text='Not read')
    alert.wait_for()
    said = alert.inner_text()
    assert said.count('\n') == 7 and MARKUP in said and 'passwd: ' in said and '/etc' not in said and 'is empty' in said
    assert not called(page).count() and not dialogs and page.locator('img[src=x]').count() == 0


def test_a_good_one_among_bad_ones_is_answered(window, upload, films):
    page = window()
    upload(page, ('a.dcm', b'no'), ('good.png', sorted(films.rglob('*.png'))[0].read_bytes()))
    called(page).wait_for()
    assert 'a.dcm: ' in page.get_by_role('alert').filter(has_text='Not read').inner_text()


def test_examples_open_and_close(window):
    page = window()
    page.get_by_role('button', name='Open the examples').click()
    called(page).wait_for()
    assert 'example 1, drawn as' in page.locator('.pf .name').inner_text()
    page.get_by_role('button', name='Close the examples').click()
    page.get_by_role('heading', level=1).wait_for()


@pytest.mark.slow
def test_two_gigabytes_are_refused_before_they_are_sent(window, upload, tmp_path):
    with (tmp_path/'huge.dcm').open('wb') as f: f.truncate(2 * 2**30)
    page = window()
    upload(page, tmp_path/'huge.dcm')
    page.get_by_text('100.0MB or smaller').or_(page.get_by_text('100MB or smaller')).first.wait_for()
    assert not called(page).count()


def test_a_thousand_files_get_a_message_and_nothing_else(window, upload, films):
    page, raw = window(), sorted(films.rglob('*.png'))[0].read_bytes()
    upload(page, *((f'{i}.png', raw) for i in range(1000)))
    refusal = page.get_by_role('alert').filter(has_text='1,000 files are more than the 50')
    refusal.wait_for()
    assert not called(page).count() and not any('upload_file' in url for url in window.asked)
    upload(page, ('good.png', raw))
    called(page).wait_for()
    assert not refusal.is_visible()


def test_too_many_that_are_dropped_leave_the_place_to_drop_as_it_was(window):
    page = window()
    drag = """kinds => {
        const zone = document.querySelector('[data-testid=stFileUploaderDropzone]'), dataTransfer = new DataTransfer()
        for (let i = 0; i < 51; i++) dataTransfer.items.add(new File(['x'], `${i}.png`))
        for (const kind of kinds) zone.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer}))
    }"""
    page.evaluate(drag, ['dragenter', 'dragover'])
    page.get_by_text('Drag and drop files here').wait_for()
    page.evaluate(drag, ['drop'])
    page.get_by_role('alert').filter(has_text='51 files').wait_for()
    page.get_by_text('Drag and drop files here').wait_for(state='hidden')
    assert not any('upload_file' in url for url in window.asked)
