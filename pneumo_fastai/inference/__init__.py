"How it is used after training. Imports no fastai."
