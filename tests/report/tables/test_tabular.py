from pneumo_fastai.report.tables.tabular import escaped, latex, markdown, plain


def test_what_latex_or_markdown_would_take_for_a_command_is_escaped():
    assert escaped('a_b & 5% ± 1') == r'a\_b \& 5\% $\pm$ 1' and plain('a_b|<i> [x](y) [1, 2]') == r'a\_b\|\<i> [x]\(y) [1, 2]'
    assert escaped('50%_{x}\\^~#$') == r'50\%\_\{x\}\textbackslash{}\textasciicircum{}\textasciitilde{}\#\$'
    assert escaped('--reveal') == '-{}-reveal'  # two hyphens would be a dash


def test_both_have_every_row_and_a_line_between_blocks():
    tex, md = (write(('', 'A'), [[('x', '1')], [('y', '2')], []], ['Said.', 'Too.']) for write in (latex, markdown))
    assert tex.count(r'\midrule') == 2 and tex.count(r' \\') == 3 and r'\caption{Said. Too.}' in tex and '{lr}' in tex
    assert md.splitlines() == ['|  | A |', '| :-- | --: |', '| x | 1 |', '| y | 2 |', '', 'Said.  ', 'Too.  ']


def test_a_text_of_several_lines_stays_in_its_cell():
    tex, md = (write(('', 'A'), [[('x\ny', '1')]], ['A: b\n\nc.']) for write in (latex, markdown))
    assert '  x y & 1 \\\\\n' in tex and r'\caption{A: b c.}' in tex and '| x y | 1 |' in md and 'A: b c.  ' in md
