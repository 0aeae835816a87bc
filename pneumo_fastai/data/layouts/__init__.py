"What a folder of labelled radiographs may look like: a reader each."
