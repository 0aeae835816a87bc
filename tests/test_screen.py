from pneumo_fastai.screen import bar, note, table

NAME = 'films [red] [/b]'  # what rich would take for markup, and a closing tag of nothing for an error


def test_texts_in_tables_and_notes_are_no_markup(capsys):
    table(NAME, ['name', '[b]n[/b]'], [(NAME, 3), ('b', '[/x]')])
    note(NAME, 'warning')
    out = capsys.readouterr().out
    assert out.count(NAME) == 3 and '[/x]' in out and out.rstrip().endswith(f'warning: {NAME}')


def test_numbers_stand_to_the_right(capsys):
    table('t', ['name', 'n'], [('a', 1), ('b', 1000)])
    cells = [line for line in capsys.readouterr().out.splitlines() if ' a ' in line or ' b ' in line]
    assert cells[0].rindex('1') == cells[1].rindex('0')


def test_a_bar_says_how_far_it_is_and_how_many_were_rejected(capsys):
    with bar('decoding') as tick:
        tick(0, 7)
        tick(7, 7, rejected=2)
    out = capsys.readouterr().out
    assert 'decoding' in out and '7/7' in out and '2 rejected' in out
