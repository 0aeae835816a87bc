"The page as it is used, in a browser."
from pathlib import Path

import pytest


def test_two_pages_and_nothing_of_what_was_dropped_is_written_or_printed(window, upload, served, films):
    page = window()
    assert page.get_by_role('heading', level=1).inner_text() == 'What does the model say of a radiograph?'
    raw = sorted(films.rglob('person*.png'))[0].read_bytes()
    upload(page, ('person_big.png', raw + bytes(5_000_000)))  # larger than what Starlette keeps in memory by itself
    page.get_by_role('heading', level=2, name='Called').wait_for()
    page.get_by_role('link', name='Evaluation of the model').click()
    page.get_by_role('button', name='Download the report').wait_for()
    assert page.get_by_role('note').is_visible()
    for path in filter(Path.is_file, served.home.rglob('*')): assert raw not in path.read_bytes() and 'person' not in path.name
    assert not [link for link in served.process_files() if '(deleted)' in str(link.readlink())]


def test_the_server_listens_on_this_machine_alone(served):
    port = served.url.rsplit(':', 1)[1]
    listening = [line.split() for line in Path('/proc/net/tcp').read_text().splitlines()[1:]]
    at = [o[1] for o in listening if o[3] == '0A' and int(o[1].split(':')[1], 16) == int(port)]
    assert at and all(o.startswith('0100007F') for o in at)


@pytest.mark.parametrize('host', ['evil.example', '10.0.0.1'])
def test_a_page_of_another_name_gets_no_answer(served, host):
    "DNS rebinding: a site that says its name is this machine."
    import http.client
    port = int(served.url.rsplit(':', 1)[1])
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=10)
    connection.request('GET', '/_stcore/stream', headers={
        'Host': host, 'Connection': 'Upgrade', 'Upgrade': 'websocket', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version': '13', 'Origin': f'http://{host}'})
    assert connection.getresponse().status in (400, 403)
