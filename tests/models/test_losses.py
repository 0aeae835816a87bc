import torch

from pneumo_fastai.models.losses import CrossEntropy


def test_it_is_torchs_cross_entropy():
    g = torch.Generator().manual_seed(0)
    logits, labels, weight = torch.randn(50, 2, generator=g), torch.randint(0, 2, (50,), generator=g), [0.4, 2.5]
    for w in (None, weight):
        for reduction in ('mean', 'none', 'sum'):
            theirs = torch.nn.CrossEntropyLoss(None if w is None else torch.tensor(w), reduction=reduction)(logits, labels)
            torch.testing.assert_close(CrossEntropy(w, reduction)(logits, labels), theirs)
    torch.testing.assert_close(CrossEntropy().activation(logits).sum(1), torch.ones(50))
