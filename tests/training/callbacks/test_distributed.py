"Two processes with half of each batch learn what one learns. Each test reads what one start of them found."
import pytest
import torch

pytestmark = pytest.mark.slow
RECIPES = 'plain', 'weighted', 'focal', 'guided', 'head_first', 'grown'


@pytest.mark.parametrize('recipe', RECIPES)
def test_the_losses_are_those_of_one_process_and_the_processes_agree(one_and_two, recipe):
    one, (a, b) = (o[recipe] for o in one_and_two)
    assert len(one['losses']) == len(a['losses']) and len(one['rows']) == len(a['rows'])
    torch.testing.assert_close(torch.tensor(a['losses']), torch.tensor(one['losses']), rtol=0, atol=1e-5)
    torch.testing.assert_close(a['rows'][0][1], one['rows'][0][1], rtol=0, atol=1e-3)  # Adam makes steps of what rounding leaves of a 0
    assert a['losses'] == b['losses'] and str(a['rows']) == str(b['rows'])
    for name, value in a['weights'].items(): assert torch.equal(value, b['weights'][name])


def test_validation_loss_and_metrics_of_one_network_are_those_of_one_process(one_and_two):
    one, two = (o['still'] for o in one_and_two)
    for each in two: torch.testing.assert_close(torch.tensor(each['rows']), torch.tensor(one['rows']), rtol=0, atol=1e-6, equal_nan=True)


def test_what_is_drawn_differs_between_the_processes(one_and_two):
    one, (a, b) = (o['plain'] for o in one_and_two)
    assert one['random'] == a['random'] != b['random']


def test_a_loss_that_is_not_finite_in_one_ends_both_at_the_same_step(one_and_two):
    a, b = one_and_two[1]['poisoned']
    assert a == b and a.startswith('the loss is nan at epoch 0, step 2 of 3')  # the third


def test_what_they_tell_each_other(one_and_two):
    assert one_and_two[1]['told'] == [dict(largest=[1, 1], mean=[.5, 4.], first='of 0', each=[0, 1])] * 2
