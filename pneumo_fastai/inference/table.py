"The table of what a model says of files, written as it comes, with progress on the screen."
from ..screen import bar, note
from .formats import format_of, text_of, write_whole
from .journal import journal, stamp


def write_table(
    model, paths, out, precision,
    draw=None,  # `draw(paths)` makes what draws each batch, as `Bundle.tables` takes it, into the folder that is its attribute
):
    "The table of `paths`, batch by batch, after what an interruption left; how many are rejected or warned of, and the model's recipe."
    ending = format_of(out)
    with bar('reading and predicting') as tick:
        tick(0, len(paths))
        from torch.cuda import is_available  # within the bar: torch takes seconds

        from .bundle import Bundle
        bundle = Bundle.load(model, precision, 'cuda' if is_available() else 'cpu')
        columns = list(bundle.table([]).columns)
        about = dict(model=bundle.identity, device=bundle.device.type, files=stamp(paths), columns=columns)
        if draw:
            draw = draw(paths)
            about['pictures'] = str(draw.folder.resolve())
        with journal(out, about, lambda path, texts: write_whole(path, texts, ending, columns)) as kept:
            if kept.done: note(f'{kept.done:,} of {len(paths):,} files were done before an interruption; going on from there')
            for frame in bundle.tables(paths, start=kept.done, draw=draw):
                text = text_of(frame, ending, first=not kept.done)
                kept.add(len(frame), int(frame.reason.notna().sum()), int(frame.warnings.notna().sum()), text)
                tick(kept.done, len(paths))
    return kept.rejected, kept.warned, bundle.recipe
