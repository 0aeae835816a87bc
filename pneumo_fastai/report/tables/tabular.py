"A table of texts for a paper or a README: LaTeX and Markdown."
SPECIAL = {'\\': r'\textbackslash{}', '&': r'\&', '%': r'\%', '$': r'\$', '#': r'\#', '_': r'\_', '{': r'\{', '}': r'\}',
           '~': r'\textasciitilde{}', '^': r'\textasciicircum{}', '<': r'\textless{}', '>': r'\textgreater{}', '\u00b1': r'$\pm$'}
MARKS = '\\`*_<|'  # what Markdown would take for more than a character; of a link, the bracket that begins its address


def in_a_line(text): return ' '.join(text.split())
def escaped(text): return ''.join(SPECIAL.get(c, c) for c in in_a_line(text)).replace('--', '-{}-')
def plain(text): return ''.join(f'\\{c}' if c in MARKS else c for c in in_a_line(text)).replace('](', ']\\(')


def latex(
    header,  # of texts
    blocks,  # of rows of texts; a line between two
    notes,   # sentences, which become the caption
):
    "Needs the package booktabs."
    def line(row): return '  ' + ' & '.join(map(escaped, row)) + r' \\'
    parts = [line(header), *(o for rows in blocks if rows for o in (r'  \midrule', *map(line, rows)))]
    return '\n'.join(['% needs \\usepackage{booktabs}', r'\begin{table}', r'  \centering', rf'  \caption{{{escaped(" ".join(notes))}}}',
                      rf'  \begin{{tabular}}{{l{"r"*(len(header) - 1)}}}', r'  \toprule', *parts, r'  \bottomrule', r'  \end{tabular}',
                      r'\end{table}', ''])


def markdown(header, blocks, notes):  # as for `latex`
    "The table and its notes, as GitHub shows them."
    def line(row): return f'| {" | ".join(map(plain, row))} |'
    rule = '|' + '|'.join([' :-- ', *[' --: ']*(len(header) - 1)]) + '|'
    return '\n'.join([line(header), rule, *(line(row) for rows in blocks for row in rows), '', *(f'{plain(o)}  ' for o in notes), ''])
